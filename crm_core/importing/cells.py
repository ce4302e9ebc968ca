"""Cells that a spreadsheet could take for formulas, made harmless and back again; and what workbooks call a value. Pure."""

from datetime import date, datetime, time, timedelta
from typing import Any

FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
"""The full-width ones too: spreadsheets in East Asian settings take them for the plain ones."""
RISKY = frozenset(FORMULA_SIGNS) | {sign for sign in map(chr, range(0x3001)) if sign.isspace()}
"""What a text must begin with for `neutral` to have to look at it."""


def neutral(text: str) -> str:
    """Keep a spreadsheet from taking a text for a formula; some take one after blanks and line ends too."""
    return f"'{text}" if text.startswith(FORMULA_SIGNS) or text.lstrip().startswith(FORMULA_SIGNS) else text


def as_written(text: str) -> str:
    """Undo exactly what `neutral` does."""
    return text[1:] if text[:1] == "'" and neutral(text[1:]) != text[1:] else text


def cell_text(value: Any) -> str:
    """Write a workbook's value as a person reads it: a number without a point where it has none, a time in ISO form."""
    if value.__class__ is str:
        return str(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e18 else repr(value)
    if isinstance(value, datetime):
        return value.replace(microsecond=0, tzinfo=None).isoformat(" ")
    if isinstance(value, (date, time)):
        return value.isoformat()
    return str(value) if isinstance(value, (int, timedelta)) else ""
