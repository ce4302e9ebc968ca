"""Locks beyond their contract (tests/contracts/test_lock_contract.py): renewal while a block runs, and a lost lock."""

import asyncio
import time
from datetime import timedelta

from crm_core.clock import SystemClock
from crm_core.locks import give_back, held, take
from tests.fakes import FakeClock, MemoryState
from tests.waiting import until

SHORT = timedelta(seconds=0.3)


async def test_lock_is_renewed_for_as_long_as_the_block_runs() -> None:
    state = MemoryState(SystemClock())  # type: ignore[arg-type]
    async with held(state, "a", lasts=SHORT) as lease:
        before = (await state.look("x"))[0]
        ends = state._values[lease.key][1]
        await until(lambda: state._values[lease.key][1] > ends)
        while (await state.look("x"))[0] - before < 2 * SHORT:
            assert await take(state, "a") is None
            await asyncio.sleep(0.01)
    assert await take(state, "a") is not None


async def test_holder_is_told_that_its_lock_was_lost_and_leaves_the_new_one_alone() -> None:
    state = MemoryState(FakeClock())
    async with held(state, "a", lasts=SHORT) as lease:
        await state.set(lease.key, "somebody else", lasts=timedelta(hours=1))
        await until(lambda: lease.lost)
    assert await state.get(lease.key) == "somebody else"


class CountingState(MemoryState):
    """Counts what waiting costs."""

    looks = 0
    writes = 0

    async def get(self, key: str) -> str | None:
        self.looks += 1
        return await super().get(key)

    async def add(self, key: str, value: str, *, lasts: timedelta) -> bool:
        self.writes += 1
        return await super().add(key, value, lasts=lasts)


async def test_whoever_waits_looks_ever_more_seldom_and_writes_nothing() -> None:
    state = CountingState(FakeClock())
    first = await take(state, "a")
    assert first is not None
    state.looks = state.writes = 0

    async def work() -> None:
        async with held(state, "a"):
            await asyncio.sleep(0)

    waiting = asyncio.ensure_future(work())
    begun = time.monotonic()
    await until(lambda: state.looks >= 8, within=20)
    assert time.monotonic() - begun > 0.7
    assert state.writes == 0
    await give_back(state, first)
    await asyncio.wait_for(waiting, 5)
    assert state.writes == 1
