"""Starting and ending the demo: one port, one line when it is ready, one sentence when the port is taken."""

import asyncio
import logging
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from errno import EADDRINUSE
from pathlib import Path

from aiohttp import web

from bot import logs
from bot.demo.page import add_page
from bot.demo.settings import HOST
from bot.demo.stage import Stage
from crm_core.clock import Clock

BUSY = 1
BACKLOG = 1024
_SHUTDOWN_SECONDS = 2.0


async def run(data: Path | None, port: int) -> int:
    """Serve the demo until SIGTERM or SIGINT; gives the exit status. Without a folder everything is gone afterwards.

    Raises: AlreadyServed; SchemaTooOld; OSError for a folder that cannot be written.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    logs.configure(level=logging.WARNING)
    try:
        door = _listen(port)
    except OSError as error:
        if error.errno != EADDRINUSE:
            raise
        sys.stderr.write(f"端口 {port} 已被占用，换一个试试：guanxi demo --port {port + 1}\n")
        return BUSY
    folder = await asyncio.to_thread(_prepare, data)
    try:
        async with served(folder, door):
            sys.stdout.write(f"打开 http://{HOST}:{door.getsockname()[1]}/\n")
            sys.stdout.flush()
            await stop.wait()
    finally:
        door.close()
        if data is None:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
    return 0


@asynccontextmanager
async def served(folder: Path, door: socket.socket, *, clock: Clock | None = None) -> AsyncIterator[Stage]:
    """Serve the demo on an open socket for as long as the block lasts."""
    stage = Stage(folder, door.getsockname()[1], clock=clock)
    runner: web.AppRunner | None = None
    try:
        application = await stage.open()
        add_page(application, stage)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
        await runner.setup()
        await web.SockSite(runner, door, backlog=BACKLOG).start()
        await stage.bind_colleagues()
        yield stage
    finally:
        stage.closing = True
        if runner is not None:
            await runner.cleanup()
        await stage.close()


def _listen(port: int) -> socket.socket:
    """Take the port first: whoever must hear that it is busy should not wait for a database."""
    return socket.create_server((HOST, port), backlog=BACKLOG)


def _prepare(data: Path | None) -> Path:
    if data is None:
        return Path(tempfile.mkdtemp(prefix="guanxi-demo-"))
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    return data.resolve()
