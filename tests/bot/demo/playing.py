"""The demo as a process of its own whose clock a test moves: `advance SECONDS` on standard input, its end ends the demo."""

import asyncio
import socket
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot import logs
from bot.demo.serving import served

MORNING = datetime(2026, 11, 25, 2, 24, tzinfo=UTC)
"""10:24 in Shanghai, a Wednesday: outside the quiet hours."""


class ShiftedClock:
    """Runs as the machine's does, from another moment on, and can be moved forward."""

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._began = time.monotonic()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=time.monotonic() - self._began)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def advance(self, seconds: float) -> None:
        self._start += timedelta(seconds=seconds)


async def play(start: datetime) -> None:
    clock = ShiftedClock(start)
    logs.configure(level=logs.logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        async with served(Path(folder), socket.create_server(("127.0.0.1", 0)), clock=clock) as stage:
            print(f"http://127.0.0.1:{stage.port}", flush=True)
            while line := await asyncio.to_thread(sys.stdin.readline):
                clock.advance(float(line.split()[1]))
                print("moved", flush=True)


if __name__ == "__main__":
    asyncio.run(play(datetime.fromisoformat(sys.argv[1]) if len(sys.argv) > 1 else MORNING))
