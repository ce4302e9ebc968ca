"""Lengths of time."""

from datetime import date, datetime, timedelta

import pytest

from handlers.understanding.durations import Length, add_length, find_durations, find_length


@pytest.mark.parametrize(
    ("said", "length"),
    [
        ("延后两小时", Length(minutes=120)),
        ("推半小时", Length(minutes=30)),
        ("一个半小时", Length(minutes=90)),
        ("两天", Length(days=2)),
        ("一周", Length(days=7)),
        ("半个月", Length(days=15)),
        ("三个月", Length(months=3)),
        ("半年", Length(months=6)),
        ("一个半月", Length(months=1, days=15)),
        ("没有", None),
        ("三个", None),
    ],
)
def test_bare_lengths(said, length):
    assert find_length(said) == length


def test_months_keep_the_day_clipped(now):
    assert add_length(datetime(2026, 1, 31, 9, tzinfo=now.tzinfo), Length(months=1)).date() == date(2026, 2, 28)


def test_before_and_after(now):
    assert [found.exact for found in find_durations("10分钟后", now)] == [now + timedelta(minutes=10)]
    assert [found.days for found in find_durations("两周前", now)] == [(date(2026, 11, 11),)]


@pytest.mark.parametrize("said", ["聊了半个小时", "用了三天", "9999年后", "超过三天", "一周三次"])
def test_no_time_comes_of_it(said, now):
    assert [found for found in find_durations(said, now) if found.days or found.exact] == []
