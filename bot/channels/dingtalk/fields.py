"""Fields of a DingTalk body; numbers and texts come in each other's form."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bot.channel import BadRequest

Tree = Mapping[str, Any]

# The removed @name leaves blanks of many kinds behind, on some clients also these, which are no blanks to Python.
_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff"
_BLANKS = "".join(chr(code) for code in range(0x3001) if chr(code).isspace()) + _INVISIBLE
_MAX_DIGITS = 20
_MAX_MILLISECONDS = 253_402_300_799_000


def text(tree: Tree, name: str, *, needed: bool = False) -> str:
    """Give a text or whole number as text; absent is "".

    Raises: BadRequest.
    """
    value = tree.get(name)
    if value is None:
        found = ""
    elif isinstance(value, str):
        found = value
    elif isinstance(value, int) and not isinstance(value, bool):
        found = str(value)
    else:
        raise BadRequest(name)
    if needed and not found:
        raise BadRequest(name)
    return found


def words(tree: Tree, name: str) -> str:
    """Give a text field that may be nothing but text; absent is "".

    Raises: BadRequest.
    """
    value = tree.get(name, "")
    if not isinstance(value, str):
        raise BadRequest(name)
    return value


def trim(said: str) -> str:
    """Strip blanks of any kind: the platform takes the @name away and leaves a blank of the client's choice."""
    return said.strip(_BLANKS)


def nested(tree: Tree, name: str) -> Tree:
    """Give a field that holds fields; absent is empty.

    Raises: BadRequest.
    """
    value = tree.get(name)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise BadRequest(name)
    return value


def whole(tree: Tree, name: str) -> int:
    """Give a whole number that is not below zero (number or text).

    Raises: BadRequest.
    """
    digits = text(tree, name, needed=True)
    if not (digits.isascii() and digits.isdigit()) or len(digits) > _MAX_DIGITS:
        raise BadRequest(name)
    return int(digits)


def instant(tree: Tree, name: str) -> datetime | None:
    """Give a time in milliseconds (number or text); absent is None.

    Raises: BadRequest.
    """
    if not text(tree, name):
        return None
    milliseconds = whole(tree, name)
    if milliseconds > _MAX_MILLISECONDS:
        raise BadRequest(name)
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
