"""Who is told of a lead in the pool: those who look after it, of its unit, and nobody twice."""

from dataclasses import replace

import pytest

from crm_core import departments, lead_news
from crm_core.access import Role
from crm_core.conversations import Message
from crm_core.leads import Lead
from crm_core.pool_rules import PoolKind
from crm_core.ports import Core
from tests.factories import SYSTEM, make_actor, make_lead


def with_pools(core: Core, **values: object) -> Core:
    return replace(core, settings=replace(core.settings, pools=replace(core.settings.pools, **values)))


async def told(core: Core, lead: Lead) -> list[str]:
    await core.db.run(lead_news.tell_of_leads(core, [lead.id]))
    return [row.external_account for row in await Message.filter(direction="out", key__startswith=f"new_lead:{lead.id}:")]


async def news(core: Core, **values: object) -> Lead:
    lead = await make_lead(core, **values)
    await Lead.filter(id=lead.id).update(is_news=True)
    return lead


@pytest.mark.parametrize(("setting", "expected"), [("managers", ["boss"]), ("everyone", ["boss", "sales"]), ("nobody", [])])
async def test_who_is_told_is_set(core: Core, setting: str, expected: list[str]) -> None:
    core = with_pools(core, tell_of_new_leads=setting)
    for name, role in (("boss", Role.MANAGER), ("sales", Role.SALES), ("look", Role.VIEWER)):
        await make_actor(core, name, role, staff_id=name)
    lead = await news(core)
    assert await told(core, lead) == expected
    assert await told(core, lead) == expected  # once


async def test_what_somebody_recorded_or_owns_is_no_news(core: Core) -> None:
    boss = await make_actor(core, "boss", Role.MANAGER, staff_id="boss")
    assert await told(core, await make_lead(core)) == []
    assert await told(core, await news(core, owner_id=boss.employee_id)) == []


async def test_a_units_lead_is_told_up_and_down_its_branch_and_to_headquarters(core: Core) -> None:
    house = await departments.add(core, SYSTEM, name="总部", kind="headquarters")
    region = await departments.add(core, SYSTEM, name="华东大区")
    east = await departments.add(core, SYSTEM, name="上海部", parent_id=region.id)
    shop = await departments.add(core, SYSTEM, name="浦东店", parent_id=east.id)
    south = await departments.add(core, SYSTEM, name="华南部")
    for unit in (house, region, east, shop, south):
        await make_actor(core, unit.name, Role.MANAGER, staff_id=unit.name, department_id=unit.id)
    lead = await news(core)
    await Lead.filter(id=lead.id).update(department_id=east.id)
    assert await told(core, lead) == ["总部", "华东大区", "上海部", "浦东店"]


async def test_a_pool_closed_to_a_role_is_not_told_to_it(core: Core) -> None:
    core = with_pools(core, tell_of_new_leads="everyone", kinds=(PoolKind("vip", roles=("manager",)),))
    await make_actor(core, "boss", Role.MANAGER, staff_id="boss")
    await make_actor(core, "sales", staff_id="sales")
    assert await told(core, await news(core, pool="vip")) == ["boss"]


async def test_no_number_is_told(core: Core) -> None:
    await make_actor(core, "boss", Role.MANAGER, staff_id="boss")
    lead = await news(core, name="李姐13700137000", raw_text="打我13800138000")
    await told(core, lead)
    assert (await Message.get(direction="out")).text == (
        "【新线索】李姐137****7000已进入公海：打我138****8000\n回复“公海”，再按序号领取"
    )
