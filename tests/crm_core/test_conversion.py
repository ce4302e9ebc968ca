"""Conversion: the history goes along, nobody is taken from anybody."""

from datetime import timedelta

from crm_core import activities, conversion, customers, employees
from crm_core.access import Role
from crm_core.activities import FollowUp, subject_of
from crm_core.customers import Contact, Customer
from crm_core.leads import Lead
from crm_core.ports import Core
from crm_core.segments import count_people
from crm_core.selection import Selection
from scheduler import reminders
from tests.factories import make_actor, make_employee, make_lead
from tests.fakes import FakeClock


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
