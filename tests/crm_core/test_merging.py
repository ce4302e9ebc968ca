"""Merging: every child goes along, each need is counted, one of many wins, and an undo gives the start back."""

import asyncio
from typing import Any

import pytest

from crm_core import access, activities, change_sets, merging, personal_data, segments
from crm_core.access import Actor, Role
from crm_core.accounts import Account
from crm_core.activities import subject_of
from crm_core.change_sets import ChangeSet
from crm_core.customers import Contact, Customer
from crm_core.employees import actor_of
from crm_core.errors import Invalid, NotFound
from crm_core.holdings import HOLDINGS
from crm_core.identity import Person, hanging, new_person
from crm_core.leads import Lead, LeadNotOwned
from crm_core.merging import AlreadyMerged, BothConverted
from crm_core.ports import Core
from scheduler import reminders
from tests.factories import SYSTEM, make_actor, make_customer_account, make_employee, make_lead
from tests.fakes import FakeClock
from tests.fingerprints import counts, fingerprint


async def make_contact(core: Core, name: str, **values: Any) -> Contact:
    contact: Contact = await Contact.add(core, person_id=await new_person(core), name=name, **values)
    return contact


async def test_everything_that_hangs_on_a_lead_goes_along_and_comes_back(core: Core, clock: FakeClock) -> None:
    actor = await make_actor(core)
    keep = await make_lead(core, owner_id=actor.employee_id, source="展会", need="20台网关")
    clock.advance(3600)
    drop = await make_lead(
        core, owner_id=actor.employee_id, source="官网", need="5台交换机", title="采购", mobile="13800138000"
    )
    await make_customer_account(core, drop)
    await segments.add_tags(core, SYSTEM, keep.person_id, ["VIP"], manual=False)
    await segments.add_tags(core, SYSTEM, drop.person_id, ["VIP", "制造业"])
    await activities.add_follow_up(core, actor, subject_of(drop), summary="电话")
    await reminders.create(core, actor, text="再联系", at=clock.now(), about_kind="lead", about_id=drop.id)
    start, rows = await fingerprint(core), await counts()

    changes = await merging.merge(core, actor, "lead", keep.id, drop.id)

    merged = await access.load(Lead, actor, drop.id)
    assert (merged.id, merged.intent_count, merged.mobile, merged.title) == (keep.id, 2, "+8613800138000", "采购")
    assert (merged.need, merged.source, merged.status) == ("5台交换机", "展会", "following")
    assert (await Account.get(external_id="oZhangWei")).person_id == keep.person_id
    assert await segments.tags_of(keep.person_id) == ["VIP", "制造业"]
    assert await segments.remove_tags(core, SYSTEM, keep.person_id, ["VIP"], manual=False) == ["VIP", "制造业"]
    assert [row.summary for row in await activities.history(subject_of(merged))] == ["电话"]
    assert (await reminders.Reminder.get(about_kind="lead")).about_id == keep.id
    assert [need.need for need in await merging.needs_of(merged)] == ["20台网关", "5台交换机"]
    assert {table: count for table, count in (await counts()).items() if rows[table] > count} == {}
    assert (await Person.get(id=drop.person_id)).merged_into_id == keep.person_id

    await change_sets.undo(core, actor, changes.id)
    assert await fingerprint(core) == start


async def test_merged_twice_answers_with_the_last_that_stands(core: Core) -> None:
    one, two, three = [await make_lead(core, name) for name in ("一一", "二二", "三三")]
    start = await fingerprint(core)
    first = await merging.merge(core, SYSTEM, "lead", two.id, one.id)
    second = await merging.merge(core, SYSTEM, "lead", three.id, two.id)
    assert (await access.load(Lead, SYSTEM, one.id)).id == three.id
    assert (await Person.get(id=one.person_id)).merged_into_id == three.person_id
    assert len(await merging.needs_of(await Lead.get(id=three.id))) == 3
    with pytest.raises(change_sets.LaterChangesFirst):
        await change_sets.undo(core, SYSTEM, first.id)
    await change_sets.undo(core, SYSTEM, second.id)
    await change_sets.undo(core, SYSTEM, first.id)
    assert await fingerprint(core) == start


