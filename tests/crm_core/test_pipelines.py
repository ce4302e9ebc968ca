"""Where a deal stands, what it lacks, and which deals are stuck."""

from datetime import timedelta

import pytest

from crm_core import activities, custom_fields, customers, pipelines
from crm_core.access import Role
from crm_core.customers import Contact, Customer
from crm_core.opportunities import Opportunity
from crm_core.pipeline_rules import OpportunitySettings, PipelineSettings, StageSettings
from crm_core.ports import Core
from crm_core.stage_moves import ConditionsMissing, advance
from tests.factories import SYSTEM, make_actor, make_deal, with_opportunities
from tests.fakes import FakeClock


def needing(*conditions: str, stuck_days: int = 0) -> OpportunitySettings:
    stages = (StageSettings("a", "甲", stuck_days=stuck_days), StageSettings("b", "乙", requires=conditions))
    return OpportunitySettings(pipelines=(PipelineSettings("own", "自定", stages),))


async def lacks(core: Core, deal: Opportunity) -> tuple[str, ...]:
    row = await Opportunity.get(id=deal.id)
    return (await pipelines.progress(core, SYSTEM, [row]))[0].missing


async def test_progress_tells_stage_days_and_what_is_missing(core: Core, clock: FakeClock) -> None:
    actor = await make_actor(core)
    deal = await make_deal(core, actor, stage="qualified")
    clock.advance(timedelta(days=4))
    found = (await pipelines.progress(core, actor, [deal]))[0]
    assert (found.stage, found.days, found.next_stage, found.customer) == ("需求确认", 4, "方案报价", "云帆科技")
    assert found.missing == ("填写产品", "填写预计金额")
    assert not found.stuck
    last = await make_deal(core, actor, stage="contract")
    assert (await pipelines.progress(core, actor, [last]))[0].next_stage == ""


async def test_a_follow_up_of_a_method_counts_with_the_customer_its_contacts_or_the_deal(core: Core) -> None:
    own = with_opportunities(core, needing("follow_up:visit"))
    for about in ("customer", "contact", "opportunity"):
        deal = await make_deal(own, SYSTEM)
        contact = await customers.add_contact(own, SYSTEM, name="李总", customer_id=deal.customer_id)
        number = {"customer": deal.customer_id, "contact": contact.id, "opportunity": deal.id}[about]
        subject = await activities.load_subject(SYSTEM, about, number)
        await activities.add_follow_up(own, SYSTEM, subject, method="phone")
        assert await lacks(own, deal) == ("有一次拜访跟进",)
        visit = await activities.add_follow_up(own, SYSTEM, subject, method="visit")
        assert await lacks(own, deal) == ()
        await activities.undo_follow_up(own, SYSTEM, visit.id)
        assert await lacks(own, deal) == ("有一次拜访跟进",)


async def test_an_old_follow_up_belongs_to_something_else(core: Core, clock: FakeClock) -> None:
    own = with_opportunities(core, needing("follow_up"))
    customer = await customers.add_customer(own, SYSTEM, name="云帆科技")
    await activities.add_follow_up(own, SYSTEM, activities.subject_of(customer), method="visit")
    clock.advance(timedelta(days=29))
    recent = await make_deal(own, SYSTEM, customer_id=customer.id)
    clock.advance(timedelta(days=2))
    later = await make_deal(own, SYSTEM, customer_id=customer.id)
    assert await lacks(own, recent) == ()
    assert await lacks(own, later) == ("有跟进记录",)


async def test_a_decision_maker_is_one_of_the_customers_contacts(core: Core) -> None:
    own = with_opportunities(core, needing("contact", "decision_maker"))
    deal = await make_deal(own, SYSTEM)
    assert await lacks(own, deal) == ("登记联系人", "明确关键决策人")
    contact = await customers.add_contact(own, SYSTEM, name="李总", customer_id=deal.customer_id)
    assert await lacks(own, deal) == ("明确关键决策人",)
    await Contact.filter(id=contact.id).update(decision_maker=True)
    assert await lacks(own, deal) == ()


async def test_fields_days_and_a_quote_are_measured(core: Core, clock: FakeClock) -> None:
    own = with_opportunities(core, needing("field:行业", "days:3", "quote", "competitor", "probability"))
    deal = await make_deal(own, SYSTEM)
    assert await lacks(own, deal) == ("填写行业", "在当前阶段满3天", "已报价", "写明竞争对手", "填写把握")
    await Customer.filter(id=deal.customer_id).update(industry="机械")
    await Opportunity.filter(id=deal.id).update(quoted_at=clock.now(), competitor="华星", probability=0)
    clock.advance(timedelta(days=3))
    assert await lacks(own, deal) == ()
    await advance(own, SYSTEM, deal.id)
    other = await make_deal(own, SYSTEM)
    with pytest.raises(ConditionsMissing):
        await advance(own, SYSTEM, other.id)


async def test_an_own_field_of_the_customer_is_a_condition(core: Core) -> None:
    own = with_opportunities(core, needing("field:付款周期", "field:没有的"))
    deal = await make_deal(own, SYSTEM)
    assert await lacks(own, deal) == ("填写付款周期", "填写没有的")
    await custom_fields.set_fields(own, SYSTEM, "customer", deal.customer_id, {"payment_days": "30"})
    assert await lacks(own, deal) == ("填写没有的",)


async def test_stuck_is_no_move_and_no_follow_up_for_the_days_of_the_stage(core: Core, clock: FakeClock) -> None:
    own = with_opportunities(core, needing(stuck_days=5))
    actor, peer = await make_actor(own), await make_actor(own, "小李")
    boss = await make_actor(own, "老周", Role.MANAGER)
    quiet = await make_deal(own, actor, "安静")
    moved = await make_deal(own, actor, "动过", customer="乙公司")
    talked = await make_deal(own, actor, "谈过", customer="丙公司")
    later = await make_deal(own, actor, "乙阶段", customer="丁公司", stage="b")
    won = await make_deal(own, actor, "赢了", customer="戊公司", status="won")
    clock.advance(timedelta(days=3))
    await advance(own, actor, moved.id)
    await activities.add_follow_up(own, actor, await activities.load_subject(actor, "customer", talked.customer_id))
    clock.advance(timedelta(days=3))
    assert [each.id for each in await pipelines.list_stuck(own, actor)] == [quiet.id]
    clock.advance(timedelta(days=9))
    found = await pipelines.list_stuck(own, actor)
    assert [(each.id, each.quiet_days) for each in found] == [(quiet.id, 15), (later.id, 15), (talked.id, 12)]
    assert won.id not in {each.id for each in found}
    assert await pipelines.list_stuck(own, peer) == []
    assert await pipelines.list_stuck(own, boss) == []
    assert len(await pipelines.list_stuck(own, SYSTEM)) == 3


async def test_a_follow_up_about_the_deal_wakes_it(core: Core, clock: FakeClock) -> None:
    actor = await make_actor(core)
    deal = await make_deal(core, actor)
    clock.advance(timedelta(days=20))
    assert len(await pipelines.list_stuck(core, actor)) == 1
    subject = await activities.load_subject(actor, "opportunity", deal.id)
    await activities.add_follow_up(core, actor, subject, method="phone")
    assert await pipelines.list_stuck(core, actor) == []
