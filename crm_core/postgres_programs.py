"""PostgreSQL: the SQL of programs in its own words, its errors in ours, and the transactions programs share.

Reading order: `in_words_of_postgres`, `translate`, `drive`, then `Lines`. The connections stand in `postgres_dialect.py`.
"""

import asyncio
import re
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, TypeVar

import asyncpg
from tortoise.exceptions import IntegrityError, OperationalError, ValidationError

from crm_core.errors import Unavailable
from crm_core.ports import Program

T = TypeVar("T")
Raw = Any
"""An asyncpg connection; its own types are not complete."""
GROUP_LIMIT = 32
"""Programs that share one transaction at most, so that the first of them does not wait for too many others."""
TRIES = 3
"""How often a program that can be made anew is run when the database asks for it."""

# A string, a quoted name, a comment, a question mark, or the word that makes a change give rows.
_PART = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|/\*.*?\*/|--[^\n]*|\?|\bRETURNING\b", re.IGNORECASE | re.DOTALL)
_LOCK = re.compile(r"/\*(claim|hold)(?: (\w+))?\*/")
_READS = ("SELECT", "VALUES", "SHOW", "TABLE", "EXPLAIN")


class Contended(Unavailable):
    """Two transactions stood in each other's way and this one was undone: the same once more will do."""

    code = "database.contended"


@lru_cache(maxsize=4096)
def in_words_of_postgres(sql: str) -> tuple[str, bool]:
    """Write portable SQL with `$1`, `$2` for its question marks; also tells whether the statement gives rows.

    `/*claim*/` and `/*hold*/` (see ports.py) become the words that lock rows.
    """
    count, gives_rows = 0, sql.lstrip(" (\n").upper().startswith(_READS)

    def replaced(found: re.Match[str]) -> str:
        nonlocal count, gives_rows
        part = found.group()
        if part == "?":
            count += 1
            return f"${count}"
        if part[:1] not in "'\"/-":
            gives_rows = True
        lock = _LOCK.fullmatch(part)
        if lock is None:
            return part
        of = f" OF {lock[2]}" if lock[2] else ""
        return f"FOR UPDATE{of}{' SKIP LOCKED' if lock[1] == 'claim' else ''}"

    text = _PART.sub(replaced, sql)
    if sql.lstrip()[:4].upper() == "WITH" and not gives_rows:
        gives_rows = not re.search(r"\b(?:INSERT|UPDATE|DELETE)\b", re.sub(r"FOR UPDATE", "", text), re.IGNORECASE)
    return text, gives_rows


_PASSING = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # shut down, starting up, cancelled by a time limit
    asyncpg.InsufficientResourcesError,  # too many connections, disk or memory full
    asyncpg.LockNotAvailableError,
    asyncpg.PostgresIOError,
    asyncpg.IdleInTransactionSessionTimeoutError,  # the server ended a transaction that stood still
    asyncpg.ReadOnlySQLTransactionError,  # a standby: the former server was replaced
)


def translate(error: BaseException) -> BaseException:
    """Turn a driver's error into ours: passing trouble, a broken constraint, a value that does not fit, or a fault.

    Raised `from None`: what the driver says tells the values of the row too, and would stand in the log.
    """
    if isinstance(error, (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)):
        return Contended()
    if isinstance(error, _PASSING) or _is_lost(error):
        return Unavailable()
    if isinstance(error, asyncpg.IntegrityConstraintViolationError):
        return IntegrityError(_kind_of(error))
    if isinstance(error, (asyncpg.StringDataRightTruncationError, asyncpg.CharacterNotInRepertoireError)):
        return ValidationError(_kind_of(error))
    if isinstance(error, (asyncpg.PostgresError, asyncpg.InterfaceError)):
        return OperationalError(_kind_of(error))
    return error


def _kind_of(error: BaseException) -> str:
    """Name a driver's error without a word of what was to be stored."""
    parts = (type(error).__name__, getattr(error, "sqlstate", None), getattr(error, "constraint_name", None))
    return " ".join(str(part) for part in parts if part)


def _is_lost(error: BaseException) -> bool:
    """Tell whether the driver says that its connection is gone; it has one class for this and for wrong arguments."""
    return isinstance(error, (asyncpg.InterfaceError, asyncpg.InternalClientError)) and not isinstance(error, ValueError)


def is_gone(raw: Raw) -> bool:
    """Tell whether a connection is closed, be it by us or by the server."""
    try:
        return bool(raw.is_closed())
    except asyncpg.InterfaceError:  # the pool has taken it back already
        return True


async def execute(raw: Raw, sql: str, values: Sequence[object] = ()) -> Any:
    """Run one portable statement: gives its rows as tuples, or the number of rows it changed."""
    text, gives_rows = in_words_of_postgres(sql)
    if gives_rows:
        return [tuple(row) for row in await raw.fetch(text, *values)]
    status: str = await raw.execute(text, *values)
    count = status.rpartition(" ")[2]
    return int(count) if count.isdecimal() else 0


