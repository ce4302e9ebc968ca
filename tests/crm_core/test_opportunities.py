"""Deals: opened at a customer one sees, changed by hand, handed over, and hidden from everybody else."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from crm_core import access, activities, change_sets, customers, opportunities
from crm_core.access import Actor, Role
from crm_core.audit import AuditEntry
from crm_core.change_sets import BuiltUpon
from crm_core.customers import Customer
from crm_core.errors import Invalid, NotFound, Refused
from crm_core.opportunities import (
    OpportunitiesNotUsed,
    Opportunity,
    OpportunityClosed,
    StageMove,
    UnknownPipeline,
    UnknownStage,
)
from crm_core.pipeline_rules import DEFAULT_PIPELINE, OpportunitySettings
from crm_core.ports import Core
from crm_core.stage_moves import advance
from scheduler import reminders
from tests.factories import SYSTEM, make_actor, make_deal, with_opportunities


async def customer_of(core: Core, actor: Actor, name: str = "云帆科技") -> Customer:
    return await customers.add_customer(core, actor, name=name)


async def test_a_deal_stands_in_the_first_stage_with_what_was_said(core: Core) -> None:
    actor = await make_actor(core)
    customer = await customer_of(core, actor)
    made = await opportunities.create(
        core,
        actor,
        customer_id=customer.id,
        product="智能网关",
        amount="500000",
        probability=60,
        expected_close_on="2026-12-31",
    )
    row = await Opportunity.get(id=made.id)
    assert (row.name, row.stage, row.status) == ("云帆科技智能网关", "initial", "open")
    assert (row.amount, row.probability, row.expected_close_on) == (Decimal("500000.00"), 60, date(2026, 12, 31))
    assert row.owner_id == actor.employee_id
    assert await AuditEntry.filter(action="opportunity.create", object_id=made.id).count() == 1
    assert [move.kind for move in await StageMove.visible_of(row.id)] == ["open"]


async def test_a_customer_has_several_open_deals_at_once(core: Core) -> None:
    actor = await make_actor(core)
    first = await make_deal(core, actor, name="一期")
    await make_deal(core, actor, name="二期", customer_id=first.customer_id)
    found = await opportunities.find(actor, customer_ids=[first.customer_id], status="open")
    assert {row.name for row in found} == {"一期", "二期"}
    assert [row.name for row in await opportunities.find(actor, text="二")] == ["二期"]


async def test_a_foreign_customer_and_a_foreign_deal_look_missing(core: Core) -> None:
    owner, peer = await make_actor(core), await make_actor(core, "小李")
    deal = await make_deal(core, owner)
    with pytest.raises(NotFound):
        await opportunities.create(core, peer, customer_id=deal.customer_id)
    with pytest.raises(NotFound):
        await opportunities.update(core, peer, deal.id, amount="1")
    assert await opportunities.find(peer) == []
    assert await opportunities.find(owner) == [deal]


async def test_a_manager_sees_the_teams_deals_and_may_give_them_to_it(core: Core) -> None:
    boss = await make_actor(core, "老周", Role.MANAGER)
    owner = await make_actor(core, "小王", manager_id=boss.employee_id)
    other = await make_actor(core, "小李")
    boss = await access_again(core, boss)
    deal = await make_deal(core, owner)
    assert await opportunities.find(boss) == [deal]
    given = await opportunities.update(core, boss, deal.id, owner_id=boss.employee_id)
    assert given.owner_id == boss.employee_id
    with pytest.raises(Refused):
        await opportunities.update(core, boss, deal.id, owner_id=other.employee_id)
    with pytest.raises(Invalid):
        await opportunities.update(core, SYSTEM, deal.id, owner_id=987654)
    again = await opportunities.create(core, boss, customer_id=deal.customer_id, owner_id=owner.employee_id)
    assert again.owner_id == owner.employee_id
    with pytest.raises(Refused):
        await opportunities.create(core, owner, customer_id=deal.customer_id, owner_id=other.employee_id)


async def access_again(core: Core, actor: Actor) -> Actor:
    """The same manager, who sees whoever came into the team since."""
    from crm_core.employees import Employee, actor_of

    return await actor_of(await Employee.get(id=actor.employee_id))


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"amount": "-1"}, "amount"),
        ({"amount": "很多"}, "amount"),
        ({"amount": "99999999999999"}, "amount"),
        ({"amount": "NaN"}, "amount"),
        ({"probability": 101}, "probability"),
        ({"probability": -1}, "probability"),
        ({"expected_close_on": "2026-02-30"}, "expected_close_on"),
        ({"expected_close_on": "0001-01-01"}, "expected_close_on"),
        ({"product": "长" * 129}, "product"),
    ],
)
async def test_nonsense_is_refused_with_the_field_it_is_in(core: Core, values: dict[str, object], field: str) -> None:
    actor = await make_actor(core)
    customer = await customer_of(core, actor)
    with pytest.raises(Invalid) as refused:
        await opportunities.create(core, actor, customer_id=customer.id, **values)
    assert refused.value.fields["field"] == field
    assert await Opportunity.all().count() == 0


async def test_unknown_stages_and_pipelines_are_named_with_the_known_ones(core: Core) -> None:
    actor = await make_actor(core)
    customer = await customer_of(core, actor)
    with pytest.raises(UnknownStage) as stage:
        await opportunities.create(core, actor, customer_id=customer.id, stage="飞升")
    assert "商务谈判" in stage.value.sentence()
    with pytest.raises(UnknownPipeline) as pipeline:
        await opportunities.create(core, actor, customer_id=customer.id, pipeline="渠道")
    assert "default" in pipeline.value.sentence()
    made = await opportunities.create(core, actor, customer_id=customer.id, stage="商务谈判", pipeline="标准流程")
    assert (made.stage, made.pipeline) == ("negotiation", DEFAULT_PIPELINE.name)


async def test_a_deal_opened_by_mistake_is_taken_back_only_before_it_moves(core: Core) -> None:
    actor = await make_actor(core)
    slip, real = await make_deal(core, actor), await make_deal(core, actor, name="真的")
    await opportunities.undo_create(core, actor, slip.id)
    told = await make_deal(core, actor, "谈过的")
    await activities.add_follow_up(core, actor, activities.subject_of(told), summary="电话")
    with pytest.raises(BuiltUpon):
        await opportunities.undo_create(core, actor, told.id)
    assert await Opportunity.exists(id=told.id)
    assert not await Opportunity.filter(id=slip.id).exists()
    assert not await StageMove.filter(opportunity_id=slip.id).exists()
    await advance(core, actor, real.id, reason="客户催")
    with pytest.raises(OpportunityClosed):
        await opportunities.undo_create(core, actor, real.id)


async def test_a_change_by_hand_stands_in_the_audit_trail(core: Core) -> None:
    actor = await make_actor(core)
    deal = await make_deal(core, actor)
    changed = await opportunities.update(core, actor, deal.id, name="改名", amount="1.5", expected_close_on=None)
    assert (changed.name, changed.amount) == ("改名", Decimal("1.50"))
    assert await AuditEntry.filter(action="opportunity.update", object_id=deal.id).count() == 1
    with pytest.raises(Invalid):
        await opportunities.update(core, actor, deal.id, name=" ")


async def test_a_viewer_may_not_open_or_change(core: Core) -> None:
    owner, viewer = await make_actor(core), await make_actor(core, "老板", Role.VIEWER)
    deal = await make_deal(core, owner)
    for attempt in (
        opportunities.create(core, viewer, customer_id=deal.customer_id),
        opportunities.update(core, viewer, deal.id, amount="1"),
        opportunities.note_quote(core, viewer, deal.id),
    ):
        with pytest.raises(Refused):
            await attempt


async def test_teams_without_deals_are_told_so(core: Core) -> None:
    whole = with_opportunities(core, OpportunitySettings(enabled=False))
    shops = with_opportunities(core, OpportunitySettings(departments_without=("门店",)))
    from crm_core.employees import ensure_department

    department = await ensure_department(core, "门店")
    seller = await make_actor(core, "店员", department_id=department.id)
    other = await make_actor(core)
    customer, second = await customer_of(core, seller), await customer_of(core, other, "东风机械厂")
    for settings, actor in ((whole, other), (shops, seller)):
        with pytest.raises(OpportunitiesNotUsed):
            await opportunities.create(settings, actor, customer_id=customer.id)
    assert await opportunities.create(shops, other, customer_id=second.id)


async def test_a_customer_given_away_takes_what_is_not_won_along_and_comes_back(core: Core) -> None:
    old, new = await make_actor(core), await make_actor(core, "小李")
    open_one = await make_deal(core, old)
    won = await make_deal(core, old, customer_id=open_one.customer_id, status="won", won_at=core.clock.now())
    other = await make_deal(core, old)
    when = core.clock.now() + timedelta(hours=1)
    about = {"about_kind": "opportunity", "about_id": open_one.id}
    todo = await reminders.create(core, old, text="报价", at=when, **about)
    _, set_id = await customers.give(core, SYSTEM, open_one.customer_id, new.employee_id or 0)
    assert set_id is not None
    owners = dict(await Opportunity.all().values_list("id", "owner_id"))
    assert owners == {open_one.id: new.employee_id, won.id: old.employee_id, other.id: old.employee_id}
    assert (await reminders.Reminder.get(id=todo.id)).owner_id == new.employee_id
    await change_sets.undo(core, SYSTEM, set_id)
    assert set(await Opportunity.all().values_list("owner_id", flat=True)) == {old.employee_id}
    assert (await reminders.Reminder.get(id=todo.id)).owner_id == old.employee_id
    assert (await Customer.get(id=open_one.customer_id)).owner_id == old.employee_id


async def test_a_quote_is_noted_with_its_time(core: Core) -> None:
    actor = await make_actor(core)
    deal = await make_deal(core, actor)
    core.clock.advance(timedelta(hours=1))  # type: ignore[attr-defined]
    noted = await opportunities.note_quote(core, actor, deal.id)
    assert noted.quoted_at == core.clock.now()
    assert (await access.load(Opportunity, actor, deal.id)).quoted_at is not None
