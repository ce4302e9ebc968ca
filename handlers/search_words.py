"""Words of a search into a condition of the segment language: "北京 制造业 30天没跟进", "预算50万以上 展会来的"; pure."""

import re
from collections.abc import Collection
from typing import Any

from handlers.understanding.conditions import find_region, inactive_days

_FACTORS = {"": 1, "k": 10**3, "千": 10**3, "w": 10**4, "万": 10**4, "百万": 10**6, "千万": 10**7, "亿": 10**8}
_MONEY = r"(\d+(?:\.\d+)?)\s?(百万|千万|亿|万|千|[wk])?(?:元|块)?"
_INACTIVE = (
    r"(?:最近|超过|已经)?(?:\d+|半|[一两二三四五六七八九十]+)个?(?:天|周|星期|月|年)(?:以上|多)?"
    r"(?:没有?|未)(?:跟进|联系|回访|拜访|来往)"
)
_STRONG = "|".join(
    (
        _INACTIVE,
        r"预算\d[^\s,，、]{0,8}(?:以[上下]|以内)?",
        r"[^\s,，、]{1,8}来的",
        r"评分\d{1,3}以[上下]",
        r"[A-Da-d]级",
        r"[一-龥]{1,5}业",
    )
)
_WEAK = r"(?!提醒|帮|给|把|跟|和|请|说|记)[一-龥A-Za-z]{2,8}"
_BREAK = r"[\s,，、]+"
# A word is read in one way and not again: several conditions may fit it, and their ways would multiply.
_WORD = rf"(?>(?:{_STRONG}|{_WEAK})(?={_BREAK}|\Z))"
FORM = (
    rf"(?P<query>(?:{_WEAK}{_BREAK})*(?:{_STRONG})(?:{_BREAK}{_WORD})+"
    rf"|(?:{_WEAK}{_BREAK})+(?:{_STRONG})|{_INACTIVE}(?:的客户|的线索)?)"
)
"""A whole sentence that may be nothing but conditions; whether it is, `all_known` tells."""
_ASKING = re.compile(
    r"^(?:请|帮我|给我)?(?:搜索|搜一下|搜|查找|查一下|找一下|查询|找出|找|筛选|查)|(?:有哪些|有谁|的?名单|列表|吗|呢|[?？。])$"
)
_SPLIT = re.compile(r"[\s,，、;；]+|的(?=[^\s]{2})")
_KIND = {"线索": "lead", "客户": "customer", "联系人": "customer"}


def read_conditions(text: str, *, tags: Collection[str] = (), industries: Collection[str] = ()) -> dict[str, Any]:
    """Read a search; a word that is no condition is looked for in names, companies and needs."""
    said = text.strip()
    while (cut := _ASKING.sub("", said).strip()) != said:
        said = cut
    parts: list[dict[str, Any]] = []
    for word in (piece.strip() for piece in _SPLIT.split(said)):
        if word:
            parts += _read(word, tags, industries)
    if len(parts) == 1:
        return parts[0]
    return {"all": parts[:20]} if parts else {}


def all_known(text: str, *, tags: Collection[str] = (), industries: Collection[str] = ()) -> bool:
    """Tell whether every word is a condition of its own; one that is only looked for may tell of something that happened."""
    words = [piece for piece in _SPLIT.split(text.strip()) if piece]
    return bool(words) and all(_is_known(word, tags, industries) for word in words)


def _is_known(word: str, tags: Collection[str], industries: Collection[str]) -> bool:
    return word.endswith("业") or not any("query" in part for part in _read(word, tags, industries))


def _read(word: str, tags: Collection[str], industries: Collection[str]) -> list[dict[str, Any]]:
    if word in tags:
        return [{"tag": word}]
    for reader in (_inactive, _budget, _score, _grade, _source, _whose):
        found = reader(word)
        if found is not None:
            return [found] if found else []
    for ending, kind in _KIND.items():
        if word.endswith(ending):
            rest = word.removesuffix(ending).removesuffix("的")
            return [{"kind": kind}, *(_read(rest, tags, industries) if rest else [])]
    region = find_region(word)
    if region is not None and len(word) <= len(region) + 1:
        return [{"region": region}]
    if word in industries:
        return [{"field": "industry", "is": "=", "value": word}]
    if word.endswith("业") and len(word) > 2:
        return [{"query": word.removesuffix("业").removesuffix("行")}]
    return [{"query": word[:64]}]


def _inactive(word: str) -> dict[str, Any] | None:
    days = inactive_days(word)
    return {"inactive_days": days} if days else None


def _budget(word: str) -> dict[str, Any] | None:
    found = re.fullmatch(rf"预算(?:大于|超过|在)?{_MONEY}(以上|以下|以内)?", word)
    if found is None:
        return None
    amount = float(found[1]) * _FACTORS[found[2] or ""]
    number = int(amount) if amount == int(amount) else amount
    return {"field": "budget", "is": "<=" if found[3] in ("以下", "以内") else ">=", "value": number}


def _score(word: str) -> dict[str, Any] | None:
    found = re.fullmatch(r"评分(?:大于|超过)?(\d{1,3})分?(以上|以下)?", word)
    return {"field": "score", "is": "<=" if found[2] == "以下" else ">=", "value": int(found[1])} if found else None


def _grade(word: str) -> dict[str, Any] | None:
    found = re.fullmatch(r"([A-Da-d])级(?:客户|线索)?", word)
    return {"field": "grade", "is": "=", "value": found[1].upper()} if found else None


def _source(word: str) -> dict[str, Any] | None:
    found = re.fullmatch(r"(?:来自|来源是?|通过)?(.{1,20}?)来的|(?:来自|来源是?)(.{1,20})", word)
    return {"field": "source", "is": "contains", "value": found[1] or found[2]} if found else None


def _whose(word: str) -> dict[str, Any] | None:
    if word in ("所有", "全部", "所有客户", "全部客户", "哪些", "有哪些"):
        return {}
    return {"owner": "me"} if word in ("我", "我的", "我的客户", "我名下") else None
