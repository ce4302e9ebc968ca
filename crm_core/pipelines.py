"""What a deal's pipeline asks for: where it stands, how long, what is missing, and which deals are stuck.

Reading order: `facts_of`, `progress`, then `quiet` and `list_stuck`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from crm_core import access, pipeline_rules
from crm_core.access import Actor
from crm_core.customers import Customer
from crm_core.forecasts import of_owners
from crm_core.opportunities import Opportunity, OpportunityStatus, days_between
from crm_core.pipeline_rules import CUSTOMER_COLUMNS, Facts, OpportunitySettings, PipelineSettings
from crm_core.ports import Core, Program
from crm_core.rules import as_instant

EVIDENCE_BEFORE = timedelta(days=30)
"""A contact so long before the deal was opened still counts for it; an older one belongs to something else."""
PAGE = 500


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a deal stands (到哪了). `missing` is what the next stage asks for; `stuck`: quiet for too long."""

    opportunity: Opportunity
    customer: str
    stage: str
    days: int
    next_stage: str
    missing: tuple[str, ...]
    stuck: bool
    quiet_days: int


def facts_of(core: Core, row: Opportunity, customer: Customer, pipeline: PipelineSettings) -> Program[Facts]:
    """Gather what the conditions of a pipeline are measured by."""
    contacts = yield (
        "SELECT COUNT(*), SUM(CASE WHEN decision_maker THEN 1 ELSE 0 END) FROM contacts"
        " WHERE customer_id = ? AND merged_into_id IS NULL AND deleted_at IS NULL",
        (row.customer_id,),
    )
    about = (
        "(subject_kind = 'opportunity' AND subject_id = ? OR subject_kind = 'customer' AND subject_id = ?"
        " OR subject_kind = 'contact' AND subject_id IN (SELECT id FROM contacts WHERE customer_id = ?))"
    )
    methods = yield (
        f"SELECT DISTINCT method FROM follow_ups WHERE {about} AND undone_at IS NULL AND at >= ?",  # noqa: S608
        (row.id, row.customer_id, row.customer_id, row.created_at - EVIDENCE_BEFORE),
    )
    filled = {name for name in ("product", "competitor") if getattr(row, name)}
    filled |= {name for name in ("amount", "probability", "expected_close_on") if getattr(row, name) is not None}
    filled |= {label for label, column in CUSTOMER_COLUMNS.items() if getattr(customer, column)}
    filled |= yield from _custom_fields(core, row, pipeline)
    return Facts(
        filled=frozenset(filled),
        methods=frozenset(str(method) for (method,) in methods),
        contact_count=int(contacts[0][0]),
        decision_maker=bool(contacts[0][1]),
        quoted=row.quoted_at is not None,
        days_in_stage=days_between(row.stage_since, core.clock.now()),
    )


def _custom_fields(core: Core, row: Opportunity, pipeline: PipelineSettings) -> Program[set[str]]:
    words = {word.removeprefix("field:") for stage in pipeline.stages for word in stage.requires if word.startswith("field:")}
    own = {word: core.settings.fields.find("customer", word) for word in sorted(words - set(CUSTOMER_COLUMNS))}
    names = {field.name: word for word, field in own.items() if field is not None}
    if not names:
        return set()
    rows = yield (
        "SELECT name FROM field_values WHERE subject_kind = 'customer' AND subject_id = ?"  # noqa: S608 - question marks
        f" AND name IN ({', '.join('?' * len(names))})",
        (row.customer_id, *names),
    )
    return {names[str(name)] for (name,) in rows}


async def missing_for(core: Core, row: Opportunity, target: str) -> tuple[str, ...]:
    """List what a deal lacks before it may enter a stage; nothing for a move back."""
    pipeline = core.settings.opportunities.pipeline(row.pipeline)
    customer = await Customer.get(id=row.customer_id)
    facts = await core.db.run(facts_of(core, row, customer, pipeline))
    return pipeline_rules.missing(pipeline, row.stage, target, facts)


