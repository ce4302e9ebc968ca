"""Recurring visits per level: made, counted anew when done early, and handed over with the customer."""

from dataclasses import replace
from datetime import date, timedelta

from crm_core import activities, customers, outings, visit_plans
from crm_core.activities import Method, subject_of
from crm_core.clock import local_day
from crm_core.daily_work_rules import DailyWorkSettings, VisitRhythm
from crm_core.field_visits import FieldVisit
from crm_core.ports import Core
from tests.factories import make_actor
from tests.fakes import FakeClock

RHYTHMS = DailyWorkSettings(rhythms=(VisitRhythm(("A",), 7), VisitRhythm(("B", "C"), 30)))


def with_rhythms(core: Core) -> Core:
    return replace(core, settings=replace(core.settings, daily_work=RHYTHMS))


async def test_each_level_has_its_next_visit_and_one_only(core: Core, clock: FakeClock) -> None:
    core = with_rhythms(core)
    actor = await make_actor(core)
    for name, grade in (("甲公司", "A"), ("乙公司", "B"), ("丁公司", "D")):
        made = await customers.add_customer(core, actor, name=name)
        await made.change(core, grade=grade)
    assert await visit_plans.make(core) == 2
    assert await visit_plans.make(core) == 0
    visits = {each.name: each for each in await FieldVisit.all()}
    assert set(visits) == {"甲公司", "乙公司"}
    assert {local_day(each.planned_at) for each in visits.values()} == {date(2026, 11, 26)}
    assert (visits["甲公司"].rhythm_days, visits["甲公司"].employee_id) == (7, actor.employee_id)


async def test_a_visit_made_early_moves_the_next_one(core: Core, clock: FakeClock) -> None:
    core = with_rhythms(core)
    actor = await make_actor(core)
    customer = await customers.add_customer(core, actor, name="甲公司")
    await customer.change(core, grade="A")
    await visit_plans.make(core)
    await activities.add_follow_up(core, actor, subject_of(customer), method=Method.VISIT.value, summary="路过")
    assert local_day((await FieldVisit.get()).planned_at) == date(2026, 12, 2)
    clock.advance(timedelta(days=1))
    await outings.arrive(core, actor, outings.Stop("甲公司", core.clock.now(), subject_of(customer)))
    coming = await FieldVisit.get(checked_in_at=None)
    assert local_day(coming.planned_at) == date(2026, 12, 3)
    # Done on its day: the next one is made, counted from then.
    clock.advance(timedelta(days=7))
    await outings.check_in(core, actor, coming.id)
    assert await visit_plans.make(core) == 1
    assert local_day((await FieldVisit.get(checked_in_at=None)).planned_at) == date(2026, 12, 10)


async def test_a_phone_call_is_no_visit_and_a_new_owner_gets_the_plan(core: Core) -> None:
    core = with_rhythms(core)
    actor, peer = await make_actor(core), await make_actor(core, "小陈")
    customer = await customers.add_customer(core, actor, name="甲公司")
    await customer.change(core, grade="A")
    await visit_plans.make(core)
    await activities.add_follow_up(core, actor, subject_of(customer), method=Method.PHONE.value, summary="约时间")
    assert local_day((await FieldVisit.get()).planned_at) == date(2026, 11, 26)
    await customer.change(core, owner_id=peer.employee_id)
    await visit_plans.make(core)
    assert (await FieldVisit.get()).employee_id == peer.employee_id
