"""Lengths of time and what they lead to: 三天后, 一个半小时后, 两周前, 过半小时, 最近7天."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from handlers.understanding.days import add_months, month_end
from handlers.understanding.moments import When
from handlers.understanding.numerals import read_number

MINUTE_UNITS = {
    "分钟": 1,
    "分": 1,
    "min": 1,
    "mins": 1,
    "minute": 1,
    "minutes": 1,
    "刻钟": 15,
    "小时": 60,
    "钟头": 60,
    "个钟": 60,
}
MINUTE_UNITS |= {"h": 60, "hour": 60, "hours": 60, "hr": 60}
DAY_UNITS = {"天": 1, "日": 1, "day": 1, "days": 1, "周": 7, "星期": 7, "礼拜": 7, "week": 7, "weeks": 7}
MONTH_UNITS = {"月": 1, "个月": 1, "年": 12}
# Half a month is fifteen days, whatever the month.
HALF_MONTH_DAYS = 15
# Beyond this a number is a slip or an attack, and would overflow the calendar.
MOST_DAYS = 3660
UNIT = "|".join(sorted({*MINUTE_UNITS, *DAY_UNITS, *MONTH_UNITS}, key=len, reverse=True))
NUMBER = r"\d{1,4}(?:\.\d)?|[一二两俩三四五六七八九十百]{1,4}|半"
LENGTH = (
    rf"(?<![\d.第周年月零一二两三四五六七八九十百])(?P<number>{NUMBER})\s?(?:个(?P<half>半)?)?(?P<unit>{UNIT})(?!"
    rf"[a-z])(?P<half_after>半)?"
    r"(?:零?(?P<minutes>\d{1,2}|[一二三四五]?十?[一二三四五六七八九十])分钟?)?"
)
AFTER = r"\s?(?:之后|以后|过后|后(?![面台端])|later|内|之内|以内)"
WAIT = r"(?<![超通经路难不每])(?:再?过|再?等|再?隔)(?:个)?"
RULES = (
    (re.compile(LENGTH + AFTER), 1),
    (re.compile(WAIT + LENGTH + r"(?![前了的])(?:之后|以后|后)?"), 1),
    (re.compile(r"(?<![a-z])in " + LENGTH), 1),
    (re.compile(LENGTH + r"\s?(?:之前|以前|前(?![面台端])|ago)"), -1),
)
RECENT = re.compile(
    rf"(?P<side>最近|近|过去|前|未来|接下来|今后)的?(?:这)?(?P<number>{NUMBER})个?(?P<unit>天|"
    rf"日|周|星期|礼拜|月)"
)
HALF_YEAR = re.compile(r"(?P<year>今年|去年)?(?P<half>[上下])半年")
LENGTH_ALONE = re.compile(LENGTH)


@dataclass(frozen=True, slots=True)
class Length:
    """A length of time as it was said: exact minutes, or days and months of the calendar."""

    minutes: int = 0
    days: int = 0
    months: int = 0


def _length(match: re.Match[str]) -> Length | None:
    said, unit = match["number"], match["unit"]
    number = Decimal("0.5") if said == "半" else read_number(said)
    if number is None:
        return None
    if match["half"] or match["half_after"]:
        number += Decimal("0.5")
    if unit in MINUTE_UNITS:
        extra = read_number(match["minutes"]) if match["minutes"] else Decimal(0)
        found = Length(minutes=int(number * MINUTE_UNITS[unit] + (extra or 0)))
    elif unit in DAY_UNITS:
        whole = number * DAY_UNITS[unit]
        found = Length(days=int(whole))
    else:
        months = number * MONTH_UNITS[unit]
        found = Length(months=int(months), days=HALF_MONTH_DAYS if months % 1 else 0)
    return found if found.days + found.months * 31 + found.minutes // 1440 <= MOST_DAYS else None


def add_length(moment: datetime, length: Length, sign: int = 1) -> datetime:
    """Move a moment by a length; months keep the day of the month, clipped."""
    moved = moment + sign * timedelta(minutes=length.minutes, days=length.days)
    if length.months:
        day = add_months(moved.date(), sign * length.months)
        moved = moved.replace(year=day.year, month=day.month, day=day.day)
    return moved


def find_length(text: str) -> Length | None:
    """Read the first bare length in a text ("延后两小时"); None when there is none."""
    for match in LENGTH_ALONE.finditer(text):
        found = _length(match)
        if found:
            return found
    return None


def find_durations(text: str, now: datetime) -> Iterable[When]:
    """Find all lengths that lead to a day or a moment, and stretches such as 最近7天."""
    for pattern, sign in RULES:
        for match in pattern.finditer(text):
            length = _length(match)
            if length is None or (sign < 0 and match["unit"] == "日"):
                # "20日之前" is the 20th, not twenty days ago.
                continue
            found = When(match.start(), match.end(), tense="future" if sign > 0 else "past")
            moved = add_length(now, length, sign)
            if length.minutes:
                found.exact = moved
            else:
                found.days = (moved.date(),)
                found.span = (moved.date(), moved.date())
            yield found
    yield from _stretches(text, now.date())


def _stretches(text: str, today: date) -> Iterable[When]:
    for match in RECENT.finditer(text):
        number = Decimal("0.5") if match["number"] == "半" else read_number(match["number"])
        if number is None or number > MOST_DAYS // 31:
            continue
        forward = match["side"] in {"未来", "接下来", "今后"}
        if match["unit"] == "月" and number >= 1:
            edge = add_months(today, int(number) * (1 if forward else -1)) + timedelta(days=-1 if forward else 1)
        else:
            days = int(number * (30 if match["unit"] == "月" else DAY_UNITS[match["unit"]])) - 1
            edge = today + timedelta(days=days if forward else -days)
        span = (today, edge) if forward else (edge, today)
        yield When(match.start(), match.end(), span=span, only_span=True)
    for match in HALF_YEAR.finditer(text):
        year = today.year - (match["year"] == "去年")
        first = date(year, 1 if match["half"] == "上" else 7, 1)
        yield When(match.start(), match.end(), span=(first, month_end(add_months(first, 5))), only_span=True)
