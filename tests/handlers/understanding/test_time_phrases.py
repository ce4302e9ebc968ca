"""A table of some thousand time phrases; what is expected is computed here by calendar arithmetic and by tables of our own.

The lunar days come from the first days of the lunar months as printed in almanacs (`NEW_MOONS`), not from the calendar
the code uses; the first working days after holidays of 2026 from the published notice, those of 2027 from the law of 2025.
"""

from calendar import monthrange
from collections.abc import Callable
from datetime import date, datetime, time, timedelta

import pytest

from crm_core.clock import SHANGHAI
from handlers.understanding.mentions import Sentence
from handlers.understanding.moments import DEFAULT_CLOCK, ahead, behind
from handlers.understanding.times import read_times

NOWS = [
    datetime(2026, 11, 25, 10, 0, tzinfo=SHANGHAI),
    datetime(2026, 11, 27, 17, 45, tzinfo=SHANGHAI),
    datetime(2026, 11, 29, 21, 10, tzinfo=SHANGHAI),
    datetime(2026, 12, 31, 15, 0, tzinfo=SHANGHAI),
    datetime(2026, 2, 10, 14, 0, tzinfo=SHANGHAI),
]
When = Callable[[datetime], datetime]


def plus(count: int) -> Callable[[date], date]:
    return lambda today: today + timedelta(days=count)


def in_week(weeks: int, weekday: int) -> Callable[[date], date]:
    return lambda today: today - timedelta(days=today.weekday()) + timedelta(weeks=weeks, days=weekday)


def first_of(today: date, months: int) -> date:
    index = today.year * 12 + today.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


def of_month(months: int, day: int) -> Callable[[date], date]:
    """Day of a month counted from this one; 0 is its last."""

    def when(today: date) -> date:
        first = first_of(today, months)
        return first.replace(day=day or monthrange(first.year, first.month)[1])

    return when


def nth(months: int, number: int, weekday: int) -> Callable[[date], date]:
    def when(today: date) -> date:
        days = [first_of(today, months) + timedelta(days=shift) for shift in range(28)]
        return [day for day in days if day.weekday() == weekday][number - 1]

    return when


def clipped(months: int) -> Callable[[date], date]:
    def when(today: date) -> date:
        first = first_of(today, months)
        return first.replace(day=min(today.day, monthrange(first.year, first.month)[1]))

    return when


