"""The offers' job; what it does to offers is tested with the use case (tests/crm_core/test_assignment.py)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from crm_core import assignment, assignment_profiles, departments, distribution, lead_exceptions
from crm_core.assignment_tables import LeadException
from crm_core.distribution_rules import AssignmentRule, AssignmentSettings, DistributionRule, DistributionSettings
from crm_core.leads import Lead
from crm_core.ports import Core
from scheduler.jobs import offers
from tests.factories import SYSTEM, make_actor, make_lead
from tests.fakes import FakeClock


async def test_nothing_to_do_is_done_quickly(core: Core) -> None:
    assert await offers.PERIODIC.run(core) == 0


async def test_a_unit_that_sleeps_holds_up_no_other_and_a_morning_takes_one_run(
    core: Core, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offers, "RETRIED", 2)
    rules = AssignmentSettings(rules=(AssignmentRule("轮流", offer=False),))
    core = replace(core, settings=replace(core.settings, assignment=rules))
    units = [await departments.add(core, SYSTEM, name=name) for name in ("华东部", "夜班部")]
    people = [await make_actor(core, unit.name, department_id=unit.id) for unit in units]
    await assignment_profiles.change(core, SYSTEM, people[1].employee_id or 0, work_hours="01:00-05:00", work_days="1234567")
    clock.advance(timedelta(hours=12))  # 22:00
    for number in range(12):
        lead = await make_lead(core, f"客户{number}")
        await lead.change(core, department_id=units[number > 6].id)
        await distribution.place(core, lead.id)
    assert await LeadException.filter(status="waiting").count() == 12
    assert await offers.run(core) == 0
    clock.advance(timedelta(hours=4))
    assert await offers.run(core) == 5
    assert await Lead.filter(owner_id=people[1].employee_id).count() == 5
    clock.advance(timedelta(hours=8))
    assert await offers.run(core) == 7
    assert await LeadException.filter(status="waiting").count() == 0


async def test_a_lead_finds_its_unit_when_that_is_made(core: Core, clock: FakeClock) -> None:
    settings = DistributionSettings(enabled=True, rules=(DistributionRule("华东", department="华东部"),))
    people = AssignmentSettings(rules=(AssignmentRule("轮流", offer=False),))
    core = replace(core, settings=replace(core.settings, distribution=settings, assignment=people))
    lead = await make_lead(core, "张伟")
    await distribution.place(core, lead.id)
    assert await offers.run(core) == 0
    assert [row.reason for row, _ in await lead_exceptions.list_open(SYSTEM)] == ["规则「华东」要分给的单位「华东部」不存在"]
    unit = await departments.add(core, SYSTEM, name="华东部")
    actor = await make_actor(core, "小李", department_id=unit.id)
    assert await offers.run(core) == 1
    assert await lead_exceptions.list_open(SYSTEM) == []
    found = await Lead.get(id=lead.id)
    assert (found.department_id, found.owner_id) == (unit.id, actor.employee_id)


async def test_leads_nobody_has_room_for_hold_up_none_behind_them(
    core: Core, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offers, "RETRIED", 2)
    rules = AssignmentSettings(capacity=1, rules=(AssignmentRule("地区", match=("region",)),))
    core = replace(core, settings=replace(core.settings, assignment=rules))
    people = {region: await make_actor(core, region) for region in ("上海", "广东")}
    for region, actor in people.items():
        await assignment_profiles.change(core, SYSTEM, actor.employee_id or 0, regions=region)
    for number, region in enumerate(["上海", "广东", *["上海"] * 5, "广东"]):
        await distribution.place(core, (await make_lead(core, f"客户{number}", region=region)).id)
    south = people["广东"]
    (offer,) = await assignment.list_open(south)
    await assignment.decline(core, south, offer.id)
    for _ in range(3):
        await offers.run(core)
    assert len(await assignment.list_open(south)) == 1
