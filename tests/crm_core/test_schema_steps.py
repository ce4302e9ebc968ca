"""The steps of the schema: what Tortoise would make of them, and a database of the first release brought up with its rows."""

import asyncio
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tortoise.migrations.executor import MigrationExecutor, MigrationTarget
from tortoise.transactions import in_transaction

from bot.models import MODEL_MODULES
from crm_core import rollups
from crm_core.clock import SystemClock
from crm_core.db import APP, Database, DatabaseSettings
from crm_core.outbox import DatabaseOutbox
from crm_core.ports import Core, Program
from crm_core.schema_steps import triggers_of
from crm_core.state import DatabaseState
from tests.conftest import new_database, on_postgres

FIRST_RELEASE = "0008_audit_indexes"
NOW = datetime(2026, 11, 2, 1, tzinfo=UTC)
_SQLITE = "SELECT type || name || coalesce(sql, '') FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY 1"
_POSTGRES = """
SELECT concat_ws(' ', table_name, column_name, data_type, character_maximum_length, numeric_scale, is_nullable, column_default)
FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1
"""


async def opened(url: str) -> Core:
    database = Database(DatabaseSettings(url, durability="process"), MODEL_MODULES)
    await database.open()
    clock = SystemClock()
    return Core(clock=clock, db=database, outbox=DatabaseOutbox(), state=DatabaseState(database, clock))


async def texts(core: Core, sql: str) -> list[list[str]]:
    def program() -> Program[list[tuple[object, ...]]]:
        return (yield sql, ())

    return [[str(value) for value in row] for row in await core.db.read(program())]


async def tell_schema(url: str, *, ours: bool) -> None:
    """Print what the steps of the first release make, taken by us or by Tortoise's own executor."""
    core = await opened(url)
    assert isinstance(core.db, Database)
    if ours:
        await core.db.migrate(last=FIRST_RELEASE)
    else:
        async with in_transaction(core.db._name) as connection:
            executor = MigrationExecutor(connection, core.db._config()["apps"])
            await executor.recorder.ensure_schema(executor._schema_editor(atomic=False))
            await executor.migrate([MigrationTarget(APP, FIRST_RELEASE)])
    print(json.dumps(await texts(core, _POSTGRES if on_postgres() else _SQLITE)))
    await core.db.close()


def _row(table: str, **values: object) -> tuple[str, tuple[object, ...]]:
    full = {**values, "created_at": NOW, "updated_at": NOW}
    marks = ", ".join("?" * len(full))
    return f"INSERT INTO {table} ({', '.join(full)}) VALUES ({marks})", tuple(full.values())


def old_rows() -> Program[None]:
    """Write what people had before there was more of leads and customers."""
    texts_of_leads = dict.fromkeys(("title", "channel", "need", "raw_text", "pool", "amount"), "")
    numbers: dict[str, object] = {"score": 10, "intent_count": 1, "claim_count": 0}
    for number, status, grade, owner in ((1, "new", "", None), (2, "following", "A", 7), (3, "converted", "", 7)):
        yield _row("people", id=number)
        lead = {"name": f"张{number}", "company": "云帆", "source": "展会", "region": "上海", "status": status, "grade": grade}
        yield _row("leads", id=number, person_id=number, owner_id=owner, **lead, **texts_of_leads, **numbers)
    customer = {"name": "云帆", "kind": "organisation", "industry": "制造", "region": "上海", "grade": "B", "status": "active"}
    yield _row("customers", id=1, value_grade="", owner_id=7, **customer)
    yield _row("contacts", id=1, person_id=3, customer_id=1, name="张3", title="", decision_maker=True)
    said = {"method": "phone", "at": NOW, "summary": "聊过", "next_action": "", "person": "张2", "author_id": 7}
    yield _row("follow_ups", subject_kind="lead", subject_id=2, **said)
    empty = ("text", "external_id", "payload", "outcome", "reply", "conversation", "guarantee", "topic", "reason")
    message = {**dict.fromkeys(empty, ""), "channel": "wechat", "external_account": "o1", "direction": "in", "kind": "text"}
    for number in range(4):
        yield _row("messages", at=NOW, status="done", key=f"k{number}", attempts=0, **message)


