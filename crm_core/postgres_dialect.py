"""PostgreSQL: the Tortoise client over asyncpg, transactions, the server's clock.

With `postgres_programs.py` and `postgres_names.py` the only place that knows PostgreSQL. Every call has a
time limit, and a connection that was cut off in the middle of something is thrown away.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, TypeVar

import asyncpg
from tortoise.backends.asyncpg.client import AsyncpgDBClient
from tortoise.backends.base.client import NestedTransactionContext, TransactionalDBClient, TransactionContext
from tortoise.connection import get_connections

from crm_core.clock import SystemClock
from crm_core.ports import Program
from crm_core.postgres_names import APPLICATION, Names, number_of
from crm_core.postgres_programs import Lines, Raw, commit, drive, in_words_of_postgres, is_gone, translate

T = TypeVar("T")
CONNECT_SECONDS = 3.0
"""For a connection, waiting for a free one included; the platform's five seconds must not run out."""
SCRUB_SECONDS = 600.0
STATEMENT_SECONDS = 30.0
"""For one statement; a callback gives up earlier by itself."""
END_SECONDS = 3.0
"""For the end of a transaction."""
SAME_TIME = timedelta(milliseconds=500)
"""Clocks that differ by less are taken for equal; leases are far longer."""
CLOSE_SECONDS = 1.0
"""For what is on its way when the database is closed."""
AT_ZERO = datetime(1970, 1, 1, tzinfo=UTC)
_DRIVERS = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
_clock = SystemClock()


class _Statements(AsyncpgDBClient):
    """Tortoise's statements, each on a connection `lend` gives."""

    def lend(self) -> Any:
        """Give a connection for a while, as an async context."""
        raise NotImplementedError

    async def execute_insert(self, query: str, values: list[Any]) -> Any:
        async with self.lend() as raw:
            return await raw.fetchrow(query, *values)

    async def execute_many(self, query: str, values: list[list[Any]]) -> None:
        async with self.lend() as raw:
            await raw.executemany(query, values)  # all or none: asyncpg sends them as one

    async def execute_query(self, query: str, values: list[Any] | None = None) -> tuple[int, Any]:
        _, gives_rows = in_words_of_postgres(query)
        async with self.lend() as raw:
            if gives_rows:
                rows = await raw.fetch(query, *(values or ()))
                return len(rows), rows
            status = (await raw.execute(query, *(values or ()))).rpartition(" ")[2]
            return (int(status) if status.isdecimal() else 0), []

    async def execute_query_dict(self, query: str, values: list[Any] | None = None) -> list[dict[str, Any]]:
        async with self.lend() as raw:
            return [dict(row) for row in await raw.fetch(query, *(values or ()))]

    async def execute_script(self, query: str) -> None:
        async with self.lend() as raw:
            await raw.execute(query)


