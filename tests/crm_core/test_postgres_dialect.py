"""The PostgreSQL client by itself, on a private server: transactions, groups, trouble with the connection."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio
from tortoise.exceptions import IntegrityError, OperationalError, ValidationError

from crm_core.db import Database
from crm_core.errors import Unavailable
from crm_core.ports import CLAIM, Program
from crm_core.postgres_dialect import PostgresClient
from crm_core.postgres_programs import Contended
from tests.conftest import new_database
from tests.postgres import PostgresServer

TABLE = "CREATE TABLE notes (id BIGSERIAL PRIMARY KEY, word VARCHAR(8) UNIQUE, at TIMESTAMPTZ)"


@pytest_asyncio.fixture
async def client(db: Database) -> AsyncIterator[PostgresClient]:
    made = PostgresClient(await new_database(), connection_name="alone", pool_size=4)
    await made.create_connection(with_db=True)
    await made.execute_script(TABLE)
    yield made
    await made.close()


def insert(*words: str) -> Program[int]:
    for word in words:
        yield "INSERT INTO notes (word) VALUES (?)", (word,)
    return len(words)


def read() -> Program[list[str]]:
    rows = yield "SELECT word FROM notes ORDER BY id", ()
    return [word for (word,) in rows]


async def test_program_is_sent_rows_as_tuples_or_the_number_of_changes(client: PostgresClient) -> None:
    at = datetime(2026, 11, 25, 2, tzinfo=UTC)

    def program() -> Program[list[object]]:
        made = yield "INSERT INTO notes (word, at) VALUES (?, ?), (?, NULL) RETURNING id, at", ("a", at, "b?")
        changed = yield "UPDATE notes SET word = ? WHERE word = 'b?'", ("c",)
        again = yield "INSERT INTO notes (word) VALUES (?) ON CONFLICT (word) DO NOTHING", ("c",)
        return [made, changed, again]

    assert await client.run_program(program()) == [[(1, at), (2, None)], 1, 0]
    assert await client.read_program(read()) == ["a", "c"]


async def test_programs_of_one_turn_share_a_transaction_in_their_order_and_fail_alone(client: PostgresClient) -> None:
    def number() -> Program[int]:
        rows = yield "SELECT txid_current()", ()
        return int(rows[0][0])

    def fails() -> Program[None]:
        yield from insert("undone")
        raise ValueError("mine")

    runs = [insert("a"), number(), insert("b", "a"), fails(), insert("too long for it"), number(), insert("c")]
    found = await asyncio.gather(*map(client.run_program, runs), return_exceptions=True)
    kinds = [type(each).__name__ for each in found]
    assert kinds == ["int", "int", "IntegrityError", "ValueError", "ValidationError", "int", "int"]
    assert found[1] == found[5]
    assert await client.read_program(read()) == ["a", "c"]


async def test_errors_are_the_houses(client: PostgresClient) -> None:
    await client.run_program(insert("a"))
    with pytest.raises(IntegrityError):
        await client.run_program(insert("a"))
    with pytest.raises(ValidationError):
        await client.run_program(insert("a\0b"))
    with pytest.raises(OperationalError):
        await client.execute_script("SELECT nothing FROM nowhere")
    with pytest.raises(Unavailable):
        async with client._in_transaction():
            await client.execute_query("SELECT 1")  # another connection
            async with client._in_transaction() as other:
                await other.execute_script("SET lock_timeout = '50ms'; LOCK TABLE notes")
                async with client._in_transaction() as third:
                    await third.execute_script("SET LOCAL lock_timeout = '50ms'")
                    await third.execute_query("SELECT * FROM notes")


async def test_transaction_is_all_or_nothing_and_a_nested_one_undoes_itself_alone(client: PostgresClient) -> None:
    async with client._in_transaction() as outer:
        await outer.run_program(insert("a"))
        with pytest.raises(IntegrityError):
            async with outer._in_transaction() as inner:
                await inner.run_program(insert("b", "a"))
        assert await outer.read_program(read()) == ["a"]
    with pytest.raises(ValueError, match="mine"):
        async with client._in_transaction() as outer:
            await outer.run_program(insert("c"))
            raise ValueError("mine")
    assert await client.read_program(read()) == ["a"]


async def test_error_that_somebody_swallowed_is_no_success(client: PostgresClient) -> None:
    with pytest.raises(OperationalError, match="caught inside"):
        async with client._in_transaction() as outer:
            await outer.run_program(insert("a"))
            with pytest.raises(IntegrityError):
                await outer.run_program(insert("a"))
    assert await client.read_program(read()) == []


async def test_update_returning_gives_its_rows_to_the_orm_too(client: PostgresClient) -> None:
    await client.run_program(insert("a", "b"))
    count, rows = await client.execute_query("UPDATE notes SET word = word || '!' RETURNING id, word")
    assert (count, [row["word"] for row in rows]) == (2, ["a!", "b!"])
    assert await client.execute_query("DELETE FROM notes WHERE word = $1", ["a!"]) == (1, [])


async def test_claimers_step_over_what_another_one_is_taking(client: PostgresClient) -> None:
    await client.run_program(insert("a", "b", "c", "d"))
    claim = f"WITH due AS (SELECT id FROM notes WHERE at IS NULL ORDER BY id LIMIT 2{CLAIM})" + (
        " UPDATE notes SET at = ? WHERE id IN (SELECT id FROM due) RETURNING word"
    )

    def take() -> Program[set[str]]:
        rows = yield claim, (datetime(2026, 1, 1, tzinfo=UTC),)
        return {word for (word,) in rows}

    async with client._in_transaction() as first:
        assert await first.run_program(take()) == {"a", "b"}
        assert await client.run_program(take()) == {"c", "d"}


async def test_two_in_each_others_way_are_repeated_when_they_can_be_made_anew(client: PostgresClient) -> None:
    await client.run_program(insert("a", "b"))
    begun = {1: asyncio.Event(), 2: asyncio.Event()}

    async def change(first: str, second: str, me: int, other: int) -> None:
        async with client._in_transaction() as mine:
            await mine.execute_query("UPDATE notes SET at = now() WHERE word = $1", [first])
            begun[me].set()
            await begun[other].wait()
            await mine.execute_query("UPDATE notes SET at = now() WHERE word = $1", [second])

    found = await asyncio.gather(change("a", "b", 1, 2), change("b", "a", 2, 1), return_exceptions=True)
    assert sorted(type(each).__name__ for each in found) == ["Contended", "NoneType"]

    tries = []

    def program() -> Program[str]:
        tries.append(1)
        if len(tries) < 3:
            raise Contended
        yield from insert("c")
        return "done"

    assert await client.run_program(program(), program) == "done"
    with pytest.raises(Contended):
        tries.clear()
        await client.run_program(program())


async def test_program_nobody_waits_for_any_more_is_stopped(client: PostgresClient) -> None:
    def slow() -> Program[None]:
        yield from insert("a")
        yield "SELECT pg_sleep(30)", ()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await client.run_program(slow())
    async with asyncio.timeout(5):
        assert await asyncio.gather(*(client.read_program(read()) for _ in range(8))) == [[]] * 8


async def test_cancelled_statement_leaves_no_connection_behind(client: PostgresClient) -> None:
    async def stuck() -> None:
        async with client._in_transaction() as mine:
            await mine.run_program(insert("a"))
            await mine.execute_query("SELECT pg_sleep(30)")

    for _ in range(6):  # more often than there are connections
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await stuck()
    assert await client.run_program(insert("a")) == 1


async def test_clock_of_the_server_is_told_apart_only_when_it_matters(client: PostgresClient) -> None:
    assert not client.skew
    client._ahead += client._ahead.resolution * 3_600_000_000
    assert 3599 < client.skew.total_seconds() < 3601
    await client.measure()
    assert not client.skew


@pytest.mark.slow  # a server is frozen, killed and started
async def test_server_that_was_frozen_or_killed_is_answered_in_time_and_used_again_at_once() -> None:
    server = await asyncio.to_thread(PostgresServer().make)
    client = PostgresClient(server.url(), connection_name="alone", pool_size=4)
    try:
        await client.create_connection(with_db=True)
        await client.execute_script(TABLE)
        server.freeze()
        for _ in range(6):
            with pytest.raises((TimeoutError, Unavailable)):
                async with asyncio.timeout(0.3):
                    await client.run_program(insert("a"))
        server.thaw()
        async with asyncio.timeout(5):
            assert await client.run_program(insert("b")) == 1
        server.kill()
        with pytest.raises(Unavailable):
            await client.run_program(insert("c"))
        with pytest.raises(Unavailable):
            await client.read_program(read())
        await asyncio.to_thread(server.start)
        async with asyncio.timeout(5):
            assert await client.run_program(insert("d")) == 1
        assert await client.read_program(read()) == ["b", "d"]
    finally:
        server.thaw()
        await client.close()
        server.stop()
