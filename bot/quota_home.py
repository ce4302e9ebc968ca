"""Where the ledgers of the rates stand when Redis is set: there while it answers, else in the database; never in both.

A row in the database, the home, says which. A process believes what it read of the home for a second only; whoever cannot
reach Redis moves the home to the database. What was counted in the old place is not known in the new one, so everything
counts as used until the last turn given out there is over, and for one window after that. The same when Redis has
forgotten a ledger. So a change of place costs a window of the rate, and never lets one call too many through.
"""

import asyncio
import secrets
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta

import msgspec
import structlog

from bot.quotas import HELD_SECONDS, Looked
from bot.redis_state import RedisGone, SharedState
from crm_core.clock import Clock
from crm_core.ports import StateStore

log = structlog.get_logger(__name__)

BELIEVED_SECONDS = 1.0
"""How long a process goes by what it read of the home."""
BACK_AFTER = timedelta(seconds=60)
"""How long the database keeps the ledgers at least: each move costs a window."""
_OVER = timedelta(seconds=BELIEVED_SECONDS + HELD_SECONDS)
_KEY = "quota-home"
_LASTS = timedelta(days=3650)


class Home(msgspec.Struct, frozen=True):
    """Where the ledgers stand, under which name, since when (by the database's time)."""

    in_redis: bool
    number: str
    since: datetime


class QuotaHome:
    """`Place` over Redis and the database."""

    def __init__(self, shared: SharedState, database: StateStore, clock: Clock) -> None:
        self._shared = shared
        self._database = database
        self._clock = clock
        self._home: Home | None = None
        self._read_at = 0.0
        self._reading = asyncio.Lock()

    async def look(self, name: str) -> Looked:
        """Look at the ledger of a name, wherever ledgers stand now."""
        home = await self._find()
        if home.in_redis:
            try:
                return await self._look_in_redis(home, name)
            except RedisGone:
                home = await self._leave(home)
        key = f"quota:{name}"
        at, value = await self._database.look(key)
        return Looked(self._database, key, at, value, home.since + _OVER)

    async def _look_in_redis(self, home: Home, name: str) -> Looked:
        key = f"quota:{home.number}:{name}"
        at, value = await self._shared.redis.look(key)
        # Also the first time: processes that have not heard of the move may still count in the database.
        return Looked(_Noting(self._shared), key, at, value, at + _OVER if value is None else None)

    async def _find(self) -> Home:
        async with self._reading:
            if self._home is None or self._clock.monotonic() - self._read_at >= BELIEVED_SECONDS:
                self._home = await self._read()
            home = self._home
        if home.in_redis and self._shared.degraded:
            return await self._leave(home)
        if not home.in_redis and not self._shared.degraded and self._is_old(home):
            log.info("quotas_move", to="redis")
            return await self._move(home, in_redis=True)
        return home

    def _is_old(self, home: Home) -> bool:
        return not timedelta() <= self._clock.now() - home.since < BACK_AFTER

    async def _read(self) -> Home:
        asked_at = self._clock.monotonic()
        at, value = await self._database.look(_KEY)
        if value is None:
            first = Home(in_redis=not self._shared.degraded, number=secrets.token_hex(4), since=at.astimezone(UTC))
            if not await self._database.add(_KEY, _write(first), lasts=_LASTS):
                return await self._read()
            value = _write(first)
        self._read_at = asked_at
        return msgspec.json.decode(value, type=Home)

    async def _leave(self, home: Home) -> Home:
        self._shared.note_gone()
        log.warning("quotas_move", to="database")
        return await self._move(home, in_redis=False)

    async def _move(self, old: Home, *, in_redis: bool) -> Home:
        """Move the ledgers, unless somebody else just did; gives where they stand then."""
        async with self._reading:
            at, _ = await self._database.look(_KEY)
            new = Home(in_redis=in_redis, number=secrets.token_hex(4), since=at.astimezone(UTC))
            await self._database.swap(_KEY, _write(old), _write(new), lasts=_LASTS)
            self._home = await self._read()
            return self._home


class _Noting:
    """Redis, with a word to everybody when a change fails there."""

    def __init__(self, shared: SharedState) -> None:
        self._shared = shared

    async def add(self, key: str, value: str, *, lasts: timedelta) -> bool:
        """Keep a value only if there is none."""
        return await self._noting(self._shared.redis.add(key, value, lasts=lasts))

    async def swap(self, key: str, old: str, new: str, *, lasts: timedelta) -> bool:
        """Replace a value only if it is still `old`."""
        return await self._noting(self._shared.redis.swap(key, old, new, lasts=lasts))

    async def _noting(self, change: Awaitable[bool]) -> bool:
        try:
            return await change
        except RedisGone:
            self._shared.note_gone()
            raise


def _write(home: Home) -> str:
    return msgspec.json.encode(home).decode()
