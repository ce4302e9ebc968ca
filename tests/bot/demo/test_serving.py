"""`guanxi demo` as a person starts it: one line, a busy port, the end, and a folder that is kept."""

import asyncio
import signal
import socket
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

import aiohttp

from tests.bot.demo.conftest import ROOT, start_demo


async def look(url: str) -> dict[str, Any]:
    async with aiohttp.ClientSession() as session, session.get(f"{url}/demo/state") as answer:
        state: dict[str, Any] = (await answer.json())["state"]
        return state


async def test_a_busy_port_gives_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", "demo", "--port", str(port), cwd=ROOT, stdout=PIPE, stderr=PIPE
        )
        said, complained = await process.communicate()
    assert process.returncode == 1
    assert said == b""
    assert complained.decode() == f"端口 {port} 已被占用，换一个试试：guanxi demo --port {port + 1}\n"


async def test_a_kept_folder_is_filled_once_and_the_end_is_quick(tmp_path: Path) -> None:
    seen = []
    for _ in range(2):
        process, url = await start_demo("-m", "bot", "demo", "--port", "0", "--data", str(tmp_path / "kept"), stderr=PIPE)
        seen.append(await look(url))
        async with aiohttp.ClientSession() as session, session.get(f"{url}/demo/stream") as stream:
            await stream.content.readline()
            process.send_signal(signal.SIGTERM)
            _, complained = await asyncio.wait_for(process.communicate(), 10)
        assert process.returncode == 0
        assert complained == b""
    assert seen[0]["crm"]["counts"] == seen[1]["crm"]["counts"]
    assert (tmp_path / "kept" / "guanxi.db").exists()


async def test_without_a_folder_nothing_is_left(tmp_path: Path) -> None:
    process, _ = await start_demo("-m", "bot", "demo", "--port", "0", env={"TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT)})
    assert list(tmp_path.glob("guanxi-demo-*"))
    process.send_signal(signal.SIGINT)
    assert await asyncio.wait_for(process.wait(), 10) == 0
    assert not list(tmp_path.glob("guanxi-demo-*"))
