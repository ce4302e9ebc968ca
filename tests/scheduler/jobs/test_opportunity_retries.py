"""Lost and shelved deals come back to their owner as a todo on their day, once."""

from datetime import UTC, datetime, timedelta

from crm_core.employees import Employee, actor_of
from crm_core.opportunities import Opportunity
from crm_core.ports import Core
from crm_core.win_loss import lose, plan_retry, reopen, shelve
from scheduler.jobs.opportunity_retries import run
from scheduler.reminders import Reminder
from tests.factories import make_deal, make_employee
from tests.fakes import FakeClock


async def test_a_lost_deal_comes_back_on_its_day_and_once(core: Core, clock: FakeClock) -> None:
    owner = await make_employee(core)
    actor = await actor_of(owner)
    deal = await make_deal(core, actor)
    await lose(core, actor, deal.id, reason="嫌贵", competitor="华星", retry_on="2026-12-25")
    assert await run(core) == 0
    clock.set(datetime(2026, 12, 24, 16, 1, tzinfo=UTC))
    assert await run(core) == 1
    assert await run(core) == 0
    todo = await Reminder.get()
    assert (todo.owner_id, todo.at) == (owner.id, datetime(2026, 12, 25, 1, tzinfo=UTC))
    assert todo.text == "商机「智能网关」可以再试了（上次：嫌贵，输给华星）；继续跟请说：重启 智能网关"
    await plan_retry(core, actor, deal.id, "2027-01-05")
    clock.advance(timedelta(days=20))
    assert await run(core) == 1


async def test_a_shelved_deal_comes_back_to_its_present_owner(core: Core, clock: FakeClock) -> None:
    old, new = await make_employee(core), await make_employee(core, "小李")
    actor = await actor_of(old)
    deal = await make_deal(core, actor)
    await shelve(core, actor, deal.id, until="2026-12-25", reason="没预算")
    await Opportunity.filter(id=deal.id).update(owner_id=new.id)
    clock.advance(timedelta(days=31))
    assert await run(core) == 1
    todo = await Reminder.get()
    assert (todo.owner_id, todo.text) == (new.id, "商机「智能网关」搁置到期，请再联系；继续跟请说：重启 智能网关")


async def test_what_was_opened_again_or_has_no_owner_does_not_come_back(core: Core, clock: FakeClock) -> None:
    gone = await make_employee(core)
    actor = await actor_of(gone)
    opened, left = await make_deal(core, actor), await make_deal(core, actor)
    for deal in (opened, left):
        await lose(core, actor, deal.id, reason="贵", competitor="无", retry_on="2026-12-25")
    await reopen(core, actor, opened.id)
    await Employee.filter(id=gone.id).update(departed_at=clock.now())
    clock.advance(timedelta(days=60))
    assert await run(core) == 0
    await Employee.filter(id=gone.id).update(departed_at=None)
    assert await run(core) == 1
