"""Distribution to units: by rule and by hand, one unit at a time, confidential, own sources stay."""

from dataclasses import replace
from typing import Any

import pytest

from crm_core import access, assignment, change_sets, departments, distribution, lead_exceptions, leads, matching, pools
from crm_core.access import Actor, Role
from crm_core.assignment_tables import Distribution
from crm_core.distribution import LeadHasOwner, OwnSource
from crm_core.distribution_rules import DistributionRule, DistributionSettings
from crm_core.employees import Department
from crm_core.errors import NotFound, Refused
from crm_core.leads import Lead, LeadElsewhere
from crm_core.pool_rules import Condition, PoolKind, PoolSettings
from crm_core.ports import Core
from tests.factories import SYSTEM, make_actor, make_lead

EAST = DistributionRule("华东", "华东部", Condition(regions=("上海", "浙江")))
WEB = DistributionRule("官网留总部", "", Condition(sources=("官网",)))
SOUTH = DistributionRule("机床", "华南部", Condition(words=("机床",)))


def with_rules(core: Core, *rules: DistributionRule, **values: Any) -> Core:
    settings = replace(core.settings, distribution=DistributionSettings(rules=rules), **values)
    return replace(core, settings=settings)


async def unit(core: Core, name: str, parent: Department | None = None, kind: str = "department") -> Department:
    return await departments.add(core, SYSTEM, name=name, kind=kind, parent_id=parent.id if parent else None)


async def seller(core: Core, name: str, where: Department | None, role: Role = Role.SALES) -> Actor:
    return await make_actor(core, name, role, department_id=where.id if where else None)


async def seen(actor: Actor) -> set[str]:
    return {lead.name for lead in await access.visible(Lead, actor)}


async def test_the_first_rule_that_fits_decides_and_the_other_unit_sees_nothing(core: Core) -> None:
    core = with_rules(core, WEB, EAST, SOUTH)
    east, south = await unit(core, "华东部"), await unit(core, "华南部")
    shop = await unit(core, "上海店", east, "shop")
    rows = [
        await make_lead(core, "张伟", region="上海浦东", need="机床"),
        await make_lead(core, "李娜", need="两台机床"),
        await make_lead(core, "王强", source="官网", region="上海"),
        await make_lead(core, "赵敏", region="北京"),
    ]
    placed = [await distribution.place(core, row.id) for row in rows]
    assert [each.department_id for each in placed if each] == [east.id, south.id, None, None]
    assert await distribution.place(core, rows[0].id) == placed[0]  # safe to repeat
    assert await Distribution.all().count() == 3
    common = {"王强", "赵敏"}
    assert await seen(await seller(core, "小王", east)) == {"张伟"} | common
    assert await seen(await seller(core, "小店", shop)) == {"张伟"} | common
    assert await seen(await seller(core, "小李", south)) == {"李娜"} | common
    assert await seen(await seller(core, "小总", None)) == common
    assert await seen(await seller(core, "老板", None, Role.ADMIN)) == {"张伟", "李娜"} | common


async def test_headquarters_sees_the_pools_of_all_units(core: Core) -> None:
    core = with_rules(core, EAST)
    head = await unit(core, "总部", kind="headquarters")
    await unit(core, "华东部")
    lead = await make_lead(core, region="上海")
    await distribution.place(core, lead.id)
    assert await seen(await seller(core, "小总", head)) == {"张伟"}


async def test_another_unit_cannot_enter_claim_find_or_count_it(core: Core) -> None:
    core = with_rules(core, EAST)
    east, south = await unit(core, "华东部"), await unit(core, "华南部")
    lead = await make_lead(core, region="上海", mobile="13800138000")
    await distribution.place(core, lead.id)
    mine, theirs = await seller(core, "小王", east), await seller(core, "小李", south)
    with pytest.raises(LeadElsewhere) as refused:
        await leads.add(core, theirs, name="老张", mobile="138 0013 8000")
    assert refused.value.sentence() == "已有这位客户，没有重复录入，请联系总部"
    with pytest.raises(NotFound):
        await pools.claim(core, theirs, lead.id)
    assert await pools.count_pool(theirs) == 0
    assert [one.sentence() for one in await matching.find_duplicates(core, theirs, mobile="13800138000")] == [
        "已有，请联系总部"
    ]
    assert await pools.count_pool(mine) == 1
    await pools.claim(core, mine, lead.id)
    with pytest.raises(NotFound):  # neither whose it is
        await pools.claim(core, theirs, lead.id)
    (found,) = await matching.find_duplicates(core, theirs, mobile="13800138000")
    assert (found.sentence(), found.owner, found.owner_id, found.phone) == ("已有，请联系总部", "", None, None)


