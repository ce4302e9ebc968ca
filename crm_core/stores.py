"""A database read and written row by row, whichever it is: for copies, moves and their verification.

Beside the ORM on purpose: two databases are open at once, and a copy must not depend on what the ORM makes of a row.
"""

import re
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum, auto
from pathlib import Path
from typing import Any, Protocol

import asyncpg
from tortoise import fields
from tortoise.models import Model

from crm_core.errors import Unavailable

Row = tuple[Any, ...]
CALL_SECONDS = 600.0
"""One page of a huge table on a slow disk, and not a connection that hangs."""
CONNECT_SECONDS = 10.0
_TABLE_NAME = re.compile(r"[a-z_]+")


class Kind(Enum):
    """What a column holds; everything else a database does with it is its own."""

    COUNT = auto()
    TEXT = auto()
    TRUTH = auto()
    MONEY = auto()
    INSTANT = auto()
    DAY = auto()


_KINDS: tuple[tuple[type, Kind], ...] = (
    (fields.DatetimeField, Kind.INSTANT),
    (fields.DateField, Kind.DAY),
    (fields.BooleanField, Kind.TRUTH),
    (fields.DecimalField, Kind.MONEY),
    (fields.BigIntField, Kind.COUNT),
    (fields.IntField, Kind.COUNT),
    (fields.CharField, Kind.TEXT),
    (fields.TextField, Kind.TEXT),
)


@dataclass(frozen=True, slots=True)
class Table:
    """One of our tables; the first column is the number."""

    name: str
    columns: tuple[tuple[str, Kind], ...]

    @property
    def names(self) -> str:
        """The columns for a statement, quoted: `group` is a word of SQL."""
        return ", ".join(f'"{name}"' for name, _ in self.columns)


def tables_of(models: Iterable[type[Model]]) -> list[Table]:
    """Describe the tables of models, in the order of their names."""
    return sorted((_table(model) for model in models), key=lambda table: table.name)


def _table(model: type[Model]) -> Table:
    columns = []
    for name, each in model._meta.fields_map.items():
        kind = next((kind for cls, kind in _KINDS if isinstance(each, cls)), None)
        if kind is None:
            raise TypeError(f"{model.__name__}.{name}: no portable form of {type(each).__name__}")
        columns.append((each.source_field or name, kind))
    columns.sort(key=lambda column: (column[0] != "id", column[0]))
    return Table(str(model._meta.db_table), tuple(columns))


class Store(Protocol):
    """An open database. Rows are tuples in the order of the table's columns, values in Python's own types."""

    async def steps(self) -> list[str]:
        """Name the migrations it has taken, in order."""

    async def rows(self, table: Table, after: int, limit: int) -> list[Row]:
        """Read the next rows by number."""

    async def last(self, table: Table) -> int:
        """Tell the highest number; 0 when the table is empty."""

    async def add(self, table: Table, rows: Sequence[Row]) -> None:
        """Write rows with their numbers, all or none."""

    async def ready(self, tables: Sequence[Table]) -> None:
        """Let the next numbers go on after the highest."""

    async def close(self) -> None:
        """Let go of it."""


