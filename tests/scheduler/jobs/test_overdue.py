"""Overdue leads: to the owner, then to the manager, without anyone asking."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from crm_core import activities, overdue
from crm_core.access import Role
from crm_core.activities import subject_of
from crm_core.conversations import Message
from crm_core.employees import Employee, actor_of
from crm_core.pool_rules import PoolSettings
from crm_core.ports import Core
from scheduler.jobs import overdue as job
from tests.factories import make_actor, make_employee, make_lead
from tests.fakes import FakeClock


async def told(core: Core) -> list[str]:
    return [row.text for row in await Message.filter(topic="overdue").order_by("id")]


async def test_the_owner_hears_first_and_the_manager_days_later(core: Core, clock: FakeClock) -> None:
    boss = await make_employee(core, "林经理", Role.MANAGER, staff_id="lin")
    seller = await make_employee(core, "小王", staff_id="wang", manager_id=boss.id)
    lead = await make_lead(core, owner_id=seller.id)
    fresh = await make_lead(core, "李娜", owner_id=seller.id)
    clock.advance(timedelta(days=7))
    await activities.add_follow_up(core, await actor_of(seller), subject_of(fresh), summary="聊过")
    assert await job.run(core) is True
    assert await job.run(core) is False
    assert await told(core) == [f"有1条线索该跟进了：\n· #{lead.id} 张伟，7天没跟进\n记一条跟进，或说“退回 编号 原因”放回公海"]
    clock.advance(timedelta(days=3))
    await job.run(core)
    assert (await told(core))[-1] == (
        f"团队有1条线索跟进不及时：\n· #{lead.id} 张伟，小王，10天没跟进\n可以改派：分给 姓名 编号"
    )
    assert [each.id for each in await overdue.list_overdue(core, await actor_of(boss))] == [lead.id]
    other = await make_actor(core, "小李")
    assert await overdue.list_overdue(core, other) == []
    await Employee.filter(id=seller.id).update(departed_at=clock.now())
    assert await core.db.read(overdue.all_overdue(core)) == []


async def test_two_copies_and_a_restart_tell_once_a_day(core: Core, clock: FakeClock) -> None:
    seller = await make_employee(core, "小王", staff_id="wang")
    await make_lead(core, owner_id=seller.id)
    clock.advance(timedelta(days=8))
    await asyncio.gather(*(job.run(core) for _ in range(2)))
    assert len(await told(core)) == 1
    await job.tell_all(core)  # killed before the day was noted, and begun anew
    assert len(await told(core)) == 1
    clock.advance(timedelta(days=1))
    await asyncio.gather(*(job.run(core) for _ in range(2)))
    assert len(await told(core)) == 2


async def test_the_longest_untouched_come_first_and_the_rest_is_counted(core: Core, clock: FakeClock) -> None:
    seller = await make_employee(core, "小王", staff_id="wang")
    for n in range(12):
        await make_lead(core, f"客户{n}", owner_id=seller.id)
        clock.advance(timedelta(hours=1))
    clock.advance(timedelta(days=7))
    await job.run(core)
    lines = (await told(core))[0].splitlines()
    assert lines[0] == "有12条线索该跟进了："
    assert "客户0，" in lines[1]
    assert lines[-2] == "另有2条，回复“逾期线索”查看"


async def test_a_house_may_do_without_it(core: Core, clock: FakeClock) -> None:
    core = replace(core, settings=replace(core.settings, pools=PoolSettings(overdue_days=0)))
    await make_lead(core, owner_id=(await make_employee(core, staff_id="wang")).id)
    clock.advance(timedelta(days=300))
    assert await job.run(core) is True
    assert await told(core) == []


async def test_the_longest_untouched_are_shown_however_many_there_are(
    core: Core, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overdue, "PAGE", 3)
    boss = await make_actor(core, "管理员", Role.ADMIN)
    sellers = [await make_employee(core, name) for name in ("小王", "小李")]
    now = clock.now()
    rows = [await make_lead(core, f"客户{n}", owner_id=sellers[n % 2].id) for n in range(8)]
    for n, row in enumerate(rows):  # the later recorded, the longer untouched; two at one moment
        await row.change(core, claimed_at=now - timedelta(days=20 + n // 2))
    await rows[7].change(core, last_follow_up_at=now - timedelta(days=10))
    oldest = [rows[n].id for n in (6, 4, 5, 2, 3, 0, 1, 7)]
    assert [each.id for each in await overdue.list_overdue(core, boss, limit=4)] == oldest[:4]
    assert [each.id for each in await core.db.read(overdue.all_overdue(core))] == oldest
    mine = await overdue.list_overdue(core, await actor_of(sellers[1]))
    assert [each.id for each in mine] == [rows[n].id for n in (5, 3, 1, 7)]
