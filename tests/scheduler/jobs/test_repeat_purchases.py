"""Repeat-purchase, upgrade and cross-selling proposals: told once, with a choice to press."""

from datetime import timedelta

import msgspec

from crm_core.conversations import Message
from crm_core.employees import actor_of
from crm_core.pipeline_rules import OpportunitySettings, RepeatPurchase
from crm_core.ports import Core
from crm_core.repeat_purchases import PurchaseProposal
from scheduler.jobs.repeat_purchases import propose_all, run
from tests.factories import make_deal, make_employee, with_opportunities
from tests.fakes import START, FakeClock

RULES = (
    RepeatPurchase("网关", 180),
    RepeatPurchase("网关", 30, "cross", "云平台"),
    RepeatPurchase("", 400, "upgrade", "旗舰版"),
)


def with_rules(core: Core, *rules: RepeatPurchase) -> Core:
    return with_opportunities(core, OpportunitySettings(repeat_purchases=rules))


async def won(core: Core, product: str, **values: object):  # type: ignore[no-untyped-def]
    owner = await make_employee(core, staff_id=f"s-{product}-{core.clock.now():%d%H}")
    return await make_deal(core, await actor_of(owner), product=product, status="won", won_at=core.clock.now(), **values)


async def test_each_rule_proposes_once_when_its_days_have_passed(core: Core, clock: FakeClock) -> None:
    own = with_rules(core, *RULES)
    deal = await won(own, "智能网关")
    assert await propose_all(own) == 0
    clock.advance(timedelta(days=30))
    assert await propose_all(own) == 1
    assert await propose_all(own) == 0
    row = await PurchaseProposal.get()
    assert (row.kind, row.product, row.owner_id, row.status) == ("cross", "云平台", deal.owner_id, "open")
    told = await Message.get(direction="out", topic="purchase_proposal")
    assert told.text == "「云帆科技」成交已30天，可以推荐「云平台」。回复“约回访”或“先不约”"
    assert [button["intent"] for button in msgspec.json.decode(told.payload)["buttons"]] == [
        "accept_proposal",
        "decline_proposal",
    ]
    clock.advance(timedelta(days=150))
    assert await propose_all(own) == 1
    assert (await PurchaseProposal.get(kind="repeat")).product == "智能网关"


async def test_nobody_is_asked_who_is_asked_already_or_has_bought(core: Core, clock: FakeClock) -> None:
    own = with_rules(core, *RULES[:2])
    first = await won(own, "智能网关")
    actor = await actor_of(await make_employee(core, "小李"))
    await make_deal(own, actor, product="云平台", customer_id=None, customer="别家")
    clock.advance(timedelta(days=1))
    platform = await won(own, "云平台", customer_id=None)
    await platform.change(own, customer_id=first.customer_id)
    clock.advance(timedelta(days=29))
    assert await propose_all(own) == 0
    assert (await PurchaseProposal.get()).status == "needless"
    clock.advance(timedelta(days=60))
    again = await won(own, "智能网关")
    await again.change(own, customer_id=first.customer_id)
    clock.advance(timedelta(days=90))
    assert await propose_all(own) == 0
    assert (await PurchaseProposal.get(opportunity_id=first.id, kind="repeat")).status == "needless"


async def test_a_new_rule_asks_about_the_last_month_alone(core: Core, clock: FakeClock) -> None:
    await won(core, "智能网关")
    clock.advance(timedelta(days=100))
    await won(core, "边缘网关")
    clock.advance(timedelta(days=35))
    assert await propose_all(with_rules(core, RepeatPurchase("网关", 30))) == 1
    assert (await PurchaseProposal.get()).product == "边缘网关"


async def test_it_is_done_once_a_day_and_without_rules_not_at_all(core: Core, clock: FakeClock) -> None:
    await won(core, "智能网关")
    clock.set(START + timedelta(days=30))
    own = with_rules(core, RepeatPurchase("网关", 30))
    clock.set(START + timedelta(days=30, hours=-2))
    assert await run(own) is False
    clock.set(START + timedelta(days=30))
    assert await run(own) is True
    assert await run(own) is False
    assert await propose_all(core) == 0
    assert await PurchaseProposal.all().count() == 1
