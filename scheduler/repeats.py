"""Repeat rules (重复): when something that comes again comes next. Pure; the words are those of understanding.md."""

import re
from calendar import monthrange
from collections.abc import Callable
from datetime import date, datetime, timedelta

from crm_core.calendar import is_workday, next_birthday
from crm_core.clock import at_local, local_day, to_local
from crm_core.errors import Invalid

_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_RULE = re.compile(
    r"daily|workdays|weekly:(?P<days>(?:MO|TU|WE|TH|FR|SA|SU)(?:,(?:MO|TU|WE|TH|FR|SA|SU))*)"
    r"|monthly:(?P<day>[1-9]|[12]\d|3[01]|last)|yearly:(?P<solar>\d\d-\d\d)|lunar-yearly:(?P<lunar>\d\dL?-\d\d)"
)
ONE_DAY = timedelta(days=1)


def check_repeat(rule: str) -> str:
    """Give the rule back if it is one, or nothing for none. Raises: Invalid."""
    if not rule:
        return ""
    found = _RULE.fullmatch(rule)
    try:
        if found is None:
            raise ValueError(rule)
        if found["solar"] or found["lunar"]:
            next_birthday(found["solar"] or f"lunar:{found['lunar']}", date(2026, 1, 1))
    except ValueError:
        raise Invalid(field="repeat", reason="看不懂的重复规则") from None
    return rule


def say(rule: str) -> str:
    """Say a rule as people do (每周一); nothing for none. Raises: Invalid."""
    found = _RULE.fullmatch(check_repeat(rule))
    if found is None:
        return ""
    if found["days"]:
        return "每周" + "、".join("一二三四五六日"[_DAYS.index(day)] for day in found["days"].split(","))
    if found["day"]:
        return "每月最后一天" if found["day"] == "last" else f"每月{found['day']}日"
    if found["solar"]:
        month, day = found["solar"].split("-")
        return f"每年{int(month)}月{int(day)}日"
    if found["lunar"]:
        month, day = found["lunar"].split("-")
        return f"每年农历{'闰' if 'L' in month else ''}{int(month.strip('L'))}月{int(day)}"
    return "每天" if rule == "daily" else "每个工作日"


def next_after(rule: str, at: datetime, now: datetime) -> datetime:
    """Tell the first occurrence after both `at` and `now`, at the local time of day of `at`.

    A month without the day takes its last one; 29 February and lunar days follow the rules of birthdays.
    Raises: Invalid.
    """
    found = _RULE.fullmatch(check_repeat(rule))
    if found is None:
        raise Invalid(field="repeat", reason="没有重复规则")
    time_of_day = to_local(at).time()
    floor = max(at, now)
    following = _following(found)
    day = following(local_day(floor))
    while at_local(day, time_of_day) <= floor:
        day = following(day + ONE_DAY)
    return at_local(day, time_of_day)


def _following(rule: re.Match[str]) -> Callable[[date], date]:
    """Make the function that gives the first day of the rule not before a day."""
    if rule["solar"] or rule["lunar"]:
        birthday = rule["solar"] or f"lunar:{rule['lunar']}"
        return lambda day: next_birthday(birthday, day)
    return lambda day: _first(day, _fits(rule))


def _fits(rule: re.Match[str]) -> Callable[[date], bool]:
    if rule["days"]:
        wanted = {_DAYS.index(name) for name in rule["days"].split(",")}
        return lambda day: day.weekday() in wanted
    if rule["day"]:
        number = 31 if rule["day"] == "last" else int(rule["day"])
        return lambda day: day.day == min(number, monthrange(day.year, day.month)[1])
    return is_workday if rule[0] == "workdays" else lambda _: True


def _first(day: date, fits: Callable[[date], bool]) -> date:
    while not fits(day):
        day += ONE_DAY
    return day
