"""Fault row 11: the wall clock jumps and the process restarts around midnight; each greeting goes out once a person and day."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from bot.bench.place import ask
from crm_core.clock import SHANGHAI, at_local
from tests.faults.town import Town, town

LIBRARIES = (
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/faketime/libfaketime.so.1",
)
LIBRARY = next((path for path in LIBRARIES if Path(path).exists()), "")
PEOPLE = 40


def turned_to(at: datetime) -> dict[str, str]:
    """An environment in which the wall clock starts at this instant; durations stay as they are."""
    start = at.astimezone(UTC).strftime("@%Y-%m-%d %H:%M:%S")
    return {"LD_PRELOAD": LIBRARY, "FAKETIME": start, "FAKETIME_DONT_FAKE_MONOTONIC": "1", "TZ": "UTC"}


async def birthday_plan(made: Town, day: datetime) -> None:
    with closing(sqlite3.connect(made.place.database)) as raw:
        for table in ("leads", "contacts"):
            raw.execute(f"UPDATE {table} SET birthday = ?", (f"{day:%m-%d}",))
        raw.commit()
    token = await made.place.run("token", "create", "marketer", "--role", "admin")
    made.place.environment = {}
    await made.start()
    base = f"http://127.0.0.1:{made.place.port}/api/v1"
    segment = await ask(f"{base}/segments", {"name": "所有人", "conditions": {}}, token=token)
    template = await ask(f"{base}/templates", {"name": "生日祝福", "kind": "text", "body": "{称呼}，生日快乐！"}, token=token)
    plan = {"name": "生日", "segment_id": segment["id"], "template_id": template["id"], "channel": "wechat", "time": "00:00"}
    made_plan = await ask(f"{base}/greetings", plan | {"birthday": True}, token=token)
    await ask(f"{base}/greetings/{made_plan['id']}/approve", {}, token=token)
    assert made.product is not None
    await made.product.stop()


def greeted(made: Town) -> list[tuple[str, int, int]]:
    return made.rows("SELECT status, count(*), count(DISTINCT person_id) FROM recipients GROUP BY status")


@pytest.mark.faults
@pytest.mark.timeout(180)
@pytest.mark.skipif(not LIBRARY, reason="libfaketime is not installed; the greetings' own tests turn an injected clock")
async def test_restarts_and_jumps_around_midnight_greet_nobody_twice(tmp_path: Path) -> None:
    today = datetime.now(SHANGHAI).date()
    midnight = at_local(today + timedelta(days=1), time())
    async with town(tmp_path, PEOPLE) as made:
        await birthday_plan(made, midnight.astimezone(SHANGHAI))
        # A second before midnight, again, an hour back, an hour on, and the next day.
        for start in (-1, -1, -3600, 3600, 86400 + 60):
            made.place.environment = turned_to(midnight + timedelta(seconds=start))
            running = await made.start()
            if start == -1:
                async with asyncio.timeout(60):
                    while greeted(made) != [("sent", PEOPLE, PEOPLE)]:
                        await asyncio.sleep(0.2)
            else:
                await asyncio.sleep(4)
            await running.kill()
            assert greeted(made) in ([], [("sent", PEOPLE, PEOPLE)])
        received = await made.control("received?platform=wechat_oa")
        assert (received["count"], received["doubles"]) == (PEOPLE, {})
