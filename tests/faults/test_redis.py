"""Fault row 9: Redis frozen, killed, flushed; every callback answered within 4 s, nothing lost, the database within 2 s."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.bench.load import FIRST_MESSAGE_ID, Job, run_load
from bot.bench.place import ask
from bot.bench.rows_sending import start_broadcast
from tests.faults.town import Town, town
from tests.redis_server import RedisServer
from tests.waiting import until

ANSWER_MILLISECONDS = 4_000
FALL_BACK_SECONDS = 2.0
FAULTS: dict[str, Callable[[RedisServer], None]] = {
    "frozen": RedisServer.freeze,
    "killed": RedisServer.kill,
    "flushed": RedisServer.flush,
}


@asynccontextmanager
async def redis_town(folder: Path, people: int) -> AsyncIterator[tuple[Town, RedisServer]]:
    server = await RedisServer(password="geheim", tcp=True).start()
    try:
        async with town(folder, people, redis={"url": server.url, "password_env": "TEST_REDIS_PASSWORD"}) as made:
            made.place.environment = {"TEST_REDIS_PASSWORD": server.password}
            yield made, server
    finally:
        server.close()


async def degraded(made: Town) -> list[str]:
    """What the ready probe says is away; it answers 200 all the time."""
    ready: Any = await ask(f"http://127.0.0.1:{made.place.port}/health/ready")
    return list(ready.get("degraded", []))


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param("frozen", marks=pytest.mark.faults),  # a real process is started
        pytest.param("killed", marks=pytest.mark.faults),
        pytest.param("flushed", marks=pytest.mark.faults),
    ],
)
async def test_callbacks_and_sends_go_on_without_redis(tmp_path: Path, fault: str) -> None:
    messages = 300
    async with redis_town(tmp_path, 300) as (made, server):
        author = await made.place.run("token", "create", "author", "--role", "admin")
        approver = await made.place.run("token", "create", "approver", "--role", "admin")
        await made.start()
        assert await degraded(made) == []
        job = Job(made.place.port, count=messages, people=300, rate=60.0, insist=True, keep_bodies=True)
        load = asyncio.ensure_future(run_load(job))
        number = await start_broadcast(made.place, author, approver)
        await asyncio.sleep(1.0)
        FAULTS[fault](server)
        begun = time.monotonic()
        if fault != "flushed":
            await until(lambda: degraded(made), within=FALL_BACK_SECONDS)
            assert time.monotonic() - begun < FALL_BACK_SECONDS
        seen = await load
        assert seen.statuses == {"200": messages}
        assert seen.slowest < ANSWER_MILLISECONDS
        assert all("Encrypt" in bodies[-1] for bodies in seen.bodies)
        await everything_happened_once(made, number, author, messages)
        if fault == "frozen":
            server.thaw()
        if fault == "killed":
            await server.start()

        async def is_back() -> bool:
            return await degraded(made) == []

        await until(is_back, within=15)
        assert server.password not in (tmp_path / "serve.log").read_text()


async def everything_happened_once(made: Town, broadcast: int, token: str, messages: int) -> None:
    url = f"http://127.0.0.1:{made.place.port}/api/v1/broadcasts/{broadcast}"

    async def is_finished() -> bool:
        state: Any = await ask(url, token=token)
        return bool(state["status"] == "finished")

    await until(is_finished, within=60)
    worked = made.rows(
        "SELECT status, count(*), count(DISTINCT key) FROM messages WHERE direction = 'in' AND external_id >= ?"
        " GROUP BY status",
        str(FIRST_MESSAGE_ID),
    )
    assert worked == [("done", messages, messages)]
    assert dict(made.rows("SELECT status, count(*) FROM recipients GROUP BY status")) == {"sent": 300}
    received = await made.control("received?platform=wechat_oa")
    assert (received["count"], received["doubles"]) == (300, {})


@pytest.mark.faults
@pytest.mark.timeout(200)
async def test_product_starts_without_redis_and_finds_it_later(tmp_path: Path) -> None:
    async with redis_town(tmp_path, 20) as (made, server):
        server.kill()
        await made.start()
        await until(lambda: degraded(made))
        seen = await run_load(Job(made.place.port, count=20, people=20, insist=True))
        assert seen.statuses == {"200": 20}
        await server.start()

        async def is_back() -> bool:
            return await degraded(made) == []

        await until(is_back, within=15)


@pytest.mark.faults
@pytest.mark.timeout(200)
async def test_stop_beside_a_frozen_redis_is_quick(tmp_path: Path) -> None:
    async with redis_town(tmp_path, 20) as (made, server):
        product = await made.start()
        server.freeze()
        begun = time.monotonic()
        assert await product.stop() == 0
        assert time.monotonic() - begun < 10
