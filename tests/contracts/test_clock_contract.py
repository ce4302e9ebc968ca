"""What every clock must do."""

import asyncio
from datetime import timedelta

import pytest

from crm_core.clock import Clock, SystemClock, at_local, day_bounds, local_day, to_local
from tests.fakes import FakeClock


@pytest.fixture(params=[SystemClock, FakeClock])
def any_clock(request: pytest.FixtureRequest) -> Clock:
    made: Clock = request.param()
    return made


def test_now_is_aware_and_utc(any_clock: Clock) -> None:
    assert any_clock.now().utcoffset() == timedelta(0)


async def test_sleeper_wakes_when_its_time_has_come(any_clock: Clock) -> None:
    task = asyncio.ensure_future(any_clock.sleep(0.01))
    await asyncio.sleep(0)
    if isinstance(any_clock, FakeClock):
        assert not task.done()
        any_clock.advance(0.01)
    await asyncio.wait_for(task, 5)


def test_durations_do_not_follow_the_calendar() -> None:
    clock = FakeClock()
    before = clock.monotonic()
    clock.set(clock.now() + timedelta(days=1))
    assert clock.monotonic() == before


def test_shanghai_days_are_half_open_and_whole() -> None:
    day = local_day(FakeClock().now())
    start, end = day_bounds(day)
    assert end - start == timedelta(days=1)
    assert to_local(start).hour == 0
    assert local_day(start) == day
    assert local_day(end - timedelta(microseconds=1)) == day
    assert at_local(day, to_local(start).time()) == start
