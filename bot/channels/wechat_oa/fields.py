"""Fields of a WeChat document, the same whether it came as XML (all text) or JSON (numbers are numbers)."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

from bot.channel import BadRequest

Tree = Mapping[str, Any]
_ENVELOPE = frozenset({"ToUserName", "FromUserName", "CreateTime", "MsgType", "MsgId", "Event", "Encrypt"})
_MAX_DIGITS = 20


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
    if not digits:
        return _absent(name, needed)
    if not (digits.isascii() and digits.removeprefix("-").isdigit()) or len(digits) > _MAX_DIGITS:
        raise BadRequest(name)
    return int(digits)


def _absent(name: str, needed: bool) -> int:
    if needed:
        raise BadRequest(name)
    return 0


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


def raw(tree: Tree) -> dict[str, object]:
    """Give what a document holds besides its envelope, for kinds nobody knows yet."""
    return {name: value for name, value in tree.items() if name not in _ENVELOPE}
