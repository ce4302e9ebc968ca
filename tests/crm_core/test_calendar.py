"""The Chinese calendar: lunar days, festivals, working days, birthdays."""

from datetime import date, timedelta

import holidays
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lunar_python import Solar

from crm_core import calendar


@given(st.dates(date(1950, 1, 1), date(2090, 12, 31)))
@settings(deadline=None)
def test_lunar_days_agree_with_the_library_and_lead_back(day):
    lunar = Solar.fromYmd(day.year, day.month, day.day).getLunar()
    found = calendar.solar_to_lunar(day)
    assert (found.year, found.month * (-1 if found.leap else 1), found.day) == (
        lunar.getYear(),
        lunar.getMonth(),
        lunar.getDay(),
    )
    assert calendar.lunar_to_solar(found.year, found.month, found.day, leap=found.leap) == day


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("spring_festival_eve", "2026-02-16"),
        ("spring_festival", "2026-02-17"),
        ("lantern", "2026-03-03"),
        ("qingming", "2026-04-05"),
        ("dragon_boat", "2026-06-19"),
        ("mid_autumn", "2026-09-25"),
        ("double_ninth", "2026-10-18"),
        ("winter_solstice", "2026-12-22"),
        ("minor_new_year", "2026-02-10"),
        ("laba", "2026-01-26"),
        ("mothers_day", "2026-05-10"),
        ("fathers_day", "2026-06-21"),
        ("qixi", "2026-08-19"),
        ("national_day", "2026-10-01"),
        ("womens_day", "2026-03-08"),
    ],
)
def test_festivals_of_2026(name, day):
    assert calendar.festival_date(name, 2026) == date.fromisoformat(day)


def test_eve_is_the_day_before_even_when_the_month_has_29_days():
    for year in range(2020, 2040):
        assert calendar.festival_date("spring_festival", year) - calendar.festival_date(
            "spring_festival_eve", year
        ) == timedelta(days=1)


@pytest.mark.parametrize("name", sorted(calendar.festivals()))
def test_next_festival_is_never_past_and_within_a_lunar_year(name):
    day = date(2022, 12, 25)
    while day < date(2025, 1, 1):
        assert timedelta() <= calendar.next_festival(name, day) - day <= timedelta(days=400)
        day += timedelta(days=11)


def test_unknown_festival_is_a_key_error():
    with pytest.raises(KeyError):
        calendar.festival_date("halloween", 2026)


@pytest.mark.parametrize("year", [2025, 2026])
def test_published_years_agree_with_the_package_on_every_day(year):
    published = holidays.China(years=year)
    worked = {day for day in published.weekend_workdays if day.year == year}
    day = date(year, 1, 1)
    while day.year == year:
        assert calendar.is_workday(day) == ((day.isoweekday() <= 5 and day not in published) or day in worked)
        day += timedelta(days=1)


def test_unpublished_year_has_the_statutory_days_and_no_makeup_days():
    assert [calendar.is_confirmed(year) for year in (2024, 2025, 2026, 2027)] == [False, True, True, False]
    published = holidays.China(years=2027)
    assert calendar.days_off(2027) == frozenset(day for day in published if day.year == 2027)
    assert calendar.makeup_workdays(2027) == frozenset()


@pytest.mark.parametrize(
    ("name", "year", "day"),
    [
        ("spring_festival", 2026, "2026-02-24"),
        ("national_day", 2026, "2026-10-08"),
        ("mid_autumn", 2025, "2025-10-09"),
        ("new_year", 2027, "2027-01-04"),
        ("lantern", 2026, "2026-03-04"),
        ("spring_festival", 2027, "2027-02-11"),
    ],
)
def test_first_working_day_after_the_holiday(name, year, day):
    assert calendar.first_workday_after_holiday(name, year) == date.fromisoformat(day)


def test_next_working_day_knows_makeup_days():
    assert calendar.next_workday(date(2026, 2, 13)) == date(2026, 2, 14)
    assert calendar.next_workday(date(2026, 11, 27)) == date(2026, 11, 30)


@pytest.mark.parametrize(
    ("birthday", "year", "day"),
    [
        ("05-20", 2026, "2026-05-20"),
        ("1988-05-03", 2026, "2026-05-03"),
        ("02-29", 2028, "2028-02-29"),
        ("02-29", 2027, "2027-02-28"),
        ("lunar:08-15", 2026, "2026-09-25"),
        ("lunar:06L-15", 2025, "2025-08-08"),
        ("lunar:06L-15", 2026, "2026-07-28"),
        ("lunar:04L-15", 2026, "2026-05-31"),
        ("lunar:12-30", 2027, "2027-02-05"),
        ("lunar:12-20", 2027, "2027-01-27"),
    ],
)
def test_birthdays(birthday, year, day):
    expected = date.fromisoformat(day)
    assert calendar.birthday_in_year(birthday, year) == expected
    assert calendar.is_birthday(birthday, expected)
    assert calendar.next_birthday(birthday, expected - timedelta(days=30)) == expected


@pytest.mark.parametrize("birthday", ["", "13-01", "02-30", "lunar:13-01", "lunar:08-31", "x", "05L-01", "1988"])
def test_what_is_no_birthday(birthday):
    with pytest.raises(ValueError, match="no birthday"):
        calendar.birthday_in_year(birthday, 2026)


def test_lunar_birthday_comes_once_in_every_lunar_year():
    for birthday in ("lunar:12-08", "lunar:11-25", "lunar:06L-15", "lunar:12-30"):
        days = [date(2020, 2, 1) + timedelta(days=shift) for shift in range(3650)]
        assert 9 <= sum(calendar.is_birthday(birthday, day) for day in days) <= 11


@pytest.mark.parametrize(("month", "day"), [(0, 1), (13, 1), (1, 31), (1, 0)])
def test_lunar_day_that_no_year_has(month, day):
    with pytest.raises(ValueError, match="no lunar day"):
        calendar.lunar_to_solar(2026, month, day)
