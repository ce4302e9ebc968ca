"""The loop of time: fires periodic declarations, each with a time limit and never beside itself, and stops cleanly.

APScheduler is the mere ticker: it keeps no state, because the rows are the truth. Tests call `tick()` under their own clock.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from crm_core.clock import SHANGHAI
from crm_core.ports import Core
from scheduler.queue import Periodic

log = structlog.get_logger(__name__)

STOP_WITHIN = 4.0
"""Seconds running work gets to end by itself. Source: house.md, section 4.4."""
GATHER_SECONDS = 0.1
"""After the first ring of a bell: what is made meanwhile is worked on together."""
WATCH_SECONDS = 1.0
"""How often the ticker's plan is compared with the clock."""


class Worker:
    """Fires what is due. `run()` until cancelled, under the supervisor; `tick()` once, by hand."""

    def __init__(self, core: Core, periodics: Sequence[Periodic]) -> None:
        names = [each.name for each in periodics]
        if len(set(names)) != len(names):
            raise ValueError(f"two periodic jobs of one name: {sorted(names)}")
        self._core = core
        self._periodics = list(periodics)
        self._running: set[str] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._last: dict[str, float] = {}
        self._stopping = False

    @property
    def running(self) -> frozenset[str]:
        """Name what is being done now."""
        return frozenset(self._running)

    async def tick(self) -> None:
        """Do everything that is due by the core's clock, at once and to its end."""
        now = self._core.clock.monotonic()
        due = [
            each
            for each in self._periodics
            if each.name not in self._last or now - self._last[each.name] >= each.every.total_seconds()
        ]
        for each in due:
            self._last[each.name] = now
        await asyncio.gather(*(self.fire(each) for each in due))  # as many as there are declarations

    async def fire(self, periodic: Periodic) -> bool:
        """Run one declaration unless it is running already; tells whether it ended well. A failure is logged, not fatal."""
        if self._stopping or periodic.name in self._running:
            return False
        self._running.add(periodic.name)
        self._idle.clear()
        try:
            async with asyncio.timeout(periodic.time_limit.total_seconds()), self._only_here(periodic) as mine:
                if not mine:
                    return False
                await periodic.run(self._core)
        except TimeoutError:
            log.exception("periodic_too_slow", job=periodic.name)
        except Exception:
            log.exception("periodic_failed", job=periodic.name)
        else:
            return True
        finally:
            self._running.discard(periodic.name)
            if not self._running:
                self._idle.set()
        return False

    @asynccontextmanager
    async def _only_here(self, periodic: Periodic) -> AsyncIterator[bool]:
        if periodic.everywhere:
            yield True
            return
        async with self._core.db.exclusively(f"periodic:{periodic.name}") as mine:
            yield mine

    async def run(self) -> None:
        """Fire until cancelled; then let running work end, at most `STOP_WITHIN`."""
        self._stopping = False
        ticker = AsyncIOScheduler(timezone=SHANGHAI)
        for each in self._periodics:
            # coalesce and no grace: after a stall it fires once, never not at all. Overlaps are refused by `fire`.
            ticker.add_job(
                self.fire,
                IntervalTrigger(seconds=each.every.total_seconds(), timezone=SHANGHAI),
                args=[each],
                id=each.name,
                next_run_time=self._core.clock.now(),
                coalesce=True,
                misfire_grace_time=None,
                max_instances=2,
            )
        ticker.start()
        async with asyncio.TaskGroup() as group:
            for each in self._periodics:
                if each.bell:
                    group.create_task(self._answer(each))
            try:
                while True:
                    await self._core.clock.sleep(WATCH_SECONDS)
                    self._follow_clock(ticker)
            finally:
                await self._stop(ticker)

    async def _answer(self, periodic: Periodic) -> None:
        """Fire one declaration whenever its bell is rung; a ring while it runs is answered afterwards."""
        rung, loop = asyncio.Event(), asyncio.get_running_loop()

        def hear() -> None:
            loop.call_soon_threadsafe(rung.set)

        self._core.bell.listen(periodic.bell, hear)
        try:
            while True:
                await rung.wait()
                await self._core.clock.sleep(GATHER_SECONDS)
                while periodic.name in self._running:
                    await self._core.clock.sleep(GATHER_SECONDS)
                rung.clear()
                await self.fire(periodic)
        finally:
            self._core.bell.deafen(periodic.bell)

    def _follow_clock(self, ticker: AsyncIOScheduler) -> None:
        """Bring runs back that a wall clock set back by an hour has put an hour away: the ticker counts in wall time."""
        now = self._core.clock.now()
        for job in ticker.get_jobs():
            if job.next_run_time - now > job.trigger.interval + timedelta(seconds=WATCH_SECONDS):
                job.modify(next_run_time=now)

    async def _stop(self, ticker: AsyncIOScheduler) -> None:
        self._stopping = True
        ticker.pause()
        try:
            async with asyncio.timeout(STOP_WITHIN):
                await self._idle.wait()
        except TimeoutError:
            log.warning("periodic_cut_off", jobs=sorted(self._running))
        finally:
            ticker.shutdown(wait=False)
