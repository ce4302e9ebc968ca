"""What a process has claimed belongs to it for a while: the time leases are told by, and what this process holds.

A living process renews what it holds, so that a lease that ended means a dead owner. Several machines compare leases by the
database's clock; what is held here is never given up because a clock was turned.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from crm_core.ports import Core, Program

PAGE = 500
"""Rows renewed in one statement."""
_AT_LAST = datetime(9999, 1, 1, tzinfo=UTC)


def lease_now(core: Core) -> datetime:
    """Tell the time by which leases are told: the database's own."""
    return core.clock.now() + core.db.skew


def ended_by(core: Core, *, everything: bool) -> datetime:
    """Tell until when a lease must have lasted to be taken from its owner; `everything`: whenever it ends.

    One time to compare with, so that an index over the leases finds them: `OR everything` would read the whole table.
    """
    return _AT_LAST if everything else lease_now(core)


class Held:
    """The rows of one table this process has claimed."""

    def __init__(self, table: str, status: str = "claimed") -> None:
        self._table = table
        self._status = status
        self._rows: set[int] = set()
        self._lasts = timedelta()

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, number: int) -> bool:
        return number in self._rows

    def add(self, numbers: Iterable[int], lasts: timedelta) -> None:
        """Note what was claimed for so long."""
        self._rows.update(numbers)
        self._lasts = lasts

    def remove(self, numbers: Iterable[int]) -> None:
        """Note what is decided."""
        self._rows.difference_update(numbers)

    def clear(self) -> None:
        """Forget everything: the process that held it is gone."""
        self._rows.clear()

    def let_go(self) -> Program[None]:
        """End the leases of what is held, so that another process may take it at once."""
        numbers = sorted(self._rows)
        for first in range(0, len(numbers), PAGE):
            page = numbers[first : first + PAGE]
            yield (
                f"UPDATE {self._table} SET lease_until = NULL WHERE id IN ({', '.join('?' * len(page))}) AND status = ?",  # noqa: S608 - a table of ours
                (*page, self._status),
            )

    def renew(self, core: Core) -> Program[None]:
        """Make the leases of what is held last from now on."""
        now, numbers = lease_now(core), sorted(self._rows)
        for first in range(0, len(numbers), PAGE):
            page = numbers[first : first + PAGE]
            marks = ", ".join("?" * len(page))
            yield (
                f"UPDATE {self._table} SET lease_until = ? WHERE id IN ({marks}) AND status = ? AND lease_until < ?",  # noqa: S608 - a table of ours
                (now + self._lasts, *page, self._status, now + self._lasts * 3 / 4),
            )
