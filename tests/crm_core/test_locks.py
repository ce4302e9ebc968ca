"""Locks beyond their contract (tests/contracts/test_lock_contract.py): renewal while a block runs, and a lost lock."""

import asyncio
from datetime import timedelta

from crm_core.clock import SystemClock
from crm_core.locks import held, take
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
