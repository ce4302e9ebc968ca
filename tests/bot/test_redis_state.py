"""Redis as a shared place, and the database beside it, with a real server that is frozen, killed and flushed."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio

from bot.redis_state import PREFIX, WITHIN_SECONDS, RedisGone, RedisState, SharedState
from bot.secret import Secret
from bot.supervisor import Supervisor
from crm_core.ports import Core
from tests.redis_server import RedisServer
from tests.waiting import until

MINUTE = timedelta(minutes=1)


@pytest_asyncio.fixture
async def server() -> AsyncIterator[RedisServer]:
    made = await RedisServer(tcp=True, password="geheim").start()
    yield made
    made.close()


@pytest_asyncio.fixture
async def redis(server: RedisServer) -> AsyncIterator[RedisState]:
    made = RedisState(server.url, Secret(server.password))
    yield made
    await made.close()


@pytest_asyncio.fixture
async def shared(redis: RedisState, core: Core) -> AsyncIterator[SharedState]:
    made, supervisor = SharedState(redis, core.state), Supervisor()
    supervisor.keep("redis", made.run)
    yield made
    await supervisor.stop_loops(within=1)


async def test_wrong_password_is_gone_and_not_told(server: RedisServer) -> None:
    state = RedisState(server.url, Secret("falsch"))
    with pytest.raises(RedisGone) as gone:
        await state.get("k")
    assert "falsch" not in repr(gone.value)
    assert "falsch" not in repr(gone.value.__cause__)
    await state.close()


async def test_password_in_the_address_works_too(server: RedisServer) -> None:
    state = RedisState(server.url.replace("//", f"//:{server.password}@"))
    await state.ping()
    await state.close()


async def test_every_call_ends_in_time_when_the_server_is_frozen(server: RedisServer, redis: RedisState) -> None:
    await redis.set("k", "v", lasts=MINUTE)
    server.freeze()
    begun = time.monotonic()
    ended = await asyncio.gather(*(redis.get("k") for _ in range(100)), return_exceptions=True)
    assert all(isinstance(one, RedisGone) for one in ended)
    assert time.monotonic() - begun < WITHIN_SECONDS + 1
    server.thaw()
    assert await redis.get("k") == "v"


async def test_calls_cut_off_leave_no_answer_to_the_next(redis: RedisState) -> None:
    """A connection whose answer nobody read would give it to whoever asks next."""
    for number in range(20):
        await redis.set(f"k{number}", str(number), lasts=MINUTE)
    for number in range(200):
        task = asyncio.ensure_future(redis.get(f"k{number % 20}"))
        for _ in range(number % 7):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert await redis.get(f"k{(number + 1) % 20}") == str((number + 1) % 20)


async def test_frozen_server_is_left_for_the_database_and_taken_up_again(
    server: RedisServer, shared: SharedState, redis: RedisState, core: Core
) -> None:
    await shared.set("k", "v", lasts=MINUTE)
    assert await redis.get("k") == "v"
    server.freeze()
    begun = time.monotonic()
    assert await shared.get("k") is None
    assert await shared.add("k", "w", lasts=MINUTE)
    assert time.monotonic() - begun < 2
    assert shared.degraded
    assert await core.state.get("k") == "w"
    server.thaw()
    await until(lambda: not shared.degraded, within=10)
    assert await shared.get("k") == "v"


async def test_killed_server_is_noticed_before_anybody_asks(server: RedisServer, shared: SharedState) -> None:
    assert await shared.get("k") is None
    server.kill()
    await until(lambda: shared.degraded, within=3)
    begun = time.monotonic()
    await shared.set("k", "v", lasts=MINUTE)
    assert await shared.get("k") == "v"
    assert time.monotonic() - begun < 2
    await server.start()
    await until(lambda: not shared.degraded, within=10)


async def test_flushed_server_forgets_and_goes_on(server: RedisServer, shared: SharedState) -> None:
    await shared.set("k", "v", lasts=MINUTE)
    server.flush()
    assert await shared.get("k") is None
    assert await shared.add("k", "w", lasts=MINUTE)
    assert not shared.degraded


async def test_lock_is_given_back_where_it_was_taken(server: RedisServer, shared: SharedState, core: Core) -> None:
    server.kill()
    assert await shared.add("lock:a", "me", lasts=MINUTE)
    await server.start()
    await until(lambda: not shared.degraded, within=10)
    assert await shared.discard("lock:a", "me")
    assert await core.state.get("lock:a") is None


async def test_keys_have_a_name_of_ours_in_front(redis: RedisState, server: RedisServer) -> None:
    await redis.set("k", "v", lasts=MINUTE)
    assert await redis._redis.keys() == [f"{PREFIX}k"]
