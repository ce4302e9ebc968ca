"""Days named by month, quarter and year: 月底, 下个月第一个周一, 明年3月, 年底, 下季度."""

import re
from collections.abc import Iterable
from datetime import date, timedelta

from handlers.understanding.days import (
    ORDINALS,
    TURN,
    WEEKDAYS,
    YEAR,
    Found,
    Maker,
    add_months,
    fixed,
    impossible,
    month_end,
    one_day,
    place,
    tense_of,
    turned_month,
    year_of,
)
from handlers.understanding.moments import MONTH, When
from handlers.understanding.numerals import read_small

PARTS = {"初": 1, "上旬": 1, "中": 15, "中旬": 15, "下旬": 21}


def _part_of(first: date, part: str) -> date:
    return month_end(first) if part in {"底", "末", "尾"} else first.replace(day=PARTS[part])


def _month_part(match: re.Match[str], today: date) -> Found:
    first, part = turned_month(match["turn"], today), match["part"]
    if first is not None:
        return one_day(match, _part_of(first, part), today)
    firsts = (add_months(today.replace(day=1), shift) for shift in range(-2, 3))
    found = When(*place(match), days=tuple(_part_of(first, part) for first in firsts), lean="future")
    found.span = "this_month"
    return found


def _month(match: re.Match[str], today: date) -> Found:
    first = turned_month(match["turn"], today)
    if first is None or match["turn"] in {"这", "本", "当"}:
        return When(*place(match), span="this_month", only_span=True)
    found = fixed(match, first, tense_of(first, today))
    shift = (first.year - today.year) * 12 + first.month - today.month
    found.span = {1: "next_month", -1: "last_month"}.get(shift) or (first, month_end(first))
    return found


def _named_month(match: re.Match[str], today: date) -> Found:
    month, part = read_small(match["month"]), match["part"] or "初"
    year = year_of(match["year"], today)
    if not month:
        return None
    years = (year,) if year else tuple(today.year + shift for shift in (-1, 0, 1))
    days = tuple(_part_of(date(each, month, 1), part) for each in years)
    near = date(year or today.year, month, 1)
    tense = tense_of(days[0], today) if year else ""
    return When(*place(match), days=days, tense=tense, span=(near, month_end(near)))


def _year_part(match: re.Match[str], today: date) -> Found:
    year, part = year_of(match["year"], today) or today.year, match["part"]
    day = date(year, 12, 31) if part in {"底", "末"} else date(year, 1, 1)
    if not match["year"] and part == "初" and day < today:
        day = date(today.year + 1, 1, 1)
    found = fixed(match, day, tense_of(day, today))
    found.span = (day, day)
    return found


def _year(match: re.Match[str], today: date) -> Found:
    year = year_of(match["year"], today)
    if year is None or not date.min.year < year < date.max.year:
        return None
    span = {0: "this_year", -1: "last_year"}.get(year - today.year) or (date(year, 1, 1), date(year, 12, 31))
    if year == today.year:
        return When(*place(match), span=span, only_span=True)
    found = fixed(match, date(year, 1, 1), "past" if year < today.year else "future")
    found.span = span
    return found


def _nth_in_month(match: re.Match[str], today: date) -> Found:
    first = turned_month(match["turn"], today)
    if first is None and match["month"]:
        number = read_small(match["month"]) or 1
        first = date(today.year if number >= today.month else today.year + 1, number, 1)
    first = first or today.replace(day=1)
    if match["last_day"]:
        return one_day(match, month_end(first), today)
    weekday = WEEKDAYS[match["sign"]]
    if match["nth"] == "最后一":
        end = month_end(first)
        return one_day(match, end - timedelta(days=(end.weekday() - weekday) % 7), today)
    nth = ORDINALS[match["nth"][-1]]
    day = first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (nth - 1))
    return one_day(match, day, today) if day.month == first.month else impossible(match)


def _quarter(match: re.Match[str], today: date) -> Found:
    current = (today.month - 1) // 3
    if match["turn"]:
        shift = {"这": 0, "本": 0, "上": -1, "下": 1}[match["turn"]]
    else:
        shift = (ORDINALS[match["nth"] or match["nth2"]] - 1) - current
    first = add_months(date(today.year, current * 3 + 1, 1), 3 * shift)
    last = month_end(add_months(first, 2))
    if match["part"]:
        return one_day(match, last if match["part"] in "末底" else first, today)
    span = {0: "this_quarter", -1: "last_quarter"}.get(shift, (first, last)) if match["turn"] else (first, last)
    if first <= today <= last:
        return When(*place(match), span=span, only_span=True)
    found = fixed(match, first, tense_of(first, today))
    found.span = span
    return found


RULES: tuple[tuple[re.Pattern[str], Maker], ...] = tuple(
    (re.compile(pattern), maker)
    for pattern, maker in (
        (
            rf"(?:{TURN}(?:个)?|(?<![\d一二三四五六七八九十个两几半每满]))"
            r"月(?P<part>底|末|初(?![一二三四五六七八九十])|中旬|上旬|下旬|尾|中(?![国的型小大间有标秋午奖意]))",
            _month_part,
        ),
        (rf"{TURN}(?:个)?月(?:份)?", _month),
        (
            rf"(?<![\d个每.一二两三四五六七八九十几半])(?:{YEAR}的?)?(?P<month>{MONTH})月(?:份)?"
            r"(?P<part>底|末|初(?![一二三四五六七八九十])|上旬|中旬|下旬|中(?![国的型小大间有标]))?(?![\d一二三四五六七八"
            r"九十饼报结刊薪租费嫂])",
            _named_month,
        ),
        (
            r"(?:(?P<year>今年|明年|后年|去年|20\d\d年)年?|(?<![一-龥\d])年|年)(?P<part>底|"
            r"末|初(?![一二三四五六七八九十]))",
            _year_part,
        ),
        (YEAR, _year),
        (
            rf"(?:{TURN}(?:个)?月|(?<![\d个每])(?P<month>{MONTH})月(?:份)?)的?"
            r"(?:(?P<last_day>最后(?:一|1)天)|(?P<nth>第[一二三四五1-5]|最后一)个?(?:周|"
            r"礼拜|星期)(?P<sign>[一二三四五六日天]))",
            _nth_in_month,
        ),
        (
            r"(?:(?P<turn>这|本|上|下)(?:个|一)*季度?|第?(?P<nth>[一二三四1-4])季度|(?<![a-z])q(?P<nth2>[1-4])(?!\d))(?P"
            r"<part>[末底初])?",
            _quarter,
        ),
    )
)


def find_months(text: str, today: date) -> Iterable[When]:
    """Find all expressions built on months, quarters and years; the caller keeps the longest."""
    if not any(sign in text for sign in "月年季q"):
        return
    for pattern, maker in RULES:
        for match in pattern.finditer(text):
            found = maker(match, today)
            if found is not None:
                yield found
