"""Promise 8: a platform's rate as the platform sees it, with several processes, clean restarts and kills."""

import asyncio
import itertools
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from bot.bench.figures import Figure
from bot.bench.filling import fill
from bot.channel import SendRate

RATE = SendRate(20, 1.0)
"""DingTalk's one-to-one messages; with a window of one second nothing can be hidden in an average."""
PROCESSES = 2
RESTART_EVERY_SECONDS = 5.0


@dataclass
class Platform:
    """Notes when each call arrives."""

    arrived: list[float] = field(default_factory=list)
    url: str = ""
    _runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen on a free port."""
        application = web.Application()
        application.router.add_post("/", self._take)
        self._runner = web.AppRunner(application, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/"

    async def stop(self) -> None:
        """Listen no more."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _take(self, _: web.Request) -> web.Response:
        self.arrived.append(time.monotonic())
        return web.json_response({})

    def most_in_a_window(self, rate: SendRate) -> int:
        """Count the calls of the fullest window."""
        most, first = 0, 0
        for last, at in enumerate(self.arrived):
            while self.arrived[first] <= at - rate.seconds:
                first += 1
            most = max(most, last - first + 1)
        return most

    def share_used(self, rate: SendRate) -> float:
        """Tell how much of the rate was used, over as many whole quotas as arrived."""
        whole = (len(self.arrived) - 1) // rate.count
        took = self.arrived[whole * rate.count] - self.arrived[0]
        return whole * rate.seconds / took if took else 0.0


async def limiter(quick: bool) -> list[Figure]:
    """Measure promise 8: steady, with one clean restart after the other, and with kills."""
    seconds = 12.0 if quick else 40.0
    found = []
    with tempfile.TemporaryDirectory(prefix="guanxi-bench-") as folder:
        for number, (name, how) in enumerate((("steady", None), ("clean restarts", signal.SIGTERM), ("kills", signal.SIGKILL))):
            database = Path(folder) / f"{number}.db"
            await fill(database, 1)
            found += await _measure(name, database, seconds, how)
    return found


async def _measure(name: str, database: Path, seconds: float, how: signal.Signals | None) -> list[Figure]:
    platform = Platform()
    await platform.start()
    senders = [await _start(database, platform) for _ in range(PROCESSES)]
    begun = time.monotonic()
    try:
        for turn in itertools.count():
            left = seconds - (time.monotonic() - begun)
            if left <= 0:
                break
            await asyncio.sleep(min(left, RESTART_EVERY_SECONDS))
            if how is not None:
                await _end(senders[turn % PROCESSES], how)
                senders[turn % PROCESSES] = await _start(database, platform)
    finally:
        await asyncio.gather(*(_end(sender, signal.SIGKILL) for sender in senders))
        await platform.stop()
    return _figures(name, platform, may_waste=how is signal.SIGKILL)


def _figures(name: str, platform: Platform, *, may_waste: bool) -> list[Figure]:
    most, share = platform.most_in_a_window(RATE), platform.share_used(RATE)
    what = f"{PROCESSES} processes, {name}"
    promise = "" if may_waste else ">= 0.98"
    return [
        Figure(
            "8", f"calls in the fullest second, {what}", str(most), str(RATE.count), "", f"<= {RATE.count}", most <= RATE.count
        ),
        Figure("8", f"share of the rate used, {what}", f"{share:.3f}", "", "", promise, None if may_waste else share >= 0.98),
    ]


async def _start(database: Path, platform: Platform) -> asyncio.subprocess.Process:
    words: Sequence[str] = (f"sqlite://{database}", platform.url, str(RATE.count), str(RATE.seconds))
    return await asyncio.create_subprocess_exec(sys.executable, "-m", "bot.bench.limited_sender", *words)


async def _end(process: asyncio.subprocess.Process, how: signal.Signals) -> None:
    if process.returncode is None:
        process.send_signal(how)
    await process.wait()