async def rows_of(core: Core, columns: dict[str, str]) -> dict[str, list[list[str]]]:
    return {table: await texts(core, f"SELECT {names} FROM {table} ORDER BY id") for table, names in columns.items()}


async def bring_up(url: str) -> None:
    """Fill a database of the first release, bring it up, and print what differs and what became of the leads."""
    core = await opened(url)
    assert isinstance(core.db, Database)
    await core.db.migrate(last=FIRST_RELEASE)
    await core.db.run(old_rows())
    columns = {
        "leads": "id, person_id, name, source, status, grade, owner_id, created_at, updated_at",
        "customers": "id, name, kind, industry, region, grade, status, owner_id, updated_at",
        "contacts": "id, person_id, customer_id, name, updated_at",
        "follow_ups": "id, method, at, author_id, summary",
        "messages": "id, key, channel, at",
    }
    before = await rows_of(core, columns)
    await core.db.migrate()
    lost = [table for table, rows in (await rows_of(core, columns)).items() if rows != before[table]]
    found = {
        "lost": lost,
        "counted": sorted({one.topic for one in await core.db.read(rollups.counted(core, list(rollups.TOPICS)))}),
        "different": await rollups.differences(core),
        "unchained": await texts(core, "SELECT id FROM leads WHERE chained_at IS NULL"),
        "by hand": await texts(core, "SELECT grade, hand_grade FROM leads ORDER BY id"),
    }
    print(json.dumps(found))
    await core.db.close()


async def run(call: str) -> object:
    """In a process of its own: a database that is closed takes that of the tests with it."""
    words = f"import asyncio; from tests.crm_core.test_schema_steps import *; asyncio.run({call})"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", words, stdout=asyncio.subprocess.PIPE)
    told, _ = await process.communicate()
    assert process.returncode == 0
    return json.loads(told)


async def place(folder: Path, name: str) -> str:
    return await new_database() if on_postgres() else f"sqlite://{folder / name}"


async def test_the_steps_make_what_tortoises_own_executor_makes(tmp_path: Path) -> None:
    ours = await run(f"tell_schema({await place(tmp_path, 'ours.db')!r}, ours=True)")
    theirs = await run(f"tell_schema({await place(tmp_path, 'theirs.db')!r}, ours=False)")
    assert ours == theirs
    assert isinstance(ours, list)
    assert len(ours) > 50


async def test_a_database_of_the_first_release_is_brought_up_with_its_rows(tmp_path: Path) -> None:
    found = await run(f"bring_up({await place(tmp_path, 'old.db')!r})")
    assert found == {
        "lost": [],
        "counted": [
            "customers",
            "customers_by_day",
            "customers_by_industry",
            "customers_by_region",
            "follow_ups",
            "leads",
            "leads_by_day",
            "messages",
        ],
        "different": {},
        # They found their place long ago: no chain assigns them anew.
        "unchained": [],
        "by hand": [["", ""], ["A", "A"], ["", ""]],
    }


def test_the_triggers_of_a_schema_are_those_of_its_steps() -> None:
    assert triggers_of([FIRST_RELEASE]) == {}
    made = triggers_of([FIRST_RELEASE, "0018_rollups"])
    assert "rollup_leads_made" in made
    assert all(text.startswith(f"CREATE TRIGGER {name} ") and text.endswith("END") for name, text in made.items())


@pytest.mark.sqlite_only("a backup is a file, and its triggers are compared as the file keeps them")
async def test_the_database_has_the_triggers_its_steps_declare(core: Core) -> None:
    steps = [name for (name,) in await texts(core, "SELECT name FROM tortoise_migrations ORDER BY name")]
    found = await texts(core, "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    assert dict(found) == triggers_of(steps)
