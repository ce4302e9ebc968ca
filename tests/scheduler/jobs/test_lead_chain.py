"""The chain of a new lead: examined and placed, soon and once, resumable, one that fails holding up nobody."""

from dataclasses import replace

import pytest

from crm_core import cleaning, departments, lead_exceptions, leads
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
