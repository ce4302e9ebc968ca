"""A rate shared by processes: as the platform sees it never over, and nearly all of it used.

Time is simulated: whoever sleeps is woken when nobody else has anything to do.
"""

import asyncio
import itertools
import random
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest

from bot.channel import SendRate
from bot.quotas import OnePlace, Quota
from crm_core.errors import Unavailable
from crm_core.ports import Core, StateStore
from tests.fakes import FakeClock, MemoryState

DINGTALK = SendRate(20, 1.0)


class SimulatedClock(FakeClock):
    """Moves by itself to the moment the next sleeper waits for."""

    async def run(self, until: Callable[[], bool]) -> None:
        for _ in range(2_000_000):
            for _ in range(12):
                await asyncio.sleep(0)
            if until():
                return
            if self._sleepers:
                self.advance(max(0.0, min(due for due, _ in self._sleepers) - self._elapsed) + 1e-9)
        raise AssertionError("does not end")


class Platform:
    """Counts what arrives, on the one true clock."""

    def __init__(self, clock: SimulatedClock, dice: random.Random, slow: float = 0.002) -> None:
        self.clock = clock
        self.dice = dice
        self.slow = slow
        self.arrived: list[float] = []

    async def call(self) -> None:
        await self.clock.sleep(self.dice.uniform(0, self.slow))
        self.arrived.append(self.clock.monotonic())
        await self.clock.sleep(self.dice.uniform(0, self.slow))

    def check(self, rates: Sequence[SendRate]) -> None:
        self.arrived.sort()
        for rate in rates:
            for first, last in zip(self.arrived, itertools.islice(self.arrived, rate.count, None)):
                assert last - first >= rate.seconds, f"over {rate}"


class Process:
    """One worker with its own quota object and so many senders."""

    def __init__(self, store: StateStore, platform: Platform, rates: Sequence[SendRate], senders: int = 30) -> None:
        self.quota = Quota("wechat", rates, platform.clock, OnePlace(store))
        self.platform = platform
        self.stopping = False
        self.tasks: list[asyncio.Task[None]] = []
        self.begin(senders)

    def begin(self, senders: int) -> "Process":
        self.tasks += [asyncio.ensure_future(self._send()) for _ in range(senders)]
        return self

    async def _send(self) -> None:
        while True:
            turn = await self.quota.turn(lambda: self.stopping)
            if turn is None:
                return
            try:
                await self.platform.call()
            finally:
                self.quota.end(turn)

    async def stop(self) -> None:
        """End as on SIGTERM: calls under way end, and the rest is told."""
        self.stopping = True
        await asyncio.gather(*self.tasks)
        await self.quota.close()

    def kill(self) -> None:
        for task in self.tasks:
            task.cancel()


async def run_for(clock: SimulatedClock, seconds: float) -> None:
    end = clock.monotonic() + seconds
    timer = asyncio.ensure_future(clock.sleep(seconds))
    await clock.run(lambda: clock.monotonic() >= end)
    await timer


async def finish(clock: SimulatedClock, processes: Sequence[Process]) -> None:
    ending = asyncio.ensure_future(asyncio.gather(*(process.stop() for process in processes)))
    await clock.run(ending.done)
    await ending


@pytest.mark.parametrize("count", [1, 2, 4])
async def test_processes_share_a_rate_and_use_nearly_all_of_it(count: int) -> None:
    clock = SimulatedClock()
    platform = Platform(clock, random.Random(count))
    store = MemoryState(clock)
    processes = [Process(store, platform, [DINGTALK]) for _ in range(count)]
    await run_for(clock, 30)
    await finish(clock, processes)
    platform.check([DINGTALK])
    assert len(platform.arrived) >= 0.98 * 20 * 30


async def test_clean_restarts_cost_nothing_and_are_not_forgotten() -> None:
    clock = SimulatedClock()
    platform = Platform(clock, random.Random(3))
    store = MemoryState(clock)
    rates = [SendRate(20, 60.0), SendRate(5, 2.0)]
    for _ in range(24):
        process = Process(store, platform, rates)
        await run_for(clock, 10)
        await finish(clock, [process])
    platform.check(rates)
    assert len(platform.arrived) >= 0.98 * 20 * 4


async def test_kills_waste_turns_and_never_overrun() -> None:
    clock, dice = SimulatedClock(), random.Random(5)
    platform = Platform(clock, dice, slow=0.2)
    store = MemoryState(clock)
    rates = [DINGTALK, SendRate(60, 5.0)]
    alive = [Process(store, platform, rates) for _ in range(2)]
    for _ in range(12):
        await run_for(clock, dice.uniform(0.1, 3))
        alive.pop(dice.randrange(2)).kill()
        alive.append(Process(store, platform, rates))
    await finish(clock, alive)
    platform.check(rates)
    assert len(platform.arrived) > 50


async def test_clock_that_jumps_neither_overruns_nor_stops() -> None:
    clock = SimulatedClock()
    platform = Platform(clock, random.Random(6))
    process = Process(MemoryState(clock), platform, [DINGTALK])
    for hours in (1, -1, 24, -24):
        await run_for(clock, 5)
        clock.set(clock.now() + timedelta(hours=hours))
    await run_for(clock, 5)
    await finish(clock, [process])
    platform.check([DINGTALK])
    assert len(platform.arrived) >= 20 * 15


class Failing(MemoryState):
    """A store that is away for a while."""

    gone = False

    async def look(self, key: str) -> tuple[object, str | None]:  # type: ignore[override]
        if self.gone:
            raise Unavailable
        return await super().look(key)

    async def swap(self, key: str, old: str, new: str, *, lasts: timedelta) -> bool:
        swapped = await super().swap(key, old, new, lasts=lasts)
        if self.gone:  # carried out, and its answer is lost
            raise Unavailable
        return swapped


async def test_nothing_leaves_without_the_count_and_all_goes_on_with_it() -> None:
    clock = SimulatedClock()
    platform = Platform(clock, random.Random(7))
    store = Failing(clock)
    process = Process(store, platform, [DINGTALK])
    await run_for(clock, 5)
    for _ in range(5):
        store.gone = True
        await run_for(clock, 1.7)
        before = len(platform.arrived)
        await run_for(clock, 2)
        assert len(platform.arrived) == before
        store.gone = False
        await run_for(clock, 4)
    await finish(clock, [process])
    platform.check([DINGTALK])
    assert len(platform.arrived) >= 20 * 15


async def test_without_rates_it_is_always_ones_turn() -> None:
    clock = FakeClock()
    quota = Quota("wechat", (), clock, OnePlace(MemoryState(clock)))
    for _ in range(1000):
        turn = await quota.turn(lambda: False)
        assert turn is not None
        quota.end(turn)
    await quota.close()


async def test_whoever_gives_up_gets_no_turn(core: Core) -> None:
    quota = Quota("wechat", [SendRate(1, 60.0)], core.clock, OnePlace(core.state))
    assert await quota.turn(lambda: False) is not None
    assert await quota.turn(lambda: True) is None
