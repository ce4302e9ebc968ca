"""The guarded table base against the measured traps of the ORM, transactions, migrations, the second server."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from tortoise.functions import Sum

from crm_core.activities import FollowUp
from crm_core.db import AlreadyServed, Database, DatabaseSettings, SchemaTooOld
from crm_core.errors import CrmError
from crm_core.identity import Person
from crm_core.ports import Core, Program
from crm_core.sqlite_dialect import OnlyOne
from scheduler.reminders import Reminder

CHINA = timezone(timedelta(hours=8))
NOON = datetime(2026, 11, 25, 4, tzinfo=UTC)


async def reminder(core: Core, at: datetime) -> Reminder:
    made: Reminder = await Reminder.add(core, owner_id=1, at=at, text="好")
    return made


async def test_instant_in_another_zone_is_found_and_compared_as_an_instant(core: Core) -> None:
    await reminder(core, NOON)
    same = NOON.astimezone(CHINA)
    assert await Reminder.filter(at=same).count() == 1
    assert await Reminder.filter(at__lt=same).count() == 0
    assert await Reminder.filter(at__lte=same + timedelta(hours=1)).count() == 1
    await Reminder.all().update(at=same + timedelta(hours=1))
    assert (await Reminder.get()).at == NOON + timedelta(hours=1)
    assert await Reminder.filter(at__lt=NOON + timedelta(minutes=59)).count() == 0


async def test_naive_time_is_refused_everywhere(core: Core) -> None:
    naive = datetime(2026, 11, 25, 12)
    with pytest.raises(TypeError):
        await reminder(core, naive)
    row = await reminder(core, NOON)
    with pytest.raises(TypeError):
        await Reminder.filter(at=naive).count()
    with pytest.raises(TypeError):
        await Reminder.all().update(at=naive)
    row.at = naive
    with pytest.raises(TypeError):
        await row.save(update_fields=["at"])


async def follow_up(core: Core, amount: object) -> FollowUp:
    made: FollowUp = await FollowUp.add(core, subject_kind="lead", subject_id=1, person="张伟", at=NOON, amount=amount)
    return made


async def test_money_is_exact_and_never_a_float(core: Core) -> None:
    with pytest.raises(TypeError):
        await follow_up(core, 0.1)
    async with core.db.transaction():
        for _ in range(300):
            await follow_up(core, Decimal("0.10"))
    row = await FollowUp.annotate(total=Sum("amount")).first().values("total")
    assert Decimal(str(row["total"])) == Decimal("30.00")
    with pytest.raises(TypeError):
        await FollowUp.all().update(amount=0.1)


async def test_part_of_a_transaction_can_be_undone_alone(core: Core) -> None:
    async with core.db.transaction():
        await Person.add(core)
        with pytest.raises(ValueError, match="inner"):
            async with core.db.transaction():
                await Person.add(core)
                raise ValueError("inner")
    assert await Person.all().count() == 1


async def test_program_inside_a_transaction_is_part_of_it(core: Core) -> None:
    def program() -> Program[int]:
        rows = yield "INSERT INTO people (created_at, updated_at) VALUES (?, ?) RETURNING id", (NOON, NOON)
        return int(rows[0][0])

    with pytest.raises(ValueError, match="undone"):
        async with core.db.transaction():
            await core.db.run(program())
            raise ValueError("undone")
    assert await Person.all().count() == 0


async def test_readers_do_not_wait_for_an_open_transaction(core: Core) -> None:
    await Person.add(core)
    entered, leave = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with core.db.transaction():
            await Person.add(core)
            entered.set()
            await leave.wait()

    task = asyncio.ensure_future(hold())
    await entered.wait()
    assert await asyncio.wait_for(Person.all().count(), 1) == 1
    leave.set()
    await task
    assert await Person.all().count() == 2


async def test_concurrent_counting_loses_nothing(core: Core) -> None:
    row = await reminder(core, NOON)

    async def raise_by_one() -> None:
        async with core.db.transaction():
            await core.db.serialize("count")  # one writer does it by itself, PostgreSQL is told
            now = await Reminder.get(id=row.id)
            await now.change(core, owner_id=now.owner_id + 1)

    await asyncio.gather(*(raise_by_one() for _ in range(50)))
    assert (await Reminder.get(id=row.id)).owner_id == 51


async def test_person_numbers_are_never_given_twice(core: Core) -> None:
    first = await Person.add(core)
    await Person.filter(id=first.id).delete()
    assert (await Person.add(core)).id > first.id


async def test_database_is_current_and_says_when_it_is_not(_database: Database, core: Core) -> None:  # noqa: PT019 - its value is used
    await _database.require_current()
    rows = await _applied(core, "SELECT app, name, applied_at FROM tortoise_migrations ORDER BY id")
    last = rows[-1]
    await _applied(core, f"DELETE FROM tortoise_migrations WHERE name = '{last[1]}'")
    try:
        with pytest.raises(SchemaTooOld) as refused:
            await _database.require_current()
        assert "guanxi migrate" in refused.value.sentence()
    finally:
        await _applied(
            core, f"INSERT INTO tortoise_migrations (app, name, applied_at) VALUES ('{last[0]}', '{last[1]}', '{last[2]}')"
        )


async def _applied(core: Core, sql: str) -> list[tuple[str, ...]]:
    def program() -> Program[list[tuple[str, ...]]]:
        rows = yield sql, ()
        return rows if isinstance(rows, list) else []

    return await core.db.run(program())


async def test_second_server_on_the_same_file_is_refused(tmp_path: Path) -> None:
    taken = OnlyOne(tmp_path / "x.db")
    assert taken.take()
    with pytest.raises(AlreadyServed) as refused:
        await Database(DatabaseSettings(f"sqlite://{tmp_path}/x.db"), ()).open(alone=True)
    assert isinstance(refused.value, CrmError)
    taken.give_back()
