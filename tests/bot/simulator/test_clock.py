"""The platforms' clock is turned without moving what pushes carry."""

from datetime import UTC, datetime, timedelta

from bot.simulator.clock import SimClock

WALL = 1_795_161_600.0


def test_turning_moves_the_platforms_but_not_the_stamps():
    clock = SimClock(lambda: WALL)
    clock.advance(timedelta(hours=48))
    assert clock.seconds() == WALL + 48 * 3600
    assert clock.milliseconds() == int(clock.seconds() * 1000)
    assert clock.stamp() == WALL
    clock.pushes_turned = True
    assert clock.stamp() == clock.seconds()
    clock.reset()
    assert clock.seconds() == WALL
    assert clock.offset_seconds == 0


def test_turning_to_a_moment_and_counting_chinese_days():
    clock = SimClock(lambda: WALL)
    clock.turn_to(datetime(2026, 11, 30, 15, 59, tzinfo=UTC))
    day, month = clock.shanghai_day(), clock.shanghai_month()
    clock.advance(120)
    assert clock.now() == datetime(2026, 11, 30, 16, 1, tzinfo=UTC)
    assert (clock.shanghai_day(), clock.shanghai_month()) == (day + 1, "2026-12")
    assert month == "2026-11"


def test_without_a_source_it_runs_with_the_wall_clock():
    clock = SimClock()
    before = clock.seconds()
    assert before > 1_700_000_000
    assert clock.seconds() >= before
