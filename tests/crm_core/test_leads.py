"""Leads: the pool, the claim, the conversion."""

import asyncio
from datetime import timedelta

import pytest

from crm_core import activities, customers, employees, leads
from crm_core.access import Role
from crm_core.activities import FollowUp, subject_of
from crm_core.audit import AuditEntry
from crm_core.customers import Contact, Customer
from crm_core.errors import Invalid
from crm_core.leads import ClaimCapReached, Lead, LeadAlreadyClaimed, LeadNotOwned
from crm_core.ports import Core
from crm_core.segments import count_people
from crm_core.selection import Selection
from scheduler import reminders
from tests.factories import SYSTEM, make_actor, make_employee, make_lead
from tests.fakes import FakeClock


async def test_one_of_a_hundred_claims_wins(core: Core) -> None:
    lead = await make_lead(core)
    takers = [await make_actor(core, f"员工{n}") for n in range(100)]
    outcomes = await asyncio.gather(*(leads.claim(core, t, lead.id) for t in takers), return_exceptions=True)
    assert sum(isinstance(o, Lead) for o in outcomes) == 1
    assert {type(o) for o in outcomes if not isinstance(o, Lead)} == {LeadAlreadyClaimed}
    assert await AuditEntry.filter(action="lead.claim", object_id=lead.id).count() == 1


async def test_claim_is_refused_when_the_cap_is_reached(core: Core) -> None:
    actor = await make_actor(core)
    cap = core.settings.pools.claim_cap
    for n in range(cap):
        await make_lead(core, f"客户{n}", owner_id=actor.employee_id)
    lead = await make_lead(core)
    with pytest.raises(ClaimCapReached) as refused:
        await leads.claim(core, actor, lead.id)
    assert refused.value.sentence() == f"名下已有{cap}条未转化线索，达到上限{cap}，请先跟进或退回"
    await Lead.filter(name="客户0").update(status="discarded")
    assert (await leads.claim(core, actor, lead.id)).owner_id == actor.employee_id


async def test_history_and_reminders_go_to_the_contact(core: Core, clock: FakeClock) -> None:
    actor = await make_actor(core)
    lead = await make_lead(core, owner_id=actor.employee_id, company="东风机械厂")
    other = await make_lead(core, "李娜", owner_id=actor.employee_id)
    await activities.add_follow_up(core, actor, subject_of(other), summary="别人的")
    await activities.add_follow_up(core, actor, subject_of(lead), summary="一", stage="proposal")
    at = clock.now() + timedelta(days=1)
    set_by_hand = await reminders.create(core, actor, text="联系张伟", at=at, about_kind="lead", about_id=lead.id)
    customer, contact = await leads.convert(core, actor, lead.id)
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
    _, contact = await leads.convert(core, actor, lead.id)
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
    customer, _ = await leads.convert(core, actor, first.id)
    await activities.add_follow_up(core, actor, subject_of(second), summary="二")
    known, _ = await leads.convert(core, actor, second.id)
    assert known.id == customer.id
    assert (await Customer.get(id=customer.id)).last_follow_up_at == clock.now()


async def test_a_salesperson_claims_before_working_on_a_pool_lead(core: Core) -> None:
    seller, boss = await make_actor(core), await make_actor(core, "林经理", Role.MANAGER)
    lead = await make_lead(core, company="东风机械厂")

    async def each_refused() -> None:
        with pytest.raises(LeadNotOwned) as refused:
            await leads.update(core, seller, lead.id, need="机床")
        assert refused.value.sentence() == "线索「张伟」还在公海，请先领取"
        with pytest.raises(LeadNotOwned):
            await leads.update(core, seller, lead.id, owner_id=seller.employee_id)
        with pytest.raises(LeadNotOwned):
            await leads.discard(core, seller, lead.id, reason="打不通")
        with pytest.raises(LeadNotOwned):
            await leads.convert(core, seller, lead.id)

    await each_refused()
    assert (await leads.update(core, boss, lead.id, need="机床")).need == "机床"
    assert (await leads.assign(core, boss, lead.id, seller.employee_id or 0)).owner_id == seller.employee_id
    assert (await leads.update(core, seller, lead.id, need="两台")).need == "两台"
    await leads.release(core, seller, lead.id)
    await each_refused()
    assert (await leads.discard(core, SYSTEM, lead.id, reason="空号")).status == "discarded"


async def test_no_lead_is_converted_by_hand(core: Core) -> None:
    lead = await make_lead(core)
    for word in ("converted", "lost"):
        with pytest.raises(Invalid):
            await leads.update(core, SYSTEM, lead.id, status=word)


async def test_reopening_counts_against_the_cap(core: Core) -> None:
    actor = await make_actor(core)
    lead = await make_lead(core, owner_id=actor.employee_id)
    await leads.update(core, actor, lead.id, status="discarded")
    cap = core.settings.pools.claim_cap
    for n in range(cap):
        await make_lead(core, f"客户{n}", owner_id=actor.employee_id)
    with pytest.raises(ClaimCapReached):
        await leads.update(core, actor, lead.id, status="new")
    await Lead.filter(name="客户0").update(status="discarded")
    assert (await leads.update(core, actor, lead.id, status="new")).status == "new"
    assert (await leads.update(core, actor, lead.id, status="following")).status == "following"  # open already


async def test_a_conversion_takes_nobody_from_anybody(core: Core) -> None:
    boss = await make_employee(core, "陈经理", Role.MANAGER)
    first = await make_actor(core, "小王", manager_id=boss.id)
    second = await make_actor(core, "小李", manager_id=boss.id)
    theirs = await customers.add_customer(core, first, name="东风机械厂")
    lead = await make_lead(core, company="东风机械厂", owner_id=second.employee_id)
    customer, contact = await leads.convert(core, await employees.actor_of(boss), lead.id)
    assert customer.id != theirs.id
    assert (customer.owner_id, contact.owner_id) == (second.employee_id, second.employee_id)
    again = await make_lead(core, "李娜", company="东风机械厂", owner_id=second.employee_id)
    assert (await leads.convert(core, second, again.id))[0].id == customer.id


async def test_nobody_who_left_is_given_a_lead(core: Core) -> None:
    boss = await make_actor(core, "陈经理", Role.ADMIN)
    left = await make_employee(core, "小李", staff_id="staff-left")
    await employees.depart(core, boss, left.id)
    with pytest.raises(employees.AlreadyDeparted):
        await leads.add(core, boss, name="张伟", owner_id=left.id)
    assert not await Lead.all().exists()
