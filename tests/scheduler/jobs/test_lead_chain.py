"""The chain of a new lead: examined and placed, soon and once, resumable, one that fails holding up nobody."""

from dataclasses import replace

import pytest

from crm_core import cleaning, collecting, departments, distribution, lead_exceptions, leads
from crm_core.access import Role
from crm_core.conversations import Message
from crm_core.distribution_rules import DistributionRule, DistributionSettings
from crm_core.leads import Lead
from crm_core.pool_rules import Condition
from crm_core.ports import Core
from scheduler.jobs import lead_chain
from tests.factories import SYSTEM, make_actor, make_lead


async def test_every_new_lead_goes_through_once(core: Core) -> None:
    east = await departments.add(core, SYSTEM, name="华东部")
    rules = DistributionSettings(rules=(DistributionRule("华东", "华东部", Condition(regions=("上海",))),))
    core = replace(core, settings=replace(core.settings, distribution=rules))
    actor = await make_actor(core)
    first, own = (
        await make_lead(core, region="上海", mobile="13800138000"),
        await leads.add(core, actor, name="李娜", region="上海"),
    )
    row = leads.insert_from_channel(core, channel="wechat", name="王强", source="公众号", raw_text="")
    number, _ = await core.db.run(row)
    assert await lead_chain.run(core) == 3
    assert await lead_chain.run(core) == 0
    assert (await Lead.get(id=first.id)).department_id == east.id
    mine = await Lead.get(id=own.id)
    assert (mine.owner_id, mine.department_id) == (actor.employee_id, None)
    assert (await Lead.get(id=number)).chained_at is not None
    again = await make_lead(core, "张伟", mobile="13800138000")
    assert await lead_chain.run(core) == 1
    assert (await Lead.get(id=again.id)).status == "merged"  # the same number: examined before it is placed


async def test_pages_are_walked_and_a_cut_off_run_goes_on(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lead_chain, "PAGE", 2)
    monkeypatch.setattr(lead_chain, "WORK_SECONDS", -1.0)  # every run ends after its first page
    for n in range(5):
        await make_lead(core, f"客户{n}")
    assert [await lead_chain.run(core) for _ in range(4)] == [2, 2, 1, 0]


async def test_a_lead_that_fails_holds_up_nobody_and_ends_on_the_list(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    bad, good = await make_lead(core), await make_lead(core, "李娜")
    examine = cleaning.examine

    async def failing(core: Core, lead_id: int) -> object:
        if lead_id == bad.id:
            raise RuntimeError("broken row")
        return await examine(core, lead_id)

    # A fault no row of ours can produce.
    monkeypatch.setattr(cleaning, "examine", failing)
    assert [await lead_chain.run(core) for _ in range(4)] == [1, 0, 1, 0]
    assert (await Lead.get(id=good.id)).chained_at is not None
    ((row, _),) = await lead_exceptions.list_open(SYSTEM)
    assert (row.lead_id, row.reason) == (bad.id, "自动处理出错")


async def test_whatever_makes_a_lead_rings_and_the_chain_finds_it(core: Core) -> None:
    rings: list[int] = []
    core.bell.listen(lead_chain.PERIODIC.bell, lambda: rings.append(1))
    await make_lead(core)
    await core.db.run(leads.insert_from_channel(core, channel="wechat", name="王强", source="公众号", raw_text=""))
    await collecting.collect(core, SYSTEM, {"name": "赵敏", "mobile": "13800138000"}, source="官网")
    assert len(rings) == 3
    assert await lead_chain.run(core) == 3


async def test_somebody_who_comes_again_is_told_of_by_the_record_they_have(core: Core) -> None:
    await make_actor(core, "林经理", Role.MANAGER, staff_id="boss")
    owner = await make_actor(core, "小王", staff_id="wang")
    pooled = await make_lead(core, mobile="13800138000")
    await make_lead(core, "李娜", mobile="13900139000", owner_id=owner.employee_id)
    await lead_chain.run(core)
    for name, mobile in (("张伟", "13800138000"), ("李娜", "13900139000")):
        row = leads.insert_from_channel(core, channel="wechat", name=name, source="公众号", raw_text="又来看看", is_news=True)
        number, _ = await core.db.run(row)
        await Lead.filter(id=number).update(mobile=f"+86{mobile}")
    await lead_chain.run(core)
    told = {row.external_account: row.text for row in await Message.filter(direction="out")}
    assert sorted(told) == ["boss", "wang"]
    assert told["boss"].startswith("【新线索】张伟（来源：公众号）再次咨询，还在公海：又来看看\n回复“领取 张伟”")
    assert told["wang"].startswith("【再次咨询】李娜")
    assert (await Lead.filter(merged_into_id=pooled.id).count()) == 1


async def test_a_group_of_leads_is_placed_although_one_of_them_fails(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [await make_lead(core, f"客户{n}") for n in range(7)]
    place_one = distribution._place_one

    async def failing(core, desk, lead, **values):
        if lead.id == rows[2].id:
            raise RuntimeError("broken row")
        return await place_one(core, desk, lead, **values)

    # A fault no row of ours can produce.
    monkeypatch.setattr(distribution, "_place_one", failing)
    assert await lead_chain.run(core) == 6
    assert await Lead.filter(chained_at=None).count() == 1
