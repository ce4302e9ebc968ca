"""SQLite's connections: the one writer with shared commits, and the readers beside it.

Why a writer of our own: Tortoise's SQLite client begins deferred transactions (beside a second writer one effect in four
fails with "database is locked"), commits each alone, and lets every read wait for the open transaction.
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future as ThreadFuture
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Any, TypeVar

from tortoise.backends.sqlite import executor as _  # noqa: F401 - registers its adapters first, ours replaces one
from tortoise.exceptions import IntegrityError, OperationalError

from crm_core.errors import Unavailable
from crm_core.ports import Program

T = TypeVar("T")
BUSY_MILLISECONDS = 2500
"""How long to wait for a writer of another process: the platform's five seconds must not run out."""
GROUP_LIMIT = 64
"""Transactions that share one commit at most, so that the first of them does not wait for ever."""
# The file or the disk fails, or another process holds the lock: nothing was made durable, come again.
_PASSING = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
}


@lru_cache(maxsize=4096)
def _as_text(moment: datetime) -> str:
    """Write an instant as it is stored; remembered, because one message carries the same instant a dozen times.

    Always UTC: equal instants of different zones are equal keys here, and SQLite compares texts.
    """
    return (moment.astimezone(UTC) if moment.tzinfo else moment).isoformat(" ")


# After Tortoise's own, which the imports above have registered.
sqlite3.register_adapter(datetime, _as_text)


def translate(error: sqlite3.Error) -> Exception:
    """Turn a driver's error into ours: passing trouble, a broken constraint, or a programming fault."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None and (code & 0xFF) in _PASSING:
        return Unavailable()
    if isinstance(error, sqlite3.IntegrityError):
        return IntegrityError(error)
    return OperationalError(error)


def drive(connection: sqlite3.Connection, program: Program[T]) -> T:
    """Run a program's statements one after another on this connection; the caller owns the transaction."""
    cursor = connection.cursor()
    cursor.row_factory = None
    try:
        sql, parameters = next(program)
        while True:
            cursor.execute(sql, parameters)
            sql, parameters = program.send(cursor.fetchall() if cursor.description else _changed(connection, cursor))
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        program.close()
        cursor.close()


def _changed(connection: sqlite3.Connection, cursor: sqlite3.Cursor) -> int:
    # The driver counts only for statements that begin with the change itself, not for those that begin with WITH.
    return cursor.rowcount if cursor.rowcount >= 0 else int(connection.execute("SELECT changes()").fetchone()[0])


