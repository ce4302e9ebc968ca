"""Opportunities (商机): what a customer may buy. Several may be open at one customer.

The table, its history of moves, making and changing one. How one moves stands in `stage_moves.py` and `win_loss.py`,
what a stage asks for in `pipelines.py`.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum

from tortoise import fields
from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from crm_core import access, carrying, change_sets
from crm_core.access import Actor, Role
from crm_core.changes import change_fields
from crm_core.collaborators import may_change, own_or_shared
from crm_core.customers import Contact, Customer, require_change
from crm_core.db import Entity, MoneyField, UtcDatetimeField
from crm_core.employees import Department, Employee
from crm_core.errors import Conflict, Invalid, Refused
from crm_core.pipeline_rules import PipelineSettings, StageSettings, checked_values
from crm_core.ports import Core, Program


class OpportunityStatus(StrEnum):
    """Whether a deal is still worked on."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"
    SHELVED = "shelved"
    DELETED = "deleted"
    """Its customer was deleted: neither listed nor counted (deletion.py)."""


OPPORTUNITY_STATUS_LABELS = {
    OpportunityStatus.OPEN: "进行中",
    OpportunityStatus.WON: "赢单",
    OpportunityStatus.LOST: "输单",
    OpportunityStatus.SHELVED: "搁置",
    OpportunityStatus.DELETED: "已删除",
}
CHANGED_BY_HAND = ("name", "product", "amount", "probability", "expected_close_on", "competitor", "source")


class OpportunitiesNotUsed(Refused):
    """The team runs the customer flow alone."""

    code = "opportunity.not_used"
    text = "本团队只走客户流程，不用商机"


class UnknownStage(Invalid):
    """The pipeline has no such stage."""

    code = "opportunity.unknown_stage"
    text = "没有「{stage}」这个阶段，可选：{stages}"


class UnknownPipeline(Invalid):
    """The settings have no such pipeline."""

    code = "opportunity.unknown_pipeline"
    text = "没有「{pipeline}」这个销售流程，可选：{pipelines}"


class OpportunityClosed(Conflict):
    """Won, lost and shelved deals are opened again before they change."""

    code = "opportunity.closed"
    text = "商机「{name}」已{status}，请先重启"


class Opportunity(Entity):
    """Something a customer may buy (商机). Won and lost are `status`; the stage stays the last one it was in."""

    never_shown = (("status", OpportunityStatus.DELETED.value),)

    customer_id = fields.BigIntField(db_index=True)
    name = fields.CharField(max_length=128)
    product = fields.CharField(max_length=128, default="")
    pipeline = fields.CharField(max_length=16, default="default")
    stage = fields.CharField(max_length=16)
    stage_since = UtcDatetimeField()
    amount = MoneyField(null=True)
    probability = fields.IntField(null=True)
    """Whole percent; without it the stage's own is taken."""
    expected_close_on = fields.DateField(null=True)
    status = fields.CharField(max_length=16, default=OpportunityStatus.OPEN.value)
    owner_id = fields.BigIntField(null=True, db_index=True)
    competitor = fields.CharField(max_length=128, default="")
    loss_reason = fields.CharField(max_length=200, default="")
    won_at = UtcDatetimeField(null=True)
    lost_at = UtcDatetimeField(null=True)
    shelved_until = fields.DateField(null=True)
    retry_on = fields.DateField(null=True)
    """When a lost or shelved deal comes back to its owner as a todo."""
    retried_at = UtcDatetimeField(null=True)
    quoted_at = UtcDatetimeField(null=True)
    last_follow_up_at = UtcDatetimeField(null=True)
    stuck_told_at = UtcDatetimeField(null=True)
    source = fields.CharField(max_length=128, default="")
    lead_id = fields.BigIntField(null=True)
    move_count = fields.IntField(default=0)
    """Counted up by each move: of two at once one finds it changed."""

    @classmethod
    def visible_to(cls, actor: Actor) -> Q:
        """Select the team's own and those at a customer shared with it."""
        return own_or_shared(actor, "customer_id")

    class Meta:
        """Found by whose and how far for the funnel."""

        table = "opportunities"


class MoveKind(StrEnum):
    """What a move was."""

    OPEN = "open"
    ADVANCE = "advance"
    SET_BACK = "set_back"
    WIN = "win"
    LOSE = "lose"
    SHELVE = "shelve"
    REOPEN = "reopen"


