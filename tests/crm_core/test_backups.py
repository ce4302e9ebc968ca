"""Putting a backup in the place of a database: what a killed one left beside it does no harm, who works on it is not robbed."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from crm_core import backups
from crm_core.backups import InUse

ROWS = 3000


def make(path: Path, word: str, *, wal: bool = False) -> None:
    with closing(sqlite3.connect(path)) as raw:
        raw.execute(f"PRAGMA journal_mode={'WAL' if wal else 'DELETE'}")
        raw.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, word TEXT)")
        raw.executemany("INSERT INTO notes (word) VALUES (?)", [(f"{word} {number:0100}",) for number in range(ROWS)])
        raw.commit()


def cut_off(source: Path, target: Path) -> None:
    """Copy a database as it is in the middle of a change, with the journal a killed process leaves."""
    with closing(sqlite3.connect(source, isolation_level=None)) as raw:
        raw.execute("PRAGMA cache_size = 5")
        raw.execute("BEGIN")
        raw.execute("UPDATE notes SET word = 'cut off'")
        for suffix in ("", "-journal"):
            target.with_name(target.name + suffix).write_bytes(source.with_name(source.name + suffix).read_bytes())
        raw.execute("ROLLBACK")
    assert target.with_name(target.name + "-journal").stat().st_size > 10_000


def words(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert raw.execute("SELECT count(*) FROM notes").fetchone()[0] == ROWS
        return {word.split()[0] for (word,) in raw.execute("SELECT word FROM notes")}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A database with old words, a backup with new ones, and a third one in the middle of a change."""
    make(tmp_path / "crm.db", "old", wal=True)
    make(tmp_path / "backup.db", "new")
    make(tmp_path / "third.db", "third")
    yield tmp_path
    assert not list(tmp_path.glob(".crm.db.restoring*"))


async def put(folder: Path) -> Path:
    aside = folder / "store" / "before-restore-1.db"
    await backups.put_in_place(folder / "backup.db", folder / "crm.db", aside)
    return aside


async def test_what_was_there_is_kept_whole(folder: Path) -> None:
    aside = await put(folder)
    assert (words(folder / "crm.db"), words(aside)) == ({"new"}, {"old"})


async def test_what_a_killed_one_left_is_taken_away(folder: Path) -> None:
    cut_off(folder / "third.db", folder / ".crm.db.restoring")
    (folder / "store").mkdir()
    cut_off(folder / "third.db", folder / "store" / ".before-restore-0.db.part")
    aside = await put(folder)
    assert (words(folder / "crm.db"), words(aside)) == ({"new"}, {"old"})
    assert [path.name for path in (folder / "store").iterdir()] == [aside.name]


async def test_broken_database_is_kept_as_it_is_and_its_journal_harms_nobody(folder: Path) -> None:
    cut_off(folder / "third.db", folder / "crm.db")
    with (folder / "crm.db").open("r+b") as file:
        file.write(b"no database any more")
    (folder / "crm.db-wal").unlink(missing_ok=True)
    aside = await put(folder)
    assert words(folder / "crm.db") == {"new"}
    assert aside.read_bytes().startswith(b"no database any more")


@pytest.mark.slow  # it waits for the one who reads
async def test_database_that_somebody_works_on_is_left_alone(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "crm.db")) as reader, closing(sqlite3.connect(folder / "crm.db")) as writer:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM notes").fetchone()
        writer.execute("UPDATE notes SET word = 'later 1'")
        writer.commit()
        with pytest.raises(InUse):
            await put(folder)
        assert not list((folder / "store").iterdir())
    assert words(folder / "crm.db") == {"later"}
    (folder / ".crm.db.restoring").unlink()