class Connection:
    """One sqlite3 connection on one thread of its own, so that the event loop never waits for the disk."""

    def __init__(self, path: str, *, read_only: bool, synchronous: str) -> None:
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite-reader" if read_only else "sqlite-writer")
        self.pending = 0
        self.raw: sqlite3.Connection = self.thread.submit(_connect, path, read_only, synchronous).result()

    async def call(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Run a function with the connection on its thread."""
        self.pending += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self.thread, function, self.raw)
        except sqlite3.Error as error:
            raise translate(error) from error
        finally:
            self.pending -= 1

    def close(self) -> None:
        """Close the connection and end its thread."""
        self.thread.submit(self.raw.close).result()
        self.thread.shutdown(wait=True)


def _connect(path: str, read_only: bool, synchronous: str) -> sqlite3.Connection:
    raw = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=512)
    raw.row_factory = sqlite3.Row
    raw.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")
    if not read_only:
        raw.execute("PRAGMA journal_mode=WAL")
        raw.execute(f"PRAGMA synchronous={synchronous}")
        raw.execute("PRAGMA journal_size_limit=67108864")
        raw.execute("PRAGMA secure_delete=ON")
    raw.execute("PRAGMA foreign_keys=ON")
    raw.execute("PRAGMA cache_size=-16384")
    raw.execute("PRAGMA temp_store=MEMORY")
    if read_only:
        raw.execute("PRAGMA query_only=ON")
    return raw


@dataclass(slots=True, eq=False)
class _Ticket:
    future: asyncio.Future[Any]
    program: Program[Any] | None  # None: an exclusive transaction, statement by statement


class Writer:
    """Everything that writes, in the order it asked: programs in batches, transactions one at a time.

    Both share their commit with those that wait: `BEGIN IMMEDIATE`, a savepoint each, one `COMMIT`.
    All state is kept on the event loop; the thread only runs SQL. Nothing here can be left half done by a
    cancelled caller, because steps follow each other in callbacks and not in the caller's `await`s.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._queue: deque[_Ticket] = deque()
        self._busy = False
        self._open = False
        self._called = False
        self._group: list[asyncio.Future[None]] = []

    def run(self, program: Program[T]) -> "asyncio.Future[T]":
        """Queue a program; the future ends when its effect is durable."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._queue.append(_Ticket(future, program))
        if not self._busy and not self._called:
            # In a moment, not at once: what else asks in this turn of the loop shares the commit.
            self._called = True
            loop.call_soon(self._pump)
        return future

    async def enter(self) -> None:
        """Wait for the turn of an exclusive transaction; `leave` must follow."""
        ticket = _Ticket(asyncio.get_running_loop().create_future(), None)
        self._queue.append(ticket)
        self._pump()
        try:
            await ticket.future
        except asyncio.CancelledError:
            if ticket.future.done() and not ticket.future.cancelled() and ticket.future.exception() is None:
                self.leave(keep=False)
            raise

    def leave(self, *, keep: bool) -> "asyncio.Future[None]":
        """End the exclusive transaction, kept or undone; the future ends when the commit is durable."""
        durable: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        commit = not self._queue or len(self._group) >= GROUP_LIMIT
        self._submit(partial(_end_transaction, keep=keep, commit=commit), partial(self._left, durable, commit))
        return durable

    async def drain(self) -> None:
        """Wait until nothing is queued, running or uncommitted."""
        while self._busy or self._called or self._queue or self._open:
            await asyncio.sleep(0.002)

    def _pump(self) -> None:
        self._called = False
        while self._queue and self._queue[0].future.cancelled():
            self._queue.popleft()
        if self._busy:
            return
        if not self._queue:
            if self._open:
                self._submit(_commit, self._committed)
            return
        if self._queue[0].program is None:
            if self._open and len(self._group) >= GROUP_LIMIT:
                self._submit(_commit, self._committed)
            else:
                ticket = self._queue.popleft()
                self._submit(_begin_transaction, partial(self._entered, ticket))
            return
        batch: list[_Ticket] = []
        while self._queue and self._queue[0].program is not None and len(batch) < 4 * GROUP_LIMIT:
            ticket = self._queue.popleft()
            if not ticket.future.cancelled():
                batch.append(ticket)
        self._submit(partial(_run_batch, batch=batch), partial(self._batched, batch))

    def _submit(self, function: Callable[[sqlite3.Connection], T], then: "Callable[[ThreadFuture[T]], None]") -> None:
        self._busy = True
        loop = asyncio.get_running_loop()
        done = self.connection.thread.submit(function, self.connection.raw)
        done.add_done_callback(lambda future: loop.call_soon_threadsafe(then, future))

    def _entered(self, ticket: _Ticket, done: "ThreadFuture[None]") -> None:
        error = done.exception()
        if error is not None:
            self._end_group(error if not self._in_transaction() else None)
            self._busy = False
            _fail(ticket.future, error)
            self._pump()
            return
        self._open = True
        if ticket.future.cancelled():
            self.leave(keep=False)
        else:
            ticket.future.set_result(None)

    def _left(self, durable: "asyncio.Future[None]", commit: bool, done: "ThreadFuture[None]") -> None:
        error = done.exception()
        self._group.append(durable)
        if error is not None:
            self._end_group(error)
        elif commit:
            self._end_group(None)
        self._busy = False
        self._pump()

    def _committed(self, done: "ThreadFuture[None]") -> None:
        self._end_group(done.exception())
        self._busy = False
        self._pump()

    def _batched(self, batch: list[_Ticket], done: "ThreadFuture[list[tuple[bool, Any]]]") -> None:
        error = done.exception()
        self._end_group(error)
        for ticket, (good, value) in zip(batch, done.result() if error is None else [(False, error)] * len(batch), strict=True):
            if ticket.future.done():
                continue
            if good:
                ticket.future.set_result(value)
            else:
                _fail(ticket.future, value)
        self._busy = False
        self._pump()

    def _in_transaction(self) -> bool:
        return self.connection.raw.in_transaction

    def _end_group(self, error: BaseException | None) -> None:
        self._open = self._in_transaction()
        if error is None and self._open:
            return
        group, self._group = self._group, []
        for future in group:
            if future.done():
                continue
            if error is None:
                future.set_result(None)
            else:
                _fail(future, error)


def _fail(future: "asyncio.Future[Any]", error: BaseException) -> None:
    if not future.done():
        future.set_exception(translate(error) if isinstance(error, sqlite3.Error) else error)
        future.exception()  # seen: a caller that was cancelled leaves no warning behind


def _abandon(raw: sqlite3.Connection) -> None:
    if raw.in_transaction:
        raw.execute("ROLLBACK")


def _begin_transaction(raw: sqlite3.Connection) -> None:
    if not raw.in_transaction:
        raw.execute("BEGIN IMMEDIATE")
    raw.execute("SAVEPOINT one")


def _end_transaction(raw: sqlite3.Connection, *, keep: bool, commit: bool) -> None:
    try:
        if not raw.in_transaction:  # SQLite itself rolled back (full disk, failed write): the whole group is lost
            raise Unavailable
        if not keep:
            raw.execute("ROLLBACK TO one")
        raw.execute("RELEASE one")
        if commit:
            raw.execute("COMMIT")
    except BaseException:
        _abandon(raw)
        raise


def _commit(raw: sqlite3.Connection) -> None:
    try:
        raw.execute("COMMIT")
    except BaseException:
        _abandon(raw)
        raise


def _run_batch(raw: sqlite3.Connection, *, batch: list[_Ticket]) -> list[tuple[bool, Any]]:
    """Run each program in a savepoint of its own under one commit; one that fails undoes itself alone.

    A program nobody waits for any more (the database was locked for too long) is left out: its message was refused.
    """
    results: list[tuple[bool, Any]] = []
    try:
        if not raw.in_transaction:
            raw.execute("BEGIN IMMEDIATE")
        for ticket in batch:
            if ticket.program is None or ticket.future.cancelled():
                results.append((False, Unavailable()))
                continue
            raw.execute("SAVEPOINT one")
            try:
                results.append((True, drive(raw, ticket.program)))
            except Exception as error:
                if not raw.in_transaction:
                    raise
                raw.execute("ROLLBACK TO one")
                results.append((False, error))
            raw.execute("RELEASE one")
        raw.execute("COMMIT")
    except BaseException:
        _abandon(raw)
        raise
    return results
