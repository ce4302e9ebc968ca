"""Alarms are made by rules, told once a day, and have a read state."""

from dataclasses import replace
from datetime import timedelta

import pytest

from crm_core import outings
from crm_core.access import Role
from crm_core.conversations import Message
from crm_core.daily_work_rules import AlarmRule, DailyWorkSettings
from crm_core.employees import actor_of
from crm_core.outings import Stop
from crm_core.ports import Core
from scheduler import announcements, reminders
from scheduler.announcements import Announcement
from scheduler.jobs import alarms
from tests.factories import SYSTEM, make_employee, make_lead
from tests.fakes import FakeClock


def under(core: Core, *rules: AlarmRule) -> Core:
    return replace(core, settings=replace(core.settings, daily_work=DailyWorkSettings(alarms=rules)))


async def test_what_is_over_the_number_is_told_with_read_state(core: Core, clock: FakeClock) -> None:
    boss = await make_employee(core, "老周", Role.MANAGER, staff_id="staff-boss")
    wang = await make_employee(core, "小王", manager_id=boss.id, staff_id="staff-wang")
    chen = await make_employee(core, "小陈", manager_id=boss.id)
    for who, count in ((wang, 3), (chen, 1)):
        for number in range(count):
            await reminders.create(core, await actor_of(who), text=f"事{number}", at=core.clock.now() - timedelta(hours=1))
    core = under(core, AlarmRule("待办堆积", "overdue_todos", 1, "both"))
    clock.advance(timedelta(minutes=-55))
    assert not await alarms.run(core)
    clock.advance(timedelta(minutes=10))
    assert await alarms.run(core)
    assert not await alarms.run(core)
    told = {row.external_account: row.text for row in await Message.filter(topic="announcement")}
    assert "【预警】待办堆积：小王3条（逾期待办超过1条）" in told["staff-boss"]
    assert set(told) == {"staff-boss", "staff-wang"}
    row = (await Announcement.filter(audience="老周"))[0]
    await announcements.mark_read(core, await actor_of(boss), row.id)
    assert (await announcements.read_state(SYSTEM, row.id)).read == ("老周",)
    assert await alarms.raise_all(core) == 0


@pytest.mark.parametrize("what", ["overdue_leads", "unrecorded_visits", "idle_days"])
async def test_each_thing_can_be_counted(core: Core, clock: FakeClock, what: str) -> None:
    boss = await make_employee(core, "老周", Role.MANAGER, staff_id="staff-boss")
    wang = await make_employee(core, "小王", manager_id=boss.id)
    await make_lead(core, owner_id=wang.id)
    await outings.register(core, await actor_of(wang), Stop("华兴贸易", core.clock.now()))
    core = under(core, AlarmRule("看看", what, 0))
    assert await alarms.raise_all(core) == 0
    clock.advance(timedelta(days=7))
    assert await alarms.raise_all(core) == 1
    assert "小王" in (await Announcement.get()).text