WEEK = "一二三四五六日"
# Words that name one day, whatever the hour is.
SURE_DAYS: dict[str, Callable[[date], date]] = {
    "今天": plus(0),
    "今日": plus(0),
    "今儿": plus(0),
    "明天": plus(1),
    "明日": plus(1),
    "明儿": plus(1),
    "tomorrow ": plus(1),
    "后天": plus(2),
    "后儿": plus(2),
    "大后天": plus(3),
    "两天后": plus(2),
    "三天后": plus(3),
    "5天后": plus(5),
    "十天后": plus(10),
    "一周后": plus(7),
    "两周后": plus(14),
    "3个星期后": plus(21),
    "半个月后": plus(15),
    "一个月后": clipped(1),
    "两个月后": clipped(2),
    **{f"下周{sign}": in_week(1, day) for day, sign in enumerate(WEEK)},
    **{f"下礼拜{sign}": in_week(1, day) for day, sign in enumerate("一二三四五六天")},
    "下个星期三": in_week(1, 2),
    "下下周一": in_week(2, 0),
    "下下周五": in_week(2, 4),
    "下周": in_week(1, 0),
    "下下周": in_week(2, 0),
    "next friday ": in_week(1, 4),
    "下个月": of_month(1, 1),
    "下月初": of_month(1, 1),
    "下个月3号": of_month(1, 3),
    "下月15号": of_month(1, 15),
    "下个月二十八号": of_month(1, 28),
    "下月底": of_month(1, 0),
    "下个月最后一天": of_month(1, 0),
    "本月最后一天": of_month(0, 0),
    "这个月最后一天": of_month(0, 0),
    "下个月第一个周一": nth(1, 1, 0),
    "下个月第二个周五": nth(1, 2, 4),
    "下个月第三个星期三": nth(1, 3, 2),
    "明年3月": lambda today: date(today.year + 1, 3, 1),
    "明年3月8号": lambda today: date(today.year + 1, 3, 8),
    "明年五月二十号": lambda today: date(today.year + 1, 5, 20),
    "2027年6月18日": lambda _: date(2027, 6, 18),
    "2028-01-05 ": lambda _: date(2028, 1, 5),
}
# Hour and minute, and the days on: midnight by its evening name is the next day.
CLOCKS: dict[str, tuple[int, int, int]] = {
    "": DEFAULT_CLOCK,
    "早上": (0, 9, 0),
    "上午": (0, 9, 0),
    "中午": (0, 12, 0),
    "下午": (0, 14, 0),
    "傍晚": (0, 18, 0),
    "晚上": (0, 20, 0),
    "早上7点": (0, 7, 0),
    "上午9点": (0, 9, 0),
    "上午十点半": (0, 10, 30),
    "中午12点": (0, 12, 0),
    "下午三点": (0, 15, 0),
    "下午3点20": (0, 15, 20),
    "下午四点三刻": (0, 16, 45),
    "下午3:20": (0, 15, 20),
    "三点": (0, 15, 0),
    "5点半": (0, 17, 30),
    "8点": (0, 8, 0),
    "十一点一刻": (0, 11, 15),
    "15:30": (0, 15, 30),
    "09:05": (0, 9, 5),
    "晚上8点半": (0, 20, 30),
    "晚上七点二十": (0, 19, 20),
    "晚上12点": (1, 0, 0),
    "凌晨两点": (0, 2, 0),
    "傍晚六点": (0, 18, 0),
}


def at(day: date, clock: tuple[int, int, int] = DEFAULT_CLOCK) -> datetime:
    return datetime.combine(day, time(clock[1], clock[2]), SHANGHAI) + timedelta(days=clock[0])


# Behind these a bare number would belong to the day: "下周三点", "下月初三点", "明年3月中午".
OPEN_ENDED = ("下周", "下下周", "下月初", "明年3月")
SURE = [
    (f"{day}{clock}", which, when)
    for day, which in SURE_DAYS.items()
    for clock, when in CLOCKS.items()
    if day not in OPEN_ENDED or not clock or (clock.startswith(("上", "下", "晚")) and day != "明年3月")
]


def only(text: str, now: datetime):
    found = read_times(Sentence(text).plain, now)
    assert len(found) == 1, text
    return found[0]


@pytest.mark.parametrize(("said", "which", "clock"), SURE, ids=[said for said, _, _ in SURE])
def test_day_with_an_hour(said, which, clock):
    for now in NOWS:
        assert ahead(only(said, now), now) == at(which(now.date()), clock), now


def weekday_ahead(weekday: int, clock: tuple[int, int, int], now: datetime, *, said_hour: bool) -> datetime:
    day = now.date() + timedelta(days=(weekday - now.weekday()) % 7)
    over = at(day, clock) <= now if said_hour else day == now.date()
    return at(day + timedelta(days=7 if over else 0), clock)


def number_ahead(number: int, clock: tuple[int, int, int], now: datetime, *, said_hour: bool) -> datetime:
    day = now.date()
    while day.day != number or (said_hour and at(day, clock) <= now):
        day += timedelta(days=1)
    return at(day, clock)


def date_ahead(month: int, number: int, clock: tuple[int, int, int], now: datetime, *, said_hour: bool) -> datetime:
    day = now.date()
    while (day.month, day.day) != (month, number) or (said_hour and at(day, clock) <= now):
        day += timedelta(days=1)
    return at(day, clock)