class StageMove(Entity):
    """One step of a deal through its pipeline: the history that days and conversion are told from."""

    opportunity_id = fields.BigIntField(db_index=True)
    pipeline = fields.CharField(max_length=16)
    kind = fields.CharField(max_length=16)
    from_stage = fields.CharField(max_length=16, default="")
    to_stage = fields.CharField(max_length=16)
    at = UtcDatetimeField()
    days = fields.IntField(default=0)
    """Whole days spent in the stage that was left."""
    owner_id = fields.BigIntField(null=True)
    employee_id = fields.BigIntField(null=True)
    reason = fields.CharField(max_length=200, default="")
    forced = fields.CharField(max_length=500, default="")
    """What was missing when it was moved all the same."""
    set_id = fields.BigIntField(null=True)
    undone_at = UtcDatetimeField(null=True)

    @classmethod
    def visible_of(cls, opportunity_id: int) -> "QuerySet[StageMove]":
        """Select the moves of a deal that stand; the deal itself is loaded through the door of access first."""
        return cls.filter(opportunity_id=opportunity_id, undone_at=None)

    class Meta:
        """Never changed, but taken back."""

        table = "stage_moves"


async def create(
    core: Core,
    actor: Actor,
    *,
    customer_id: int,
    name: str = "",
    stage: str = "",
    pipeline: str = "",
    owner_id: int | None = None,
    **values: object,
) -> Opportunity:
    """Open a deal at a customer (建商机), owned by whoever owns the customer unless said otherwise.

    A deal that begins in a later stage need not meet the conditions of the stages before. `values`: product, amount
    (yuan), probability (percent), expected_close_on, competitor, source, lead_id; without a source that of the customer's
    newest lead.

    Raises: NotFound for a foreign customer; Invalid; UnknownStage; UnknownPipeline; OpportunitiesNotUsed; Refused.
    """
    access.require(actor, "opportunities:write")
    await require_used(core, actor)
    clean = checked_values({**values, "name": name})
    track = pipeline_named(core, pipeline)
    first = stage_named(track, stage) if stage else track.stages[0]
    async with core.db.transaction():
        await core.db.serialize(f"merge:customer:{customer_id}")
        customer = await access.load(Customer, actor, customer_id)
        await require_change(actor, customer)
        owner = await _owner(actor, customer, owner_id)
        if not clean.get("source"):
            clean |= await core.db.run(_origin_of(customer.id, clean.get("lead_id")))
        now = core.clock.now()
        clean["name"] = clean["name"] or f"{customer.name}{clean.get('product') or ''}"[:128]
        made: Opportunity = await Opportunity.add(
            core, customer_id=customer.id, pipeline=track.name, stage=first.name, stage_since=now, owner_id=owner, **clean
        )
        await StageMove.add(
            core,
            opportunity_id=made.id,
            pipeline=track.name,
            kind=MoveKind.OPEN.value,
            to_stage=first.name,
            at=now,
            owner_id=owner,
            employee_id=actor.employee_id,
        )
        await access.record(core, actor, "opportunity.create", made, after={"customer_id": customer.id, "stage": first.name})
    return made


def _origin_of(customer_id: int, lead_id: object) -> Program[dict[str, object]]:
    """Tell what brought a customer, so that the code on a poster is kept to the deal."""
    which, number = ("id", lead_id) if lead_id is not None else ("customer_id", customer_id)
    rows = yield f"SELECT id, source FROM leads WHERE {which} = ? ORDER BY id DESC LIMIT 1", (number,)  # noqa: S608 - our words
    return {"lead_id": int(rows[0][0]), "source": str(rows[0][1])} if rows else {}


async def load_to_change(actor: Actor, opportunity_id: int) -> Opportunity:
    """Load a deal to change it, which a mere collaborator may not. Raises: NotFound; Refused."""
    row = await access.load(Opportunity, actor, opportunity_id)
    if not await may_change(actor, row.customer_id, row.owner_id):
        raise Refused
    return row


async def undo_create(core: Core, actor: Actor, opportunity_id: int) -> Opportunity:
    """Take a deal back that was opened by mistake; only while nothing has moved and nothing is about it.

    Raises: NotFound; OpportunityClosed; BuiltUpon.
    """
    access.require(actor, "opportunities:write")
    async with core.db.transaction():
        row = await load_to_change(actor, opportunity_id)
        if await core.db.run(carrying.carries_deal(row.id)):
            raise change_sets.BuiltUpon(summary=row.name)
        if not await Opportunity.filter(id=row.id, move_count=0).delete():
            raise OpportunityClosed(name=row.name, status="推进过")
        await StageMove.filter(opportunity_id=row.id).delete()
        await access.record(core, actor, "opportunity.undo_create", row, before={"customer_id": row.customer_id})
    return row


async def update(core: Core, actor: Actor, opportunity_id: int, **values: object) -> Opportunity:
    """Change a deal's fields by hand; its stage moves by `stage_moves.advance`. Raises: NotFound; Invalid; Refused."""
    return (await correct(core, actor, opportunity_id, **values))[0]