class PostgresClient(_Statements):
    """Outside a transaction: each statement on a connection of the pool, a single change is a transaction of its own."""

    def __init__(self, url: str, *, synchronous: bool = True, pool_size: int = 10, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._url = url
        self._size = pool_size
        self._server_settings = {
            "application_name": "guanxi",
            "timezone": "UTC",
            "jit": "off",
            "synchronous_commit": "on" if synchronous else "off",
            "lock_timeout": f"{END_SECONDS:.0f}s",
            "idle_in_transaction_session_timeout": f"{STATEMENT_SECONDS:.0f}s",
            # A statement whose process is gone, or gave up, must not keep its locks to its end (PostgreSQL 14 or later).
            "client_connection_check_interval": "1s",
        }
        self.lines = Lines(self.lend)
        self.names = Names(self._connect_for_names)
        self._ahead = _since_epoch()

    async def create_connection(self, with_db: bool) -> None:
        """Open the pool. Raises: Unavailable; whatever the server refuses with (asyncpg.PostgresError)."""
        if self._pool is None:
            self._pool = await asyncpg.create_pool(
                self._url, min_size=1, max_size=self._size, reset=_leave_as_it_is, **self._options()
            )
            await self._post_connect()
            await self.measure()

    async def close(self) -> None:
        """Wait for what is being written, then close every connection."""
        pool = self._pool
        if pool is None:
            return
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.lines.drain()
                await self.names.close()
                await pool.close()
        except TimeoutError:
            pool.terminate()
            self.names.drop()
        finally:
            self._pool = None

    async def run_program(self, program: Program[T], again: Callable[[], Program[T]] | None = None) -> T:
        """Run a program in a transaction, shared with what else asks in this turn of the loop."""
        return await self.lines.run(program, again)

    async def read_program(self, program: Program[T]) -> T:
        """Run a program that only reads, each statement by itself."""
        async with self.lend() as raw:
            return await drive(raw, program)

    async def scrub(self) -> None:
        """Take deleted rows out of the tables' files; the server's own log is recycled by the server."""
        async with self.lend() as raw:
            await raw.execute("VACUUM", timeout=SCRUB_SECONDS)

    @asynccontextmanager
    async def lend(self) -> AsyncIterator[Raw]:
        """Give a connection of the pool for a while. Raises: the house's errors."""
        try:
            if self._pool is None:
                await self.create_connection(with_db=True)
            pool: Any = self._pool
            async with asyncio.timeout(CONNECT_SECONDS):
                raw = await pool.acquire()
            try:
                with _cut_off(raw):
                    yield raw
            finally:
                if not is_gone(raw) and raw.is_in_transaction():
                    raw.terminate()
                await pool.release(raw)
        except _DRIVERS as error:
            raise translate(error) from None

    @property
    def skew(self) -> timedelta:
        """How far the server's clock is ahead of this machine's, also after this one was turned."""
        ahead = self._ahead - _since_epoch()
        return ahead if abs(ahead) > SAME_TIME else timedelta()

    async def measure(self) -> None:
        """Compare the clocks."""
        async with self.lend() as raw:
            before = _clock.monotonic()
            theirs: datetime = await raw.fetchval("SELECT clock_timestamp()")
            self._ahead = theirs - AT_ZERO - timedelta(seconds=(before + _clock.monotonic()) / 2)

    async def forget_rows(self, tables: Sequence[str]) -> None:
        """Empty these tables."""
        names = ", ".join(f'"{table}"' for table in tables)
        await self.execute_script(f"TRUNCATE {names} RESTART IDENTITY")

    async def catch_up_numbers(self, tables: Sequence[str]) -> None:
        """Let new rows be numbered after those that were put in with numbers of their own."""
        for table in tables:
            highest = f'(SELECT max(id) FROM "{table}")'  # noqa: S608 - our own table names
            sequence = f"pg_get_serial_sequence('{table}', 'id')"
            await self.execute_script(f"SELECT setval({sequence}, coalesce({highest}, 1), {highest} IS NOT NULL)")

    def _options(self) -> dict[str, Any]:
        return {
            "timeout": CONNECT_SECONDS,
            "command_timeout": STATEMENT_SECONDS,
            "statement_cache_size": 512,
            "max_cached_statement_lifetime": 3600,
            "server_settings": self._server_settings,
        }

    async def _connect_for_names(self) -> Raw:
        settings = {**self._server_settings, "application_name": APPLICATION}
        return await asyncpg.connect(self._url, **{**self._options(), "server_settings": settings})

    def _in_transaction(self) -> TransactionContext:
        return _Transaction(self)


def _since_epoch() -> timedelta:
    """Tell how far the wall clock is ahead of the one that never jumps."""
    return _clock.now() - AT_ZERO - timedelta(seconds=_clock.monotonic())


async def _leave_as_it_is(_: Raw) -> None:
    """Give a connection back without a word: nothing here changes it but transactions, which `lend` watches."""


class _InTransaction(_Statements, TransactionalDBClient):
    """Inside a transaction: every statement goes to its connection, one at a time."""

    _names = count()

    def __init__(self, parent: PostgresClient, raw: Raw, lock: asyncio.Lock) -> None:
        self.connection_name = parent.connection_name
        self.fetch_inserted = parent.fetch_inserted
        self.log = parent.log
        self._bound_loop = parent._bound_loop
        self._client = parent
        self._raw = raw
        self._lock = lock
        self._finalized = False
        self._savepoint = ""

    @asynccontextmanager
    async def lend(self) -> AsyncIterator[Raw]:
        """Give the transaction's connection to one statement. Raises: the house's errors."""
        try:
            async with self._lock:
                with _cut_off(self._raw):
                    yield self._raw
        except _DRIVERS as error:
            raise translate(error) from None

    async def run_program(self, program: Program[T], _: Callable[[], Program[T]] | None = None) -> T:
        """Run a program as a part of this transaction."""
        async with self.lend() as raw:
            return await drive(raw, program)

    async def read_program(self, program: Program[T]) -> T:
        """Read what this transaction sees, its own changes included."""
        return await self.run_program(program)

    async def serialize(self, name: str, within: timedelta | None) -> None:
        """Wait until no other transaction holds this name, and hold it to the end of this one."""
        async with self.lend() as raw:
            if within is not None:
                await raw.execute(f"SET LOCAL lock_timeout = '{within.total_seconds():.0f}s'")
            seconds = STATEMENT_SECONDS if within is None else within.total_seconds() + END_SECONDS
            await raw.execute("SELECT pg_advisory_xact_lock($1)", number_of(name), timeout=seconds)

    def _in_transaction(self) -> TransactionContext:
        return NestedTransactionContext(_InTransaction(self._client, self._raw, self._lock))

    async def begin(self) -> None: ...

    async def commit(self) -> None: ...

    async def rollback(self) -> None: ...

    async def savepoint(self) -> None:
        self._savepoint = f"nested_{next(self._names)}"
        await self.execute_script(f"SAVEPOINT {self._savepoint}")

    async def savepoint_rollback(self) -> None:
        await self.execute_script(f"ROLLBACK TO SAVEPOINT {self._savepoint}; RELEASE SAVEPOINT {self._savepoint}")

    async def release_savepoint(self) -> None:
        await self.execute_script(f"RELEASE SAVEPOINT {self._savepoint}")


class _Transaction(TransactionContext):
    """`async with in_transaction()`: a connection of its own from the pool, left with a durable commit."""

    def __init__(self, client: PostgresClient) -> None:
        self._client = client
        self.connection_name = client.connection_name

    async def __aenter__(self) -> TransactionalDBClient:
        self._lent = self._client.lend()
        raw = await self._lent.__aenter__()
        try:
            await raw.execute("BEGIN")
            self.connection = _InTransaction(self._client, raw, asyncio.Lock())
            self._token = get_connections().set(self.connection_name, self.connection)
        except BaseException as error:
            await self._lent.__aexit__(type(error), error, error.__traceback__)
            raise
        return self.connection

    async def __aexit__(self, kind: Any, error: Any, trace: Any) -> None:
        self.connection._finalized = True
        get_connections().reset(self._token)
        async with _ending(self._lent):
            if kind is None:
                await commit(self.connection._raw)
            elif not is_gone(self.connection._raw):
                async with asyncio.timeout(END_SECONDS):
                    await self.connection._raw.execute("ROLLBACK")


@asynccontextmanager
async def _ending(lent: Any) -> AsyncIterator[None]:
    """Give a lent connection back whatever its last statement does."""
    try:
        yield
    except BaseException as error:
        await lent.__aexit__(type(error), error, error.__traceback__)
        raise
    await lent.__aexit__(None, None, None)


@contextmanager
def _cut_off(raw: Raw) -> Iterator[None]:
    """Throw a connection away whose statement was cut off: it is in the middle of something, nobody else may have it."""
    try:
        yield
    except (asyncio.CancelledError, TimeoutError):
        if not is_gone(raw):
            raw.terminate()
        raise


client_class = PostgresClient
