"""Outings: registered, made, moved, called off; tied to the record of the day; seen by whom they concern."""

from datetime import timedelta

import pytest

from crm_core import activities, customers, outings
from crm_core.access import Role
from crm_core.activities import Method, subject_of
from crm_core.clock import day_bounds, today
from crm_core.errors import Invalid, NotFound, Refused
from crm_core.field_visits import FieldVisit
from crm_core.outings import Stop, VisitClosed
from crm_core.ports import Core
from tests.factories import make_actor
from tests.fakes import FakeClock


async def test_an_outing_is_registered_checked_in_and_taken_back(core: Core, clock: FakeClock) -> None:
    actor = await make_actor(core)
    customer = await customers.add_customer(core, actor, name="云帆科技")
    later = core.clock.now() + timedelta(hours=3)
    visit = await outings.register(core, actor, Stop("云帆科技", later, subject_of(customer), "张江路88号", "送样品"))
    assert (visit.customer_id, visit.subject_kind, outings.state_of(visit)) == (customer.id, "customer", "待拜访")
    made = await outings.check_in(core, actor, visit.id, place="门口")
    assert (outings.state_of(made), made.check_in_place) == ("已签到", "门口")
    with pytest.raises(VisitClosed):
        await outings.check_in(core, actor, visit.id)
    with pytest.raises(VisitClosed):
        await outings.move(core, actor, visit.id, later)
    assert (await outings.undo_check_in(core, actor, visit.id)).checked_in_at is None
    assert (await outings.move(core, actor, visit.id, later + timedelta(days=1))).planned_at == later + timedelta(days=1)
    assert outings.state_of(await outings.cancel(core, actor, visit.id)) == "已取消"
    assert outings.state_of(await outings.cancel(core, actor, visit.id, undo=True)) == "待拜访"


async def test_a_plan_is_all_or_nothing(core: Core) -> None:
    actor = await make_actor(core)
    later = core.clock.now() + timedelta(days=1)
    for wrong in (Stop("", later), Stop("云帆科技", later + timedelta(days=400)), Stop("云帆科技", later - timedelta(days=9))):
        with pytest.raises(Invalid):
            await outings.register_all(core, actor, [Stop("华兴贸易", later), wrong])
    assert await FieldVisit.all().count() == 0
    with pytest.raises(Refused):
        await outings.register(core, await make_actor(core, "旁观", Role.VIEWER), Stop("华兴贸易", later))


async def test_a_record_is_tied_to_the_outing_of_its_day_and_writer(core: Core, clock: FakeClock) -> None:
    actor, peer = await make_actor(core), await make_actor(core, "小陈")
    customer = await customers.add_customer(core, actor, name="云帆科技")
    contact = await customers.add_contact(core, actor, name="李娜", customer_id=customer.id)
    for hours in (1, 26):
        stop = Stop("", core.clock.now() + timedelta(hours=hours), subject_of(customer))
        await outings.register(core, actor, Stop("云帆科技", stop.at, stop.subject))
    clock.advance(timedelta(hours=2))
    start, end = day_bounds(today(core.clock))
    assert len(await outings.unrecorded(core, actor, start, end)) == 1
    record = await activities.add_follow_up(core, actor, subject_of(contact), method=Method.VISIT.value, summary="要报价")
    first, second = await FieldVisit.all().order_by("planned_at")
    assert (first.follow_up_id, second.follow_up_id) == (record.id, None)
    assert first.checked_in_at == record.at
    assert await outings.unrecorded(core, actor, start, end) == []
    assert await outings.list_visits(core, peer, start, end) == []
    with pytest.raises(NotFound):
        await outings.cancel(core, peer, first.id)
    await activities.undo_follow_up(core, actor, record.id)
    assert (await FieldVisit.get(id=first.id)).follow_up_id is None


async def test_arriving_uses_the_outing_of_today(core: Core) -> None:
    actor = await make_actor(core)
    now = core.clock.now()
    planned = await outings.register(core, actor, Stop("华兴贸易", now + timedelta(hours=2)))
    there, was_planned = await outings.arrive(core, actor, Stop("华兴贸易", now))
    assert (there.id, was_planned) == (planned.id, True)
    again, was_planned = await outings.arrive(core, actor, Stop("华兴贸易", now))
    assert (again.id != planned.id, was_planned) == (True, False)


async def test_a_check_in_at_the_customer_takes_the_planned_outing_of_the_day(core: Core, clock: FakeClock) -> None:
    actor = await make_actor(core)
    row = await customers.add_customer(core, actor, name="东吴集团")
    person = await customers.add_contact(core, actor, name="孙权", customer_id=row.id)
    at_him, there = subject_of(person), subject_of(row)
    planned = await outings.register(core, actor, Stop("孙权", clock.now() + timedelta(hours=3), at_him))
    visit, was_planned = await outings.arrive(core, actor, Stop("东吴集团", clock.now(), there))
    assert (visit.id, was_planned) == (planned.id, True)
    start, end = clock.now() - timedelta(hours=1), clock.now() + timedelta(hours=8)
    assert [each.id for each in await outings.unrecorded(core, actor, start, end)] == [planned.id]
