"""kill -9 of whoever writes and counts: the counts stay those of the rows."""

import asyncio
import random
import signal
import sys
from pathlib import Path

import pytest

from bot.models import MODEL_MODULES
from crm_core import rollups
from crm_core.clock import SystemClock
from crm_core.db import Database, DatabaseSettings
from crm_core.outbox import DatabaseOutbox
from crm_core.ports import Core
from crm_core.state import DatabaseState
from tests.conftest import new_database, on_postgres

KILLS = 6


async def opened(url: str) -> Core:
    database = Database(DatabaseSettings(url, durability="process"), MODEL_MODULES)
    await database.open()
    clock, outbox = SystemClock(), DatabaseOutbox()
    core = Core(clock=clock, db=database, outbox=outbox, state=DatabaseState(database, clock))
    outbox.bind(core)
    return core


async def write_for_ever(url: str) -> None:
    """Make, change and delete rows, and count, until somebody ends it."""
    core = await opened(url)
    chance = random.Random()
    now = core.clock.now()

    def program():
        key = f"{chance.random()}"
        yield (
            "INSERT INTO messages (channel, external_account, direction, kind, text, at, external_id, status, key, payload,"
            " outcome, reply, conversation, guarantee, topic, attempts, reason, created_at, updated_at)"
            " VALUES (?, 'o', 'in', 'text', '', ?, '', 'done', ?, '', '', '', '', '', '', 0, '', ?, ?)",
            (chance.choice(["a", "b"]), now, key, now, now),
        )
        yield (
            "INSERT INTO review_comments (follow_up_id, text, created_at, updated_at) VALUES (1, '', ?, ?)",
            (now, now),
        )
        yield (
            "INSERT INTO follow_ups (subject_kind, subject_id, person, method, at, summary, next_action, created_at,"
            " updated_at) VALUES ('lead', 1, 'x', ?, ?, '', '', ?, ?)",
            (chance.choice(["phone", "visit"]), now, now, now),
        )
        if chance.random() < 0.3:
            yield "DELETE FROM messages WHERE id = (SELECT min(id) FROM messages)", ()
            yield "UPDATE follow_ups SET undone_at = ? WHERE id = (SELECT max(id) FROM follow_ups)", (now,)

    print("begun", flush=True)
    while True:
        await asyncio.gather(*(core.db.run(program()) for _ in range(5)))
        if chance.random() < 0.2:
            await rollups.catch_up(core)


async def compare(url: str, *, first: bool = False) -> None:
    """Say whether the counts are those of the rows, before and after counting up; in a process of its own."""
    core = await opened(url)
    if first:
        await core.db.migrate()  # type: ignore[attr-defined]
    before = await rollups.differences(core)
    await rollups.catch_up(core)
    topics = {one.topic for one in await core.db.read(rollups.counted(core, ["messages", "follow_ups"]))}
    print(before, await rollups.differences(core), len(topics))
    await core.db.close()  # type: ignore[attr-defined]


async def run(call: str) -> asyncio.subprocess.Process:
    words = f"import asyncio; from tests.faults.test_rollups import *; asyncio.run({call})"
    return await asyncio.create_subprocess_exec(sys.executable, "-c", words, stdout=asyncio.subprocess.PIPE)


@pytest.mark.timeout(600)
async def test_counts_are_right_after_every_kill(tmp_path: Path) -> None:
    url = await new_database() if on_postgres() else f"sqlite://{tmp_path / 'house.db'}"
    told, _ = await (await run(f"compare({url!r}, first=True)")).communicate()
    assert told.decode().split() == ["{}", "{}", "0"]
    chance = random.Random(7)
    for _ in range(KILLS):
        process = await run(f"write_for_ever({url!r})")
        assert process.stdout is not None
        assert await process.stdout.readline() == b"begun\n"
        await asyncio.sleep(chance.uniform(0.2, 0.8))
        process.send_signal(signal.SIGKILL)
        await process.wait()
        told, _ = await (await run(f"compare({url!r})")).communicate()
        assert told.decode().split()[:2] == ["{}", "{}"]
    assert told.decode().split()[2] == "2"
