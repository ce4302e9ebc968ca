"""Regions (地区): what people write becomes one spelling and the code of the administrative division. Pure.

"上海市浦东", "上海浦东新区" and "浦东新区" are all 上海浦东, 310115. The table holds provinces, prefectures and the districts
of the large cities; what it does not know stays as it was written, behind the part that it knows.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from crm_core.wording import words

LONGEST = 64
_LEAST = 2
"""Characters a short name keeps: 东城区 is 东城, 蓟州区 is 蓟州."""
_PROVINCE_ENDS = re.compile(r"(?:维吾尔|壮族|回族)?(?:自治区|特别行政区)$|[省市]$")
_PEOPLES = "朝鲜族|土家族|苗族|藏族|羌族|彝族|布依族|侗族|哈尼族|壮族|傣族|白族|景颇族|傈僳族|回族|蒙古族|蒙古|柯尔克孜|哈萨克"
_PREFECTURE_ENDS = re.compile(rf"(?:{_PEOPLES})*自治州$|(?:市|地区|盟)$")
_DISTRICT_ENDS = re.compile(r"(?:新区|林区|区|市|县)$")
_BETWEEN = " -/,，、·>"
_DISTRICT = 2
_ENDS = tuple("省市区县州盟")
_OWN_ENDS = ("省市", "市州盟", "区县市")
"""By level: what may follow a short name and belongs to it."""


@dataclass(frozen=True, slots=True)
class Region:
    """One spelling, and the code of the smallest division that was recognised (""): six digits."""

    text: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class _Division:
    code: str
    full: str
    short: str


@lru_cache(maxsize=8192)
def find_region(text: str) -> Region:
    """Tell the region people mean; what is not known keeps its words and gets no code."""
    said = words(text)
    place, rest = _walk(said)
    if not place:
        return Region(said[:LONGEST])
    names = [each.short for each in (*_parents(place[-1]), place[-1])]
    return Region(("".join(names) + rest)[:LONGEST], place[-1].code)


def _walk(said: str) -> tuple[list[_Division], str]:
    """Take one division after another from the beginning; gives them and what is left."""
    divisions = _table()
    place: list[_Division] = []
    rest = said
    for level in (0, 1, 2):
        found = _longest(divisions[level], rest, level, place[-1].code if place else "")
        if found is not None:
            place.append(found[0])
            # Tables say the city of a municipality twice: 上海市 上海市 浦东新区, 北京市 市辖区.
            rest = found[1].lstrip(_BETWEEN).removeprefix(found[0].full).removeprefix("市辖区").lstrip(_BETWEEN)
    return place, rest


def _longest(names: dict[str, list[_Division]], said: str, level: int, within: str) -> tuple[_Division, str] | None:
    for length in range(min(len(said), 12), _LEAST - 1, -1):
        name, left = said[:length], said[length:]
        fitting = [each for each in names.get(name, ()) if _fits(each, name, level, within)]
        # 江北区 is in Ningbo and in Chongqing: without more, nobody knows which.
        if len(fitting) != 1:
            continue
        if name == fitting[0].short and left.startswith(_ENDS):
            if left[0] not in _OWN_ENDS[level]:
                continue  # 朝阳区 is not the prefecture 朝阳
            left = left[1:]
        return fitting[0], left
    return None


def _fits(division: _Division, name: str, level: int, within: str) -> bool:
    if level == _DISTRICT and not within:
        # The table knows not every district: alone, only a name of which there is one in the country says where it is.
        return division.full.endswith(("新区", "市")) or name == "浦东"
    prefix = within[:2] if within.endswith("0000") else within[:4]
    return division.code.startswith(prefix)


def _parents(division: _Division) -> list[_Division]:
    by_code = _codes()
    chain = [by_code.get(f"{division.code[:2]}0000"), by_code.get(f"{division.code[:4]}00")]
    return [each for each in chain if each is not None and each.code != division.code]


@lru_cache(maxsize=1)
def _codes() -> dict[str, _Division]:
    text = resources.files("crm_core.data").joinpath("regions.txt").read_text(encoding="utf-8")
    lines = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    return {code: _Division(code, full, _short(code, full)) for code, full in lines}


@lru_cache(maxsize=1)
def _table() -> tuple[dict[str, list[_Division]], ...]:
    levels: tuple[dict[str, list[_Division]], ...] = ({}, {}, {})
    for division in _codes().values():
        level = levels[_level(division.code)]
        for name in {division.full, division.short}:
            level.setdefault(name, []).append(division)
    return levels


def _level(code: str) -> int:
    return 0 if code.endswith("0000") else 1 if code.endswith("00") or code[2:4] in ("90", "19") else 2


def _short(code: str, full: str) -> str:
    ends = (_PROVINCE_ENDS, _PREFECTURE_ENDS, _DISTRICT_ENDS)[_level(code)]
    short = ends.sub("", full)
    return short if len(short) >= _LEAST else full
