"""SQLite: the Tortoise client over the one writer and its readers, the lock of a served file, copies of it.

With `sqlite_writer.py` the only place with SQLite's own SQL.
"""

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

from tortoise.backends.base.client import NestedTransactionContext, TransactionalDBClient, TransactionContext
from tortoise.backends.sqlite.client import SqliteClient
from tortoise.connection import get_connections

from crm_core.errors import Unavailable
from crm_core.ports import Program
from crm_core.sqlite_writer import Connection, Writer, drive, translate

T = TypeVar("T")
READERS = 2
SCRUB_TRIES = 25


class _Statements(SqliteClient):
    """Tortoise's statements, run through `_call` instead of a connection shared by everybody."""

    async def _call(self, function: Callable[[sqlite3.Connection], T], *, writes: bool) -> T:
        raise NotImplementedError

    async def execute_insert(self, query: str, values: list[Any]) -> int:
        def insert(raw: sqlite3.Connection) -> int:
            return raw.execute(query, values).lastrowid or 0

        return await self._call(insert, writes=True)

    async def execute_many(self, query: str, values: list[list[Any]]) -> None:
        def many(raw: sqlite3.Connection) -> None:
            raw.executemany(query, values)

        await self._call(many, writes=True)

    async def execute_query(self, query: str, values: list[Any] | None = None) -> tuple[int, Sequence[Any]]:
        def fetch(raw: sqlite3.Connection) -> tuple[int, Sequence[Any]]:
            cursor = raw.execute(query, values or ())
            rows = cursor.fetchall()
            return (len(rows) if cursor.description else cursor.rowcount), rows

        return await self._call(fetch, writes=not query.lstrip().upper().startswith(("SELECT", "PRAGMA", "EXPLAIN")))

    async def execute_query_dict(self, query: str, values: list[Any] | None = None) -> list[dict[str, Any]]:
        return [dict(row) for row in (await self.execute_query(query, values))[1]]

    async def execute_script(self, query: str) -> None:
        def script(raw: sqlite3.Connection) -> None:
            for statement in _statements(query):
                raw.execute(statement)

        await self._call(script, writes=True)


def _statements(script: str) -> list[str]:
    """Split a script, because `executescript` would commit the open transaction first."""
    found, part = [], ""
    for piece in script.split(";"):
        part += piece + ";"
        if sqlite3.complete_statement(part):
            if part.strip(" ;\n"):
                found.append(part)
            part = ""
    return found


class WriterClient(_Statements):
    """Outside a transaction: reads go to a reader, a single change is a transaction of its own."""

    def __init__(self, file_path: str, *, synchronous: str = "FULL", **kwargs: Any) -> None:
        super().__init__(file_path, **kwargs)
        self.synchronous = synchronous
        self.writer: Writer | None = None
        self._readers: list[Connection] = []

    async def create_connection(self, with_db: bool) -> None:
        """Open the writer and the readers."""
        if self.writer is None:
            try:
                self.writer = Writer(Connection(self.filename, read_only=False, synchronous=self.synchronous))
                self._readers = [
                    Connection(self.filename, read_only=True, synchronous=self.synchronous) for _ in range(READERS)
                ]
            except sqlite3.Error as error:
                raise translate(error) from error
            await self._post_connect()

    async def close(self) -> None:
        """Wait for what is being written, then close every connection."""
        if self.writer is not None:
            await self.writer.drain()
            for connection in (*self._readers, self.writer.connection):
                connection.close()
            self.writer, self._readers = None, []

    async def opened(self) -> Writer:
        """Tell the writer, connecting first if need be."""
        if self.writer is None:
            await self.create_connection(with_db=True)
        if self.writer is None:
            raise Unavailable
        return self.writer

    async def run_program(self, program: Program[T]) -> T:
        """Run a program in a transaction of its own, with a shared commit."""
        return await (await self.opened()).run(program)

    async def read_program(self, program: Program[T]) -> T:
        """Run a program that only reads, beside the writer."""
        return await self._call(lambda raw: drive(raw, program), writes=False)

    async def scrub(self) -> None:
        """Empty the write-ahead file; deleted rows are overwritten where they stood (`secure_delete`)."""
        writer = await self.opened()
        await writer.drain()
        for _ in range(SCRUB_TRIES):
            busy = await writer.connection.call(lambda raw: raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0])
            if not busy:
                return
            await asyncio.sleep(0.2)  # somebody reads an older state
        raise Unavailable

    def reader(self) -> Connection:
        """Tell the reader with the least to do."""
        return min(self._readers, key=lambda reader: reader.pending)

    async def _call(self, function: Callable[[sqlite3.Connection], T], *, writes: bool) -> T:
        await self.opened()
        if not writes:
            return await self.reader().call(function)
        async with self._in_transaction() as transaction:
            return await transaction._call(function, writes=True)  # type: ignore[attr-defined, no-any-return]

    def _in_transaction(self) -> TransactionContext:
        return _Transaction(self)


