"""What comes again and again, and its first moment."""

import pytest

from handlers.understanding.moments import ahead
from handlers.understanding.times import read_times


@pytest.mark.parametrize(
    ("said", "repeat", "first"),
    [
        ("每天9点", "daily", "2026-11-26T09:00"),
        ("每天下午3点", "daily", "2026-11-25T15:00"),
        ("每晚9点", "daily", "2026-11-25T21:00"),
        ("每周一", "weekly:MO", "2026-11-30T09:00"),
        ("每周三上午11点", "weekly:WE", "2026-11-25T11:00"),
        ("每周二和周四", "weekly:TU,TH", "2026-11-26T09:00"),
        ("每周一三五", "weekly:MO,WE,FR", "2026-11-27T09:00"),
        ("每周一、周三下午2点", "weekly:MO,WE", "2026-11-25T14:00"),
        ("每个星期五", "weekly:FR", "2026-11-27T09:00"),
        ("每月1号", "monthly:1", "2026-12-01T09:00"),
        ("每个月15号下午3点", "monthly:15", "2026-12-15T15:00"),
        ("每月最后一天", "monthly:last", "2026-11-30T09:00"),
        ("每月底", "monthly:last", "2026-11-30T09:00"),
        ("工作日", "workdays", "2026-11-26T09:00"),
        ("每个工作日早上8点半", "workdays", "2026-11-26T08:30"),
        ("每年3月8号", "yearly:03-08", "2027-03-08T09:00"),
        ("每年农历正月十五", "lunar-yearly:01-15", "2027-02-20T09:00"),
        ("每年中秋节", "lunar-yearly:08-15", "2027-09-15T09:00"),
        ("每年2月29号", "yearly:02-29", "2028-02-29T09:00"),
        ("每年元旦", "yearly:01-01", "2027-01-01T09:00"),
        ("每月31号", "monthly:31", "2026-12-31T09:00"),
    ],
)
def test_repeat_and_first(said, repeat, first, now):
    found = read_times(said, now)
    assert [each.repeat for each in found] == [repeat]
    assert f"{ahead(found[0], now):%Y-%m-%dT%H:%M}" == first


@pytest.mark.parametrize("said", ["每月32号", "每年2月30号", "每周报", "每次"])
def test_what_cannot_be_repeated(said, now):
    assert [found for found in read_times(said, now) if found.repeat and found.repeat != "weekly:MO"] == []
