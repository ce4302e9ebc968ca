"""Repeat rules: the next time is later, on the rule, at the same local time of day, and the first such."""

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_core.calendar import is_workday, solar_to_lunar
from crm_core.clock import to_local
from crm_core.errors import Invalid
from scheduler.repeats import check_repeat, next_after, say

TIMES = st.datetimes(datetime(2024, 1, 1), datetime(2031, 12, 1), timezones=st.just(UTC))
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
RULES = {
    "daily": lambda day: True,
    "weekly:MO": lambda day: day.weekday() == 0,
    "weekly:TU,TH": lambda day: day.weekday() in (1, 3),
    "monthly:1": lambda day: day.day == 1,
    "monthly:31": lambda day: day.day == monthrange(day.year, day.month)[1],
    "monthly:last": lambda day: day.day == monthrange(day.year, day.month)[1],
    "workdays": is_workday,
    "yearly:03-08": lambda day: (day.month, day.day) == (3, 8),
    "yearly:02-29": lambda day: day.month == 2 and day.day == monthrange(day.year, 2)[1],
    "lunar-yearly:01-15": lambda day: (
        (solar_to_lunar(day).month, solar_to_lunar(day).day, solar_to_lunar(day).leap) == (1, 15, False)
    ),
}


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        *(("weekly:MO", "每周一"), ("weekly:TU,TH", "每周二、四"), ("daily", "每天"), ("workdays", "每个工作日"), ("", "")),
        *(("monthly:1", "每月1日"), ("monthly:last", "每月最后一天"), ("yearly:03-08", "每年3月8日")),
        ("lunar-yearly:08-15", "每年农历8月15"),
    ],
)
def test_rules_are_said_as_people_do(rule: str, said: str) -> None:
    assert say(rule) == said


@given(rule=st.sampled_from(sorted(RULES)), at=TIMES, later=st.timedeltas(timedelta(0), timedelta(days=400)))
def test_the_next_time_is_the_first_on_the_rule_after_both(rule, at, later):
    now = at + later
    following = next_after(rule, at, now)
    assert following > now
    assert to_local(following).time() == to_local(at).time()
    assert RULES[rule](to_local(following).date())
    day = to_local(now).date()
    while day < to_local(following).date():
        missed = datetime.combine(day, to_local(at).time(), tzinfo=to_local(at).tzinfo) > now and RULES[rule](day)
        assert not missed
        day += timedelta(days=1)


@pytest.mark.parametrize(
    ("rule", "at", "after"),
    [
        ("workdays", "2026-09-30T09:00", "2026-10-08T09:00"),
        ("workdays", "2026-09-18T09:00", "2026-09-20T09:00"),
        ("monthly:30", "2027-01-30T08:00", "2027-02-28T08:00"),
        ("yearly:02-29", "2027-03-01T08:00", "2028-02-29T08:00"),
        ("lunar-yearly:01-15", "2026-11-25T08:00", "2027-02-20T08:00"),
        ("lunar-yearly:12-30", "2026-11-25T08:00", "2027-02-05T08:00"),
        ("weekly:SU,MO", "2026-11-23T08:00", "2026-11-29T08:00"),
    ],
)
def test_worked_cases(rule, at, after):
    begin = datetime.fromisoformat(f"{at}+08:00")
    assert next_after(rule, begin, begin) == datetime.fromisoformat(f"{after}+08:00")


@pytest.mark.parametrize(
    "rule",
    ["hourly", "weekly:", "weekly:MO,XX", "monthly:0", "monthly:32", "yearly:13-01", "yearly:02-30", "lunar-yearly:13-01"],
)
def test_what_is_no_rule_is_refused(rule):
    with pytest.raises(Invalid):
        check_repeat(rule)


def test_no_rule_is_fine_but_has_no_next_time():
    assert check_repeat("") == ""
    with pytest.raises(Invalid):
        next_after("", datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC))


def test_days_of_the_week_are_all_known():
    start = datetime(2026, 11, 22, 1, tzinfo=UTC)
    days = [to_local(next_after(f"weekly:{name}", start, start)).date() for name in DAYS]
    assert days == [date(2026, 11, 23) + timedelta(days=n) for n in range(7)]
