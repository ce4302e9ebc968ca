"""Festivals and lunar days: 中秋节, 端午前一天, 春节后, 节后, 农历八月十五, 正月初八."""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from functools import cache

from crm_core import calendar
from handlers.understanding.days import YEAR, year_of
from handlers.understanding.moments import COUNT, DAY, When
from handlers.understanding.numerals import read_small

LUNAR_MONTHS = {"正": 1, "冬": 11, "腊": 12}
# Short names that are also numbers: only with something that makes them a feast.
NUMBER_LIKE = ("五一", "六一", "三八", "五四", "十一")
MAKES_A_FEAST = (
    r"(?=节|假|长假|小长假|黄金周|期间|之?[前后]|当天|那天|放假|[早晚]上|[上中下]午|"
    r"给|发|去|快乐|活动|回|出|提醒|[\s,。!]|$)"
)
AFTER = r"(?:(?:小?长)?假期?|放假|假)?(?:结束|之|以|过)?后(?![\d一二两三四五六七八九十天续面台])|放完假|收假"
OFFSET = (
    rf"(?:(?:节|的)?(?P<back>的?提?前)(?P<back_days>{COUNT})[天日]|(?P<eve>前夕|前夜|前日)"
    rf"|(?:节|的)?后第?(?P<on_days>{COUNT})[天日]|(?P<next_day>的?第二天|次日|隔天)|"
    rf"(?P<after>节?(?:{AFTER})(?:的?第一个工作日|首个工作日)?)"
    r"|(?P<same>的?当天|的?那天|的?当日|节?[之以]?前|期间)(?![\d一二两三四五六七八九十]天))?"
)


@cache
def _names() -> dict[str, str]:
    names = {word: festival.name for festival in calendar.festivals().values() for word in festival.words}
    return names | {"十一": "national_day", "大年初一": "spring_festival", "过年": "spring_festival"}


@cache
def _pattern() -> re.Pattern[str]:
    plain = sorted((word for word in _names() if word not in {*NUMBER_LIKE, "小年", "过年"}), key=len, reverse=True)
    numbers = "|".join(NUMBER_LIKE)
    words = (
        rf"(?<![送吃买煮订包寄])(?:{'|'.join(plain)})|(?<![中大老])小年(?![轻龄级纪])|"
        rf"过年(?=期间|之?[前后]|的时候|当天)"
        rf"|(?<![\d零一二三四五六七八九十双月第年])(?:{numbers})(?![点月号日个年万千百\d]){MAKES_A_FEAST}"
    )
    return re.compile(rf"(?:{YEAR}的?)?(?P<word>{words})(?:节(?![\d一二三四五六七八九十目约省点奏]))?{OFFSET}")


def _each_year(today: date, day_in: Callable[[int], date]) -> tuple[date, ...]:
    return tuple(sorted({day_in(today.year + shift) for shift in (-1, 0, 1, 2)}))


def _shift(match: re.Match[str]) -> int:
    if match["back_days"]:
        return -(read_small(match["back_days"]) or 0)
    if match["on_days"]:
        return read_small(match["on_days"]) or 0
    return -1 if match["eve"] else 1 if match["next_day"] else 0


def _festival(match: re.Match[str], today: date) -> When:
    name, shift = _names()[match["word"]], timedelta(days=_shift(match))

    def day_in(year: int) -> date:
        if match["after"]:
            return calendar.first_workday_after_holiday(name, year)
        return calendar.festival_date(name, year) + shift

    year = year_of(match["year"], today)
    days = (day_in(year),) if year is not None and 1902 <= year <= 2098 else _each_year(today, day_in)
    found = When(match.start(), match.end(), days=days, lean="future")
    if not match["after"] and not shift:
        found.festival = name
    return found


def _holiday_edge(match: re.Match[str], today: date) -> When:
    """Read 节后, 节前, 年后, 年前: the edge of whichever holiday comes next, or of 春节."""
    names: Sequence[str] = ("spring_festival",) if match["edge"].startswith("年") else calendar.holiday_names()
    edge = calendar.first_workday_after_holiday if match["edge"].endswith("后") else calendar.festival_date
    days = {edge(name, today.year + shift) for name in names for shift in (-1, 0, 1)}
    return When(match.start(), match.end(), days=tuple(sorted(days)), lean="future")


def _lunar(match: re.Match[str], today: date) -> When | None:
    sign = match["month"]
    month = LUNAR_MONTHS.get(sign) or read_small(sign) or 0
    day = read_small(match["day"].removeprefix("初")) or 0
    if not (1 <= month <= 12 and 1 <= day <= 30):
        return When(match.start(), match.end(), impossible=True)
    return _lunar_when(match, today, month, day, leap=bool(match["leap"]))


def _lunar_when(match: re.Match[str], today: date, month: int, day: int, *, leap: bool) -> When:
    def day_in(year: int) -> date:
        return calendar.lunar_to_solar(year, month, day, leap=leap)

    found = When(match.start(), match.end(), days=_each_year(today, day_in), lean="future")
    found.lunar = (month, day, leap)
    return found


def _new_year_day(match: re.Match[str], today: date) -> When | None:
    """Read 初八 or 大年初三: around 春节 a day of its month, else a day of the coming lunar month."""
    day = read_small(match["day"]) or 0
    if not 1 <= day <= 10:
        return None
    lunar = calendar.solar_to_lunar(today)
    if match["big"] or lunar.month in {12, 1}:
        return _lunar_when(match, today, 1, day, leap=False)
    months = (lunar.month, lunar.month % 12 + 1)
    days = {calendar.lunar_to_solar(lunar.year + (month < lunar.month), month, day) for month in months}
    return When(match.start(), match.end(), days=tuple(sorted(days)), lean="future")


LUNAR_DAY = r"(?P<day>初[一二三四五六七八九十]|廿[一二三四五六七八九]?|卅)"
EDGE = re.compile(
    r"(?P<edge>(?<![环细关情章])节[后前]|(?<![\d一二两三四五六七八九十几半多今去明前来每])年[后前])(?![天年面端台"
    r"])"
)
RULES = (
    (
        re.compile(
            rf"(?:农历|阴历|旧历|老历)的?(?P<leap>闰)?(?P<month>[正冬腊]|1[0-2]|0?[1-9]|"
            rf"十[一二]?|[一二三四五六七八九])月(?P<day>初?{DAY})[号日]?"
        ),
        _lunar,
    ),
    (re.compile(rf"(?P<leap>闰)?(?P<month>[正冬腊])月(?P<day>初?{DAY})[号日]?"), _lunar),
    (re.compile(rf"(?P<leap>闰)(?P<month>十[一二]?|[一二三四五六七八九]|1[0-2]|[1-9])月(?P<day>初?{DAY})[号日]?"), _lunar),
    (re.compile(rf"(?P<leap>)(?P<month>十[一二]?|[二三四五六七八九])月{LUNAR_DAY}"), _lunar),
    (re.compile(r"(?P<big>大年|年)?(?<![最当起之月从])初(?P<day>[一二三四五六七八九十])(?![中高期步级])"), _new_year_day),
)


def find_feasts(text: str, today: date) -> Iterable[When]:
    """Find all festivals and lunar days; the caller keeps the longest of overlapping ones."""
    for match in _pattern().finditer(text):
        yield _festival(match, today)
    for match in EDGE.finditer(text):
        yield _holiday_edge(match, today)
    for pattern, maker in RULES:
        for match in pattern.finditer(text):
            found = maker(match, today)
            if found is not None:
                yield found