async def test_a_manager_distributes_by_hand_moves_on_and_takes_it_back(core: Core) -> None:
    east, south = await unit(core, "华东部"), await unit(core, "华南部")
    head, boss = await seller(core, "总监", None, Role.MANAGER), await seller(core, "林经理", south, Role.MANAGER)
    one, two = await make_lead(core, "张伟"), await make_lead(core, "李娜")
    first = await distribution.distribute(core, head, [one.id, two.id], east.id)
    assert first.summary == "2条线索分发给华东部"
    assert await seen(boss) == set()
    second = await distribution.distribute(core, SYSTEM, [one.id], south.id, reason="搬家了")
    assert await seen(boss) == {"张伟"}
    with pytest.raises(change_sets.LaterChangesFirst):
        await change_sets.undo(core, SYSTEM, first.id)
    await change_sets.undo(core, SYSTEM, second.id)
    assert await seen(boss) == set()
    await change_sets.undo(core, SYSTEM, first.id)
    assert await seen(boss) == {"张伟", "李娜"}
    assert await Distribution.all().count() == 0
    assert await distribution.distribute(core, boss, [one.id], south.id)
    with pytest.raises(Refused):
        await distribution.distribute(core, boss, [one.id], east.id)
    with pytest.raises(Refused):
        await distribution.distribute(core, await seller(core, "小李", south), [one.id], south.id)


async def test_what_a_unit_collected_itself_is_never_distributed_away(core: Core) -> None:
    core = with_rules(core, EAST)
    await unit(core, "华东部")
    south = await unit(core, "华南部")
    boss, theirs = await seller(core, "林经理", south, Role.MANAGER), await seller(core, "小李", south)
    collected = await leads.add(core, boss, name="张伟", region="上海")
    placed = await distribution.place(core, collected.id)
    assert placed is not None
    assert placed.department_id == south.id
    east = await departments.find("华东部")
    with pytest.raises(OwnSource) as refused:
        await distribution.distribute(core, SYSTEM, [collected.id], east.id)
    assert refused.value.sentence() == "线索「张伟」是华南部自己收集的，不分发给别的单位"
    own = await leads.add(core, theirs, name="李娜", region="上海")
    assert await distribution.place(core, own.id) is None  # theirs already
    with pytest.raises(LeadHasOwner):
        await distribution.distribute(core, SYSTEM, [own.id], east.id)
    await pools.release(core, theirs, own.id)
    assert (await Lead.get(id=own.id)).department_id == south.id  # into the unit's own pool


async def test_a_rule_for_a_unit_that_is_not_there_ends_on_the_list(core: Core) -> None:
    core = with_rules(core, EAST)
    lead = await make_lead(core, region="上海")
    await distribution.place(core, lead.id)
    ((row, found),) = await lead_exceptions.list_open(SYSTEM)
    assert (found.id, row.reason) == (lead.id, "规则「华东」要分给的单位「华东部」不存在")


async def test_a_lead_lies_in_the_pool_it_fits_and_closed_pools_are_not_there(core: Core) -> None:
    kinds = (
        PoolKind("vip", "重点公海", Condition(min_score=80), roles=("manager",)),
        PoolKind("fair", "展会公海", Condition(sources=("展会",))),
    )
    core = with_rules(core, pools=PoolSettings(kinds=kinds))
    good, fair = await make_lead(core, "张伟"), await make_lead(core, "李娜", source="展会")
    await good.change(core, score=90)
    for lead in (good, fair):
        await distribution.place(core, lead.id)
    actor = await make_actor(core)
    actor = actor.for_pools(core.settings.pools.closed_to(actor.role))
    assert await seen(actor) == {"李娜"}
    assert [lead.name for lead in await pools.find_in_pool(actor, pool="fair")] == ["李娜"]
    with pytest.raises(NotFound):
        await pools.claim(core, actor, good.id)
    boss = await make_actor(core, "林经理", Role.MANAGER)
    assert await pools.claim(core, boss.for_pools(core.settings.pools.closed_to(boss.role)), good.id)


async def test_why_it_came_here_is_told(core: Core) -> None:
    core = with_rules(core, EAST)
    east = await unit(core, "华东部")
    lead = await make_lead(core, region="上海")
    await distribution.place(core, lead.id)
    actor = await seller(core, "小王", east)
    _, steps = await assignment.explain(actor, lead.id)
    assert [(step.what, step.why) for step in steps] == [("分发到华东部", "规则「华东」：地区上海或浙江")]