async def correct(core: Core, actor: Actor, opportunity_id: int, **values: object) -> tuple[Opportunity, int]:
    """Change a deal's fields as `update` does; tells the change set, too, that takes it back.

    Raises: NotFound; Invalid; Refused.
    """
    access.require(actor, "opportunities:write")
    clean = checked_values(values)
    if "name" in clean and not clean["name"]:
        raise Invalid(field="name", reason="请填写商机名称")
    async with core.db.transaction():
        row = await load_to_change(actor, opportunity_id)
        if clean.get("owner_id") is not None:
            clean["owner_id"] = await _owner(actor, await Customer.get(id=row.customer_id), int(str(clean["owner_id"])))
        changes = await change_sets.begin(core, actor, "opportunity.update", row.name)
        await core.db.run(_note_before(core, changes.id, row.id, clean))
        await change_fields(core, actor, "opportunity.update", row, clean)
    return row, changes.id


def _note_before(core: Core, set_id: int, row_id: int, values: Mapping[str, object]) -> Program[None]:
    if values:
        yield from change_sets.change_row(core, set_id, "opportunities", row_id, values)


async def note_quote(core: Core, actor: Actor, opportunity_id: int) -> Opportunity:
    """Note that the customer has a quote (已报价). Raises: NotFound; OpportunityClosed."""
    access.require(actor, "opportunities:write")
    async with core.db.transaction():
        row = require_open(await load_to_change(actor, opportunity_id))
        await change_fields(core, actor, "opportunity.quote", row, {"quoted_at": core.clock.now()})
    return row


async def find(
    actor: Actor, *, customer_ids: Sequence[int] | None = None, text: str = "", status: str = "", limit: int = 10
) -> list[Opportunity]:
    """List visible deals, those that moved last first; of some customers, with words in their name or product."""
    query = access.visible(Opportunity, actor)
    if customer_ids is not None:
        query = query.filter(customer_id__in=list(customer_ids))
    if status:
        query = query.filter(status=status)
    if text:
        query = query.filter(name__icontains=text)
    return await query.order_by("-stage_since", "-id").limit(limit)


async def customers_of_contacts(actor: Actor, contact_ids: Sequence[int]) -> list[int]:
    """Tell the customers some contacts belong to."""
    rows = await access.visible(Contact, actor).filter(id__in=list(contact_ids)).values_list("customer_id", flat=True)
    return [int(str(number)) for number in rows if number is not None]


async def uses_opportunities(core: Core, employee_id: int | None) -> bool:
    """Tell whether somebody works with deals, or runs the customer flow alone."""
    settings = core.settings.opportunities
    if not settings.enabled:
        return False
    if not settings.departments_without or employee_id is None:
        return True
    employee = await Employee.get_or_none(id=employee_id)
    department = await Department.get_or_none(id=employee.department_id) if employee and employee.department_id else None
    return department is None or department.name not in settings.departments_without


async def require_used(core: Core, actor: Actor) -> None:
    """Refuse deals where the team runs the customer flow alone. Raises: OpportunitiesNotUsed."""
    if not await uses_opportunities(core, actor.employee_id):
        raise OpportunitiesNotUsed


def require_open(row: Opportunity) -> Opportunity:
    """Let only an open deal go on. Raises: OpportunityClosed."""
    if row.status != OpportunityStatus.OPEN:
        raise OpportunityClosed(name=row.name, status=OPPORTUNITY_STATUS_LABELS[OpportunityStatus(row.status)])
    return row


def pipeline_named(core: Core, name: str) -> PipelineSettings:
    """Find a pipeline by name or label; the first when none is said. Raises: UnknownPipeline."""
    known = core.settings.opportunities.all_pipelines
    found = next((each for each in known if name in (each.name, each.label)), None) if name else known[0]
    if found is None:
        raise UnknownPipeline(pipeline=name[:16], pipelines="、".join(each.name for each in known)[:100])
    return found


def stage_named(pipeline: PipelineSettings, stage: str) -> StageSettings:
    """Find a stage by name or label. Raises: UnknownStage."""
    found = pipeline.find(stage)
    if found is None:
        raise UnknownStage(stage=stage[:16], stages="、".join(each.label for each in pipeline.stages)[:100])
    return found


def days_between(start: datetime, end: datetime) -> int:
    """Count whole days."""
    return max(0, (end - start).days)


def comes_back_on(core: Core, day: date, wanted: date | None) -> date | None:
    """Tell when a lost deal comes back: the day said, else after the days of the settings."""
    days = core.settings.opportunities.retry_days
    return wanted or (date.fromordinal(day.toordinal() + days) if days else None)


async def _owner(actor: Actor, customer: Customer, wanted: int | None) -> int | None:
    if wanted is None:
        return customer.owner_id if customer.owner_id is not None else actor.employee_id
    if wanted == actor.employee_id:
        return wanted
    if actor.role is Role.SALES or not (actor.sees_all or wanted in actor.team):
        raise Refused
    if await Employee.get_or_none(id=wanted, departed_at=None) is None:
        raise Invalid(field="owner_id", reason="没有这名在职员工")
    return wanted
