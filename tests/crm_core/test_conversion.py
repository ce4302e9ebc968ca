"""Conversion: the history goes along, nobody is taken from anybody."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from crm_core import (
    access,
    activities,
    change_sets,
    conversion,
    custom_fields,
    customer_values,
    customers,
    employees,
    life_cycles,
    merging,
    opportunities,
    profiles,
    segments,
    stage_moves,
    timeline,
)
from crm_core.access import Actor, Role
from crm_core.activities import FollowUp, subject_of
from crm_core.change_sets import BuiltUpon, LaterChangesFirst
from crm_core.customers import Contact, Customer
from crm_core.employees import Department
from crm_core.errors import NotFound
from crm_core.field_rules import FieldSettings, OwnFields
from crm_core.leads import Lead, LeadNotOwned
from crm_core.opportunities import Opportunity
from crm_core.ports import Core
from crm_core.segments import count_people
from crm_core.selection import Selection
from scheduler import reminders
from tests.factories import make_actor, make_customer_account, make_employee, make_lead
from tests.fakes import FakeClock
from tests.fingerprints import fingerprint


async def test_history_and_reminders_go_to_the_contact(core: Core, clock: FakeClock) -> None:
    actor = await make_actor(core)
    lead = await make_lead(core, owner_id=actor.employee_id, company="东风机械厂")
    other = await make_lead(core, "李娜", owner_id=actor.employee_id)
    await activities.add_follow_up(core, actor, subject_of(other), summary="别人的")
    await activities.add_follow_up(core, actor, subject_of(lead), summary="一", stage="proposal")
    at = clock.now() + timedelta(days=1)
    set_by_hand = await reminders.create(core, actor, text="联系张伟", at=at, about_kind="lead", about_id=lead.id)
    customer, contact = await conversion.convert(core, actor, lead.id)
    moved = await reminders.Reminder.get(id=set_by_hand.id)
    assert (moved.about_kind, moved.about_id) == ("contact", contact.id)
    now_lead = await Lead.get(id=lead.id)
    assert [row.summary for row in await activities.history(subject_of(contact))] == ["一"]
    assert [row.summary for row in await activities.history(subject_of(now_lead))] == ["一"]
    assert [row.summary for row in await activities.history(subject_of(await Lead.get(id=other.id)))] == ["别人的"]
    assert await count_people(core, Selection(conditions={"stage": "proposal"})) == 1
    assert customer.last_follow_up_at == contact.last_follow_up_at == clock.now()


async def test_what_is_written_about_a_converted_lead_is_written_about_its_contact(core: Core, clock: FakeClock) -> None:
    actor = await make_actor(core)
    lead = await make_lead(core, owner_id=actor.employee_id)
    _, contact = await conversion.convert(core, actor, lead.id)
    subject = await activities.load_subject(actor, "lead", lead.id)
    assert (subject.kind, subject.id) == ("contact", contact.id)
    stale = subject_of(await Lead.get(id=lead.id))
    for which, each in enumerate((subject, stale)):
        await activities.add_follow_up(core, actor, each, summary=str(which))
    assert await FollowUp.filter(subject_kind="contact", subject_id=contact.id).count() == 2
    assert (await Contact.get(id=contact.id)).last_follow_up_at == clock.now()


async def test_a_known_customer_keeps_the_later_of_both_follow_ups(core: Core, clock: FakeClock) -> None:
    actor = await make_actor(core)
    first = await make_lead(core, owner_id=actor.employee_id, company="东风机械厂")
    second = await make_lead(core, "李娜", owner_id=actor.employee_id, company="东风机械厂")
    customer, _ = await conversion.convert(core, actor, first.id)
    await activities.add_follow_up(core, actor, subject_of(second), summary="二")
    known, _ = await conversion.convert(core, actor, second.id)
    assert known.id == customer.id
    assert (await Customer.get(id=customer.id)).last_follow_up_at == clock.now()


async def test_a_conversion_takes_nobody_from_anybody(core: Core) -> None:
    boss = await make_employee(core, "陈经理", Role.MANAGER)
    first = await make_actor(core, "小王", manager_id=boss.id)
    second = await make_actor(core, "小李", manager_id=boss.id)
    theirs = await customers.add_customer(core, first, name="东风机械厂")
    lead = await make_lead(core, company="东风机械厂", owner_id=second.employee_id)
    customer, contact = await conversion.convert(core, await employees.actor_of(boss), lead.id)
    assert customer.id != theirs.id
    assert (customer.owner_id, contact.owner_id) == (second.employee_id, second.employee_id)
    again = await make_lead(core, "李娜", company="东风机械厂", owner_id=second.employee_id)
    assert (await conversion.convert(core, second, again.id))[0].id == customer.id


def with_fields(core: Core, *fields: FieldSettings) -> Core:
    return replace(core, settings=replace(core.settings, fields=OwnFields(fields)))


OWN = (
    FieldSettings(kind="lead", name="预算等级"),
    FieldSettings(kind="contact", name="预算等级"),
    FieldSettings(kind="lead", name="设备数", type="number"),
    FieldSettings(kind="customer", name="设备数", type="number"),
)


async def rich_lead(core: Core, actor: Actor, name: str = "张伟", **values: Any) -> Lead:
    """A lead of a unit with all it can have: source, campaign, grade, tags, own fields, history, a channel."""
    said = {"company": "东风机械厂", "source": "展会", "campaign": "春展", "region": "上海", "mobile": "13800138000", **values}
    lead = await make_lead(core, name, owner_id=actor.employee_id, **said)
    await lead.change(core, department_id=7, recorded_by="老系统", score=66, score_grade="B", hand_grade="A", grade="A")
    await segments.add_tags(core, actor, lead.person_id, ["VIP"])
    await custom_fields.set_fields(core, actor, "lead", lead.id, {"预算等级": "高", "设备数": "20"})
    await activities.add_follow_up(core, actor, subject_of(lead), summary="电话聊过")
    await make_customer_account(core, lead)
    return await Lead.get(id=lead.id)


@pytest.mark.parametrize("to_a_known_customer", [False, True])
async def test_everything_of_a_lead_goes_along(core: Core, to_a_known_customer: bool) -> None:
    core = with_fields(core, *OWN)
    actor = await make_actor(core)
    lead = await rich_lead(core, actor)
    if to_a_known_customer:
        await customers.add_customer(core, actor, name="东风机械厂")
    start = await fingerprint(core)
    story = [entry.text for entry in (await timeline.page(core, actor, person_id=lead.person_id)).entries]
    done = await conversion.convert_to(core, actor, lead.id, opportunity={"name": "网关", "amount": "100"})
    assert done.attached is to_a_known_customer
    contact, customer = await Contact.get(id=done.contact.id), await Customer.get(id=done.customer.id)
    assert (contact.score, contact.grade, contact.score_grade, contact.hand_grade) == (66, "A", "B", "A")
    if not to_a_known_customer:
        assert (customer.department_id, customer.grade, customer.recorded_by, customer.region) == (7, "A", "老系统", "上海")
    assert await segments.tags_of(contact.person_id) == ["VIP"]
    own = await custom_fields.OwnFieldValue.all().order_by("name").values_list("subject_kind", "subject_id", "name")
    assert sorted(own) == sorted([("contact", contact.id, "预算等级"), ("customer", customer.id, "设备数")])
    deal = await Opportunity.get(id=done.opportunity_id)
    assert (deal.source, deal.lead_id, deal.customer_id) == ("展会", lead.id, customer.id)
    for condition in (
        {"field": "source", "is": "=", "value": "展会"},
        {"field": "campaign", "is": "=", "value": "春展"},
        {"tags": ["VIP"]},
        {"custom": "预算等级", "is": "=", "value": "高"},
        {"custom": "设备数", "is": ">=", "value": 20},
    ):
        assert await count_people(core, Selection(conditions=condition)) == 1, condition
    for asked in ({"person_id": contact.person_id}, {"customer_id": customer.id}):
        told = [entry.text for entry in (await timeline.page(core, actor, **asked, limit=50)).entries]
        assert set(story) <= set(told)
    await conversion.undo(core, actor, done.set_id)
    assert await fingerprint(core) == start
    assert [entry.text for entry in (await timeline.page(core, actor, person_id=lead.person_id)).entries] == story


async def test_one_attached_to_a_contact_keeps_source_grade_and_story(core: Core) -> None:
    core = with_fields(core, *OWN)
    actor = await make_actor(core)
    customer = await customers.add_customer(core, actor, name="东风机械厂")
    contact = await customers.add_contact(core, actor, name="张伟", customer_id=customer.id, mobile="13800138000")
    earlier = await make_lead(core, "张卫", owner_id=actor.employee_id, source="官网")
    lead = await rich_lead(core, actor)
    await merging.merge(core, actor, "lead", lead.id, earlier.id)
    start = await fingerprint(core)
    done = await conversion.convert_to(core, actor, lead.id)
    assert (done.attached, done.contact.id) == (True, contact.id)
    kept = await Contact.get(id=contact.id)
    assert (kept.hand_grade, kept.grade) == ("A", "A")
    for source in ("展会",):
        found = {"field": "source", "is": "=", "value": source}
        assert await count_people(core, Selection(conditions=found)) == 1
    told = [entry.text for entry in (await timeline.page(core, actor, person_id=contact.person_id, limit=50)).entries]
    assert sum("录入线索" in text for text in told) == 2
    assert any("电话聊过" in text for text in told)
    card = await profiles.profile(core, actor, contact.person_id)
    assert "展会" in [line.value for line in card.lines]
    await conversion.undo(core, actor, done.set_id)
    assert await fingerprint(core) == start


@pytest.mark.parametrize("what", ["follow-up", "deal", "contact", "change", "moved deal"])
async def test_what_has_grown_is_not_pulled_out_from_under(core: Core, clock: FakeClock, what: str) -> None:
    """Undoing once took the customer away and left its deals without one."""
    actor = await make_actor(core)
    lead = await make_lead(core, owner_id=actor.employee_id, company="东风机械厂")
    done = await conversion.convert_to(core, actor, lead.id, opportunity={"name": "网关"})
    clock.advance(3600)
    if what == "follow-up":
        await activities.add_follow_up(core, actor, subject_of(done.contact), summary="拜访")
    elif what == "deal":
        await opportunities.create(core, actor, customer_id=done.customer.id, name="交换机")
    elif what == "contact":
        await customers.add_contact(core, actor, name="李娜", customer_id=done.customer.id)
    elif what == "change":
        await customers.update_customer(core, actor, done.customer.id, industry="制造业")
    else:
        await stage_moves.advance(core, actor, done.opportunity_id or 0, reason="客户催")
    start = await fingerprint(core)
    with pytest.raises(LaterChangesFirst if what == "moved deal" else BuiltUpon):
        await change_sets.undo(core, actor, done.set_id)
    assert await fingerprint(core) == start


async def test_what_the_house_notes_by_itself_hinders_no_undo(core: Core) -> None:
    actor = await make_actor(core)
    lead = await make_lead(core, owner_id=actor.employee_id, company="东风机械厂")
    start = await fingerprint(core)
    done = await conversion.convert_to(core, actor, lead.id, opportunity={"name": "网关"})
    await core.db.run(life_cycles.look_at_due(core))
    await core.db.run(customer_values.look_at_due(core))
    await conversion.undo(core, actor, done.set_id)
    left = await fingerprint(core)
    assert {table for table in start if left[table] != start[table]} <= {"read_marks", "audit_actors"}


async def test_another_units_lead_is_converted_by_its_unit_alone(core: Core) -> None:
    north, south = [await Department.add(core, name=name, kind="unit") for name in ("北区", "南区")]
    own, other = [await make_actor(core, name, department_id=unit.id) for name, unit in (("小王", north), ("小李", south))]
    lead = await make_lead(core, company="东风机械厂", mobile="13800138000")
    await lead.change(core, department_id=north.id)
    with pytest.raises(NotFound):
        await conversion.convert_to(core, other, lead.id)
    with pytest.raises(NotFound):
        await conversion.options(core, other, lead.id)
    with pytest.raises(LeadNotOwned):
        await conversion.convert_to(core, own, lead.id)
    await lead.change(core, owner_id=own.employee_id)
    done = await conversion.convert_to(core, own, lead.id)
    assert (done.customer.department_id, done.customer.owner_id) == (north.id, own.employee_id)
    assert await access.visible(Customer, other).count() == 0
    # Theirs of the same name is not attached to it, nor told.
    twin = await make_lead(core, "李娜", company="东风机械厂", owner_id=other.employee_id)
    assert await conversion.options(core, other, twin.id) == conversion.Options()
    assert (await conversion.convert_to(core, other, twin.id)).customer.id != done.customer.id


async def test_a_potential_customer_keeps_history_and_is_raised_once(core: Core) -> None:
    actor = await make_actor(core)
    lead = await make_lead(core, owner_id=actor.employee_id)
    await activities.add_follow_up(core, actor, subject_of(lead), summary="电话")
    raised = await conversion.qualify(core, actor, lead.id)
    assert (raised.id, raised.qualification, raised.status) == (lead.id, "potential", "following")
    assert [row.summary for row in await activities.history(subject_of(raised))] == ["电话"]
    assert await count_people(core, Selection(conditions={"field": "qualification", "is": "=", "value": "potential"})) == 1
    await conversion.convert_to(core, actor, lead.id)
    assert (await Lead.get(id=lead.id)).qualification == "potential"


async def test_what_brought_a_customer_is_kept_to_later_deals(core: Core) -> None:
    actor = await make_actor(core)
    lead = await make_lead(core, owner_id=actor.employee_id, company="东风机械厂", source="展会二维码")
    customer, _ = await conversion.convert(core, actor, lead.id)
    deal = await opportunities.create(core, actor, customer_id=customer.id, name="网关")
    assert (deal.source, deal.lead_id) == ("展会二维码", lead.id)
    assert (
        await opportunities.create(core, actor, customer_id=customer.id, name="交换机", source="老客户介绍")
    ).source == "老客户介绍"
    bare = await customers.add_customer(core, actor, name="云帆科技")
    assert (await opportunities.create(core, actor, customer_id=bare.id, name="网关")).source == ""


async def test_leads_of_one_company_converted_at_once_become_one_customer(core: Core) -> None:
    """They are told from each other by nothing but the company: whoever is second finds what the first made."""
    seller = await make_actor(core, "小王")
    rows = [await make_lead(core, f"张伟{n}", owner_id=seller.employee_id, company="东风机械厂有限公司") for n in range(10)]
    await asyncio.gather(*(conversion.convert_to(core, seller, row.id) for row in rows))
    assert await Customer.all().count() == 1
    assert await Contact.all().count() == 10
