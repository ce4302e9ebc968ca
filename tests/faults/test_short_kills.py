"""A few kills in every run of the tests; the fifty stand in test_kills.py."""

import asyncio
import random
import sys

import pytest

from bot.bench.rows_gateway import read_reply
from tests.faults.world import World, until

FIRST = 24_000_000_000_000_001


def effects(world: World, count: int) -> tuple[int, int, int, int]:
    """Count the rows of the first messages, those done, their replies and the notices to owners."""
    measured = f"SELECT id FROM messages WHERE key LIKE 'wechat_mp:%' AND CAST(external_id AS INTEGER) < {FIRST + count}"
    return (
        world.one(f"SELECT count(*) FROM ({measured})"),
        world.one(f"SELECT count(*) FROM messages WHERE status = 'done' AND id IN ({measured})"),
        world.one(f"SELECT count(*) FROM messages WHERE direction = 'out' AND reply_to_id IN ({measured})"),
        world.one(f"SELECT count(*) FROM messages WHERE key IN (SELECT 'notice:' || id FROM ({measured}))"),
    )


@pytest.mark.slow  # three starts of a real process
async def test_acknowledged_messages_are_worked_on_once_although_the_process_is_killed(world: World) -> None:
    await world.open(300, tokens=False)
    await world.serve()
    load = asyncio.ensure_future(world.load(300, rate=150.0, connections=20, insist=True, keep_bodies=True))
    moments = random.Random(7)
    for _ in range(2):
        await asyncio.sleep(moments.uniform(0.2, 0.7))
        await world.kill()
        await world.serve()
    first = await load
    assert first.acknowledged == 300
    again = await world.load(300, connections=20, keep_bodies=True)
    assert effects(world, 300) == (300, 300, 300, 300)
    replies = [[read_reply(body) for body in bodies] for bodies in first.bodies]
    assert replies == [[read_reply(body) for body in bodies] for bodies in again.bodies]
    assert all(replies)


@pytest.mark.slow  # real processes
async def test_sigterm_in_the_middle_leaves_nothing_in_doubt(world: World) -> None:
    await world.open(400, settings={"delivery": {"concurrency": 10}})
    await world.sim("faults", {"path": "/cgi-bin/message/custom/send", "kind": "slow", "times": None, "delay_seconds": 0.05})
    await world.serve()
    await world.broadcast()
    load = asyncio.ensure_future(world.load(200, rate=150.0, connections=20, insist=True))
    await until(lambda: world.recipients().get("sent", 0) >= 20, 10, "the broadcast runs")
    status, seconds = await world.stop()
    assert (status, seconds <= 10) == (0, True)
    assert not {"claimed", "unknown", "failed"} & world.recipients().keys()
    assert world.one("SELECT count(*) FROM messages WHERE status IN ('claimed', 'unknown', 'failed')") == 0
    await world.serve()
    assert (await load).acknowledged == 200
    await until(lambda: world.recipients() == {"sent": 400}, 20, "the broadcast ends")
    received = await world.received()
    assert (len(received), max(received.values())) == (400, 1)


@pytest.mark.slow  # a real process, killed while a command of two seconds runs
async def test_a_message_whose_handler_was_killed_is_worked_on_after_the_start(world: World) -> None:
    await world.open(1, settings={"server": {"reply_within": "200ms"}}, tokens=False)
    config = str(world.place.write_settings())
    slow = (sys.executable, "-m", "bot.bench.slow_serve", config, "2")
    await world.serve(slow)
    await world.sim("configure", {"dingtalk": {"callback_url": f"http://127.0.0.1:{world.place.port}/hook/dingtalk"}})
    pushed = await world.sim("dingtalk/say", {"staff_id": "staff3", "text": "帮助 慢"})
    assert (pushed["status"], pushed["reply"]) == (200, "")
    await world.kill()
    assert world.read("SELECT status FROM messages WHERE direction = 'in' AND channel = 'dingtalk'") == [("open",)]
    await world.serve()
    await until(
        lambda: world.one("SELECT count(*) FROM messages WHERE topic = 'reply' AND status = 'sent'") == 1,
        8,
        "the reply is sent",
    )
    assert await world.received("dingtalk", "session") == {"staff3": 1}
    assert world.one("SELECT count(*) FROM messages WHERE direction = 'in' AND channel = 'dingtalk' AND status = 'done'") == 1
