"""Slots are taken once; a day's work is done once a local day."""

import asyncio
from datetime import UTC, datetime, time, timedelta

import pytest

from scheduler.queue import once_a_day, take_slot


async def test_of_many_takers_one_gets_the_slot(core, clock):
    taken = await asyncio.gather(*(core.db.run(take_slot(clock.now(), "job", "a")) for _ in range(10)))
    assert sorted(taken) == [False] * 9 + [True]
    assert await core.db.run(take_slot(clock.now(), "job", "b")) is True


async def test_a_day_is_a_shanghai_day(core, clock):
    done: list[datetime] = []

    async def work() -> None:
        done.append(clock.now())

    clock.set(datetime(2026, 11, 25, 15, 59, tzinfo=UTC))  # 23:59
    assert await once_a_day(core, "job", time(0), work) is True
    clock.advance(timedelta(minutes=1))
    assert await once_a_day(core, "job", time(0), work) is True
    assert await once_a_day(core, "job", time(0), work) is False
    assert await once_a_day(core, "other", time(1), work) is False
    assert len(done) == 2


async def test_work_that_fails_is_done_again(core, clock):
    async def bad() -> None:
        raise RuntimeError

    async def good() -> None: ...

    with pytest.raises(RuntimeError):
        await once_a_day(core, "job", time(0), bad)
    assert await once_a_day(core, "job", time(0), good) is True
