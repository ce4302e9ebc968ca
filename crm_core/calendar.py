"""The Chinese calendar: lunar days, festivals, solar terms, days off, make-up days and birthdays.

Pure functions on `date` (days in Shanghai); there is no clock here. Years without a published table of days off are
provisional: they have the statutory days by the rules of 2025 and no make-up days (`is_confirmed` tells).
"""

import re
import tomllib
from bisect import bisect_right
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from lunar_python import LunarYear, Solar

ONE_DAY = timedelta(days=1)
# Beyond these years lunar tables are guesses, and dates near the ends of `date` would overflow.
FIRST_YEAR, LAST_YEAR = 1901, 2099
LEAP_DAY = (2, 29)
BIRTHDAY = re.compile(r"(?:lunar:(?P<lunar_month>\d\d)(?P<leap>L)?|(?:\d{4}-)?(?P<month>\d\d))-(?P<day>\d\d)")


@dataclass(frozen=True, slots=True)
class Festival:
    """One festival (节日): its identifier, its label on the screen and the words people use for it."""

    name: str
    label: str
    words: tuple[str, ...]
    rule: str
    value: str


@dataclass(frozen=True, slots=True)
class LunarDay:
    """A day of the lunar calendar; `leap` marks a leap month (闰月)."""

    year: int
    month: int
    day: int
    leap: bool = False


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads(files("crm_core").joinpath("data/festivals.toml").read_text(encoding="utf-8"))


@cache
def festivals() -> dict[str, Festival]:
    """List all festivals by their identifier."""
    found = {}
    for name, entry in _data()["festivals"].items():
        rule = next(key for key in ("solar", "lunar", "term", "weekday", "eve_of") if key in entry)
        found[name] = Festival(name, entry["label"], tuple(entry["words"]), rule, entry[rule])
    return found


# --- lunar days ---------------------------------------------------------------------------------------------------


@lru_cache(maxsize=512)
def _lunar_months(year: int) -> dict[tuple[int, bool], tuple[date, int]]:
    """First solar day and length of each month of a lunar year, by (month, leap)."""
    months = {}
    for month in LunarYear.fromYear(year).getMonthsInYear():
        first = Solar.fromJulianDay(month.getFirstJulianDay())
        start = date(first.getYear(), first.getMonth(), first.getDay())
        months[abs(month.getMonth()), month.getMonth() < 0] = (start, month.getDayCount())
    return months


def lunar_to_solar(year: int, month: int, day: int, *, leap: bool = False) -> date:
    """Convert a lunar day to the solar one.

    A leap month that the year lacks becomes the ordinary month of the same number, and a missing 30th becomes the 29th:
    a birthday must come once in every year. Raises ValueError for a month or day that no year has.
    """
    if not (1 <= month <= 12 and 1 <= day <= 30 and FIRST_YEAR <= year <= LAST_YEAR):
        raise ValueError(f"no lunar day {year}-{month}-{day}")
    months = _lunar_months(year)
    start, length = months.get((month, leap)) or months[month, False]
    return start + timedelta(days=min(day, length) - 1)


def solar_to_lunar(day: date) -> LunarDay:
    """Convert a solar day to the lunar one."""
    year = day.year if day >= _lunar_months(day.year)[1, False][0] else day.year - 1
    keys, starts = zip(*((key, start) for key, (start, _) in _lunar_months(year).items()), strict=True)
    index = bisect_right(starts, day) - 1
    month, leap = keys[index]
    return LunarDay(year, month, (day - starts[index]).days + 1, leap)


@lru_cache(maxsize=512)
def solar_term(term: str, year: int) -> date:
    """Find the day of a solar term (节气) such as 清明 or 冬至 in a solar year."""
    # The table of midsummer's lunar year holds this year's 冬至 under the key DONG_ZHI; 冬至 is last winter's.
    table = Solar.fromYmd(year, 6, 1).getLunar().getJieQiTable()
    found = table["DONG_ZHI" if term == "冬至" else term]
    return date(found.getYear(), found.getMonth(), found.getDay())


# --- festivals ----------------------------------------------------------------------------------------------------


def _nth_weekday(value: str, year: int) -> date:
    month, nth, weekday = (int(part) for part in value.split("-"))
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.isoweekday()) % 7 + 7 * (nth - 1))


@lru_cache(maxsize=4096)
def festival_date(name: str, year: int) -> date:
    """Find the day of a festival in a year.

    For the festivals of the twelfth lunar month (腊八, 小年, 除夕) the year is that of the 春节 they lead to, so that every
    year has exactly one of each, although 腊八 may fall on the last days of December before it.
    Raises KeyError for an unknown name.
    """
    festival = festivals()[name]
    if festival.rule == "eve_of":
        # Not 腊月三十: the twelfth month often has only 29 days.
        return festival_date(festival.value, year) - ONE_DAY
    if festival.rule == "term":
        return solar_term(festival.value, year)
    if festival.rule == "weekday":
        return _nth_weekday(festival.value, year)
    month, day = (int(part) for part in festival.value.split("-"))
    if festival.rule == "solar":
        return date(year, month, day)
    return lunar_to_solar(year - 1 if month == 12 else year, month, day)


