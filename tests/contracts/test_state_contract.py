"""What every StateStore must do; run against each implementation."""

import asyncio
from datetime import timedelta

import pytest

from crm_core.ports import Core, StateStore
from tests.fakes import FakeClock

MINUTE = timedelta(minutes=1)


@pytest.fixture(params=["database"])
def state(core: Core) -> StateStore:
    return core.state


async def test_value_is_kept_replaced_and_forgotten(state: StateStore) -> None:
    assert await state.get("k") is None
    await state.set("k", "一", lasts=MINUTE)
    await state.set("k", "二", lasts=MINUTE)
    assert await state.get("k") == "二"
    await state.delete("k")
    await state.delete("k")
    assert await state.get("k") is None


async def test_value_ends_with_its_lifetime(state: StateStore, clock: FakeClock) -> None:
    await state.set("k", "v", lasts=MINUTE)
    clock.advance(59)
    assert await state.get("k") == "v"
    clock.advance(1)
    assert await state.get("k") is None


async def test_of_many_adders_one_wins_until_the_value_ends(state: StateStore, clock: FakeClock) -> None:
    won = await asyncio.gather(*(state.add("k", str(number), lasts=MINUTE) for number in range(20)))
    assert sum(won) == 1
    assert await state.get("k") == str(won.index(True))
    clock.advance(MINUTE)
    assert await state.add("k", "new", lasts=MINUTE)
    assert await state.get("k") == "new"


async def test_values_of_an_undone_transaction_are_gone(core: Core, state: StateStore) -> None:
    with pytest.raises(ValueError, match="undone"):
        async with core.db.transaction():
            await state.set("k", "v", lasts=MINUTE)
            assert await state.get("k") == "v"
            raise ValueError("undone")
    assert await state.get("k") is None
