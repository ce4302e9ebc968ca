"""What comes again and again: 每天9点, 每周二和周四, 每月最后一天, 工作日, 每年农历正月十五."""

import re
from calendar import monthrange
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta

from crm_core import calendar
from handlers.understanding.days import WEEKDAYS, add_months, month_end
from handlers.understanding.feasts import LUNAR_MONTHS
from handlers.understanding.moments import DAY, MONTH, Clock, When, at_clock
from handlers.understanding.numerals import read_small

CODES = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
EVERY = r"(?:每(?:个|逢|到|一)?|逢)"
WEEK = r"(?:周|礼拜|星期)"
# An hour right behind the days: 每周三三点.
HOUR_SAID = r"\s?(?:\d{1,2}|[一二两三四五六七八九十]{1,3})[点时:]"
SIGNS = r"[一二三四五六日天末1-7]"
AND = r"[、,和跟及与\s]*"
# How far ahead a repeated day is looked for: a leap day may be eight years off.
YEARS_AHEAD = 9
DAYS_AHEAD = 60

Candidates = Iterable[date]


def _from_days(days: Callable[[date], Candidates]) -> Callable[[datetime, Clock], datetime | None]:
    """Make a rule that gives the first moment after now on one of the days."""

    def first(now: datetime, clock: Clock) -> datetime | None:
        moments = (at_clock(day, clock, now) for day in days(now.date()))
        return next((moment for moment in moments if moment is not None and moment > now), None)

    return first


def _each_day(fits: Callable[[date], bool]) -> Callable[[date], Candidates]:
    return lambda today: (day for shift in range(-1, DAYS_AHEAD) if fits(day := today + timedelta(days=shift)))


def _weekly(match: re.Match[str]) -> When:
    signs = re.findall(SIGNS, match["days"] or "一")
    indices = [5 if sign == "末" else WEEKDAYS[sign] for sign in signs]
    if match["last"]:
        indices = list(range(indices[0], WEEKDAYS[match["last"]] + 1))
    wanted = sorted(set(indices), key=indices.index)
    code = "weekly:" + ",".join(CODES[index] for index in wanted)
    return _make(match, code, _each_day(lambda day: day.weekday() in wanted))


def _daily(match: re.Match[str]) -> When:
    return _make(match, "daily", _each_day(lambda _: True))


def _workdays(match: re.Match[str]) -> When:
    return _make(match, "workdays", _each_day(calendar.is_workday))


def _monthly(match: re.Match[str]) -> When | None:
    if match["last"]:
        return _make(
            match, "monthly:last", lambda today: (month_end(add_months(today.replace(day=1), n)) for n in range(-1, 3))
        )
    said = [read_small(day) for day in re.findall(DAY, match["days"])] if match["days"] else [15 if match["middle"] else 1]
    days = sorted({day for day in said if day and day <= 31})
    if not days or len(days) != len(said):
        return None

    def candidates(today: date) -> Candidates:
        firsts = (add_months(today.replace(day=1), shift) for shift in range(-1, 14))
        return (first.replace(day=day) for first in firsts for day in days if day <= monthrange(first.year, first.month)[1])

    return _make(match, "monthly:" + ",".join(map(str, days)), candidates)


def _yearly(match: re.Match[str]) -> When | None:
    month, day = read_small(match["month"]) or 0, read_small(match["day"]) or 0
    if not (1 <= month <= 12 and 1 <= day <= monthrange(2000, month)[1]):
        return None

    def candidates(today: date) -> Candidates:
        years = range(today.year, today.year + YEARS_AHEAD)
        return (date(year, month, day) for year in years if day <= monthrange(year, month)[1])

    return _make(match, f"yearly:{month:02}-{day:02}", candidates)


def _lunar(match: re.Match[str]) -> When | None:
    sign = match["month"]
    month = LUNAR_MONTHS.get(sign) or read_small(sign) or 0
    day = read_small(match["day"].removeprefix("初")) or 0
    if not (1 <= month <= 12 and 1 <= day <= 30):
        return None
    return _lunar_yearly(match, month, day)


def _lunar_yearly(match: re.Match[str], month: int, day: int) -> When:
    def candidates(today: date) -> Candidates:
        return (calendar.lunar_to_solar(today.year + shift, month, day) for shift in (-1, 0, 1, 2))

    return _make(match, f"lunar-yearly:{month:02}-{day:02}", candidates)


def _festival(match: re.Match[str]) -> When | None:
    word = match["word"].removesuffix("节")
    for festival in calendar.festivals().values():
        if word in festival.words or match["word"] in festival.words:
            if festival.rule == "lunar":
                month, day = festival.value.split("-")
                return _lunar_yearly(match, int(month), int(day))
            if festival.rule == "solar":
                return _make(match, f"yearly:{festival.value}", _days_of(festival.name))
    return None


def _days_of(name: str) -> Callable[[date], Candidates]:
    return lambda today: (calendar.festival_date(name, today.year + shift) for shift in (0, 1))


def _make(match: re.Match[str], code: str, days: Callable[[date], Candidates]) -> When:
    return When(match.start(), match.end(), repeat=code, first=_from_days(days), tense="future")


RULES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], When | None]], ...] = (
    (re.compile(r"(?:(?:周|星期|礼拜)一(?:到|至)(?:周|星期|礼拜)?五)?的?每(?:天|日|一天)|天天|每(?=[早晚])"), _daily),
    (re.compile(r"every ?day|daily"), _daily),
    (re.compile(r"每?(?:个|一)?(?:法定)?工作日(?:每天)?(?![内后前之以])"), _workdays),
    (
        re.compile(
            rf"{EVERY}{WEEK}的?(?P<days>{SIGNS}(?:{AND}{WEEK}?{SIGNS}(?![次回遍点:\d]))*)?(?:(?:到|"
            rf"至|-|~){WEEK}?(?P<last>{SIGNS}))?"
            rf"(?![次回遍报刊])(?:(?={HOUR_SAID})|(?![\d一二三四五六七八九十]))"
        ),
        _weekly,
    ),
    (
        re.compile(
            rf"每(?:个)?月的?(?:(?P<days>{DAY}[号日]?(?:{AND}{DAY}[号日])*)(?![次回遍个点:天\d])|"
            rf"(?P<last>最后(?:一|1)天|底|末)|(?P<middle>中旬?)|(?:初|第(?:一|1)天))"
        ),
        _monthly,
    ),
    (re.compile(rf"每年的?(?P<month>{MONTH})月(?P<day>{DAY})[号日]?"), _yearly),
    (re.compile(rf"每年的?(?:农历|阴历|旧历)(?P<month>[正冬腊]|{MONTH})月(?P<day>初?{DAY})[号日]?"), _lunar),
    (re.compile(rf"每年的?(?P<month>[正冬腊])月(?P<day>初?{DAY})[号日]?"), _lunar),
    (re.compile(r"每年的?(?P<word>[一-龥]{2,4}?节|[一-龥]{2})"), _festival),
)


def find_repeats(text: str) -> Iterable[When]:
    """Find all repeated days; an hour that stands beside one is joined later."""
    if (
        "每" not in text
        and "逢" not in text
        and "工作日" not in text
        and "天天" not in text
        and "daily" not in text
        and "every" not in text
    ):
        return
    for pattern, maker in RULES:
        for match in pattern.finditer(text):
            found = maker(match)
            if found is not None:
                yield found
