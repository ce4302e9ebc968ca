"""Pure business rules: no table, no I/O. Customer levels, and reading times that plain SQL gave back."""

from datetime import UTC, datetime

LEVELS = ("vip", "key", "normal")
LEVEL_TAGS = {"vip": ("VIP", "vip", "贵宾"), "key": ("重点", "重点客户")}
"""Tags that put somebody into a level; the hand-set word wins over the grade."""
LEVEL_GRADES = {"vip": "A", "key": "B"}
"""Grades of a lead or customer that do the same."""


def as_instant(value: object) -> datetime | None:
    """Make the aware time a plain-SQL program read: SQLite gives text, PostgreSQL the time itself."""
    if value is None or isinstance(value, datetime):
        return value
    return datetime.fromisoformat(str(value)).astimezone(UTC)
