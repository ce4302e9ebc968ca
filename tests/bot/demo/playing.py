"""The demo as a process of its own whose clock a test moves: `advance SECONDS` on standard input, its end ends the demo."""

import asyncio
import logging
import socket
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot import logs
from bot.demo.serving import served


class ShiftedClock:
    """Runs as the machine's does and can be moved forward."""

    def __init__(self) -> None:
        self._ahead = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def advance(self, seconds: float) -> None:
        self._ahead += timedelta(seconds=seconds)


async def play() -> None:
    clock = ShiftedClock()
    logs.configure(level=logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        async with served(Path(folder), socket.create_server(("127.0.0.1", 0)), clock=clock) as stage:
            print(f"http://127.0.0.1:{stage.port}", flush=True)
            while line := await asyncio.to_thread(sys.stdin.readline):
                clock.advance(float(line.split()[1]))
                print("moved", flush=True)


if __name__ == "__main__":
    asyncio.run(play())
