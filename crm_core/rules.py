"""Pure business rules: no table, no I/O. Pool dates, customer levels, and reading times that plain SQL gave back."""

from datetime import UTC, datetime, timedelta

from crm_core.ports import PoolSettings

POOL_WARNING = timedelta(days=3)
"""How long before its return to the pool a lead's owner is warned."""
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


def reclaim_at(touched_at: datetime, claimed_at: datetime | None, settings: PoolSettings) -> datetime:
    """Tell when an owned lead that nobody touches goes back to the pool (回收); never inside its protection (保护期)."""
    due = touched_at + timedelta(days=settings.reclaim_days)
    if claimed_at is None:
        return due
    return max(due, claimed_at + timedelta(days=settings.protection_days))