async def drive(raw: Raw, program: Program[T]) -> T:
    """Run a program's statements one after another on this connection; the caller owns the transaction."""
    try:
        sql, values = next(program)
        while True:
            found = await execute(raw, sql, values)
            sql, values = program.send(found)
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        program.close()


async def commit(raw: Raw, before: str = "") -> None:
    """End the open transaction durably. Raises: OperationalError when a swallowed error had undone it already."""
    if await raw.execute(f"{before}COMMIT") != "COMMIT":
        raise OperationalError("the transaction was undone by an error somebody caught inside it")


@dataclass(slots=True, eq=False)
class _Ticket:
    """A program, who waits for it, and how to make it anew (None: it cannot be repeated)."""

    future: asyncio.Future[Any]
    program: Program[Any]
    again: Callable[[], Program[Any]] | None
    tries: int = 1


class Lines:
    """Runs programs, those of one turn of the event loop in one transaction, in the order they came.

    So what is settled and what is claimed in one turn becomes durable together, and one flush serves many. Groups run
    beside each other, each on a connection of its own. A program that fails undoes itself alone.
    """

    def __init__(self, lend: Callable[[], AbstractAsyncContextManager[Raw]]) -> None:
        self._lend = lend
        self._waiting: list[_Ticket] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def run(self, program: Program[T], again: Callable[[], Program[T]] | None = None) -> "asyncio.Future[T]":
        """Queue a program; the future ends when its effect is durable."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queue(_Ticket(future, program, again))
        return future

    async def drain(self) -> None:
        """Wait until nothing is queued or running."""
        while self._waiting or self._tasks:
            await asyncio.sleep(0.002)

    def _queue(self, ticket: _Ticket) -> None:
        self._waiting.append(ticket)
        if len(self._waiting) == 1:
            # In a moment, not at once: what else asks in this turn of the loop comes along.
            asyncio.get_running_loop().call_soon(self._begin)

    def _begin(self) -> None:
        waiting, self._waiting = self._waiting, []
        for first in range(0, len(waiting), GROUP_LIMIT):
            group = waiting[first : first + GROUP_LIMIT]
            # Owned here and not by a caller: one caller that is cancelled must not undo what the others asked for.
            task = asyncio.get_running_loop().create_task(self._run(group), name="postgres-programs")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            for ticket in group:
                ticket.future.add_done_callback(partial(_stop_unwanted, group, task))

    async def _run(self, group: list[_Ticket]) -> None:
        outcomes: list[tuple[bool, Any]] = []
        try:
            async with self._lend() as raw:
                await _run_group(raw, group, outcomes)
        except asyncio.CancelledError:
            outcomes[:] = [(False, Unavailable())] * len(group)
            raise
        except Exception as error:  # noqa: BLE001 - it is told to everybody who waits
            outcomes[:] = [(False, translate(error))] * len(group)
        finally:
            for ticket, (good, value) in zip(group, outcomes, strict=True):
                self._answer(ticket, good, value)

    def _answer(self, ticket: _Ticket, good: bool, value: Any) -> None:
        if ticket.future.done():
            return
        if good:
            ticket.future.set_result(value)
        elif isinstance(value, Contended) and ticket.again is not None and ticket.tries < TRIES:
            self._queue(_Ticket(ticket.future, ticket.again(), ticket.again, ticket.tries + 1))
        else:
            ticket.future.set_exception(value)
            ticket.future.exception()  # seen: a caller that was cancelled leaves no warning behind


def _stop_unwanted(group: list[_Ticket], task: "asyncio.Task[None]", done: "asyncio.Future[Any]") -> None:
    """End the work when nobody waits for any of it: a server that does not answer must not keep its connections."""
    if done.cancelled() and all(ticket.future.cancelled() for ticket in group):
        task.cancel()


async def _run_group(raw: Raw, group: list[_Ticket], outcomes: list[tuple[bool, Any]]) -> None:
    alone = len(group) == 1
    await raw.execute("BEGIN" if alone else "BEGIN; SAVEPOINT one")
    for number, ticket in enumerate(group):
        if number:
            await raw.execute("RELEASE SAVEPOINT one; SAVEPOINT one")
        if ticket.future.cancelled():
            ticket.program.close()
            outcomes.append((False, Unavailable()))
            continue
        try:
            outcomes.append((True, await drive(raw, ticket.program)))
        except Exception as error:
            if is_gone(raw) or isinstance(error, (TimeoutError, OSError)):
                raise
            outcomes.append((False, translate(error)))
            await raw.execute("ROLLBACK" if alone else "ROLLBACK TO SAVEPOINT one")
            if alone:
                return
    await commit(raw, "" if alone else "RELEASE SAVEPOINT one; ")