async def test_of_many_who_merge_the_same_at_once_one_wins(core: Core) -> None:
    keep, drop = await make_lead(core, "一一"), await make_lead(core, "二二")
    done = await asyncio.gather(
        *(merging.merge(core, SYSTEM, "lead", *pair) for pair in ((keep.id, drop.id), (drop.id, keep.id)) * 5),
        return_exceptions=True,
    )
    assert sum(isinstance(one, ChangeSet) for one in done) == 1
    assert {type(one) for one in done if not isinstance(one, ChangeSet)} == {AlreadyMerged}
    assert await Lead.filter(merged_into_id=None).count() == 1
    assert sum(await Lead.filter(merged_into_id=None).values_list("intent_count", flat=True)) == 2  # type: ignore[arg-type]


async def test_a_salesperson_merges_only_what_is_their_own(core: Core) -> None:
    actor = await make_actor(core)
    mine, pool = await make_lead(core, owner_id=actor.employee_id), await make_lead(core, mobile="13800138000")
    foreign = await make_lead(core, owner_id=(await make_employee(core, "小陈")).id)
    with pytest.raises(LeadNotOwned):
        await merging.merge(core, actor, "lead", mine.id, pool.id)
    with pytest.raises(NotFound):
        await merging.merge(core, actor, "lead", mine.id, foreign.id)
    with pytest.raises(Invalid):
        await merging.merge(core, actor, "lead", mine.id, mine.id)
    assert await Lead.filter(merged_into_id=None).count() == 3


async def test_contacts_take_their_leads_and_subordinates_along(core: Core) -> None:
    boss = await make_contact(core, "张总")
    twin = await make_contact(core, "张总经理", mobile="+8613800138000")
    below = await make_contact(core, "李四", reports_to_id=twin.id)
    await boss.change(core, reports_to_id=twin.id)
    lead = await make_lead(core)
    await lead.change(core, contact_id=twin.id, status="converted")
    start = await fingerprint(core)
    changes = await merging.merge(core, SYSTEM, "contact", boss.id, twin.id)
    kept = await Contact.get(id=boss.id)
    assert (kept.mobile, kept.reports_to_id) == ("+8613800138000", None)
    assert (await Contact.get(id=below.id)).reports_to_id == boss.id
    assert (await Lead.get(id=lead.id)).contact_id == boss.id
    await change_sets.undo(core, SYSTEM, changes.id)
    assert await fingerprint(core) == start


async def test_customers_take_contacts_children_and_owner_along(core: Core) -> None:
    first, second = await make_employee(core, "小王"), await make_employee(core, "小陈")
    keep: Customer = await Customer.add(core, name="东风机械有限公司", owner_id=first.id)
    drop: Customer = await Customer.add(core, name="东风机械", owner_id=second.id, industry="制造", parent_id=keep.id)
    branch: Customer = await Customer.add(core, name="东风机械上海", parent_id=drop.id)
    contact = await make_contact(core, "张伟", customer_id=drop.id, owner_id=second.id)
    start = await fingerprint(core)
    changes = await merging.merge(core, SYSTEM, "customer", keep.id, drop.id)
    kept = await Customer.get(id=keep.id)
    assert (kept.name, kept.industry, kept.parent_id) == ("东风机械有限公司", "制造", None)
    assert (await Customer.get(id=branch.id)).parent_id == keep.id
    moved = await Contact.get(id=contact.id)
    assert (moved.customer_id, moved.owner_id) == (keep.id, first.id)
    await change_sets.undo(core, SYSTEM, changes.id)
    assert await fingerprint(core) == start


