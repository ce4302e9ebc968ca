"""What one time expression means before it is known whether it lies ahead or behind.

A `When` keeps every reading ("15号" is some 15th); `moment` picks the one that fits a past or a future slot.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

# A day without an hour is taken at nine: midnight is never guessed.
DEFAULT_CLOCK = (0, 9, 0)
# How people write small numbers in dates.
MONTH = r"(?:1[0-2]|0?[1-9]|十[一二]?|[一二三四五六七八九])"
DAY = r"(?:[0-3]?\d|[二三]?十[一二三四五六七八九]?|廿[一二三四五六七八九]?|卅一?|[一二三四五六七八九])"
COUNT = r"(?:\d{1,4}|[一二两俩三四五六七八九十百]{1,4})"

Clock = tuple[int, int, int]
Span = str | tuple[date, date]


@dataclass(slots=True)
class When:
    """One time expression: where it stands and all it may mean."""

    start: int
    end: int
    # The days it may be, ascending; empty when only an hour was said.
    days: tuple[date, ...] = ()
    # "past" or "future" when the words settle it ("昨天", "下周三").
    tense: str = ""
    # "past" or "future" when the words only suggest it ("这周一" on a Wednesday).
    lean: str = ""
    # Days to add, hour and minute.
    clock: Clock | None = None
    exact: datetime | None = None
    just_now: bool = False
    at_once: bool = False
    # A weekday said on that very day, without an hour, is next week's.
    skips_today: bool = False
    weekday: bool = False
    span: Span | None = None
    until: "When | None" = None
    festival: str | None = None
    # Month, day and whether the month is a leap month.
    lunar: tuple[int, int, bool] | None = None
    repeat: str | None = None
    first: "Callable[[datetime, Clock], datetime | None] | None" = None
    # A day or an hour that does not exist: no time at all.
    impossible: bool = False
    # Only a time when it stands right behind a day ("明天两点意见" is not, "两点意见" neither).
    doubtful: bool = False
    # The words are there but give no day by themselves ("本周"): only good as a range.
    only_span: bool = False

    def moved(self, start: int, end: int) -> "When":
        """Return the same meaning at another place."""
        return replace(self, start=start, end=end)


def at_clock(day: date, clock: Clock, now: datetime) -> datetime | None:
    """Combine a day and a clock in the zone of `now`; None past the ends of the calendar."""
    try:
        return datetime.combine(day, time(clock[1], clock[2]), now.tzinfo) + timedelta(days=clock[0])
    except (OverflowError, ValueError):
        return None


def _readings(when: When, now: datetime) -> list[datetime]:
    today = now.date()
    days = when.days or (today - timedelta(days=1), today, today + timedelta(days=1))
    clock = when.clock or DEFAULT_CLOCK
    return [found for day in days if (found := at_clock(day, clock, now)) is not None]


def ahead(when: When, now: datetime) -> datetime | None:
    """Resolve for a slot that lies ahead: a next step, a reminder, a broadcast."""
    if when.first is not None:
        return when.first(now, when.clock or DEFAULT_CLOCK)
    if when.exact is not None or when.just_now or when.at_once:
        return when.exact or now
    readings = _readings(when, now)
    if len(when.days) == 1:
        return readings[0] if readings else None
    if when.clock is None:
        today = now.date()
        fitting = [found for found in readings if found.date() > today or (found.date() == today and not when.skips_today)]
    else:
        fitting = [found for found in readings if found > now]
    return fitting[0] if fitting else None


def behind(when: When, now: datetime) -> datetime | None:
    """Resolve for a slot that lies behind: when something was done."""
    if when.exact is not None or when.just_now or when.at_once:
        return when.exact or now
    if when.clock is None and when.days == (now.date(),):
        return now
    readings = _readings(when, now)
    if len(when.days) == 1:
        return readings[0] if readings else None
    if when.clock is None:
        fitting = [found for found in readings if found.date() <= now.date()]
    else:
        fitting = [found for found in readings if found <= now]
    return fitting[-1] if fitting else None