class _InTransaction(_Statements, TransactionalDBClient):
    """Inside a transaction: every statement goes to the writer's connection."""

    _names = count()

    def __init__(self, parent: WriterClient, writer: Writer) -> None:
        self.capabilities = parent.capabilities
        self.connection_name = parent.connection_name
        self.fetch_inserted = parent.fetch_inserted
        self.log = parent.log
        self.writer = writer
        self._bound_loop = parent._bound_loop
        self._client = parent
        self._finalized = False
        self._savepoint = ""

    async def _call(self, function: Callable[[sqlite3.Connection], T], *, writes: bool) -> T:
        def inside(raw: sqlite3.Connection) -> T:
            # A full disk makes SQLite roll back by itself; what follows must not run outside any transaction.
            if not raw.in_transaction:
                raise Unavailable
            return function(raw)

        return await self.writer.connection.call(inside)

    async def run_program(self, program: Program[T]) -> T:
        """Run a program as a part of this transaction."""
        return await self._call(lambda raw: drive(raw, program), writes=True)

    async def read_program(self, program: Program[T]) -> T:
        """Read what this transaction sees, its own changes included."""
        return await self.run_program(program)

    def _in_transaction(self) -> TransactionContext:
        return NestedTransactionContext(_InTransaction(self._client, self.writer))

    async def begin(self) -> None: ...

    async def commit(self) -> None: ...

    async def rollback(self) -> None: ...

    async def savepoint(self) -> None:
        self._savepoint = f"nested_{next(self._names)}"
        await self.execute_script(f"SAVEPOINT {self._savepoint};")

    async def savepoint_rollback(self) -> None:
        await self.execute_script(f"ROLLBACK TO {self._savepoint};RELEASE {self._savepoint};")

    async def release_savepoint(self) -> None:
        await self.execute_script(f"RELEASE {self._savepoint};")


class _Transaction(TransactionContext):
    """`async with in_transaction()` over the writer: waits for its turn, leaves with a shared durable commit."""

    def __init__(self, client: WriterClient) -> None:
        self._client = client
        self.connection_name = client.connection_name

    async def __aenter__(self) -> TransactionalDBClient:
        writer = await self._client.opened()
        await writer.enter()
        self.connection = _InTransaction(self._client, writer)
        self._token = get_connections().set(self.connection_name, self.connection)
        return self.connection

    async def __aexit__(self, kind: Any, error: Any, trace: Any) -> None:
        self.connection._finalized = True
        get_connections().reset(self._token)
        await self.connection.writer.leave(keep=kind is None)


client_class = WriterClient


class OnlyOne:
    """The lock that lets one `serve` have a database file; gone with its process."""

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(database.name + ".lock")
        self._file: Any = None

    def take(self) -> bool:
        """Take the lock, or tell that another process has it."""
        self._file = self._path.open("a")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            self._file = None
            return False
        return True

    def give_back(self) -> None:
        """Let the next process have it."""
        if self._file is not None:
            self._file.close()
            self._file = None


def make_private(path: Path) -> None:
    """Make a database file that nobody else of this machine reads, if there is none; SQLite would ask the umask."""
    with suppress(OSError):  # opening it says what is wrong
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def has_tables(path: Path) -> bool:
    """Tell whether a database file holds anything yet."""
    raw = sqlite3.connect(path)
    try:
        return bool(raw.execute("SELECT count(*) FROM sqlite_master WHERE type = 'table'").fetchone()[0])
    finally:
        raw.close()


def back_up(source: Path, target: Path) -> None:
    """Copy a database consistently, also while it is written to."""
    make_private(target)
    with sqlite3.connect(source) as original, sqlite3.connect(target) as copy:
        original.backup(copy)
    copy.close()
    original.close()
