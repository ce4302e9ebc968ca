"""Time phrases at seven moments; what is expected is computed here by plain date arithmetic."""

from calendar import monthrange
from datetime import date, datetime, time, timedelta

import pytest

from crm_core.clock import SHANGHAI
from handlers.understanding.mentions import TIME, Sentence
from handlers.understanding.moments import ahead, behind
from handlers.understanding.times import is_time, mark_times, read_times, span_of, unusable_time

NOWS = [
    datetime(2026, 11, 25, 10, 0, tzinfo=SHANGHAI),
    datetime(2026, 11, 25, 16, 30, tzinfo=SHANGHAI),
    datetime(2026, 11, 27, 17, 45, tzinfo=SHANGHAI),
    datetime(2026, 11, 28, 11, 20, tzinfo=SHANGHAI),
    datetime(2026, 11, 29, 21, 10, tzinfo=SHANGHAI),
    datetime(2026, 12, 31, 15, 0, tzinfo=SHANGHAI),
    datetime(2027, 1, 28, 8, 40, tzinfo=SHANGHAI),
]
DAYS = timedelta(days=1)


def at(day: date, hour: int = 9, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), SHANGHAI)


def in_days(count: int, hour: int = 9, minute: int = 0):
    return lambda now: at(now.date() + count * DAYS, hour, minute)


def week_day(weeks: int, weekday: int, hour: int = 9, minute: int = 0):
    return lambda now: at(now.date() - now.weekday() * DAYS + (7 * weeks + weekday) * DAYS, hour, minute)


def coming_weekday(weekday: int, hour: int | None = None):
    def when(now: datetime) -> datetime:
        day = now.date() + ((weekday - now.weekday()) % 7) * DAYS
        if day == now.date() and (hour is None or at(day, hour) <= now):
            day += 7 * DAYS
        return at(day, hour or 9)

    return when


