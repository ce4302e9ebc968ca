"""What a shared rate must hold in every place its ledger can be kept in; in real time, as Redis has a clock of its own."""

import asyncio
import itertools
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bot.channel import SendRate
from bot.quota_home import QuotaHome
from bot.quotas import OnePlace, Place, Quota
from bot.redis_state import RedisState, SharedState
from crm_core.clock import SystemClock
from crm_core.ports import Core
from crm_core.state import DatabaseState
from tests.fakes import MemoryState
from tests.redis_server import RedisServer

RATE = SendRate(5, 0.4)
CALLS = 30


@pytest_asyncio.fixture(params=["database", "memory", "redis", "home"])
async def places(request: pytest.FixtureRequest, core: Core, redis_server: RedisServer) -> AsyncIterator[list[Place]]:
    """The place as two processes see it."""
    clock = SystemClock()
    database = DatabaseState(core.db, clock)  # type: ignore[arg-type]
    if request.param == "database":
        yield [OnePlace(database), OnePlace(DatabaseState(core.db, clock))]  # type: ignore[arg-type]
        return
    if request.param == "memory":
        memory = MemoryState(clock)  # type: ignore[arg-type]
        yield [OnePlace(memory), OnePlace(memory)]
        return
    redis_server.flush()
    connections = [RedisState(redis_server.url) for _ in range(2)]
    if request.param == "redis":
        yield [OnePlace(redis) for redis in connections]
    else:
        yield [QuotaHome(SharedState(redis, database), database, clock) for redis in connections]
    for redis in connections:
        await redis.close()


@pytest.mark.slow  # thirty calls, five in any 0.4 s
async def test_two_processes_never_pass_the_rate_together(places: list[Place]) -> None:
    clock = SystemClock()
    left: list[float] = []

    async def send(quota: Quota) -> None:
        turn = await quota.turn(lambda: False)
        assert turn is not None
        left.append(clock.monotonic())
        quota.end(turn)

    quotas = [Quota("wechat", [RATE], clock, place) for place in places]
    await asyncio.gather(*(send(quota) for quota in quotas * (CALLS // 2)))
    for quota in quotas:
        await quota.close()
    assert len(left) == CALLS
    for first, last in zip(left, itertools.islice(left, RATE.count, None)):
        assert last - first >= RATE.seconds


async def test_what_another_process_used_counts(places: list[Place]) -> None:
    clock = SystemClock()
    rate = SendRate(3, 3600.0)
    first, second = (Quota("hourly", [rate], clock, place) for place in places)
    # A new ledger in Redis may be one that was forgotten: all of its first hour counts as used.
    for _ in range(0 if isinstance(places[0], QuotaHome) else 3):
        assert await first.turn(lambda: False) is not None
    tries = iter([False, False, True])
    assert await second.turn(lambda: next(tries)) is None
    assert second.next_in() > 3000