SOME_CLOCKS = ["", "上午", "下午", "晚上", "下午三点", "上午十点半", "15:30", "晚上8点半", "8点"]
WEEKDAYS = [(f"{word}{sign}", day) for word in ("周", "这周", "本周", "星期", "礼拜") for day, sign in enumerate(WEEK)]
NUMBERS = [("1号", 1), ("5号", 5), ("15号", 15), ("十八号", 18), ("20日", 20), ("二十五号", 25), ("28号", 28)]
DATES = [
    ("1月6号", 1, 6),
    ("3月8日", 3, 8),
    ("五月二十号", 5, 20),
    ("12月3号", 12, 3),
    ("十二月二十五日", 12, 25),
    ("6月18号", 6, 18),
]


@pytest.mark.parametrize("clock", SOME_CLOCKS)
@pytest.mark.parametrize(("said", "weekday"), WEEKDAYS, ids=[said for said, _ in WEEKDAYS])
def test_weekday_ahead_is_the_next_one_not_past(said, weekday, clock):
    for now in NOWS:
        expected = weekday_ahead(weekday, CLOCKS[clock], now, said_hour=bool(clock))
        assert ahead(only(said + clock, now), now) == expected, now


@pytest.mark.parametrize(("said", "weekday"), WEEKDAYS, ids=[said for said, _ in WEEKDAYS])
def test_weekday_behind_is_the_latest_one(said, weekday):
    for now in NOWS:
        assert behind(only(said, now), now).date() == now.date() - timedelta(days=(now.weekday() - weekday) % 7), now


@pytest.mark.parametrize("clock", SOME_CLOCKS)
@pytest.mark.parametrize(("said", "number"), NUMBERS)
def test_day_of_the_month_ahead(said, number, clock):
    for now in NOWS:
        assert ahead(only(said + clock, now), now) == number_ahead(number, CLOCKS[clock], now, said_hour=bool(clock)), now


@pytest.mark.parametrize("clock", SOME_CLOCKS)
@pytest.mark.parametrize(("said", "month", "number"), DATES)
def test_date_ahead(said, month, number, clock):
    for now in NOWS:
        assert ahead(only(said + clock, now), now) == date_ahead(month, number, CLOCKS[clock], now, said_hour=bool(clock)), now


# First days of the lunar months of 2026 and 2027, and of the first of 2028.
NEW_MOONS = {
    2026: "02-17 03-19 04-17 05-17 06-15 07-14 08-13 09-11 10-10 11-09 12-09 2027-01-08",
    2027: "02-06 03-08 04-07 05-06 06-05 07-04 08-02 09-01 09-30 10-29 11-28 12-28",
    2028: "01-26",
}
LUNAR_FIRSTS = {
    (year, month): date.fromisoformat(said if len(said) == 10 else f"{year}-{said}")
    for year, row in NEW_MOONS.items()
    for month, said in enumerate(row.split(), 1)
}
MONTH_NAMES = ("正月", "二月", "三月", "四月", "五月", "六月", "七月", "八月", "九月", "十月", "冬月", "腊月")
DAY_NAMES = {1: "初一", 3: "初三", 8: "初八", 10: "初十", 15: "十五", 20: "二十", 23: "廿三", 27: "廿七"}


def lunar_ahead(
    month: int, number: int, now: datetime, clock: tuple[int, int, int] = DEFAULT_CLOCK, *, said_hour: bool = False
):
    days = sorted(first + timedelta(days=number - 1) for (_, each), first in LUNAR_FIRSTS.items() if each == month)
    return next(at(day, clock) for day in days if (at(day, clock) > now if said_hour else day >= now.date()))


LUNAR = [
    (f"农历{name}{said}", month, number) for month, name in enumerate(MONTH_NAMES, 1) for number, said in DAY_NAMES.items()
]
LUNAR += [
    (f"阴历{name}{said}", month, number) for month, name in ((1, "正月"), (8, "八月")) for number, said in DAY_NAMES.items()
]
LUNAR += [(f"{MONTH_NAMES[month - 1]}{said}", month, number) for month in (1, 12) for number, said in DAY_NAMES.items()]
LUNAR += [(f"{MONTH_NAMES[month - 1]}初八", month, 8) for month in range(2, 11)]
AUTUMN = [now for now in NOWS if now.year == 2026 and now.month >= 11]


