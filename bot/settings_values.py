"""Values of settings: units, times, sizes and lists from TOML or from a variable of the environment."""

import json
import re
import types
from collections.abc import Callable
from datetime import time, timedelta
from pathlib import Path
from typing import Any, Union, get_args, get_origin

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_SIZE = re.compile(r"(\d+)\s*(B|KiB|MiB|GiB)")
_BYTES = {"B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
_TRUE, _FALSE = {"true", "1", "yes", "on"}, {"false", "0", "no", "off"}


class Size(int):
    """A number of bytes, written as "1MiB"."""


class FromEnvironment(str):
    """A value of the environment: always a text, whatever type the setting has."""

    __slots__ = ()


class BadValue(Exception):
    """A value that does not fit its setting; `sentence` says in Chinese what is expected."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def read_value(kind: Any, raw: object, folder: Path) -> Any:
    """Turn a raw value into the type of its setting; relative paths are relative to `folder`.

    Raises: BadValue.
    """
    if get_origin(kind) in (Union, types.UnionType):
        kind = next(member for member in get_args(kind) if member is not type(None))
    if get_origin(kind) is tuple:
        member = get_args(kind)[0]
        return tuple(read_value(member, item, folder) for item in _list(raw))
    if kind is Path:
        return folder / _text(raw)
    reader = _READERS.get(kind)
    if reader is None:
        raise TypeError(f"no setting can be a {kind}")
    return reader(raw)


def name_of_type(kind: Any) -> str:
    """Say how a value of this type is written, for docs/config.md."""
    if get_origin(kind) is tuple:
        return f"list of {name_of_type(get_args(kind)[0])}"
    return _NAMES.get(kind, getattr(kind, "__name__", str(kind)))


def _text(raw: object) -> str:
    if not isinstance(raw, str):
        raise BadValue('需要一段文字，例如 "abc"')
    return str(raw)


def _truth(raw: object) -> bool:
    if isinstance(raw, FromEnvironment) and raw.lower() in _TRUE | _FALSE:
        return raw.lower() in _TRUE
    if not isinstance(raw, bool):
        raise BadValue("需要 true 或 false")
    return raw


def _count(raw: object) -> int:
    if isinstance(raw, FromEnvironment) and raw.isdecimal() and len(raw) < 16:
        return int(raw)
    if isinstance(raw, bool) or not isinstance(raw, int) or not 0 <= raw < 10**15:
        raise BadValue("需要不小于 0 的整数")
    return raw


def _duration(raw: object) -> timedelta:
    found = _DURATION.fullmatch(raw.strip()) if isinstance(raw, str) else None
    if found is None or len(found[1]) > 9:
        raise BadValue('需要带单位的时长，例如 "5s"、"500ms"')
    return timedelta(seconds=float(found[1]) * _SECONDS[found[2]])


def _time(raw: object) -> time:
    if isinstance(raw, time):
        return raw
    try:
        return time.fromisoformat(raw) if isinstance(raw, str) and re.fullmatch(r"\d\d:\d\d", raw) else _no_time()
    except ValueError:
        return _no_time()


def _no_time() -> time:
    raise BadValue('需要时刻，例如 "21:00"')


def _size(raw: object) -> Size:
    found = _SIZE.fullmatch(raw.strip()) if isinstance(raw, str) else None
    if found is None or len(found[1]) > 9:
        raise BadValue('需要带单位的大小，例如 "1MiB"')
    return Size(int(found[1]) * _BYTES[found[2]])


def _list(raw: object) -> list[object]:
    if isinstance(raw, FromEnvironment):
        return _list_of_text(raw)
    if not isinstance(raw, list):
        raise BadValue('需要列表，例如 ["a", "b"]')
    return raw


def _list_of_text(raw: FromEnvironment) -> list[object]:
    if not raw.strip().startswith("["):
        return [FromEnvironment(part.strip()) for part in raw.split(",") if part.strip()]
    try:
        found = json.loads(raw)
    except ValueError:
        raise BadValue('需要列表，例如 ["a", "b"]') from None
    return [FromEnvironment(item) if isinstance(item, str) else item for item in found]


_READERS: dict[Any, Callable[[object], Any]] = {
    str: _text,
    bool: _truth,
    int: _count,
    timedelta: _duration,
    time: _time,
    Size: _size,
}
_NAMES: dict[Any, str] = {
    str: "text",
    bool: "true or false",
    int: "count",
    timedelta: 'duration ("5s")',
    time: 'time ("21:00")',
    Size: 'size ("1MiB")',
    Path: "path",
}
