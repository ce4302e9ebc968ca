"""Moving a deal through its pipeline: forward under conditions, back with a reason; and taking a move back.

Each move is one conditional update, one row of history and one change set, so that of two at once one wins and each
can be taken back within a day.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta

from crm_core import access, change_sets, pipelines
from crm_core.access import Actor
from crm_core.customers import touch_contacts
from crm_core.errors import Conflict, Invalid
from crm_core.opportunities import (
    MoveKind,
    Opportunity,
    StageMove,
    days_between,
    load_to_change,
    require_open,
    stage_named,
)
from crm_core.pipeline_rules import checked_values
from crm_core.ports import Core, Program

UNDO_WITHIN = timedelta(hours=24)
MOVE_LABELS = {
    "open": "新建",
    "advance": "推进到",
    "set_back": "退回到",
    "win": "赢单",
    "lose": "丢单",
    "shelve": "搁置",
    "reopen": "重新打开",
}


class ConditionsMissing(Conflict):
    """A stage is entered when its conditions are met, or with a reason."""

    code = "opportunity.conditions_missing"
    text = "进入「{stage}」还缺：{missing}。确要推进请说明原因"


class ReasonNeeded(Invalid):
    """Back moves, losses and the like are explained."""

    code = "opportunity.reason_needed"
    text = "{what}请说明原因"


class OpportunityMoved(Conflict):
    """Somebody else was faster."""

    code = "opportunity.moved"
    text = "商机「{name}」刚被改动，请看过再试"


class AlreadyInStage(Conflict):
    """There is nothing to move."""

    code = "opportunity.already_in_stage"
    text = "商机「{name}」已经在「{stage}」"


class LastStage(Conflict):
    """After the last stage a deal is won or lost."""

    code = "opportunity.last_stage"
    text = "商机「{name}」已在最后阶段，请说赢单或丢单"


class MoveTooOldToUndo(Conflict):
    """A move can be taken back for a day."""

    code = "opportunity.too_old_to_undo"
    text = "这一步已超过24小时，不能撤销"


class NoMoveToUndo(Conflict):
    """The deal has not moved since it was opened."""

    code = "opportunity.no_move"
    text = "商机「{name}」没有可以撤销的推进"


async def advance(
    core: Core, actor: Actor, opportunity_id: int, *, stage: str = "", reason: str = "", **values: object
) -> tuple[Opportunity, StageMove]:
    """Move a deal to a stage (推进), the next one when none is said; `values` are changed along, conditions included.

    With a reason it moves although conditions are missing, which is kept with the move; a move back (退回) needs one.

    Raises: NotFound; OpportunityClosed; UnknownStage; LastStage; AlreadyInStage; ConditionsMissing; ReasonNeeded;
    OpportunityMoved; Invalid.
    """
    access.require(actor, "opportunities:write")
    clean = checked_values(values)
    row = require_open(await load_to_change(actor, opportunity_id))
    pipeline = core.settings.opportunities.pipeline(row.pipeline)
    wanted = stage_named(pipeline, stage) if stage else pipeline.after(row.stage)
    if wanted is None:
        raise LastStage(name=row.name)
    if wanted.name == row.stage:
        raise AlreadyInStage(name=row.name, stage=wanted.label)
    back = pipeline.position(wanted.name) < pipeline.position(row.stage)
    if back and not reason.strip():
        raise ReasonNeeded(what=f"退回「{wanted.label}」")
    for name, value in clean.items():
        setattr(row, name, value)
    missing = () if back else await pipelines.missing_for(core, row, wanted.name)
    if missing and not reason.strip():
        raise ConditionsMissing(stage=wanted.label, missing="、".join(missing), conditions=list(missing))
    kind = MoveKind.SET_BACK if back else MoveKind.ADVANCE
    changes = {**clean, "stage": wanted.name, "stage_since": core.clock.now()}
    return await move(core, actor, row, kind, changes, reason=reason, forced="、".join(missing))


Beside = Callable[[int], Program[None]]
"""What changes together with a deal, given the number of the change set."""


async def move(
    core: Core,
    actor: Actor,
    row: Opportunity,
    kind: MoveKind,
    values: Mapping[str, object],
    *,
    reason: str = "",
    forced: str = "",
    beside: Beside | None = None,
) -> tuple[Opportunity, StageMove]:
    """Change a deal as one step that can be taken back; `row` is as it was read when the step was decided.

    Raises: OpportunityMoved when somebody changed it since; Invalid for a reason that is too long.
    """
    if len(reason.strip()) > 200:
        raise Invalid(field="reason", reason="不能超过200个字")
    async with core.db.transaction():
        now = core.clock.now()
        # The condition is in the update itself: of two moves at once exactly one changes the row.
        found = Opportunity.filter(id=row.id, move_count=row.move_count)
        if not await found.update(move_count=row.move_count + 1, updated_at=now):
            raise OpportunityMoved(name=row.name)
        before = await Opportunity.get(id=row.id)
        changes = await change_sets.begin(
            core, actor, f"opportunity.{kind.value}", f"{row.name}：{MOVE_LABELS[kind.value].removesuffix('到')}"
        )
        await core.db.run(change_sets.change_row(core, changes.id, "opportunities", row.id, values))
        if beside is not None:
            await core.db.run(beside(changes.id))
        made: StageMove = await StageMove.add(
            core,
            opportunity_id=row.id,
            pipeline=before.pipeline,
            kind=kind.value,
            from_stage=before.stage,
            to_stage=str(values.get("stage", before.stage)),
            at=now,
            days=days_between(before.stage_since, now),
            owner_id=before.owner_id,
            employee_id=actor.employee_id,
            reason=reason.strip(),
            forced=forced[:500],
            set_id=changes.id,
        )
        old, new = ({name: _plain(each) for name, each in pairs} for pairs in (_of(before, values), values.items()))
        await access.record(core, actor, f"opportunity.{kind.value}", row, before=old, after=new)
        return await Opportunity.get(id=row.id), made


async def undo_last(core: Core, actor: Actor, opportunity_id: int, *, move_id: int | None = None) -> Opportunity:
    """Take the last step of a deal back within a day (撤销), with what changed beside it.

    `move_id`: only if the last step is still this one. Raises: NotFound; NoMoveToUndo; MoveTooOldToUndo; OpportunityMoved;
    LaterChangesFirst.
    """
    access.require(actor, "opportunities:write")
    async with core.db.transaction():
        row = await load_to_change(actor, opportunity_id)
        last = await StageMove.visible_of(row.id).exclude(kind=MoveKind.OPEN.value).order_by("-id").first()
        if last is None or last.set_id is None:
            raise NoMoveToUndo(name=row.name)
        now = core.clock.now()
        if now - last.at > UNDO_WITHIN:
            raise MoveTooOldToUndo
        taken = await Opportunity.filter(id=row.id, move_count=row.move_count).update(move_count=row.move_count + 1)
        if not taken or (move_id is not None and move_id != last.id):
            raise OpportunityMoved(name=row.name)
        await change_sets.undo(core, actor, last.set_id)
        await last.change(core, undone_at=now)
        await touch_contacts(core, row.customer_id)
        await access.record(core, actor, "opportunity.undo", row, after={"move": last.kind})
        return await Opportunity.get(id=row.id)


def _of(row: Opportunity, names: Iterable[str]) -> list[tuple[str, object]]:
    return [(name, getattr(row, name)) for name in names]


def _plain(value: object) -> object:
    return None if value is None else str(value)
