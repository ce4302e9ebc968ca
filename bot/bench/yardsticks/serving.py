"""What the serving yardsticks share: listen on a free port of loopback and print it."""

import asyncio
import sqlite3
import sys

from aiohttp import web
from aiohttp.typedefs import Handler


def serve(handler: Handler) -> None:
    """Serve POST on every path until killed."""
    asyncio.run(_serve(handler))


async def _serve(handler: Handler) -> None:
    application = web.Application()
    application.router.add_post("/{path:.*}", handler)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
    tell_port(int(runner.addresses[0][1]))
    await asyncio.Event().wait()


def tell_port(port: int) -> None:
    """Tell whoever started this process where it listens."""
    tell_line(str(port))


def tell_line(line: str) -> None:
    """Write one line and let it go at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def open_durable(path: str, tables: str) -> sqlite3.Connection:
    """Make a database whose commits survive a power cut."""
    db = sqlite3.connect(path, isolation_level=None)
    db.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; {tables}")
    return db


def finish_all(futures: "list[asyncio.Future[None]]") -> None:
    """End the waiting of all whose rows are durable."""
    for future in futures:
        future.set_result(None)
