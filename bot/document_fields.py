"""Fields of a WeChat or WeCom document, the same whether it came as XML (all text) or JSON (numbers are numbers)."""

from collections.abc import Mapping, Set
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from bot.channel import BadRequest

Tree = Mapping[str, Any]
_MAX_DIGITS = 20
_MAX_UNIX_SECONDS = 253_402_300_799


def text(tree: Tree, name: str, *, needed: bool = False) -> str:
    """Give a plain field as text; absent is "".

    Raises: BadRequest (nested or repeated, or needed and empty).
    """
    value = tree.get(name)
    if type(value) is str:
        found = value
    elif value is None:
        found = ""
    elif isinstance(value, int | float) and not isinstance(value, bool):
        found = str(value)
    else:
        raise BadRequest(name)
    if needed and not found:
        raise BadRequest(name)
    return found


def whole(tree: Tree, name: str, *, needed: bool = False) -> int:
    """Give a whole number; absent is 0.

    Raises: BadRequest.
    """
    digits = text(tree, name, needed=needed).strip()
    if not digits and not needed:
        return 0
    if not (digits.isascii() and digits.removeprefix("-").isdigit()) or len(digits) > _MAX_DIGITS:
        raise BadRequest(name)
    return int(digits)


def number(tree: Tree, name: str) -> float | int:
    """Give a number, whole where it is written whole; absent is 0.

    Raises: BadRequest.
    """
    digits = text(tree, name).strip()
    if len(digits) > 2 * _MAX_DIGITS:
        raise BadRequest(name)
    try:
        found = float(digits or "0")
    except ValueError as error:
        raise BadRequest(name) from error
    if not isfinite(found):
        raise BadRequest(name)
    return int(found) if found.is_integer() and "." not in digits else found


def nested(tree: Tree, name: str) -> Tree:
    """Give a field that holds fields; absent or empty is empty.

    Raises: BadRequest.
    """
    value = tree.get(name)
    if value is None or value == "":
        return {}
    if not isinstance(value, Mapping):
        raise BadRequest(name)
    return value


def listed(tree: Tree, name: str) -> list[Tree]:
    """Give a repeated field: one is a list of one; absent or empty is none.

    Raises: BadRequest.
    """
    value = tree.get(name)
    if value is None or value == "":
        return []
    items = value if isinstance(value, list) else [value]
    if not all(isinstance(item, Mapping) for item in items):
        raise BadRequest(name)
    return items


def texts(tree: Tree, name: str) -> list[str]:
    """Give a repeated field of plain texts: one is a list of one; absent or empty is none.

    Raises: BadRequest.
    """
    value = tree.get(name)
    if value is None or value == "":
        return []
    items = value if isinstance(value, list) else [value]
    return [text({name: item}, name) for item in items]


def instant(tree: Tree, name: str) -> datetime:
    """Give a time in unix seconds.

    Raises: BadRequest (absent too).
    """
    seconds = whole(tree, name, needed=True)
    if not 0 <= seconds <= _MAX_UNIX_SECONDS:
        raise BadRequest(name)
    return datetime.fromtimestamp(seconds, UTC)


def besides(tree: Tree, known: Set[str]) -> dict[str, object]:
    """Give all fields but the known ones, for kinds nobody has read yet."""
    return {name: value for name, value in tree.items() if name not in known}
