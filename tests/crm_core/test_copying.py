"""Fingerprints of tables: the same rows give the same on any database, and a changed digit gives another."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from crm_core.copying import Fingerprint, fingerprint
from crm_core.stores import Kind, SqliteStore, Table

NUMBERS = Table("numbers", (("id", Kind.COUNT), ("value", Kind.MONEY)))


async def of(path: Path, values: Sequence[str]) -> Fingerprint:
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("CREATE TABLE numbers (id INTEGER PRIMARY KEY, value VARCHAR(40))")
        raw.executemany("INSERT INTO numbers (value) VALUES (?)", [(value,) for value in values])
        raw.commit()
    store = SqliteStore(path, read_only=True)
    try:
        return await fingerprint(store, NUMBERS)
    finally:
        await store.close()


async def test_the_same_number_is_the_same_however_it_is_written(tmp_path: Path) -> None:
    first = await of(tmp_path / "a.db", ["12.50", "0.2500", "100"])
    assert first.rows == 3
    assert first == await of(tmp_path / "b.db", ["12.5", "0.25", "100.0000"])


async def test_no_digit_is_lost_behind_the_cents(tmp_path: Path) -> None:
    assert await of(tmp_path / "a.db", ["1.2345"]) != await of(tmp_path / "b.db", ["1.2300"])
    assert await of(tmp_path / "c.db", ["1.2345"]) == await of(tmp_path / "d.db", ["1.23450"])
