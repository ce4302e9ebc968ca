"""On Friday (and each day, if the settings say so): ask who works for the report, with what the records say already."""

from datetime import timedelta

from crm_core import employees, work_summaries
from crm_core.access import Role
from crm_core.calendar import is_workday
from crm_core.clock import local_day, today
from crm_core.employees import Employee
from crm_core.ports import Core
from crm_core.work_reports import REPORT_LABELS, ReportKind, WorkReport, bounds_of, period_of
from scheduler.notices import tell
from scheduler.queue import Periodic, once_a_day


async def run(core: Core) -> bool:
    """Ask once for each report that is due today; tells whether anybody was asked now."""
    settings, day = core.settings.daily_work, today(core.clock)
    asked = False
    if settings.report_weekday == day.isoweekday() and is_workday(day):
        asked |= await once_a_day(core, "weekly_reports", settings.report_at, lambda: ask_all(core, ReportKind.WEEKLY))
    if settings.daily_reports and is_workday(day):
        asked |= await once_a_day(core, "daily_reports", settings.daily_report_at, lambda: ask_all(core, ReportKind.DAILY))
    return asked


async def ask_all(core: Core, kind: ReportKind) -> int:
    """Ask every salesperson who has not handed it in; tells how many were asked."""
    first = period_of(kind, today(core.clock))
    done = set(
        await WorkReport.filter(kind=kind.value, period_on=first, withdrawn_at=None).values_list("employee_id", flat=True)
    )
    count = 0
    for employee in await Employee.filter(role=Role.SALES.value, departed_at=None).order_by("id"):
        if employee.id in done:
            continue
        actor = await employees.actor_of(employee)
        found = await work_summaries.summarise(core, actor, employee.id, *bounds_of(kind, first))
        key = f"work_report:{kind.value}:{employee.id}:{local_day(core.clock.now())}"
        count += await core.db.run(tell(core, employee.id, ask_text(kind, found), key=key, topic="work_report"))
    return count


def ask_text(kind: ReportKind, found: work_summaries.Summary) -> str:
    """Word the question, with the figures and what they call for."""
    label, span = REPORT_LABELS[kind], "本周" if kind is ReportKind.WEEKLY else "今天"
    advice = work_summaries.advice_of(found)
    lines = [f"该交{label}了。{span}按记录：", work_summaries.words_of(found)]
    lines += [f"建议：{'；'.join(advice)}"] if advice else []
    plan = "、下周打算做什么" if kind is ReportKind.WEEKLY else "、明天打算做什么"
    return "\n".join([*lines, f"回复「{label}：按草稿」直接提交，或写总结{plan}：{label}：……"])


PERIODIC = Periodic(name="work_reports", every=timedelta(minutes=1), run=run, time_limit=timedelta(minutes=5))
