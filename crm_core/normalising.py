"""One normalisation for everything that comes in, be it chat, channel, form, API or table (各平台数据统一规范). Pure.

Each function takes what people write and gives what is stored, or None (or raises nothing) when it is no such thing.
Regions stand in regions.py, widths and blanks in wording.py, phone numbers in values.py.
"""

import re
from datetime import UTC, date, datetime, time
from functools import lru_cache

from crm_core.clock import SHANGHAI
from crm_core.regions import Region, find_region
from crm_core.values import normalize_phone
from crm_core.wording import lines, words

__all__ = [
    "birthday",
    "company",
    "credit_code",
    "email",
    "honorific",
    "instant",
    "lines",
    "name",
    "openid",
    "phone",
    "region",
    "words",
]

HONORIFICS = (
    *("董事长", "总经理", "副总经理", "经理", "总监", "主任", "处长", "科长", "校长", "院长", "老板", "总工", "工程师"),
    *("先生", "女士", "小姐", "太太", "老师", "教授", "医生", "律师"),
)
_HONORIFIC = re.compile(rf"[\s（(]*({'|'.join(sorted(HONORIFICS, key=len, reverse=True))})[）)]?$")
_MOBILE = re.compile(r"1[3-9][0-9]{9}", re.ASCII)
_EMAIL = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,24}")
_WECHAT = re.compile(r"[A-Za-z0-9_@.+-]{3,64}", re.ASCII)
"""Wider than the platform's rule for new ones: old ids, numbers and addresses are used to add people too."""
_OPENID = re.compile(r"o[A-Za-z0-9_-]{27}", re.ASCII)
_CREDIT = re.compile(r"[0-9A-HJ-NPQRTUWXY]{2}\d{6}[0-9A-HJ-NPQRTUWXY]{10}")
_CREDIT_SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_DAY = r"(\d{4})(?:[-/.年](\d{1,2})[-/.月](\d{1,2})日?|(\d{2})(\d{2}))"
_CLOCK = r"(?:[T\s]*(\d{1,2})[:：时](\d{1,2})(?:[:：分](\d{1,2})(?:\.\d{1,9})?)?[秒分]?\s*(Z|[+-]\d{2}:?\d{2})?)?"
_INSTANT = re.compile(_DAY + _CLOCK, re.ASCII)
_BIRTHDAY = re.compile(r"(?:(\d{4})[-/.年])?(\d{1,2})[-/.月](\d{1,2})日?", re.ASCII)
_LUNAR = re.compile(r"lunar:\d\d-\d\d|lunar:\d\dL-\d\d", re.ASCII)
_NUMBERS = ("一", "二", "三", "四", "五", "六", "七", "八", "九", "十")
_LUNAR_MONTHS = {sign: number for number, sign in enumerate((*_NUMBERS, "十一", "十二"), 1)} | {"正": 1, "冬": 11, "腊": 12}
_LUNAR_DAYS = {
    f"{tens}{sign}": first + number
    for first, several in ((0, ("初", "")), (10, ("十",)), (20, ("廿", "二十")))
    for tens in several
    for number, sign in enumerate(_NUMBERS[: 10 if first == 0 else 9], 1)
} | {"二十": 20, "三十": 30}
_LUNAR_SAID = re.compile(rf"(?:农历|阴历|旧历)(闰)?({'|'.join(sorted(_LUNAR_MONTHS, key=len, reverse=True))})月(\w{{1,3}}?)日?")
_LEAP_YEAR = 2024
"""29 February is a birthday."""
YEARS = range(1970, 2200)


def phone(text: str) -> str | None:
    """Give a mobile or landline as E.164; a plain mainland mobile needs no look at all."""
    if len(text) == 11 and _MOBILE.fullmatch(text):
        return "+86" + text
    return normalize_phone(text[:64])


def is_mobile(e164: str) -> bool:
    """Tell whether a stored number is a mainland mobile."""
    return len(e164) == 14 and e164.startswith("+861")


