"""What a lock must do in every place it can be kept in."""

import asyncio

import pytest

from crm_core.locks import LASTS, give_back, held, renew, take
from tests.contracts.places import Place


async def test_a_lock_has_one_holder_until_it_is_given_back(place: Place) -> None:
    first = await take(place.state, "a")
    assert first is not None
    assert await take(place.state, "a") is None
    assert await take(place.state, "b") is not None
    assert await give_back(place.state, first)
    assert await take(place.state, "a") is not None


async def test_a_lock_of_the_dead_is_taken_over_and_its_old_holder_cannot_touch_it(place: Place) -> None:
    old = await take(place.state, "a", lasts=place.unit)
    assert old is not None
    await place.passes(1)
    new = await take(place.state, "a")
    assert new is not None
    assert not await renew(place.state, old)
    assert old.lost
    assert not await give_back(place.state, old)
    assert await renew(place.state, new)
    assert await take(place.state, "a") is None


async def test_a_renewed_lock_does_not_end(place: Place) -> None:
    lease = await take(place.state, "a", lasts=place.unit)
    assert lease is not None
    assert await renew(place.state, lease, lasts=place.unit * 100)
    await place.passes(1)
    assert await take(place.state, "a") is None


async def test_holders_follow_each_other_and_a_failure_gives_back(place: Place) -> None:
    inside, most = 0, 0

    async def work(number: int) -> None:
        nonlocal inside, most
        async with held(place.state, "a"):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1
            if number == 3:
                raise KeyError(number)

    ended = await asyncio.gather(*(work(number) for number in range(6)), return_exceptions=True)
    assert most == 1
    assert [type(one) for one in ended].count(KeyError) == 1


async def test_a_cut_off_holder_gives_back(place: Place) -> None:
    begun = asyncio.Event()

    async def work() -> None:
        async with held(place.state, "a", lasts=LASTS):
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.ensure_future(work())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await take(place.state, "a") is not None
