"""The places a state can be kept in, each with its own way to let time pass; for the suites of the ports."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from bot.redis_state import RedisState, SharedState
from crm_core.clock import SystemClock
from crm_core.ports import Core, StateStore
from tests.fakes import FakeClock, MemoryState
from tests.redis_server import RedisServer

PLACES = ("database", "memory", "redis", "shared", "shared without redis")


@dataclass
class Place:
    """A state; `unit` is a lifetime in it, and `passes` lets so many units pass."""

    state: StateStore
    unit: timedelta
    passes: Callable[[float], Awaitable[None]]


@asynccontextmanager
async def place(name: str, core: Core, clock: FakeClock, redis_server: RedisServer) -> AsyncIterator[Place]:
    """Open one of the places, empty."""

    async def move(units: float) -> None:
        clock.advance(timedelta(minutes=1) * units)

    async def wait(units: float) -> None:  # Redis has a clock of its own, which nobody can move
        await SystemClock().sleep(0.25 * units + 0.01)

    if name == "database":
        yield Place(core.state, timedelta(minutes=1), move)
        return
    if name == "memory":
        yield Place(MemoryState(clock), timedelta(minutes=1), move)
        return
    redis_server.flush()
    redis = RedisState(redis_server.url)
    shared = SharedState(redis, core.state)
    if name == "redis":
        yield Place(redis, timedelta(seconds=0.25), wait)
    elif name == "shared":
        yield Place(shared, timedelta(seconds=0.25), wait)
    else:
        nowhere = SharedState(RedisState("redis://127.0.0.1:9/0"), core.state)
        yield Place(nowhere, timedelta(minutes=1), move)
        assert nowhere.degraded
    await redis.close()


async def many(count: int, make: Callable[[int], Awaitable[bool]]) -> list[bool]:
    """Do something so many times at once."""
    return list(await asyncio.gather(*(make(number) for number in range(count))))


__all__ = ["PLACES", "Place", "many", "place"]