def name(text: str) -> str:
    """Give a person's name without honorific and inner blanks between Chinese characters; 王总 stays, it is all one knows."""
    said = words(text)
    if " " in said and not said.isascii():
        said = said.replace(" ", "")
    found = _HONORIFIC.search(said)
    return said[: found.start()] if found and found.start() >= 2 else said


def honorific(text: str) -> str:
    """Give the honorific that `name` keeps out, or nothing."""
    said = words(text)
    found = _HONORIFIC.search(said)
    return found[1] if found and found.start() >= 2 else ""


def company(text: str) -> str:
    """Give a company's name in one width, with the brackets of Chinese."""
    said = words(text)
    return said.replace("(", "（").replace(")", "）") if "(" in said and not said.isascii() else said


def region(text: str) -> Region:
    """Give a region's one spelling and its code."""
    return find_region(text[:128])


def email(text: str) -> str | None:
    """Give an address in small letters."""
    said = text.strip().lower()
    if not _EMAIL.fullmatch(said):
        said = words(text).lower()
    return said if len(said) <= 128 and _EMAIL.fullmatch(said) else None


def wechat_id(text: str) -> str | None:
    """Give a WeChat id as people tell it to each other."""
    said = words(text)
    return said if _WECHAT.fullmatch(said) else None


def openid(text: str) -> str | None:
    """Give the id of a follower of an Official Account: 28 characters, an o first."""
    said = words(text)
    return said if _OPENID.fullmatch(said) else None


def credit_code(text: str) -> str | None:
    """Give a code of the register of companies, its check character verified. Source: GB 32100-2015."""
    said = words(text).upper().replace(" ", "")
    if not _CREDIT.fullmatch(said):
        return None
    total = sum(_CREDIT_SIGNS.index(sign) * pow(3, place, 31) for place, sign in enumerate(said[:17]))
    return said if _CREDIT_SIGNS[-total % 31] == said[17] else None


@lru_cache(maxsize=4096)
def instant(text: str) -> datetime | None:
    """Give an instant in UTC of the ways tables write one; without a zone it is Shanghai's, without a time midnight."""
    found = _INSTANT.fullmatch(words(text))
    if found is None:
        return None
    year, month, on, month2, on2, hour, minute, second, zone = found.groups()
    try:
        written = date(int(year), int(month or month2), int(on or on2))
        clock = time(int(hour or 0), int(minute or 0), int(second or 0))
        if written.year not in YEARS:
            return None
        if zone:
            offset = "+00:00" if zone == "Z" else zone
            return datetime.fromisoformat(f"{written}T{clock}{offset}").astimezone(UTC)
        return datetime.combine(written, clock, SHANGHAI).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def birthday(text: str) -> str | None:
    """Give a birthday as it is stored: MM-DD, YYYY-MM-DD, or lunar:MM-DD, lunar:04L-15; 农历正月十五 is read too."""
    said = _lunar_of(words(text))
    if _LUNAR.fullmatch(said):
        return said if _is_lunar_day(said) else None
    found = _BIRTHDAY.fullmatch(said)
    if found is None or not (found[1] or "月" in said or len(said) == len("01-15")):  # 1-15 may be a score
        return None
    year, month, on = found.groups()
    try:
        written = date(int(year or _LEAP_YEAR), int(month), int(on))
    except ValueError:
        return None
    return written.isoformat() if year else f"{written:%m-%d}"


def _lunar_of(text: str) -> str:
    """Write 农历正月十五 as it is stored; anything else stays."""
    found = _LUNAR_SAID.fullmatch(text.replace(" ", ""))
    if found is None:
        return text
    day = _LUNAR_DAYS.get(found[3], 0)
    return f"lunar:{_LUNAR_MONTHS[found[2]]:02}{'L' if found[1] else ''}-{day:02}"


def _is_lunar_day(text: str) -> bool:
    from crm_core.calendar import birthday_in_year  # its tables take long to load, and few birthdays are lunar

    try:
        birthday_in_year(text, _LEAP_YEAR)
    except ValueError:
        return False
    return True
