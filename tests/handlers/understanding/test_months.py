"""Days named by months, quarters and years."""

from datetime import date

import pytest

from handlers.understanding.months import find_months

TODAY = date(2026, 11, 25)


@pytest.mark.parametrize(
    ("said", "day"),
    [
        ("下月底", date(2026, 12, 31)),
        ("下个月第一个周一", date(2026, 12, 7)),
        ("本月最后一天", date(2026, 11, 30)),
        ("明年3月", date(2027, 3, 1)),
        ("年底", date(2026, 12, 31)),
        ("明年年底", date(2027, 12, 31)),
        ("下季度", date(2027, 1, 1)),
        ("下个月最后一个周五", date(2026, 12, 25)),
        ("2027年3月底", date(2027, 3, 31)),
        ("季度末", None),
        ("明年", date(2027, 1, 1)),
    ],
)
def test_certain_days(said, day):
    found = max(find_months(said, TODAY), key=lambda when: when.end - when.start, default=None)
    assert (found.days if found else ()) == ((day,) if day else ())


def test_fifth_weekday_that_a_month_lacks_is_impossible():
    assert any(found.impossible for found in find_months("下个月第五个周一", TODAY))