def month(now: datetime, shift: int) -> date:
    index = now.year * 12 + now.month - 1 + shift
    return date(index // 12, index % 12 + 1, 1)


def month_day(shift: int, day: int, hour: int = 9):
    return lambda now: at(month(now, shift).replace(day=day), hour)


def month_end(shift: int, hour: int = 9):
    def when(now: datetime) -> datetime:
        first = month(now, shift)
        return at(first.replace(day=monthrange(first.year, first.month)[1]), hour)

    return when


def coming_day_of_month(number: int):
    def when(now: datetime) -> datetime:
        day = now.date()
        while day.day != number:
            day += DAYS
        return at(day)

    return when


def coming_date(month_number: int, number: int, hour: int = 9):
    def when(now: datetime) -> datetime:
        day = now.date()
        while (day.month, day.day) != (month_number, number):
            day += DAYS
        return at(day, hour)

    return when


def after(**length: int):
    return lambda now: now + timedelta(**length)


def coming_hour(hour: int, minute: int = 0):
    def when(now: datetime) -> datetime:
        today = at(now.date(), hour, minute)
        return today if today > now else today + DAYS

    return when


def months_later(count: int):
    def when(now: datetime) -> datetime:
        first = month(now, count)
        return at(first.replace(day=min(now.day, monthrange(first.year, first.month)[1])))

    return when


def weekend(now: datetime) -> datetime:
    saturday = now.date() - now.weekday() * DAYS + 5 * DAYS
    return at(max(saturday, now.date()))


AHEAD = [
    ("今天", in_days(0)),
    ("今天下午", in_days(0, 14)),
    ("今晚", in_days(0, 20)),
    ("今天晚上8点半", in_days(0, 20, 30)),
    ("明天", in_days(1)),
    ("明早", in_days(1)),
    ("明晚", in_days(1, 20)),
    ("明天中午", in_days(1, 12)),
    ("明天傍晚", in_days(1, 18)),
    ("明天下午三点", in_days(1, 15)),
    ("明天下午三点到五点", in_days(1, 15)),
    ("明天下午3-5点", in_days(1, 15)),
    ("明天3点", in_days(1, 15)),
    ("明天7点", in_days(1, 7)),
    ("明天早上7点", in_days(1, 7)),
    ("明天15:30", in_days(1, 15, 30)),
    ("明天１５：３０", in_days(1, 15, 30)),
    ("明天三点一刻", in_days(1, 15, 15)),
    ("明天十点三刻", in_days(1, 10, 45)),
    ("明天凌晨两点", in_days(1, 2)),
    ("明天晚上12点", in_days(2, 0)),
    ("明天中午12点半", in_days(1, 12, 30)),
    ("明天，下午三点", in_days(1, 15)),
    ("明天 上午 10点", in_days(1, 10)),
    ("明天9am", in_days(1, 9)),
    ("明天3pm", in_days(1, 15)),
    ("tomorrow 3pm", in_days(1, 15)),
    ("后天", in_days(2)),
    ("后天傍晚", in_days(2, 18)),
    ("大后天", in_days(3)),
    ("大后天上午10点20", in_days(3, 10, 20)),
    ("三天后", in_days(3)),
    ("3天之后", in_days(3)),
    ("两天后下午3点", in_days(2, 15)),
    ("过两天", in_days(2)),
    ("十天后", in_days(10)),
    ("一周后", in_days(7)),
    ("两周后", in_days(14)),
    ("2个星期后", in_days(14)),
    ("半个月后", in_days(15)),
    ("一个月后", months_later(1)),
    ("三个月后", months_later(3)),
    ("半年后", months_later(6)),
    ("两小时后", after(hours=2)),
    ("半小时后", after(minutes=30)),
    ("半个小时后", after(minutes=30)),
    ("20分钟后", after(minutes=20)),
    ("一个半小时后", after(minutes=90)),
    ("两个半小时后", after(minutes=150)),
    ("1小时30分钟后", after(minutes=90)),
    ("一刻钟后", after(minutes=15)),
    ("过半小时", after(minutes=30)),
    ("30min后", after(minutes=30)),
    ("周三", coming_weekday(2)),
    ("礼拜三", coming_weekday(2)),
    ("星期五", coming_weekday(4)),
    ("周日", coming_weekday(6)),
    ("礼拜天", coming_weekday(6)),
    ("周五下午3点", coming_weekday(4, 15)),
    ("周六上午", coming_weekday(5, 9)),
    ("周五前", coming_weekday(4)),
    ("周日之前", coming_weekday(6)),
    ("下周", week_day(1, 0)),
    ("下星期", week_day(1, 0)),
    ("下周三", week_day(1, 2)),
    ("下礼拜三", week_day(1, 2)),
    ("下个星期四", week_day(1, 3)),
    ("下周日", week_day(1, 6)),
    ("下周四上午十点", week_day(1, 3, 10)),
    ("下下周一", week_day(2, 0)),
    ("下周 周五", week_day(1, 4)),
    ("next monday", week_day(1, 0)),
    ("周末", weekend),
    ("下个月", month_day(1, 1)),
    ("下月初", month_day(1, 1)),
    ("下个月5号", month_day(1, 5)),
    ("下月15号下午", month_day(1, 15, 14)),
    ("下个月底", month_end(1)),
    ("下月底", month_end(1)),
    ("月底", month_end(0)),
    ("月底前", month_end(0)),
    ("本月最后一天", month_end(0)),
    ("月中", coming_day_of_month(15)),
    ("15号", coming_day_of_month(15)),
    ("十五号", coming_day_of_month(15)),
    ("3号", coming_day_of_month(3)),
    ("20号前", coming_day_of_month(20)),
    ("12月3号", coming_date(12, 3)),
    ("12月3日下午3点", coming_date(12, 3, 15)),
    ("十二月三号", coming_date(12, 3)),
    ("1月6号下午3点", coming_date(1, 6, 15)),
    ("2026-12-31", lambda now: at(date(2026, 12, 31))),
    ("2027年3月8日", lambda now: at(date(2027, 3, 8))),
    ("年底", lambda now: at(date(now.year, 12, 31))),
    ("明年3月", lambda now: at(date(now.year + 1, 3, 1))),
    ("明年3月8号", lambda now: at(date(now.year + 1, 3, 8))),
    ("下午3点", coming_hour(15)),
    ("三点", coming_hour(15)),
    ("9点", coming_hour(9)),
    ("晚上8点半", coming_hour(20, 30)),
    ("15:30", coming_hour(15, 30)),
    ("差五分三点", coming_hour(14, 55)),
]


@pytest.mark.parametrize("now", NOWS, ids=lambda now: f"{now:%m-%d_%H%M}")
@pytest.mark.parametrize(("said", "expected"), AHEAD, ids=[said for said, _ in AHEAD])
def test_time_that_lies_ahead(now, said, expected):
    found = read_times(Sentence(said).plain, now)
    assert len(found) == 1
    assert (found[0].start, found[0].end) == (0, len(said))
    assert ahead(found[0], now) == expected(now)


def last_weekday(weekday: int):
    return lambda now: now.date() - ((now.weekday() - weekday) % 7) * DAYS


def last_day_of_month(number: int):
    def when(now: datetime) -> date:
        day = now.date()
        while day.day != number:
            day -= DAYS
        return day

    return when


BEHIND = [
    ("昨天", lambda now: now.date() - DAYS),
    ("前天下午3点", lambda now: now.date() - 2 * DAYS),
    ("大前天", lambda now: now.date() - 3 * DAYS),
    ("昨晚", lambda now: now.date() - DAYS),
    ("今天", lambda now: now.date()),
    ("刚才", lambda now: now.date()),
    ("周一", last_weekday(0)),
    ("周四", last_weekday(3)),
    ("礼拜三", last_weekday(2)),
    ("上周五", lambda now: now.date() - now.weekday() * DAYS - 3 * DAYS),
    ("上上周二", lambda now: now.date() - now.weekday() * DAYS - 13 * DAYS),
    ("3号", last_day_of_month(3)),
    ("20号", last_day_of_month(20)),
    ("三天前", lambda now: now.date() - 3 * DAYS),
    ("两周前", lambda now: now.date() - 14 * DAYS),
    ("上个月5号", lambda now: month(now, -1).replace(day=5)),
]


@pytest.mark.parametrize("now", NOWS, ids=lambda now: f"{now:%m-%d_%H%M}")
@pytest.mark.parametrize(("said", "expected"), BEHIND, ids=[said for said, _ in BEHIND])
def test_time_that_lies_behind(now, said, expected):
    found = read_times(said, now)
    assert behind(found[0], now).date() == expected(now)


@pytest.mark.parametrize("said", ["今天", "刚才", "刚刚"])
def test_just_now_and_today_without_an_hour_are_now(said, now):
    assert behind(read_times(said, now)[0], now) == now


NO_TIMES = [
    "三点五公斤",
    "4/5G",
    "第三点",
    "两点意见",
    "三点建议",
    "2月30号",
    "25点",
    "13月5号",
    "32号",
    "快一点",
    "早点",
    "有一点贵",
    "一周三次",
    "张江路8号",
    "3号楼",
    "1号线",
    "账号",
    "以后天气",
    "刚好",
    "刚需",
    "周报",
    "周年",
    "双十一",
    "小年轻",
    "说明",
    "3个月",
    "今日头条",
    "1/3",
    "四点五折",
]


@pytest.mark.parametrize("said", NO_TIMES)
def test_what_only_looks_like_a_time_is_none(said, now):
    sentence = Sentence(said)
    mark_times(sentence, now)
    assert sentence.of(TIME) == []


def test_impossible_hour_takes_its_day_along(now):
    sentence = Sentence("明天25点开会")
    mark_times(sentence, now)
    assert sentence.of(TIME) == []


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("今天", "today"),
        ("昨天", "yesterday"),
        ("明天", "tomorrow"),
        ("这周", "this_week"),
        ("本周", "this_week"),
        ("上周", "last_week"),
        ("下周", "next_week"),
        ("这个月", "this_month"),
        ("上个月", "last_month"),
        ("下个月", "next_month"),
        ("本季度", "this_quarter"),
        ("上季度", "last_quarter"),
        ("今年", "this_year"),
        ("去年", "last_year"),
        ("11月1号到15号", (date(2026, 11, 1), date(2026, 11, 15))),
        ("周一到周三", (date(2026, 11, 23), date(2026, 11, 25))),
        ("最近7天", (date(2026, 11, 19), date(2026, 11, 25))),
        ("10月份", (date(2026, 10, 1), date(2026, 10, 31))),
        ("上半年", (date(2026, 1, 1), date(2026, 6, 30))),
        ("三季度", (date(2026, 7, 1), date(2026, 9, 30))),
    ],
)
def test_ranges(said, expected, now):
    assert span_of(read_times(said, now)[0], now) == expected


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("昨天下午三点提醒我开会", ("past", "昨天下午三点")),
        ("明天上午25点提醒我开会", ("impossible", "25点")),
        ("2月30号开会", ("impossible", "2月30号")),
        ("明天提醒我开会", None),
        ("提醒我开会", None),
    ],
)
def test_why_a_time_cannot_be_used(said, problem):
    assert unusable_time(said, NOWS[0]) == problem


def test_a_time_and_nothing_else():
    assert is_time("周三下午", NOWS[0])
    assert not is_time("高明天", NOWS[0])
