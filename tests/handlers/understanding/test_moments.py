"""One expression, read for a slot ahead and for one behind."""

from datetime import date, datetime, timedelta

from handlers.understanding.moments import When, ahead, at_clock, behind


def test_reading_ahead_and_behind_differ(now):
    days = (date(2026, 11, 18), date(2026, 11, 25), date(2026, 12, 2))
    when = When(0, 2, days=days, skips_today=True)
    assert ahead(when, now).date() == date(2026, 12, 2)
    assert behind(when, now).date() == date(2026, 11, 25)


def test_hour_alone_takes_the_next_or_the_last_one(now):
    when = When(0, 2, clock=(0, 9, 30))
    assert ahead(when, now) == datetime(2026, 11, 26, 9, 30, tzinfo=now.tzinfo)
    assert behind(when, now) == datetime(2026, 11, 25, 9, 30, tzinfo=now.tzinfo)


def test_exact_moment_is_kept(now):
    when = When(0, 2, exact=now + timedelta(minutes=5))
    assert ahead(when, now) == behind(when, now) == now + timedelta(minutes=5)


def test_end_of_the_calendar_is_no_moment(now):
    assert at_clock(date.max, (1, 0, 0), now) is None
