"""Redis as a place for what several processes share and may be forgotten: locks, copies of tokens, limiter counts.

`RedisState` speaks to the server and says when it cannot. `SharedState` is what the product uses: Redis while it answers,
the database for as long as it does not. Nothing here is the truth: what is lost with Redis is found again in the rows.
Reading order: SharedState, then RedisState.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import structlog
from redis.asyncio import BlockingConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from bot.secret import NO_SECRET, Secret
from crm_core.errors import Unavailable
from crm_core.ports import StateStore

log = structlog.get_logger(__name__)
T = TypeVar("T")

WITHIN_SECONDS = 0.3
"""Of a call. A callback makes two or three of them in a row before the breaker opens, and has four seconds."""
CONNECTIONS = 32
PREFIX = "guanxi:"
PROBE_EVERY_SECONDS = 1.0
PROBES_TO_RETURN = 3
"""Good probes in a row before Redis is used again: one that answers now and then is worse than none."""

# Redis 6.2 and 7.0 have all of these commands.
_SWAP = """if redis.call('GET', KEYS[1]) == ARGV[1] then
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) return 1 end return 0"""
_DISCARD = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"
_LOOK = "local t = redis.call('TIME') return {t[1], t[2], redis.call('GET', KEYS[1])}"


class RedisGone(Unavailable):
    """Redis did not answer in time, or refused; whoever asked must not rely on what became of the call."""

    code = "redis.gone"
    text = "Redis 暂时连不上"


class RedisState:
    """`StateStore` over a Redis server; every call ends within `WITHIN_SECONDS`, with RedisGone when it failed."""

    def __init__(self, url: str, password: Secret = NO_SECRET) -> None:
        extra = {"password": password.reveal()} if password else {}
        self._pool: BlockingConnectionPool = BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS,
            timeout=WITHIN_SECONDS,
            socket_timeout=WITHIN_SECONDS,
            socket_connect_timeout=WITHIN_SECONDS,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
            protocol=2,
            **extra,
        )
        self._redis: Any = Redis(connection_pool=self._pool)  # redis-py's answers have no types

    async def close(self) -> None:
        """Close every connection; the state may be used again."""
        await self._redis.aclose()
        await self._pool.disconnect()

    async def ping(self) -> None:
        """Ask for a sign of life. Raises: RedisGone."""
        await self._call(self._redis.ping)

    async def get(self, key: str) -> str | None:
        """Tell the value, or None when absent or expired."""
        found: str | None = await self._call(self._redis.get, PREFIX + key)
        return found

    async def set(self, key: str, value: str, *, lasts: timedelta) -> None:
        """Keep a value for so long."""
        await self._call(self._redis.set, PREFIX + key, value, px=_milliseconds(lasts))

    async def add(self, key: str, value: str, *, lasts: timedelta) -> bool:
        """Keep a value only if there is none; tell whether it was kept."""
        return bool(await self._call(self._redis.set, PREFIX + key, value, px=_milliseconds(lasts), nx=True))

    async def delete(self, key: str) -> None:
        """Forget a value."""
        await self._call(self._redis.delete, PREFIX + key)

    async def swap(self, key: str, old: str, new: str, *, lasts: timedelta) -> bool:
        """Replace a value only if it is still `old`; tell whether it was."""
        return bool(await self._call(self._redis.eval, _SWAP, 1, PREFIX + key, old, new, _milliseconds(lasts)))

    async def discard(self, key: str, value: str) -> bool:
        """Forget a value only if it is still this one; tell whether it was."""
        return bool(await self._call(self._redis.eval, _DISCARD, 1, PREFIX + key, value))

    async def look(self, key: str) -> tuple[datetime, str | None]:
        """Tell the value and the server's own time."""
        seconds, micros, value = (await self._call(self._redis.eval, _LOOK, 1, PREFIX + key))[:3]
        return datetime.fromtimestamp(int(seconds), UTC) + timedelta(microseconds=int(micros)), value

    async def _call(self, command: Callable[..., Awaitable[Any]], *arguments: Any, **options: Any) -> Any:
        try:
            async with asyncio.timeout(WITHIN_SECONDS):
                return await command(*arguments, **options)
        except (RedisError, OSError, TimeoutError, UnicodeDecodeError) as error:
            # `from None`: the cause may carry the address, and with it the password.
            log.debug("redis_failed", why=type(error).__name__)
            raise RedisGone from None


class SharedState:
    """`StateStore` for what may be forgotten: Redis while it answers, else the database.

    A value that was set before a change of place may be missing, or an old one come back, after it: only what its users
    check for themselves may be kept here (a lock ends by itself, a token is refused and then looked up in its row).
    """

    def __init__(self, redis: RedisState, database: StateStore) -> None:
        self.redis = redis
        self._database = database
        self.degraded = False

    async def run(self) -> None:
        """Look after Redis for ever: find out that it has gone before anybody waits for it, and that it is back."""
        good = 0
        while True:
            try:
                await self.redis.ping()
                good += 1
                if self.degraded and good >= PROBES_TO_RETURN:
                    self.degraded = False
                    log.info("redis_back")
            except RedisGone:
                good = 0
                self.note_gone()
            await asyncio.sleep(PROBE_EVERY_SECONDS)

    async def close(self) -> None:
        """Close the connections to Redis."""
        await self.redis.close()

    async def get(self, key: str) -> str | None:
        """Tell the value, or None when absent or expired."""
        return await self._either(lambda place: place.get(key))

    async def set(self, key: str, value: str, *, lasts: timedelta) -> None:
        """Keep a value for so long."""
        await self._either(lambda place: place.set(key, value, lasts=lasts))

    async def add(self, key: str, value: str, *, lasts: timedelta) -> bool:
        """Keep a value only if there is none; tell whether it was kept."""
        return await self._either(lambda place: place.add(key, value, lasts=lasts))

    async def delete(self, key: str) -> None:
        """Forget a value, wherever it was kept."""
        await self._database.delete(key)
        if not self.degraded:
            await self._either(lambda place: place.delete(key))

    async def swap(self, key: str, old: str, new: str, *, lasts: timedelta) -> bool:
        """Replace a value only if it is still `old`; tell whether it was."""
        return await self._either(lambda place: place.swap(key, old, new, lasts=lasts))

    async def discard(self, key: str, value: str) -> bool:
        """Forget a value only if it is still this one, wherever it was kept; tell whether it was."""
        in_redis = not self.degraded and await self._either(lambda place: place.discard(key, value))
        # A lock taken while Redis was away is given back where it was taken.
        return in_redis or await self._database.discard(key, value)

    async def look(self, key: str) -> tuple[datetime, str | None]:
        """Tell the value and the store's own time."""
        return await self._either(lambda place: place.look(key))

    async def _either(self, ask: Callable[[StateStore], Awaitable[T]]) -> T:
        if not self.degraded:
            try:
                return await ask(self.redis)
            except RedisGone:
                self.note_gone()
        return await ask(self._database)

    def note_gone(self) -> None:
        """Take note that Redis did not answer: the database is used until it is back for good."""
        if not self.degraded:
            self.degraded = True
            log.warning("redis_gone")


def _milliseconds(lasts: timedelta) -> int:
    return max(1, int(lasts.total_seconds() * 1000))
