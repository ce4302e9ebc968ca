"""Small values with a lifetime in the database: open dialogs, platform tokens, idempotency answers."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from tortoise import fields

from crm_core.clock import Clock
from crm_core.db import Entity, UtcDatetimeField
from crm_core.ports import Core, Database, Program

DIFFERENCE = timedelta(seconds=2)
"""Two machines whose clocks are taken for equal to the database's differ by less."""


class StateEntry(Entity):
    """One value; gone for everybody once `expires_at` has passed."""

    key = fields.CharField(max_length=200, unique=True)
    value = fields.TextField()
    expires_at = UtcDatetimeField(db_index=True)

    class Meta:
        """Swept by time."""

        table = "state_entries"


_UPSERT = """INSERT INTO state_entries (key, value, expires_at, created_at, updated_at) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at, updated_at = excluded.updated_at"""

_FREE = " WHERE state_entries.expires_at <= ? OR (state_entries.key LIKE 'lock:%' AND state_entries.updated_at > ?)"
_GET = "SELECT value FROM state_entries WHERE key = ? AND expires_at > ? AND (key NOT LIKE 'lock:%' OR updated_at <= ?)"
_SWAP = """UPDATE state_entries SET value = ?, expires_at = ?, updated_at = ?
WHERE key = ? AND value = ? AND expires_at > ?"""
_LOOK = "SELECT CURRENT_TIMESTAMP, (SELECT value FROM state_entries WHERE key = ? AND expires_at > ?)"


def values_of(core: Core, keys: Sequence[str]) -> Program[dict[str, str]]:
    """Read many values of the table, as a part of a program; no locks, which have ways of their own to end."""
    if not keys:
        return {}
    marks = ", ".join("?" * len(keys))
    sql = f"SELECT key, value FROM state_entries WHERE key IN ({marks}) AND expires_at > ?"  # noqa: S608 - question marks
    rows = yield sql, (*keys, core.clock.now() + core.db.skew)
    return dict(rows)


class DatabaseState:
    """`StateStore` over the table; inside a transaction it is part of it. Times are the database's, the same for all machines.

    A lock that was taken in the future, by a clock that was put right since, has ended: its holder renews it or is gone.
    """

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def _now(self) -> datetime:
        return self._clock.now() + self._db.skew

    async def get(self, key: str) -> str | None:
        """Tell the value, or None when absent or expired."""
        now = self._now()

        def program() -> Program[str | None]:
            rows = yield _GET, (key, now, now + DIFFERENCE)
            return rows[0][0] if rows else None

        return await self._db.read(program())

    async def set(self, key: str, value: str, *, lasts: timedelta) -> None:
        """Keep a value for so long."""
        now = self._now()

        def program() -> Program[None]:
            yield _UPSERT, (key, value, now + lasts, now, now)

        await self._db.run(program())

    async def add(self, key: str, value: str, *, lasts: timedelta) -> bool:
        """Keep a value only if there is none; tell whether it was kept."""
        now = self._now()

        def program() -> Program[bool]:
            changed = yield _UPSERT + _FREE, (key, value, now + lasts, now, now, now, now + DIFFERENCE)
            return bool(changed)

        return await self._db.run(program())

    async def delete(self, key: str) -> None:
        """Forget a value."""

        def program() -> Program[None]:
            yield "DELETE FROM state_entries WHERE key = ?", (key,)

        await self._db.run(program())

    async def swap(self, key: str, old: str, new: str, *, lasts: timedelta) -> bool:
        """Replace a value only if it is still `old`; tell whether it was."""
        now = self._now()

        def program() -> Program[bool]:
            changed = yield _SWAP, (new, now + lasts, now, key, old, now)
            return bool(changed)

        return await self._db.run(program())

    async def discard(self, key: str, value: str) -> bool:
        """Forget a value only if it is still this one; tell whether it was."""
        now = self._now()

        def program() -> Program[bool]:
            gone = yield "DELETE FROM state_entries WHERE key = ? AND value = ? AND expires_at > ?", (key, value, now)
            return bool(gone)

        return await self._db.run(program())

    async def look(self, key: str) -> tuple[datetime, str | None]:
        """Tell the value and the database's own time."""
        now = self._now()

        def program() -> Program[tuple[object, str | None]]:
            rows = yield _LOOK, (key, now)
            return rows[0][0], rows[0][1]

        at, value = await self._db.read(program())
        # SQLite counts whole seconds, and serves this machine alone: its clock is the store's.
        return (at if isinstance(at, datetime) else now), value

    async def free_locks(self) -> int:
        """Free every lock: for whoever has the database alone, after a process that was killed with locks in hand."""

        def program() -> Program[int]:
            count = yield "DELETE FROM state_entries WHERE key LIKE 'lock:%'", ()
            return int(count)

        return await self._db.run(program())

    async def sweep(self) -> int:
        """Delete what has expired; tells how many."""
        now = self._now()

        def program() -> Program[int]:
            count = yield "DELETE FROM state_entries WHERE expires_at <= ?", (now,)
            return int(count)

        return await self._db.run(program())
