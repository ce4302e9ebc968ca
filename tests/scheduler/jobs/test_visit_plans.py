"""The plan of recurring visits is looked at once a day."""

from dataclasses import replace

from crm_core import customers
from crm_core.daily_work_rules import DailyWorkSettings, VisitRhythm
from crm_core.field_visits import FieldVisit
from crm_core.ports import Core
from scheduler.jobs import visit_plans
from tests.factories import make_actor


async def test_visits_are_planned_once_a_day(core: Core) -> None:
    settings = DailyWorkSettings(rhythms=(VisitRhythm(("A",), 14),))
    core = replace(core, settings=replace(core.settings, daily_work=settings))
    made = await customers.add_customer(core, await make_actor(core), name="甲公司")
    await made.change(core, grade="A")
    assert await visit_plans.run(core)
    assert not await visit_plans.run(core)
    assert await FieldVisit.all().count() == 1
