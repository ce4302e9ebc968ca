"""Fault rows 1 and 2: the process is killed again and again; nothing is lost, nothing happens twice."""

import asyncio
from pathlib import Path

import pytest

from bot.bench.load import FIRST_MESSAGE_ID, Job, run_load
from bot.bench.place import ask
from bot.bench.rows_sending import start_broadcast
from tests.faults.town import Town, town

CONCURRENCY = 50
SEND = "/cgi-bin/message/custom/send"


async def kill_during_inbound(folder: Path, server: str, messages: int, kills: int, seed: int) -> None:
    async with town(folder, 500, where=server) as made:
        await made.start()
        # Slow enough that every kill falls into the middle of it: a start takes about a second.
        job = Job(made.place.port, count=messages, people=500, rate=messages / kills / 1.3, insist=True, keep_bodies=True)
        seen, _ = await asyncio.gather(run_load(job), made.kill_often(kills, seed))
        assert made.kills == kills
        assert len(seen.bodies) == messages
        assert all("Encrypt" in bodies[-1] for bodies in seen.bodies), "an acknowledged message had no answer"
        await until_nothing_is_open(made)
        first, last = str(FIRST_MESSAGE_ID), str(FIRST_MESSAGE_ID + messages)
        worked = made.rows(
            "SELECT status, count(*), count(DISTINCT key) FROM messages WHERE direction = 'in' AND external_id >= ?"
            " AND external_id < ? GROUP BY status",
            first,
            last,
        )
        assert worked == [("done", messages, messages)]
        answers = made.rows(
            "SELECT count(*), count(DISTINCT reply_to_id) FROM messages WHERE direction = 'out' AND channel = 'wechat'"
        )
        assert answers == [(messages, messages)]
        notices = made.rows("SELECT count(*) FROM messages WHERE direction = 'out' AND key LIKE 'notice:%'")
        assert notices == [(messages,)]
        # The answers left in the requests: nothing was pushed beside them.
        assert (await made.control("received?platform=wechat_oa"))["count"] == 0


async def until_nothing_is_open(made: Town) -> None:
    async with asyncio.timeout(40):
        while made.rows("SELECT 1 FROM messages WHERE direction = 'in' AND status = 'open' LIMIT 1"):
            await asyncio.sleep(0.1)


async def kill_during_broadcast(folder: Path, server: str, people: int, kills: int, seed: int) -> None:
    async with town(folder, people, where=server) as made:
        author = await made.place.run("token", "create", "author", "--role", "admin")
        approver = await made.place.run("token", "create", "approver", "--role", "admin")
        await made.start()
        # Each send takes a while, so that a kill hits some on their way.
        await made.control("faults", {"path": SEND, "kind": "slow", "times": None, "delay_seconds": 0.15})
        number = await start_broadcast(made.place, author, approver)
        await made.kill_often(kills, seed)
        url = f"http://127.0.0.1:{made.place.port}/api/v1/broadcasts/{number}"
        async with asyncio.timeout(240):
            while (state := await ask(url, token=author))["status"] != "finished":
                await asyncio.sleep(0.2)
        counts = state["counts"]
        assert not {"planned", "claimed"} & {status for status, count in counts.items() if count}, counts
        unknown = counts.get("unknown", 0)
        assert sum(counts.values()) == people
        assert counts.get("sent", 0) + unknown == people, counts
        assert unknown <= 2 * CONCURRENCY * kills
        received = await made.control("received?platform=wechat_oa")
        assert received["doubles"] == {}
        # Whoever is marked sent got it; of the unknown ones some may have.
        assert counts.get("sent", 0) <= received["count"] <= people


@pytest.mark.slow  # a real process is started three times
@pytest.mark.timeout(150)
async def test_two_kills_during_inbound(tmp_path: Path, server: str) -> None:
    await kill_during_inbound(tmp_path, server, 400, 2, seed=1)


@pytest.mark.slow  # a real process is started three times
@pytest.mark.timeout(150)
async def test_two_kills_during_a_broadcast(tmp_path: Path, server: str) -> None:
    await kill_during_broadcast(tmp_path, server, 400, 2, seed=1)


@pytest.mark.faults
@pytest.mark.timeout(600)
async def test_fifty_kills_during_ten_thousand_messages(tmp_path: Path, server: str) -> None:
    await kill_during_inbound(tmp_path, server, 10_000, 50, seed=11)


@pytest.mark.faults
@pytest.mark.timeout(600)
async def test_fifty_kills_during_a_broadcast_to_five_thousand(tmp_path: Path, server: str) -> None:
    await kill_during_broadcast(tmp_path, server, 5_000, 50, seed=12)
