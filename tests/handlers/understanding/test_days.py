"""Days by name, weekday and date."""

from datetime import date

import pytest

from handlers.understanding.days import add_months, find_days, month_end, tense_of, year_of

TODAY = date(2026, 11, 25)


@pytest.mark.parametrize(
    ("said", "day"),
    [
        ("明天", date(2026, 11, 26)),
        ("下周三", date(2026, 12, 2)),
        ("上周五", date(2026, 11, 20)),
        ("2026年12月3日", date(2026, 12, 3)),
        ("下个月15号", date(2026, 12, 15)),
        ("下周", date(2026, 11, 30)),
    ],
)
def test_certain_days(said, day):
    longest = max(find_days(said, TODAY), key=lambda found: found.end - found.start)
    assert longest.days == (day,)


@pytest.mark.parametrize("said", ["2月30号", "32号", "2027年2月29日"])
def test_days_that_do_not_exist_are_marked(said):
    assert any(found.impossible for found in find_days(said, TODAY))


def test_month_arithmetic_is_clipped():
    assert add_months(date(2026, 1, 31), 1) == date(2026, 2, 28)
    assert add_months(date(2026, 12, 15), 2) == date(2027, 2, 15)
    assert month_end(date(2028, 2, 3)) == date(2028, 2, 29)


def test_years_and_tenses():
    assert [year_of(said, TODAY) for said in ("明年", "去年", "2027年", None)] == [2027, 2025, 2027, None]
    assert [tense_of(day, TODAY) for day in (date(2026, 11, 24), TODAY, date(2026, 11, 26))] == ["past", "", "future"]
