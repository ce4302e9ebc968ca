"""Festivals, their neighbours, and lunar days."""

from datetime import datetime

import pytest

from handlers.understanding.moments import ahead
from handlers.understanding.times import read_times


@pytest.mark.parametrize(
    ("said", "day"),
    [
        ("中秋节", "2027-09-15"),
        ("端午前一天", "2027-06-08"),
        ("端午节前三天", "2027-06-06"),
        ("除夕晚上", "2027-02-05"),
        ("春节", "2027-02-06"),
        ("大年初三", "2027-02-08"),
        ("正月初八", "2027-02-13"),
        ("元宵节", "2027-02-20"),
        ("清明节", "2027-04-05"),
        ("五一", "2027-05-01"),
        ("母亲节", "2027-05-09"),
        ("父亲节", "2027-06-20"),
        ("七夕", "2027-08-08"),
        ("国庆节", "2027-10-01"),
        ("重阳节", "2027-10-08"),
        ("冬至", "2026-12-22"),
        ("腊八", "2027-01-15"),
        ("小年", "2027-01-30"),
        ("元旦", "2027-01-01"),
        ("圣诞节", "2026-12-25"),
        ("三八妇女节", "2027-03-08"),
        ("春节前三天", "2027-02-03"),
        ("元旦后", "2027-01-04"),
        ("节后", "2027-01-04"),
        ("年后", "2027-02-11"),
        ("农历八月十五", "2027-09-15"),
        ("腊月廿三", "2027-01-30"),
        ("中秋后第二天", "2027-09-17"),
        ("2027年中秋", "2027-09-15"),
        ("明年春节", "2027-02-06"),
    ],
)
def test_next_such_day(said, day, now):
    found = read_times(said, now)
    assert [(each.start, each.end) for each in found] == [(0, len(said))]
    assert f"{ahead(found[0], now):%Y-%m-%d}" == day


@pytest.mark.parametrize(
    ("moment", "said", "day"),
    [
        ("2026-10-03T10:15", "节后", "2026-10-08"),
        ("2026-02-10T14:00", "春节后", "2026-02-24"),
        ("2026-02-20T14:00", "年后", "2026-02-24"),
        ("2026-04-20T14:00", "五一后", "2026-05-06"),
        ("2026-09-10T14:00", "中秋前一天", "2026-09-24"),
        ("2026-09-10T14:00", "十一后", "2026-10-08"),
    ],
)
def test_after_the_holiday_is_the_first_working_day(moment, said, day, now):
    at = datetime.fromisoformat(moment).replace(tzinfo=now.tzinfo)
    assert f"{ahead(read_times(said, at)[0], at):%Y-%m-%d}" == day


@pytest.mark.parametrize("said", ["小年轻", "双十一活动", "十一个客户", "二十一", "五一路", "送元宵", "最初八家", "三年后续"])
def test_words_that_only_look_like_feasts(said, now):
    assert not [found for found in read_times(said, now) if found.days and not found.tense]
