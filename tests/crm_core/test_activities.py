"""Follow-ups: written with audit, taken back within a day, remarked on by those who see them."""

from datetime import timedelta

import pytest

from crm_core import access, activities
from crm_core.access import Role
from crm_core.activities import FollowUp, FollowUpTooOldToUndo, subject_of
from crm_core.audit import AuditEntry
from crm_core.customers import Customer, add_contact, add_customer
from crm_core.employees import actor_of
from crm_core.errors import Invalid, NotFound, Refused
from crm_core.leads import Lead, LeadNotOwned
from crm_core.ports import Core
from tests.factories import SYSTEM, make_actor, make_employee, make_lead
from tests.fakes import FakeClock


async def test_follow_up_moves_the_lead_on_and_is_audited(core: Core, clock: FakeClock) -> None:
    actor = await make_actor(core)
    lead = await make_lead(core, owner_id=actor.employee_id)
    made = await activities.add_follow_up(core, actor, subject_of(lead), summary="嫌贵", method="phone")
    after = await Lead.get(id=lead.id)
    assert (after.status, after.last_follow_up_at) == ("following", clock.now())
    assert await AuditEntry.filter(action="follow_up.add", object_id=made.id).count() == 1


async def test_undo_ends_after_a_day(core: Core, clock: FakeClock) -> None:
    actor = await make_actor(core)
    subject = subject_of(await make_lead(core, owner_id=actor.employee_id))
    first = await activities.add_follow_up(core, actor, subject, summary="一")
    clock.advance(timedelta(hours=24, seconds=1))
    with pytest.raises(FollowUpTooOldToUndo):
        await activities.undo_follow_up(core, actor, first.id)
    second = await activities.add_follow_up(core, actor, subject, summary="二")
    assert (await activities.undo_follow_up(core, actor, second.id)).undone_at is not None
    assert [row.summary for row in await activities.history(subject)] == ["一"]


async def test_remark_is_for_those_who_see_the_record(core: Core) -> None:
    boss = await make_employee(core, "林经理", Role.MANAGER)
    seller = await actor_of(await make_employee(core, "小王", manager_id=boss.id))
    peer = await make_actor(core, "小陈")
    made = await activities.add_follow_up(
        core, seller, subject_of(await make_lead(core, owner_id=seller.employee_id)), summary="好"
    )
    with pytest.raises(NotFound):
        await activities.comment(core, peer, made.id, "加油")
    with pytest.raises(Invalid):
        await activities.comment(core, await actor_of(boss), made.id, " ")
    assert (await activities.comment(core, await actor_of(boss), made.id, "价格别再让")).text == "价格别再让"


async def test_viewer_may_not_write(core: Core) -> None:
    viewer = await make_actor(core, "访客", Role.VIEWER)
    with pytest.raises(Refused):
        await activities.add_follow_up(core, viewer, subject_of(await make_lead(core)), summary="好")
    assert await FollowUp.all().count() == 0


async def test_owner_sees_what_others_wrote_about_their_people_and_a_peer_does_not(core: Core) -> None:
    boss = await make_employee(core, "林经理", Role.MANAGER)
    seller = await actor_of(await make_employee(core, "小王", manager_id=boss.id))
    peer = await make_actor(core, "小陈")
    subject = subject_of(await make_lead(core, owner_id=seller.employee_id))
    made = await activities.add_follow_up(core, await actor_of(boss), subject, summary="替他回访")
    assert (await access.load(FollowUp, seller, made.id)).summary == "替他回访"
    with pytest.raises(NotFound):
        await access.load(FollowUp, peer, made.id)


async def test_only_the_author_or_admin_takes_a_record_back(core: Core) -> None:
    boss = await make_employee(core, "林经理", Role.MANAGER)
    seller = await actor_of(await make_employee(core, "小王", manager_id=boss.id))
    subject = subject_of(await make_lead(core, owner_id=seller.employee_id))
    manager = await actor_of(boss)
    theirs = await activities.add_follow_up(core, manager, subject, summary="替他回访")
    own = await activities.add_follow_up(core, seller, subject, summary="聊过")
    token = access.Actor(Role.MANAGER, "token:erp")
    for actor, record in ((seller, theirs), (manager, own), (token, own)):
        with pytest.raises(Refused):
            await activities.undo_follow_up(core, actor, record.id)
        with pytest.raises(Refused):
            await activities.update_follow_up(core, actor, record.id, summary="改")
    await activities.undo_follow_up(core, manager, theirs.id)
    await activities.undo_follow_up(core, await make_actor(core, "管理员", Role.ADMIN), own.id)
    assert await FollowUp.filter(undone_at=None).count() == 0


async def test_the_last_follow_up_is_the_newest_that_stands(core: Core, clock: FakeClock) -> None:
    actor = await make_actor(core)
    lead = await make_lead(core, owner_id=actor.employee_id)
    now, before = clock.now(), clock.now() - timedelta(days=3)

    async def state() -> tuple[str, object]:
        row = await Lead.get(id=lead.id)
        return row.status, row.last_follow_up_at

    newer = await activities.add_follow_up(core, actor, subject_of(lead), summary="今天")
    older = await activities.add_follow_up(core, actor, subject_of(lead), summary="补记", at=before)
    assert await state() == ("following", now)
    await activities.undo_follow_up(core, actor, newer.id)
    assert await state() == ("following", before)
    await activities.update_follow_up(core, actor, older.id, at=before - timedelta(days=1))
    assert await state() == ("following", before - timedelta(days=1))
    await activities.undo_follow_up(core, actor, older.id)
    assert await state() == ("new", None)


async def test_a_customers_last_follow_up_counts_its_contacts(core: Core, clock: FakeClock) -> None:
    actor = await make_actor(core)
    customer = await add_customer(core, actor, name="东风机械厂")
    contact = await add_contact(core, actor, name="张伟", customer_id=customer.id)
    now, before = clock.now(), clock.now() - timedelta(days=3)
    about_contact = await activities.add_follow_up(core, actor, subject_of(contact), summary="电话")
    await activities.add_follow_up(core, actor, subject_of(customer), summary="补记", at=before)
    assert (await Customer.get(id=customer.id)).last_follow_up_at == now
    await activities.undo_follow_up(core, actor, about_contact.id)
    assert (await Customer.get(id=customer.id)).last_follow_up_at == before


async def test_undo_leaves_a_discarded_lead_discarded(core: Core) -> None:
    actor = await make_actor(core)
    lead = await make_lead(core, owner_id=actor.employee_id)
    made = await activities.add_follow_up(core, actor, subject_of(lead), summary="聊过")
    await lead.change(core, status="discarded")
    await activities.undo_follow_up(core, actor, made.id)
    assert (await Lead.get(id=lead.id)).status == "discarded"


async def test_a_pool_lead_is_claimed_before_it_is_followed_up(core: Core) -> None:
    seller = await make_actor(core)
    lead = await make_lead(core)
    with pytest.raises(LeadNotOwned):
        await activities.add_follow_up(core, seller, subject_of(lead), summary="聊过")
    assert (await Lead.get(id=lead.id)).status == "new"
    await activities.add_follow_up(core, SYSTEM, subject_of(lead), summary="来电")
