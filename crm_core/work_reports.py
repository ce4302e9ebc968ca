"""Daily and weekly reports of work (日报、周报): pre-filled from the records, written by the employee, read by the manager."""

from datetime import date, datetime, time, timedelta
from enum import StrEnum

from tortoise import fields

from crm_core import access
from crm_core.access import Actor
from crm_core.clock import at_local, today
from crm_core.daily_work_rules import week_of
from crm_core.db import Entity, UtcDatetimeField
from crm_core.errors import Invalid
from crm_core.ports import Core
from crm_core.work_summaries import Summary, summarise, words_of

MAX_TEXT = 5000
LONGEST_AGO = timedelta(days=366)
"""How far back a report may still be handed in."""


class ReportKind(StrEnum):
    """Of what time a report is."""

    DAILY = "daily"
    WEEKLY = "weekly"


REPORT_LABELS = {ReportKind.DAILY: "日报", ReportKind.WEEKLY: "周报"}


class WorkReport(Entity):
    """What somebody wrote about a day or a week; the same one again replaces its text."""

    owner_field = "employee_id"

    employee_id = fields.BigIntField()
    kind = fields.CharField(max_length=16)
    period_on = fields.DateField()
    """The day, or the Monday of the week."""
    text = fields.TextField()
    figures = fields.TextField(default="")
    """What the records said when it was written, in words."""
    submitted_at = UtcDatetimeField()
    withdrawn_at = UtcDatetimeField(null=True)

    class Meta:
        """One of a kind for each time."""

        table = "work_reports"
        unique_together = (("employee_id", "kind", "period_on"),)


def period_of(kind: ReportKind, day: date) -> date:
    """Tell the first day of the time a report of this day is about."""
    return week_of(day) if kind is ReportKind.WEEKLY else day


def bounds_of(kind: ReportKind, first: date) -> tuple[datetime, datetime]:
    """Tell the half-open time a report is about."""
    days = 7 if kind is ReportKind.WEEKLY else 1
    return at_local(first, time()), at_local(first + timedelta(days=days), time())


async def prefill(core: Core, actor: Actor, kind: ReportKind, day: date | None = None) -> tuple[Summary, str]:
    """Gather what the actor's own records say about the time, and put it into words."""
    first = period_of(kind, day or today(core.clock))
    found = await summarise(core, actor, _employee(actor), *bounds_of(kind, first))
    return found, words_of(found)


async def submit(core: Core, actor: Actor, kind: ReportKind, text: str, *, day: date | None = None) -> tuple[WorkReport, str]:
    """Hand in a report (交日报、周报); gives it and the text it replaced. Raises: Invalid."""
    access.require(actor, "work-reports:write")
    said = text.strip()
    if not said or len(said) > MAX_TEXT:
        raise Invalid(field="text", reason=f"请写1到{MAX_TEXT}个字")
    first = period_of(kind, day or today(core.clock))
    if first > today(core.clock):
        raise Invalid(field="period_on", reason="不能交以后的报告")
    if first < today(core.clock) - LONGEST_AGO:
        raise Invalid(field="period_on", reason="太早了，只能补交一年内的报告")
    _, figures = await prefill(core, actor, kind, first)
    now = core.clock.now()
    async with core.db.transaction():
        row = await WorkReport.get_or_none(employee_id=_employee(actor), kind=kind.value, period_on=first)
        before = row.text if row is not None and row.withdrawn_at is None else ""
        values = {"text": said, "figures": figures, "submitted_at": now, "withdrawn_at": None}
        if row is None:
            row = await WorkReport.add(core, employee_id=_employee(actor), kind=kind.value, period_on=first, **values)
        else:
            await row.change(core, **values)
        await access.record(core, actor, "work_report.submit", row, after={"kind": kind.value, "period_on": first.isoformat()})
    return row, before


async def withdraw(core: Core, actor: Actor, report_id: int, *, text: str = "") -> WorkReport:
    """Take an own report back, or put its former text back (撤销). Raises: NotFound; Invalid."""
    access.require(actor, "work-reports:write")
    async with core.db.transaction():
        row = await access.load(WorkReport, actor, report_id)
        if row.employee_id != _employee(actor):
            raise Invalid(field="id", reason="只能撤回自己的报告")
        await row.change(core, **({"text": text} if text else {"withdrawn_at": core.clock.now()}))
        await access.record(core, actor, "work_report.withdraw", row)
    return row


async def list_reports(
    core: Core, actor: Actor, kind: ReportKind, first: date, *, employee_id: int | None = None
) -> list[WorkReport]:
    """List the reports of a time the actor may read: the team's for a manager."""
    access.require(actor, "work-reports:read")
    query = access.visible(WorkReport, actor).filter(kind=kind.value, period_on=first, withdrawn_at=None)
    query = query.filter(employee_id=employee_id) if employee_id is not None else query
    return await query.order_by("submitted_at", "id").limit(200)


def _employee(actor: Actor) -> int:
    if actor.employee_id is None:
        raise Invalid(field="employee_id", reason="只有员工能交报告")
    return actor.employee_id
