"""Fields of an item of `sync_msg`; what is not of the expected type counts as absent.

The item was fetched over our own authenticated call: one odd field must not hold up all that came after it.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bot.cutting import drop_control

Tree = Mapping[str, Any]
_MAX_UNIX_SECONDS = 253_402_300_799


def clean(value: Any) -> Any:
    """Drop what no database takes: control characters, and half characters, which JSON can write."""
    if isinstance(value, str):
        return drop_control(value.encode("utf-8", "replace").decode())
    if isinstance(value, Mapping):
        return {clean(name): clean(inner) for name, inner in value.items()}
    return [clean(inner) for inner in value] if isinstance(value, list) else value


def text(tree: Tree, name: str) -> str:
    """Give a text or whole number as text; absent is ""."""
    value = tree.get(name)
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def whole(tree: Tree, name: str) -> int | None:
    """Give a whole number, also one written as text; None for anything else."""
    digits = text(tree, name).strip()
    plain = digits.removeprefix("-")
    return int(digits) if plain.isascii() and plain.isdigit() and len(plain) < 20 else None


def number(tree: Tree, name: str) -> float:
    """Give a number; absent, or larger than any, is 0."""
    value = tree.get(name)
    try:
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0
    except OverflowError:  # a whole number of any length
        return 0.0


def nested(tree: Tree, name: str) -> Tree:
    """Give a field that holds fields; absent is empty."""
    value = tree.get(name)
    return value if isinstance(value, Mapping) else {}


def instant(tree: Tree, name: str) -> datetime | None:
    """Give a time in unix seconds; None when it is none."""
    seconds = whole(tree, name)
    if seconds is None or not 0 <= seconds <= _MAX_UNIX_SECONDS:
        return None
    return datetime.fromtimestamp(seconds, UTC)