async def progress(core: Core, actor: Actor, rows: Iterable[Opportunity]) -> list[Progress]:
    """Tell of each deal its stage, the days in it, and what is missing for the next one (到哪了)."""
    access.require(actor, "opportunities:read")
    found = []
    for row in rows:
        pipeline = core.settings.opportunities.pipeline(row.pipeline)
        customer = await Customer.get(id=row.customer_id)
        facts = await core.db.run(facts_of(core, row, customer, pipeline))
        after = pipeline.after(row.stage) if row.status == OpportunityStatus.OPEN else None
        touched = max(at for at in (row.stage_since, row.last_follow_up_at, customer.last_follow_up_at) if at is not None)
        quiet = days_between(touched, core.clock.now())
        found.append(
            Progress(
                row,
                customer.name,
                pipeline.label_of(row.stage),
                facts.days_in_stage,
                after.label if after else "",
                pipeline_rules.missing(pipeline, row.stage, after.name, facts) if after else (),
                row.status == OpportunityStatus.OPEN and quiet >= core.settings.opportunities.stuck_after(*_place(row)),
                quiet,
            )
        )
    return found


def _place(row: Opportunity) -> tuple[str, str]:
    return row.pipeline, row.stage


@dataclass(frozen=True, slots=True)
class Quiet:
    """An open deal nobody has moved or written about for longer than its stage allows."""

    id: int
    name: str
    customer_id: int
    owner_id: int | None
    stage: str
    quiet_days: int
    touched_at: datetime
    told_at: datetime | None


def quiet(core: Core, *, after: int = 0) -> Program[tuple[list[Quiet], int | None]]:
    """Give a page of stuck deals above a number, and where to go on (None: that was all)."""
    rows = yield from _quiet_rows(core, " AND o.id > ?", [after], "o.id")
    return _stuck_of(core, rows), int(rows[-1][0]) if len(rows) == PAGE else None


def _longest_quiet(core: Core, owner_ids: Sequence[int] | None) -> Program[list[Quiet]]:
    mine, values = of_owners(owner_ids)
    rows = yield from _quiet_rows(core, mine.replace("+owner_id", "o.owner_id"), values, "o.stage_since, o.id")
    return _stuck_of(core, rows)


def _quiet_rows(core: Core, more: str, values: Sequence[object], order: str) -> Program[list[Any]]:
    before = core.clock.now() - timedelta(days=_fewest_days(core.settings.opportunities))
    rows: list[Any] = yield (
        "SELECT o.id, o.name, o.customer_id, o.owner_id, o.pipeline, o.stage, o.stage_since, o.last_follow_up_at,"  # noqa: S608
        " c.last_follow_up_at, o.stuck_told_at FROM opportunities o JOIN customers c ON c.id = o.customer_id"
        " WHERE o.status = 'open' AND o.stage_since <= ? AND (o.last_follow_up_at IS NULL OR o.last_follow_up_at <= ?)"
        f" AND (c.last_follow_up_at IS NULL OR c.last_follow_up_at <= ?){more} ORDER BY {order} LIMIT {PAGE}",
        (before, before, before, *values),
    )
    return rows


def _stuck_of(core: Core, rows: Sequence[Any]) -> list[Quiet]:
    settings, now, found = core.settings.opportunities, core.clock.now(), []
    for number, name, customer_id, owner_id, pipeline, stage, *times, told in rows:
        touched = max(at for at in map(as_instant, times) if at is not None)
        days = days_between(touched, now)
        if days >= settings.stuck_after(str(pipeline), str(stage)):
            label = settings.pipeline(str(pipeline)).label_of(str(stage))
            found.append(Quiet(number, str(name), customer_id, owner_id, label, days, touched, as_instant(told)))
    return found


def _fewest_days(settings: OpportunitySettings) -> int:
    stages = [stage.stuck_days for each in settings.all_pipelines for stage in each.stages if stage.stuck_days]
    return min([settings.stuck_days, *stages])


async def list_stuck(core: Core, actor: Actor, *, limit: int = 20) -> list[Quiet]:
    """List the stuck deals the actor sees, the longest quiet ones first (卡住的商机).

    Of more than a page those are taken that stand longest in their stage. Raises: Refused.
    """
    access.require(actor, "opportunities:read")
    owners = None if actor.sees_all else sorted(actor.team or {actor.employee_id or 0})
    found = await core.db.read(_longest_quiet(core, owners))
    return sorted(found, key=lambda each: -each.quiet_days)[:limit]
