"""Fault row 1 for customer service: killed while it pulls; nothing is lost, nobody is answered twice."""

import asyncio
from pathlib import Path

import pytest

from bot.simulator.accounts import WeComCorp
from tests.faults.town import Town, town


def add_account(made: Town) -> None:
    corp = WeComCorp()
    made.place.extra = {
        "channels.kf": {
            "kind": "wecom_kf",
            "corp_id": corp.corp_id,
            "secret_env": "BENCH_KF_SECRET",
            "token_env": "BENCH_KF_TOKEN",
            "aes_key_env": "BENCH_KF_AES_KEY",
            "open_kfid": corp.open_kfid,
            "api_base": f"http://127.0.0.1:{made.platform.port}/wecom",
        }
    }
    made.place.environment = {
        **made.place.environment,
        "BENCH_KF_SECRET": corp.kf_secret,
        "BENCH_KF_TOKEN": corp.kf_token,
        "BENCH_KF_AES_KEY": corp.kf_aes_key,
    }


async def say_all(made: Town, people: int, seconds: float) -> None:
    async def say(number: int) -> None:
        await asyncio.sleep(seconds * number / people)
        await made.control("kf/say", {"person": f"wmPerson{number}", "text": f"第{number}个问题"})

    await asyncio.gather(*map(say, range(people)))


async def kill_during_pulling(folder: Path, people: int, kills: int, seed: int) -> None:
    async with town(folder, 10, keep=True) as made:
        add_account(made)
        callback = f"http://127.0.0.1:{made.place.port}/hook/kf"
        knobs = {"callback_url": callback, "page": 7, "tokenless_per_minute": 100_000}
        await made.control("kf/configure", knobs)
        await made.start()
        await asyncio.gather(say_all(made, people, kills * 1.3), made.kill_often(kills, seed))
        async with asyncio.timeout(60):
            while not all_settled(made, people):
                await asyncio.sleep(0.2)
        inbound = made.rows(
            "SELECT count(*), count(DISTINCT key), count(DISTINCT external_account) FROM messages"
            " WHERE channel = 'kf' AND direction = 'in' AND kind = 'text'"
        )
        assert inbound == [(people, people, people)]
        leads = made.rows("SELECT count(*) FROM leads WHERE channel = 'kf'")
        assert leads == [(people,)]
        statuses = dict(
            made.rows("SELECT status, count(*) FROM messages WHERE channel = 'kf' AND topic = 'reply' GROUP BY status")
        )
        assert sum(statuses.values()) == people
        assert set(statuses) <= {"sent", "unknown"}
        received = await made.control("received?platform=wecom_kf")
        assert received["doubles"] == {}
        # Whoever is marked sent got it; of the unknown ones some may have.
        assert statuses.get("sent", 0) <= received["count"] <= people


def all_settled(made: Town, people: int) -> bool:
    done = "SELECT count(*) FROM messages WHERE channel = 'kf' AND topic = 'reply' AND status IN ('sent', 'unknown')"
    return made.rows(done) == [(people,)]


@pytest.mark.faults  # a real process is started three times
@pytest.mark.timeout(180)
async def test_two_kills_while_pulling(tmp_path: Path) -> None:
    await kill_during_pulling(tmp_path, 60, 2, seed=3)


@pytest.mark.faults
@pytest.mark.timeout(600)
async def test_thirty_kills_while_pulling(tmp_path: Path) -> None:
    await kill_during_pulling(tmp_path, 2_000, 30, seed=4)
