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


@pytest.mark.timeout(300)
async def test_counts_are_right_after_every_kill(tmp_path: Path) -> None:
    url = await new_database() if on_postgres() else f"sqlite://{tmp_path / 'house.db'}"
    core = await opened(url)
    await core.db.migrate()  # type: ignore[attr-defined]
    try:
        chance = random.Random(7)
        for _ in range(KILLS):
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-c",
                f"import asyncio; from tests.faults.test_rollups import write_for_ever; asyncio.run(write_for_ever({url!r}))",
                stdout=asyncio.subprocess.PIPE,
            )
            assert process.stdout is not None
            assert await process.stdout.readline() == b"begun\n"
            await asyncio.sleep(chance.uniform(0.1, 0.6))
            process.send_signal(signal.SIGKILL)
            await process.wait()
            assert await rollups.differences(core) == {}
        await rollups.catch_up(core)
        assert await rollups.differences(core) == {}
        counted = await core.db.read(rollups.counted(core, ["messages", "follow_ups"]))
        assert {one.topic for one in counted} == {"messages", "follow_ups"}
    finally:
        await core.db.close()  # type: ignore[attr-defined]
