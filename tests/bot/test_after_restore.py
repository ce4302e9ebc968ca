"""The first start after a restore: nothing goes out that may have gone out before."""

import asyncio
import sqlite3
from contextlib import closing, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from bot import after_restore
from bot.models import all_models
from campaigns import engine, greetings
from campaigns.broadcasts import Broadcast, Recipient
from campaigns.recipients import RecipientQueue
from crm_core import backups
from crm_core.clock import SystemClock
from crm_core.conversations import Message
from crm_core.db import Database
from crm_core.messages import Address, Body, Guarantee
from crm_core.outbox import Settlement
from crm_core.ports import Core
from crm_core.reach import ReachRule
from crm_core.stores import tables_of
from tests.campaigns.test_greetings import make_plan
from tests.conftest import on_postgres
from tests.factories import SYSTEM, make_customer_account, make_lead
from tests.fakes import FakeClock


@pytest.fixture
def core(core: Core, tmp_path: Path) -> Core:
    """The bundle with a data folder and a customers' channel."""
    settings = replace(core.settings, data_dir=tmp_path)
    return replace(core, settings=settings, reach={"wechat": ReachRule.always()})


async def test_what_may_have_gone_out_is_held_once(core: Core, tmp_path: Path) -> None:
    for number, status in enumerate(("running", "scheduled", "draft")):
        at = core.clock.now() if status == "scheduled" else None
        values = {"segment_id": 1, "template_id": 1, "channel": "wechat", "status": status, "conditions": "{}"}
        await Broadcast.add(core, name=f"群发{number}", **values, scheduled_at=at)
    await core.outbox.put(Address("wechat", "o1"), Body(text="您好"), key="to-customer")
    await core.outbox.put(Address("dingtalk", "s1"), Body(text="提醒"), key="to-staff", guarantee=Guarantee.AT_LEAST_ONCE)
    assert not await after_restore.settle(core)
    with after_restore.marked(tmp_path, core.clock.now(), core.clock.now().isoformat()):
        pass
    assert await after_restore.settle(core)
    assert [row.status for row in await Broadcast.all().order_by("id")] == ["paused", "paused", "draft"]
    assert [(row.status, row.reason) for row in await Message.all().order_by("id")] == [("unknown", "restored"), ("queued", "")]
    assert not await after_restore.settle(core)


async def test_the_log_says_what_was_done(core: Core, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with after_restore.marked(tmp_path, core.clock.now(), ""):
        pass
    assert await after_restore.settle(core)
    assert after_restore.TOLD in capsys.readouterr().out


async def test_a_restore_that_fails_holds_nothing(core: Core, tmp_path: Path) -> None:
    with suppress(OSError), after_restore.marked(tmp_path, core.clock.now(), ""):
        raise OSError
    assert not await after_restore.settle(core)


@pytest.mark.skipif(not on_postgres(), reason="a mark on the server")
async def test_on_a_server_every_process_waits_until_one_has_held_it(core: Core, tmp_path: Path) -> None:
    raw = await asyncpg.connect(core.db.settings.url)  # type: ignore[attr-defined]
    await after_restore.mark_server(raw, core.clock.now(), "")
    await raw.close()
    await Broadcast.add(core, name="群发", segment_id=1, template_id=1, channel="wechat", status="running", conditions="{}")
    core = replace(core, clock=SystemClock())  # those that wait look again after a moment
    elsewhere = replace(core, settings=replace(core.settings, data_dir=tmp_path / "elsewhere"))
    told = await asyncio.gather(*(after_restore.settle(each) for each in (core, elsewhere, core)))
    assert sum(told) == 1
    assert (await Broadcast.get()).status == "paused"
    assert not await after_restore.settle(elsewhere)


@pytest.mark.sqlite_only("the rows of a file are put in place")
async def test_nobody_gets_the_birthday_greeting_twice_on_the_day_of_a_restore(
    core: Core, db: Database, clock: FakeClock, tmp_path: Path
) -> None:
    """Backup in the night, greetings at nine, restore at ten."""
    await make_customer_account(core, await make_lead(core, "王芳", birthday="11-26"))
    await make_plan(core, SYSTEM, birthday=True)
    clock.advance(timedelta(hours=16))  # 02:00 of the birthday
    backup = tmp_path / "night.db"
    tables = tables_of(all_models())
    await backups.take_of_file(db.settings.path, backup, tables, clock.now(), lambda *_: None)
    taken_at = clock.now().isoformat()
    clock.advance(timedelta(hours=7, minutes=1))
    assert await serve(core) == 1
    clock.advance(timedelta(hours=1))
    with after_restore.marked(tmp_path, clock.now(), taken_at):
        put_rows_in_place(backup, db.settings.path, [table.name for table in tables])
    assert not await Recipient.all().exists()
    assert await serve(core) == 0
    clock.advance(timedelta(hours=1))
    assert await serve(core) == 0
    assert (await Broadcast.get()).pause_reason == "restored"


async def serve(core: Core) -> int:
    """Start, and send all there is to send; tells how much that was."""
    await after_restore.settle(core)
    await greetings.make_due(core)
    await engine.run(core)
    queue = RecipientQueue(core)
    await queue.recover(everything=True)
    messages = await queue.claim("wechat", 50, timedelta(seconds=30))
    await queue.settle([Settlement(message.id, "sent") for message in messages])
    return len(messages)


def put_rows_in_place(backup: Path, database: Path, tables: list[str]) -> None:
    with closing(sqlite3.connect(database)) as raw:
        raw.execute("ATTACH ? AS backup", (str(backup),))
        for table in tables:
            names = ", ".join(f'"{row[1]}"' for row in raw.execute(f'PRAGMA table_info("{table}")'))
            raw.execute(f'DELETE FROM main."{table}"')
            raw.execute(f'INSERT INTO main."{table}" ({names}) SELECT {names} FROM backup."{table}"')
        raw.commit()
