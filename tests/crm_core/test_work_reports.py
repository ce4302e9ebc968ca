"""Reports: one of a kind for each time, pre-filled, read by the manager alone."""

from datetime import date, timedelta

import pytest

from crm_core import activities, customers, work_reports, work_summaries
from crm_core.access import Role
from crm_core.activities import Method, subject_of
from crm_core.employees import Employee, actor_of
from crm_core.errors import Invalid, NotFound, Refused
from crm_core.ports import Core
from crm_core.work_reports import ReportKind, WorkReport
from tests.factories import SYSTEM, make_actor, make_deal, make_employee


async def test_the_same_report_again_replaces_and_can_be_withdrawn(core: Core) -> None:
    actor = await make_actor(core)
    first, before = await work_reports.submit(core, actor, ReportKind.WEEKLY, "拜访5家")
    again, replaced = await work_reports.submit(core, actor, ReportKind.WEEKLY, "拜访6家")
    assert (first.id, before, replaced, again.period_on) == (again.id, "", "拜访5家", date(2026, 11, 23))
    assert await WorkReport.all().count() == 1
    assert (await work_reports.withdraw(core, actor, first.id, text=replaced)).text == "拜访5家"
    await work_reports.withdraw(core, actor, first.id)
    assert await work_reports.list_reports(core, actor, ReportKind.WEEKLY, date(2026, 11, 23)) == []


async def test_nonsense_is_refused(core: Core) -> None:
    actor = await make_actor(core)
    for text, day in (
        (" ", None),
        ("好", date(2027, 1, 1)),
        ("好", date(1, 1, 1)),
        ("好", date(2025, 11, 20)),
        ("长" * 6000, None),
    ):
        with pytest.raises(Invalid):
            await work_reports.submit(core, actor, ReportKind.DAILY, text, day=day)
        with pytest.raises(Invalid):
            await work_reports.submit(core, actor, ReportKind.WEEKLY, text, day=day)
    with pytest.raises(Invalid):
        await work_reports.submit(core, SYSTEM, ReportKind.DAILY, "好")
    assert await WorkReport.all().count() == 0


async def test_a_manager_reads_the_teams_and_a_peer_does_not(core: Core) -> None:
    boss = await make_employee(core, "老周", Role.MANAGER)
    actor, peer = await make_actor(core, manager_id=boss.id), await make_actor(core, "小陈")
    row, _ = await work_reports.submit(core, actor, ReportKind.DAILY, "拜访3家")
    day = date(2026, 11, 25)
    assert [each.id for each in await work_reports.list_reports(core, await actor_of(boss), ReportKind.DAILY, day)] == [row.id]
    assert await work_reports.list_reports(core, peer, ReportKind.DAILY, day) == []
    with pytest.raises(NotFound):
        await work_reports.withdraw(core, peer, row.id)
    with pytest.raises(Invalid):
        await work_reports.withdraw(core, await actor_of(boss), row.id)


async def test_a_summary_counts_what_was_done_and_gives_advice(core: Core) -> None:
    boss = await make_employee(core, "老周", Role.MANAGER)
    actor, peer = await make_actor(core, manager_id=boss.id), await make_actor(core, "小陈")
    customer = await customers.add_customer(core, actor, name="云帆科技")
    await make_deal(core, actor, customer_id=customer.id)
    for method in (Method.PHONE, Method.PHONE, Method.VISIT):
        await activities.add_follow_up(core, actor, subject_of(customer), method=method.value, summary="谈了")
    now = core.clock.now()
    span = (now - timedelta(days=1), now + timedelta(days=1))
    found = await work_summaries.summarise(core, await actor_of(boss), actor.employee_id or 0, *span)
    assert (found.follow_ups, found.customers, found.follow_up_count) == ({"phone": 2, "visit": 1}, 1, 3)
    assert [each.name for each in found.moved] == ["智能网关"]
    assert "跟进3条（电话2、拜访1），涉及1位客户" in work_summaries.words_of(found)
    assert work_summaries.advice_of(found) == ["还没有后面的拜访安排（说“周计划 周一 客户名”）"]
    with pytest.raises(Refused):
        await work_summaries.summarise(core, peer, actor.employee_id or 0, *span)
    assert await Employee.all().count() == 3
