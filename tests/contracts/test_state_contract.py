"""What every StateStore must do; run against each implementation."""

from datetime import timedelta

import pytest

from crm_core.ports import Core, StateStore
from tests.contracts.places import Place, many

MINUTE = timedelta(minutes=1)


async def test_value_is_kept_replaced_and_forgotten(state: StateStore) -> None:
    assert await state.get("k") is None
    await state.set("k", "一", lasts=MINUTE)
    await state.set("k", "二", lasts=MINUTE)
    assert await state.get("k") == "二"
    await state.delete("k")
    await state.delete("k")
    assert await state.get("k") is None


async def test_value_ends_with_its_lifetime(place: Place) -> None:
    await place.state.set("k", "v", lasts=place.unit)
    await place.state.set("long", "v", lasts=place.unit * 100)
    assert await place.state.get("k") == "v"
    await place.passes(1)
    assert await place.state.get("k") is None
    assert await place.state.get("long") == "v"
    assert not await place.state.swap("k", "v", "w", lasts=place.unit)
    assert not await place.state.discard("k", "v")


async def test_of_many_adders_one_wins_until_the_value_ends(place: Place) -> None:
    won = await many(20, lambda number: place.state.add("k", str(number), lasts=place.unit))
    assert sum(won) == 1
    assert await place.state.get("k") == str(won.index(True))
    await place.passes(1)
    assert await place.state.add("k", "new", lasts=MINUTE)
    assert await place.state.get("k") == "new"


async def test_of_many_who_swap_the_same_value_one_wins(place: Place) -> None:
    state = place.state
    assert not await state.swap("k", "old", "new", lasts=MINUTE)
    assert await state.get("k") is None
    await state.set("k", "old", lasts=MINUTE)
    won = await many(20, lambda number: state.swap("k", "old", str(number), lasts=MINUTE))
    assert sum(won) == 1
    assert await state.get("k") == str(won.index(True))


async def test_swapped_value_lasts_anew(place: Place) -> None:
    await place.state.set("k", "v", lasts=place.unit)
    assert await place.state.swap("k", "v", "v", lasts=place.unit * 100)
    await place.passes(1)
    assert await place.state.get("k") == "v"


async def test_only_the_same_value_is_discarded(state: StateStore) -> None:
    await state.set("k", "mine", lasts=MINUTE)
    assert not await state.discard("k", "yours")
    assert await state.get("k") == "mine"
    assert await state.discard("k", "mine")
    assert not await state.discard("k", "mine")
    assert await state.get("k") is None


async def test_look_tells_the_value_and_a_time_that_goes_on(place: Place) -> None:
    before, value = await place.state.look("k")
    assert value is None
    assert before.utcoffset() == timedelta(0)
    await place.state.set("k", "v", lasts=MINUTE)
    await place.passes(0.5)
    after, value = await place.state.look("k")
    assert value == "v"
    assert after > before


async def test_values_of_an_undone_transaction_are_gone(core: Core) -> None:
    """Of the database alone: whatever belongs to an effect (a dialog, a stored answer) is kept there."""
    with pytest.raises(ValueError, match="undone"):
        async with core.db.transaction():
            await core.state.set("k", "v", lasts=MINUTE)
            assert await core.state.get("k") == "v"
            raise ValueError("undone")
    assert await core.state.get("k") is None
