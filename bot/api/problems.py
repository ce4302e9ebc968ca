"""What is wrong with a field, in one Chinese sentence a kind: callers show it to people as it is."""

import re
from enum import Enum
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import msgspec

_INSTANT = "2026-11-25T10:00:00+08:00"
_NO_KIND = "格式不对"
_KINDS = (
    (re.compile(r"Expected `datetime` with a timezone"), f"时间要带时区，如 {_INSTANT}"),
    (re.compile(r"Expected `datetime|RFC3339|a valid datetime"), f"时间写成 {_INSTANT}"),
    (re.compile(r"year out of range"), "年份需要在 1970 到 2199 之间"),
    (re.compile(r"of length <= (\d+)"), "最多{}个字符"),
    (re.compile(r"of length >= (\d+)"), "至少{}个字符"),
    (re.compile(r"Expected `int` >= (-?\d+)"), "不能小于{}"),
    (re.compile(r"Expected `int` <= (-?\d+)"), "不能大于{}"),
    (re.compile(r"out of range"), "数字过大"),
    (re.compile(r"matching regex"), _NO_KIND),
    (re.compile(r"Expected `int\b"), "需要整数"),
    (re.compile(r"Expected `str\b"), "需要文字"),
    (re.compile(r"Expected `bool\b"), "需要 true 或 false"),
    (re.compile(r"Expected `array\b"), "需要列表"),
    (re.compile(r"Expected `object\b"), "需要对象"),
)


def what_is_wrong(error: msgspec.ValidationError, kind: Any) -> str:
    """Say why a value is not of its kind."""
    words = str(error)
    if words.startswith("Invalid enum value"):
        return f"只能是 {'、'.join(choices(kind))}"
    for pattern, sentence in _KINDS:
        found = pattern.search(words)
        if found:
            return sentence.format(*found.groups())
    return _NO_KIND


def choices(kind: Any) -> list[str]:
    """List the words a field may hold, as far as its type names them."""
    if isinstance(kind, type) and issubclass(kind, Enum):
        return [str(each.value) for each in kind]
    if get_origin(kind) is Literal:
        return [word for word in get_args(kind) if word]
    if get_origin(kind) in (Union, UnionType):
        return [word for part in get_args(kind) for word in choices(part)]
    return []