@pytest.mark.parametrize(("said", "month", "number"), LUNAR, ids=[said for said, _, _ in LUNAR])
def test_lunar_day_ahead(said, month, number):
    for now in AUTUMN:
        assert ahead(only(said, now), now) == lunar_ahead(month, number, now)
        evening = lunar_ahead(month, number, now, (0, 20, 0), said_hour=True)
        assert ahead(only(f"{said}晚上8点", now), now) == evening


# Festival words, and how to find their day.
LUNAR_FEASTS = {
    "春节": (1, 1),
    "元宵": (1, 15),
    "端午": (5, 5),
    "七夕": (7, 7),
    "中秋": (8, 15),
    "重阳": (9, 9),
    "腊八": (12, 8),
    "小年": (12, 23),
}
SOLAR_FEASTS = {
    "元旦": (1, 1),
    "妇女节": (3, 8),
    "五四青年节": (5, 4),
    "儿童节": (6, 1),
    "教师节": (9, 10),
    "国庆": (10, 1),
    "圣诞": (12, 25),
}
SHIFTS = {"": 0, "当天": 0, "前一天": -1, "前三天": -3, "前两天": -2, "第二天": 1}


def feast_ahead(word: str, shift: int, now: datetime) -> date:
    moved = timedelta(days=shift)
    if word in LUNAR_FEASTS:
        month, number = LUNAR_FEASTS[word]
        days = sorted(first + timedelta(days=number - 1) for (_, each), first in LUNAR_FIRSTS.items() if each == month)
    else:
        month, number = SOLAR_FEASTS[word]
        days = [date(year, month, number) for year in (2026, 2027, 2028)]
    return next(day + moved for day in days if day + moved >= now.date())


@pytest.mark.parametrize(("offset", "shift"), SHIFTS.items())
@pytest.mark.parametrize("word", [*LUNAR_FEASTS, *SOLAR_FEASTS])
def test_festival_and_days_around_it(word, offset, shift):
    for now in AUTUMN:
        found = only(word + offset, now)
        assert ahead(found, now) == at(feast_ahead(word, shift, now)), now
        assert (found.festival is not None) == (shift == 0)


@pytest.mark.parametrize(
    ("said", "of_2026", "of_2027"),
    [
        ("元旦后", "", "2027-01-04"),
        ("春节后", "2026-02-24", "2027-02-11"),
        ("年后", "2026-02-24", "2027-02-11"),
        ("清明节后", "2026-04-07", "2027-04-06"),
        ("五一后", "2026-05-06", "2027-05-05"),
        ("端午节后", "2026-06-22", "2027-06-10"),
        ("中秋节后", "2026-09-28", "2027-09-16"),
        ("国庆节后", "2026-10-08", "2027-10-06"),
        ("国庆后第一个工作日", "2026-10-08", "2027-10-06"),
    ],
)
def test_first_working_day_after_a_holiday(said, of_2026, of_2027):
    if of_2026:
        assert ahead(only(said, NOWS[4]), NOWS[4]) == at(date.fromisoformat(of_2026))
    assert ahead(only(said, NOWS[0]), NOWS[0]) == at(date.fromisoformat(of_2027))


LENGTHS = {
    "10分钟后": 10,
    "二十分钟后": 20,
    "半小时后": 30,
    "半个小时之后": 30,
    "三刻钟后": 45,
    "一小时后": 60,
    "1个小时后": 60,
    "一个半小时后": 90,
    "两小时后": 120,
    "两个半小时后": 150,
    "3小时20分钟后": 200,
    "再过40分钟": 40,
    "过一个钟头": 60,
}


@pytest.mark.parametrize(("said", "minutes"), LENGTHS.items())
def test_length_from_now_is_exact(said, minutes):
    for now in NOWS:
        assert ahead(only(said, now), now) == now + timedelta(minutes=minutes)


def test_the_table_is_long_enough():
    weekdays, numbers, dates = (len(rows) * len(SOME_CLOCKS) for rows in (WEEKDAYS, NUMBERS, DATES))
    assert len({said for said, _, _ in SURE}) + len(LUNAR) + weekdays + numbers + dates >= 400