async def test_a_converted_lead_takes_the_other_in_as_its_contact(core: Core, clock: FakeClock) -> None:
    keep, drop = await make_lead(core), await make_lead(core, mobile="13800138000")
    contact = await make_contact(core, "张伟")
    await keep.change(core, contact_id=contact.id, status="converted")
    await activities.add_follow_up(core, SYSTEM, subject_of(drop), summary="电话")
    start = await fingerprint(core)
    changes = await merging.merge(core, SYSTEM, "lead", keep.id, drop.id)
    gone = await Lead.get(id=drop.id)
    assert (gone.status, gone.contact_id) == ("converted", contact.id)
    assert (await Contact.get(id=contact.id)).mobile == "+8613800138000"
    assert [row.summary for row in await activities.history(subject_of(await Contact.get(id=contact.id)))] == ["电话"]
    with pytest.raises(BothConverted):
        await merging.merge(core, SYSTEM, "lead", keep.id, drop.id)
    await change_sets.undo(core, SYSTEM, changes.id)
    assert await fingerprint(core) == start


async def test_what_the_house_merged_is_for_the_owner_to_undo(core: Core) -> None:
    employee = await make_employee(core)
    keep, drop = [await make_lead(core, owner_id=employee.id) for _ in range(2)]
    changes = await merging.merge(core, SYSTEM, "lead", keep.id, drop.id, by_hand=False)
    other = await make_actor(core, "小陈")
    with pytest.raises(NotFound):
        await change_sets.undo(core, other, changes.id)
    assert [one.id for one in await merging.merges_of("lead", drop.id)] == [changes.id]
    await change_sets.undo(core, await actor_of(employee), changes.id)
    assert await merging.merges_of("lead", drop.id) == []


async def test_roles_without_the_right_merge_nothing(core: Core) -> None:
    keep, drop = await make_lead(core), await make_lead(core)
    for role in (Role.VIEWER, Role.MARKETER):
        with pytest.raises(access.Refused):
            await merging.merge(core, Actor(role=role, name="x"), "lead", keep.id, drop.id)
    await merging.merge(core, Actor(role=Role.ADMIN, name="x"), "lead", keep.id, drop.id)


async def test_an_export_or_erasure_of_either_number_is_of_both(core: Core) -> None:
    keep, drop = await make_lead(core, "一一", mobile="13800138000"), await make_lead(core, "二二", mobile="13900139000")
    await merging.merge(core, SYSTEM, "lead", keep.id, drop.id)
    for number in (keep.person_id, drop.person_id):
        found = await core.db.read(personal_data.find(number))
        assert found is not None
        assert set(found.numbers["persons"]) == {keep.person_id, drop.person_id}
        assert set(found.numbers["leads"]) == {keep.id, drop.id}
        given = await personal_data.export(core, SYSTEM, number, HOLDINGS)
        assert {row["name"] for row in given["leads"]} == {"一一", "二二"}
    gone, _ = await personal_data.erase(core, SYSTEM, drop.person_id, HOLDINGS)
    assert gone.rows["leads"] == 2
    assert await Lead.all().count() == 0


async def test_every_table_with_a_person_or_subject_is_moved_or_says_why_not(core: Core) -> None:
    told = {(hang.table, hang.column) for noun in ("person", "lead", "contact", "customer") for hang in hanging(noun)}
    assert {("accounts", "person_id"), ("taggings", "person_id"), ("recipients", "person_id")} <= told
    assert {("follow_ups", "subject_id"), ("reminders", "about_id"), ("contacts", "customer_id")} <= told
    assert {("customers", "parent_id"), ("contacts", "reports_to_id"), ("leads", "contact_id")} <= told
    assert ("leads", "person_id") not in told


async def test_the_merges_of_a_record_are_those_that_made_it_one_of_two(core: Core) -> None:
    one, two, three = [await make_lead(core, name) for name in ("一", "二", "三")]
    first = await merging.merge(core, SYSTEM, "lead", two.id, three.id)
    assert [each.id for each in await merging.merges_of("lead", two.id)] == [first.id]
    second = await merging.merge(core, SYSTEM, "lead", one.id, two.id)
    assert [each.id for each in await merging.merges_of("lead", one.id)] == [second.id]
    assert await merging.merges_of("contact", one.id) == []
