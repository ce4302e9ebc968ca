"""Names that one process holds among all that serve a PostgreSQL database: what runs under a name runs once at a time.

A process's names are advisory locks of one connection of its own, gone with the process. It lets the server hear of it
every few seconds; a connection that was silent for too long (its process is stopped, its machine gone) is ended by
whoever wants one of its names. Work whose name was lost that way is stopped as soon as its process hears of it, so two
can work under one name for a moment: what must never happen twice is kept by a unique row or a conditional update besides.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import asyncpg

from crm_core.clock import SystemClock
from crm_core.errors import Unavailable
from crm_core.postgres_programs import Raw, is_gone, translate

T = TypeVar("T")
APPLICATION = "guanxi-names"
"""What the server calls these connections."""
ANSWER_SECONDS = 3.0
"""For one question, connecting included."""
BEAT_SECONDS = 3.0
"""How often the server hears of a process."""
SILENT_SECONDS = 15.0
"""Whoever was not heard of for so long, by the server's clock, holds nothing any more."""
_TAKE = "SELECT pg_try_advisory_lock($1)"
_GIVE_BACK = "SELECT pg_advisory_unlock($1)"
_BEAT = "SELECT 1"
_END_SILENT = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database()"
    " AND usename = current_user AND application_name = $1 AND pid <> pg_backend_pid()"
    " AND state_change < clock_timestamp() - make_interval(secs => $2)"
)
_clock = SystemClock()


class NameLost(Unavailable):
    """The connection that held the name ended: another process may be doing the same by now."""

    code = "database.name_lost"
    text = "与数据库的连接断开过，这项工作已停下，稍后会重新开始"


@dataclass(slots=True, eq=False)
class _Hold:
    """A name that is held, and what stops the work under it."""

    limit: asyncio.Timeout | None = None

    def stop(self) -> None:
        if self.limit is not None:
            self.limit.reschedule(asyncio.get_running_loop().time())


class Names:
    """The names of this process. `connect` opens a connection whose application is called `APPLICATION`."""

    def __init__(self, connect: Callable[[], Coroutine[Any, Any, Raw]]) -> None:
        self._connect = connect
        self._raw: Raw = None
        self._held: dict[str, _Hold] = {}
        self._asked: set[str] = set()
        self._turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._looked_at = 0.0

    @asynccontextmanager
    async def held(self, name: str) -> AsyncIterator[bool]:
        """Hold a name while the block runs; gives False if somebody else does. The block is stopped when it is lost.

        Raises: NameLost; Unavailable.
        """
        hold = await self._take(name)
        if hold is None:
            yield False
            return
        limit = asyncio.timeout(None)
        try:
            async with limit:
                hold.limit = limit
                yield True
        except TimeoutError:
            if limit.expired():
                raise NameLost from None
            raise
        finally:
            hold.limit = None
            await self._apart(self._give_back(name, hold))

    async def close(self) -> None:
        """Give everything back."""
        for task in self._tasks:
            task.cancel()
        raw, self._raw = self._raw, None
        self._tell()
        if raw is not None:
            await raw.close(timeout=ANSWER_SECONDS)

    def drop(self) -> None:
        """Let everything go at once, and stop what runs under a name."""
        raw, self._raw = self._raw, None
        if raw is not None:
            raw.terminate()
        self._tell()

    def _tell(self) -> None:
        held, self._held = self._held, {}
        for hold in held.values():
            hold.stop()

    async def _take(self, name: str) -> _Hold | None:
        if name in self._held or name in self._asked:
            return None
        hold = _Hold()
        self._asked.add(name)
        try:
            await self._apart(self._try(name, hold))
        except asyncio.CancelledError:
            # The question goes on without us; what it takes nobody wants any more.
            self._begin(self._give_back(name, hold))
            raise
        finally:
            self._asked.discard(name)
        return hold if self._held.get(name) is hold else None

    async def _try(self, name: str, hold: _Hold) -> None:
        async with self._turn:
            try:
                taken = await self._ask(_TAKE, number_of(name))
            except Unavailable:
                await self._unlock(name)  # taken or not: nobody knows
                raise
            if taken and self._raw is not None:
                self._held[name] = hold
            elif not taken and _clock.monotonic() - self._looked_at >= BEAT_SECONDS:
                self._looked_at = _clock.monotonic()
                await self._ask(_END_SILENT, APPLICATION, SILENT_SECONDS)

    async def _give_back(self, name: str, hold: _Hold) -> None:
        async with self._turn:
            if self._held.get(name) is hold:
                del self._held[name]
                await self._unlock(name)

    async def _unlock(self, name: str) -> None:
        for _ in range(2):
            if self._raw is None:
                return  # gone with its connection
            with suppress(Unavailable):
                await self._ask(_GIVE_BACK, number_of(name))
                return
        # Nobody else would ever get it.
        self.drop()

    async def _ask(self, sql: str, *values: object) -> Any:
        try:
            return await self._answer(sql, *values)
        except asyncpg.PostgresError:
            # A statement the server refused or cut off says nothing about the others' names.
            if self._raw is not None and is_gone(self._raw):
                self.drop()
            raise Unavailable from None
        except (OSError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
            self.drop()
            raise translate(error) from None

    async def _answer(self, sql: str, *values: object) -> Any:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                if self._raw is None or is_gone(self._raw):
                    await self._open()
                return await self._raw.fetchval(sql, *values)
        except (asyncio.CancelledError, TimeoutError):
            self.drop()  # in the middle of something
            raise

    async def _open(self) -> None:
        self.drop()
        raw = self._raw = await self._connect()
        raw.add_termination_listener(self._ended)
        self._begin(self._beat(raw))

    def _ended(self, raw: Raw) -> None:
        if raw is self._raw:
            self.drop()

    async def _beat(self, raw: Raw) -> None:
        """Let the server hear of us for as long as this connection is ours."""
        while raw is self._raw:
            with suppress(Unavailable):
                async with self._turn:
                    if raw is self._raw:
                        await self._ask(_BEAT)
            await asyncio.sleep(BEAT_SECONDS)

    async def _apart(self, work: Coroutine[Any, Any, T]) -> T:
        """Do it in a task of our own: whoever is cancelled while waiting must not cut off the others' connection."""
        task = self._begin(work)
        await asyncio.wait({task})
        return task.result()

    def _begin(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        task = asyncio.get_running_loop().create_task(work, name="postgres-names")
        self._tasks.add(task)
        task.add_done_callback(self._ending)
        return task

    def _ending(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # seen: a caller that was cancelled leaves no warning behind


def number_of(name: str) -> int:
    """Give the number the server knows a name by."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