class SqliteStore:
    """A file. Runs in the caller's thread: nothing else is served meanwhile."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        mode = "ro" if read_only else "rw"
        self.raw = sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None)
        self.raw.execute("PRAGMA busy_timeout=5000")
        self.raw.execute("PRAGMA secure_delete=ON")

    async def steps(self) -> list[str]:
        """Name the migrations it has taken, in order."""
        return [name for (name,) in self.raw.execute("SELECT name FROM tortoise_migrations WHERE app = 'models' ORDER BY name")]

    async def rows(self, table: Table, after: int, limit: int) -> list[Row]:
        """Read the next rows by number."""
        sql = f'SELECT {table.names} FROM "{table.name}" WHERE id > ? ORDER BY id LIMIT ?'  # noqa: S608 - our own names
        return [tuple(map(_from_sqlite, table.columns, row)) for row in self.raw.execute(sql, (after, limit))]

    async def last(self, table: Table) -> int:
        """Tell the highest number; 0 when the table is empty."""
        return int(self.raw.execute(f'SELECT coalesce(max(id), 0) FROM "{table.name}"').fetchone()[0])  # noqa: S608

    async def add(self, table: Table, rows: Sequence[Row]) -> None:
        """Write rows with their numbers, all or none."""
        marks = ", ".join("?" * len(table.columns))
        self.raw.execute("BEGIN IMMEDIATE")
        try:
            self.raw.executemany(
                f'INSERT INTO "{table.name}" ({table.names}) VALUES ({marks})',  # noqa: S608
                [tuple(map(_to_sqlite, row)) for row in rows],
            )
            self.raw.execute("COMMIT")
        except BaseException:
            self.raw.execute("ROLLBACK")
            raise

    async def ready(self, tables: Sequence[Table]) -> None:
        """Do nothing: SQLite takes the highest number that ever was."""

    async def close(self) -> None:
        """Let go of it."""
        self.raw.close()


def _from_sqlite(column: tuple[str, Kind], value: Any) -> Any:
    if value is None:
        return None
    match column[1]:
        case Kind.INSTANT:
            moment = datetime.fromisoformat(value)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        case Kind.DAY:
            return date.fromisoformat(value[:10])
        case Kind.TRUTH:
            return bool(value)
        case Kind.MONEY:
            return Decimal(str(value))
        case _:
            return value


def _to_sqlite(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return int(value) if isinstance(value, bool) else value


class PostgresStore:
    """A server. Everything between `open` and `commit` is one transaction when `whole` is asked for."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self.connection = connection
        self._whole: Any = None

    @classmethod
    async def open(cls, url: str, *, snapshot: bool = False, whole: bool = False) -> "PostgresStore":
        """Connect. `snapshot`: read one instant of it; `whole`: all or nothing until `commit`. Raises: Unavailable."""
        try:
            connection = await asyncpg.connect(url, timeout=CONNECT_SECONDS, command_timeout=CALL_SECONDS)
        except (OSError, TimeoutError, asyncpg.PostgresError) as error:
            raise Unavailable from error
        made = cls(connection)
        if snapshot or whole:
            made._whole = connection.transaction(isolation="repeatable_read", readonly=snapshot)
            await made._whole.start()
        return made

    async def commit(self) -> None:
        """Keep everything that was written since `open`."""
        whole, self._whole = self._whole, None
        if whole is not None:
            await whole.commit()

    async def empty(self, tables: Sequence[Table]) -> None:
        """Delete every row."""
        names = ", ".join(f'"{table.name}"' for table in tables)
        await self.connection.execute(f"TRUNCATE {names} RESTART IDENTITY")

    async def steps(self) -> list[str]:
        """Name the migrations it has taken, in order."""
        try:
            rows = await self.connection.fetch("SELECT name FROM tortoise_migrations WHERE app = 'models' ORDER BY name")
        except asyncpg.UndefinedTableError:
            return []
        return [str(row["name"]) for row in rows]

    async def rows(self, table: Table, after: int, limit: int) -> list[Row]:
        """Read the next rows by number."""
        sql = f'SELECT {table.names} FROM "{table.name}" WHERE id > $1 ORDER BY id LIMIT $2'  # noqa: S608 - our own names
        return [tuple(row) for row in await self.connection.fetch(sql, after, limit)]

    async def last(self, table: Table) -> int:
        """Tell the highest number; 0 when the table is empty."""
        return int(await self.connection.fetchval(f'SELECT coalesce(max(id), 0) FROM "{table.name}"'))  # noqa: S608

    async def add(self, table: Table, rows: Sequence[Row]) -> None:
        """Write rows with their numbers, all or none."""
        names = [name for name, _ in table.columns]
        await self.connection.copy_records_to_table(table.name, records=rows, columns=names)

    async def ready(self, tables: Sequence[Table]) -> None:
        """Let the next numbers go on after the highest."""
        for table in tables:
            await self.connection.execute(
                f"SELECT setval(pg_get_serial_sequence('\"{table.name}\"', 'id'), greatest((SELECT max(id) FROM \"{table.name}\"), 1))"  # noqa: S608, E501
            )

    async def close(self) -> None:
        """Let go of it; what was not committed is undone."""
        await self.connection.close(timeout=CONNECT_SECONDS)
