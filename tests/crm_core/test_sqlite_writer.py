"""The one writer: shared commits, one failure alone, cancelled callers, a full and a locked database."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from crm_core.errors import Unavailable
from crm_core.ports import Program
from crm_core.sqlite_dialect import OnlyOne, back_up
from crm_core.sqlite_writer import Connection, Writer


def insert(number: int) -> Program[int]:
    rows = yield "INSERT INTO things (number) VALUES (?) RETURNING id", (number,)
    return int(rows[0][0])


def insert_and_fail(number: int) -> Program[int]:
    yield "INSERT INTO things (number) VALUES (?)", (number,)
    raise ValueError(number)


@pytest_asyncio.fixture
async def writer(tmp_path: Path) -> AsyncIterator[Writer]:
    connection = Connection(str(tmp_path / "things.db"), read_only=False, synchronous="FULL")
    connection.raw.execute("CREATE TABLE things (id INTEGER PRIMARY KEY, number INTEGER UNIQUE)")
    made = Writer(connection)
    yield made
    await made.drain()
    connection.close()


def numbers(writer: Writer) -> set[int]:
    return {row[0] for row in writer.connection.raw.execute("SELECT number FROM things")}


async def test_programs_asked_together_share_one_commit(writer: Writer) -> None:
    commits = []
    writer.connection.raw.set_trace_callback(lambda statement: commits.append(statement) if statement == "COMMIT" else None)
    await asyncio.gather(*(writer.run(insert(number)) for number in range(100)))
    assert numbers(writer) == set(range(100))
    # The first leaves at once; the others wait for it and share what follows.
    assert len(commits) <= 3


async def test_failing_program_undoes_itself_alone(writer: Writer) -> None:
    outcomes = await asyncio.gather(
        writer.run(insert(1)),
        writer.run(insert_and_fail(2)),
        writer.run(insert(1)),
        writer.run(insert(3)),
        return_exceptions=True,
    )
    assert [type(outcome).__name__ for outcome in outcomes] == ["int", "ValueError", "IntegrityError", "int"]
    assert numbers(writer) == {1, 3}


async def transaction(writer: Writer, number: int, *, keep: bool = True, pause: int = 0) -> None:
    await writer.enter()
    try:
        await writer.connection.call(lambda raw: raw.execute("INSERT INTO things (number) VALUES (?)", (number,)))
        for _ in range(pause):
            await asyncio.sleep(0)
    except BaseException:
        await writer.leave(keep=False)
        raise
    await writer.leave(keep=keep)


async def test_transactions_and_programs_mix(writer: Writer) -> None:
    await asyncio.gather(
        *(transaction(writer, number, keep=number % 3 > 0, pause=number % 5) for number in range(60)),
        *(writer.run(insert(number)) for number in range(100, 160)),
    )
    assert numbers(writer) == {number for number in range(60) if number % 3} | set(range(100, 160))


async def test_cancelled_callers_leave_nothing_half_done(writer: Writer) -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(transaction(writer, number, pause=3)) for number in range(80)]
        await asyncio.sleep(0.01)
        for task in tasks[::2]:
            task.cancel()
    await writer.drain()
    kept = numbers(writer)
    assert {number for number, task in enumerate(tasks) if not task.cancelled()} <= kept
    await writer.run(insert(1000))
    assert 1000 in numbers(writer)


async def test_database_locked_by_another_process_is_unavailable_and_comes_back(writer: Writer, tmp_path: Path) -> None:
    writer.connection.raw.execute("PRAGMA busy_timeout=50")
    other = sqlite3.connect(tmp_path / "things.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable):
        await writer.run(insert(1))
    with pytest.raises(Unavailable):
        await transaction(writer, 2)
    other.execute("ROLLBACK")
    other.close()
    await writer.run(insert(3))
    assert numbers(writer) == {3}


async def test_full_disk_loses_the_whole_group_and_says_so(writer: Writer) -> None:
    raw = writer.connection.raw
    pages = raw.execute("PRAGMA page_count").fetchone()[0]
    raw.execute("CREATE TABLE ballast (words TEXT)")
    raw.execute(f"PRAGMA max_page_count={pages + 4}")

    def fill() -> Program[None]:
        yield "INSERT INTO ballast VALUES (?)", ("x" * 100_000,)

    outcomes = await asyncio.gather(writer.run(insert(1)), writer.run(fill()), writer.run(insert(2)), return_exceptions=True)
    assert isinstance(outcomes[1], Unavailable)
    durable = {number for number, outcome in zip((1, 2), (outcomes[0], outcomes[2]), strict=True) if isinstance(outcome, int)}
    assert numbers(writer) == durable
    raw.execute("PRAGMA max_page_count=1000000")
    await writer.run(insert(9))
    assert 9 in numbers(writer)


def test_only_one_process_may_serve_a_file(tmp_path: Path) -> None:
    first, second = OnlyOne(tmp_path / "x.db"), OnlyOne(tmp_path / "x.db")
    assert first.take()
    assert not second.take()
    first.give_back()
    assert second.take()
    second.give_back()


def test_backup_is_a_whole_database(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "a.db") as raw:
        raw.execute("CREATE TABLE t (x)")
        raw.execute("INSERT INTO t VALUES (7)")
    raw.close()
    back_up(tmp_path / "a.db", tmp_path / "b.db")
    copy = sqlite3.connect(tmp_path / "b.db")
    assert copy.execute("SELECT x FROM t").fetchall() == [(7,)]
    copy.close()
