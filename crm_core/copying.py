"""Rows from one database into another, page by page, resumable, and proof that both hold the same."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from crm_core.errors import CrmError
from crm_core.stores import Row, Store, Table

PAGE = 5_000
"""Rows read and written at once."""
Progress = Callable[[str, int], None]
"""Told the table and how many more rows of it are done."""


class SchemasDiffer(CrmError):
    """The two databases are not of the same schema."""

    status = 409
    code = "database.schemas_differ"
    text = "两个数据库的结构不同，请先对两边都运行 guanxi migrate"


class NotTheSame(CrmError):
    """After copying, a table differs from the one it came from."""

    status = 409
    code = "database.not_the_same"
    text = "核对失败：表 {table} 两边不一致（{here} 行 / {there} 行），原库未改动"


class Occupied(CrmError):
    """The target holds rows that the source does not."""

    status = 409
    code = "database.occupied"
    text = "目标数据库的表 {table} 里已有别的数据，请换一个空库"


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """How many rows a table has, and a hash over all of them in the order of their numbers."""

    rows: int
    digest: str


def _silent(_: str, __: int) -> None:
    return


async def fingerprint(store: Store, table: Table, told: Progress = _silent) -> Fingerprint:
    """Walk a table; the same rows give the same hash on any database."""
    found, after, count = hashlib.sha256(), 0, 0
    while page := await store.rows(table, after, PAGE):
        for row in page:
            found.update(_line(row))
        after, count = int(page[-1][0]), count + len(page)
        told(table.name, len(page))
    return Fingerprint(count, found.hexdigest())


def _line(row: Row) -> bytes:
    return "\x1f".join(map(_word, row)).encode("utf-8", "surrogatepass") + b"\x1e"


def _word(value: Any) -> str:
    if value is None:
        return "\x00"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, Decimal):
        money = f"{value:.2f}"
        return money if Decimal(money) == value else format(value.normalize(), "f")
    return str(int(value)) if isinstance(value, bool) else str(value)


async def fingerprints(store: Store, tables: Sequence[Table], told: Progress = _silent) -> dict[str, Fingerprint]:
    """Walk all tables."""
    return {table.name: await fingerprint(store, table, told) for table in tables}


async def copy(source: Store, target: Store, tables: Sequence[Table], told: Progress = _silent) -> None:
    """Copy what the target does not have yet; a copy that was cut off goes on where it ended.

    Raises: SchemasDiffer; Occupied.
    """
    if await source.steps() != await target.steps():
        raise SchemasDiffer
    for table in tables:
        after = await target.last(table)
        if after > await source.last(table):
            raise Occupied(table=table.name)
        while page := await source.rows(table, after, PAGE):
            await target.add(table, page)
            after = int(page[-1][0])
            told(table.name, len(page))
    await target.ready(tables)


async def compare(source: Store, target: Store, tables: Sequence[Table], told: Progress = _silent) -> int:
    """Compare both row by row; tells how many rows there are. Raises: NotTheSame."""
    total = 0
    for table in tables:
        here, there = await fingerprint(source, table, told), await fingerprint(target, table)
        if here != there:
            raise NotTheSame(table=table.name, here=here.rows, there=there.rows)
        total += here.rows
    return total
