"""Portable SQL in the words of PostgreSQL, and its errors without what people said."""

import asyncio
import io
from collections.abc import Callable

import pytest
import structlog
from tortoise.exceptions import BaseORMException

from crm_core.db import Database
from crm_core.messages import Address, Body
from crm_core.outbox import queue
from crm_core.ports import CLAIM, CLAIM_P, HOLD, Core, Program
from crm_core.postgres_programs import in_words_of_postgres
from tests.bot.test_logs import written as written
from tests.conftest import on_postgres


@pytest.mark.parametrize(
    ("portable", "own", "gives_rows"),
    [
        ("SELECT a FROM t WHERE b = ? AND c = ?", "SELECT a FROM t WHERE b = $1 AND c = $2", True),
        ("UPDATE t SET a = '?', b = ?", "UPDATE t SET a = '?', b = $1", False),
        ("UPDATE t SET a = 'it''s ?', \"b?\" = ?", "UPDATE t SET a = 'it''s ?', \"b?\" = $1", False),
        ("DELETE FROM t WHERE a = ? RETURNING id", "DELETE FROM t WHERE a = $1 RETURNING id", True),
        ("UPDATE t SET a = 'RETURNING' -- why?\nWHERE b = ?", "UPDATE t SET a = 'RETURNING' -- why?\nWHERE b = $1", False),
        ("INSERT INTO t SELECT ? /* ? */", "INSERT INTO t SELECT $1 /* ? */", False),
        (f"SELECT a FROM t LIMIT ?{CLAIM}", "SELECT a FROM t LIMIT $1 FOR UPDATE SKIP LOCKED", True),
        (f"SELECT a FROM t p LIMIT ?{CLAIM_P}", "SELECT a FROM t p LIMIT $1 FOR UPDATE OF p SKIP LOCKED", True),
        (f"SELECT a FROM t{HOLD}", "SELECT a FROM t FOR UPDATE", True),
        ("WITH x AS (SELECT 1) SELECT * FROM x", "WITH x AS (SELECT 1) SELECT * FROM x", True),
        (
            f"WITH x AS (SELECT 1{CLAIM}) UPDATE t SET a = ?",
            "WITH x AS (SELECT 1 FOR UPDATE SKIP LOCKED) UPDATE t SET a = $1",
            False,
        ),
        (f"WITH x AS (SELECT 1{HOLD}) SELECT * FROM x", "WITH x AS (SELECT 1 FOR UPDATE) SELECT * FROM x", True),
    ],
)
def test_portable_sql_in_the_words_of_postgres(portable: str, own: str, gives_rows: bool) -> None:
    assert in_words_of_postgres(portable) == (own, gives_rows)


SAID = "张三丰说要退货"
_TAKEN = "INSERT INTO messages SELECT m.* FROM messages m"
_MISSING = "UPDATE messages SET channel = NULL"
_LONG = "UPDATE messages SET channel = repeat(text, 100)"
_NO_NUMBER = "UPDATE messages SET attempts = CAST(text AS INTEGER)"


def run(sql: str, *values: object) -> Program[None]:
    yield sql, values


async def _program(db: Database, sql: str, *values: object) -> None:
    await db.run(run(sql, *values))


async def _shared(db: Database, sql: str, *values: object) -> None:
    found = await asyncio.gather(db.run(run("SELECT 1")), db.run(run(sql, *values)), return_exceptions=True)
    assert isinstance(found[1], BaseException)
    raise found[1]


async def _transaction(db: Database, sql: str, *values: object) -> None:
    async with db.transaction():
        await db.run(run(sql, *values))


async def _read(db: Database, sql: str, *values: object) -> None:
    await db.read(run(sql, *values))


async def _statement(db: Database, sql: str, *values: object) -> None:
    await db._client.execute_query(sql.replace("?", "$1"), list(values))


@pytest.mark.skipif(not on_postgres(), reason="what PostgreSQL says")
@pytest.mark.parametrize("way", [_program, _shared, _transaction, _read, _statement])
@pytest.mark.parametrize(
    ("sql", "values", "word"),
    [
        (_TAKEN, (), "UniqueViolationError 23505 messages_pkey"),
        (_MISSING, (), "NotNullViolationError 23502"),
        (_LONG, (), "StringDataRightTruncationError 22001"),
        (_NO_NUMBER, (), "InvalidTextRepresentationError 22P02"),
        ("UPDATE messages SET attempts = ?", (SAID,), "DataError"),
    ],
)
async def test_error_of_the_database_is_logged_without_what_people_said(
    core: Core,
    written: io.StringIO,
    way: Callable[..., object],
    sql: str,
    values: tuple[object, ...],
    word: str,
) -> None:
    await core.db.run(queue(core, Address("wechat", "o1"), Body(text=SAID), key="k"))
    with pytest.raises(BaseORMException, match=word) as failed:
        await way(core.db, sql, *values)  # type: ignore[misc]
    try:
        raise failed.value
    except BaseORMException:
        structlog.get_logger("bot.gateway").exception("failed")
    assert word in written.getvalue()
    assert not [part for part in ("张三丰", "DETAIL", "row contains") if part in written.getvalue()]