def next_festival(name: str, on_or_after: date) -> date:
    """Find the first day of a festival that is not before the given day."""
    years = (on_or_after.year, on_or_after.year + 1, on_or_after.year + 2)
    return next(day for day in (festival_date(name, year) for year in years) if day >= on_or_after)


# --- working days -------------------------------------------------------------------------------------------------


def is_confirmed(year: int) -> bool:
    """Tell whether the official days off of a year are published and entered."""
    return str(year) in _data()["years"]


@lru_cache(maxsize=256)
def _statutory_days(year: int) -> frozenset[date]:
    """Compute the statutory days off of a year, with the days in lieu (补假) of those that fall on a weekend."""
    blocks = []
    for name, entry in _data()["statutory"].items():
        first = festival_date(name, year) + timedelta(days=entry["shift"])
        blocks.append([first + timedelta(days=shift) for shift in range(entry["days"])])
    taken = {day for block in blocks for day in block}
    for block in sorted(blocks):
        following = block[-1]
        for _ in (day for day in block if day.isoweekday() > 5):
            following += ONE_DAY
            while following in taken or following.isoweekday() > 5:
                following += ONE_DAY
            taken.add(following)
    return frozenset(taken)


@lru_cache(maxsize=256)
def days_off(year: int) -> frozenset[date]:
    """List the official days off of a year beside its ordinary weekends."""
    if is_confirmed(year):
        return frozenset(_data()["years"][str(year)]["off"])
    return _statutory_days(year)


@lru_cache(maxsize=256)
def makeup_workdays(year: int) -> frozenset[date]:
    """List the weekend days of a year that are worked (调休); empty for a provisional year."""
    return frozenset(_data()["years"][str(year)]["makeup"]) if is_confirmed(year) else frozenset()


def is_workday(day: date) -> bool:
    """Tell whether a day is worked by the official calendar (provisional years: see the module)."""
    if day in makeup_workdays(day.year):
        return True
    return day.isoweekday() <= 5 and day not in days_off(day.year)


def next_workday(day: date) -> date:
    """Find the first working day after a day (never the day itself)."""
    following = day + ONE_DAY
    while not is_workday(following):
        following += ONE_DAY
    return following


def first_workday_after_holiday(name: str, year: int) -> date:
    """Find the first working day after the holiday of a festival (节后); without a holiday, after the day itself."""
    return next_workday(festival_date(name, year))


def holiday_names() -> tuple[str, ...]:
    """List the festivals that bring official days off, in the order of the year."""
    return tuple(_data()["statutory"])


# --- birthdays ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Birthday:
    month: int
    day: int
    lunar: bool
    leap: bool


@lru_cache(maxsize=4096)
def _read_birthday(birthday: str) -> _Birthday:
    """Read "MM-DD", "YYYY-MM-DD", "lunar:MM-DD" or "lunar:04L-15"; raise ValueError otherwise."""
    match = BIRTHDAY.fullmatch(birthday)
    if match is None:
        raise ValueError(f"no birthday: {birthday}")
    lunar = match["lunar_month"] is not None
    found = _Birthday(int(match["lunar_month"] or match["month"]), int(match["day"]), lunar, bool(match["leap"]))
    longest = 30 if lunar else monthrange(2000, found.month)[1] if 1 <= found.month <= 12 else 0
    if not (1 <= found.month <= 12 and 1 <= found.day <= longest):
        raise ValueError(f"no birthday: {birthday}")
    return found


def birthday_in_year(birthday: str, year: int) -> date:
    """Find the day a birthday is kept in a solar year.

    29 February is kept on the 28th in a common year: the greeting then comes within the month of the birthday and never
    a day late. Of two days of a lunar birthday in one solar year the first is given; a solar year that has none
    gives the last one before it. A daily check had better ask `is_birthday`, which misses neither.
    Raises ValueError for text that is no birthday.
    """
    found = _read_birthday(birthday)
    if not found.lunar:
        if (found.month, found.day) == LEAP_DAY and monthrange(year, 2)[1] == 28:
            return date(year, 2, 28)
        return date(year, found.month, found.day)
    days = [lunar_to_solar(lunar_year, found.month, found.day, leap=found.leap) for lunar_year in (year - 1, year)]
    return next((day for day in days if day.year == year), days[0])


def is_birthday(birthday: str, day: date) -> bool:
    """Tell whether a birthday is kept on a day, by the same rules as `birthday_in_year`."""
    found = _read_birthday(birthday)
    if not found.lunar:
        return birthday_in_year(birthday, day.year) == day
    return lunar_to_solar(solar_to_lunar(day).year, found.month, found.day, leap=found.leap) == day


def next_birthday(birthday: str, on_or_after: date) -> date:
    """Find the first day on which a birthday is kept that is not before the given day."""
    found = _read_birthday(birthday)
    years = range(on_or_after.year - 1, on_or_after.year + 3)
    if found.lunar:
        days = (lunar_to_solar(year, found.month, found.day, leap=found.leap) for year in years)
    else:
        days = (birthday_in_year(birthday, year) for year in years)
    return next(day for day in days if day >= on_or_after)
