"""The dashboard counts what one may see, and nothing of what one may not."""

import pytest

from crm_core import activities, conversion, customers, dashboards
from crm_core.access import Role
from crm_core.activities import subject_of
from crm_core.conversations import Message
from crm_core.errors import Invalid
from crm_core.leads import Lead
from tests.factories import SYSTEM, make_actor, make_deal, make_lead


async def test_all_of_it_for_those_who_see_all(core, clock):
    wang = await make_actor(core)
    lead = await make_lead(core, source="展会", owner_id=wang.employee_id)
    await make_lead(core, source="官网")
    await activities.add_follow_up(core, wang, subject_of(await Lead.get(id=lead.id)), method="phone")
    customer, _ = await conversion.convert(core, wang, lead.id)
    await make_deal(core, wang, customer_id=customer.id)
    values = {"channel": "wechat", "external_account": "o", "direction": "in", "kind": "text", "status": "done"}
    await Message.add(core, at=clock.now(), key="k", **values)
    seen = await dashboards.dashboard(core, SYSTEM)
    assert seen.totals == {"leads": 1, "pool": 1, "customers": 1, "opportunities_open": 1}
    assert seen.leads_by_status == {"converted": 1, "new": 1}
    assert seen.follow_ups_by_method == {"phone": 1}
    assert seen.follow_ups_by_author == {wang.employee_id: 1}
    assert seen.messages == {"wechat/in": 1}
    today = seen.days["2026-11-25"]
    assert (today["conversions"], today["messages_in"], today["leads"], today["customers"]) == (1, 1, 2, 1)
    assert len(seen.days) == 30


async def test_a_salesperson_counts_the_own_rows_and_the_pool_in_reach(core):
    wang, li = await make_actor(core), await make_actor(core, "小李")
    await make_lead(core, owner_id=li.employee_id)
    await make_lead(core, "公海")
    hidden = await make_lead(core, "别的单位")
    await Lead.filter(id=hidden.id).update(department_id=77)
    await customers.add_customer(core, li, name="云帆")
    await activities.add_follow_up(core, li, subject_of(await Lead.get(owner_id=li.employee_id)), method="visit")
    seen = await dashboards.dashboard(core, wang)
    assert seen.totals == {"leads": 1, "pool": 1, "customers": 0, "opportunities_open": 0}
    assert (seen.follow_ups_by_author, seen.messages) == ({}, {})
    assert (await dashboards.dashboard(core, await make_actor(core, "小美", Role.MARKETER))).totals["leads"] == 3


async def test_questions(core):
    assert await dashboards.answer(core, SYSTEM, "customers") == "还没有客户"
    assert await dashboards.answer(core, SYSTEM, "region") == "地区分布：还没有数据"
    with pytest.raises(Invalid):
        await dashboards.answer(core, SYSTEM, "weather")


def test_small_parts_stand_together():
    assert dashboards.shares({str(number): 20 - number for number in range(12)}).endswith("其他19")
    assert dashboards.shares({"": 2}, {"": "未填"}) == "未填2"
