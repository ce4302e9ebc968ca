"""Deals over the API: opened, changed, moved, won, lost, laid aside, opened again; their history and what they lack."""

from datetime import date
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from bot.api.bodies import Empty, Id, Instant, Line, Long, Money, Short, given
from bot.api.listing import list_rows, open_row, show_row
from bot.api.resources import ID, STAMPS, Form, Resource, Shown, counts, texts, times
from bot.api.routes import Call, Routes
from crm_core import access, opportunities, pipelines, repeat_purchases, stage_moves, win_loss
from crm_core.opportunities import Opportunity, OpportunityStatus, StageMove
from crm_core.repeat_purchases import ProposalStatus, PurchaseProposal
from scheduler import opportunity_todos

Percent = Annotated[int, Meta(ge=0, le=100)]
Reason = Annotated[str, Meta(max_length=200)]
OPPORTUNITIES = Resource(
    "opportunities",
    Opportunity,
    (
        *ID,
        *counts("customer_id"),
        *texts("name", "product", "pipeline", "stage"),
        *times("stage_since"),
        Shown("amount", Form.MONEY),
        *counts("probability"),
        Shown("expected_close_on", Form.TEXT),
        *texts("status", "loss_reason", "competitor"),
        *counts("owner_id"),
        *times("won_at", "lost_at"),
        *texts("shelved_until", "retry_on"),
        *times("quoted_at", "last_follow_up_at"),
        *texts("source"),
        *counts("lead_id"),
        *STAMPS,
    ),
    search=("name", "product"),
)
MOVES = Resource(
    "stage-moves",
    StageMove,
    (
        *ID,
        *counts("opportunity_id"),
        *texts("kind", "from_stage", "to_stage"),
        *times("at"),
        *counts("days", "employee_id"),
        *texts("reason", "forced"),
        *times("undone_at"),
        *STAMPS,
    ),
    owner="",
)
PROPOSALS = Resource(
    "purchase-proposals",
    PurchaseProposal,
    (
        *ID,
        *counts("opportunity_id", "customer_id", "owner_id"),
        *texts("kind", "product", "customer", "status"),
        *times("answered_at"),
        *STAMPS,
    ),
)
FILTERS: dict[str, Any] = {
    "customer_id": int,
    "name": str,
    "product": str,
    "pipeline": str,
    "stage": str,
    "status": OpportunityStatus,
    "competitor": str,
    "owner_id": int,
    "lead_id": int,
}
PROPOSAL_FILTERS: dict[str, Any] = {"customer_id": int, "owner_id": int, "kind": str, "status": ProposalStatus}
MOVING = ("stage", "status", "loss_reason", "retry_on", "shelved_until", "reason")
"""Fields of a change that make it a move."""
routes = Routes()


class NewOpportunity(Struct):
    """A deal at a customer; in the first stage of the first pipeline unless said otherwise."""

    customer_id: Id
    name: Line = ""
    product: Line = ""
    pipeline: Short = ""
    stage: Short = ""
    amount: Money | None = None
    probability: Percent | None = None
    expected_close_on: date | None = None
    competitor: Line = ""
    source: Line = ""
    lead_id: Id | None = None
    owner_id: Id | None = None


class OpportunityChanges(Struct):
    """The fields to change. A new stage or status is a move: `reason` says why, where one is asked for."""

    name: Line | UnsetType = UNSET
    product: Line | UnsetType = UNSET
    amount: Money | UnsetType | None = UNSET
    probability: Percent | UnsetType | None = UNSET
    expected_close_on: date | UnsetType | None = UNSET
    source: Line | UnsetType = UNSET
    owner_id: Id | UnsetType = UNSET
    competitor: Line | UnsetType = UNSET
    stage: Short | UnsetType = UNSET
    status: OpportunityStatus | UnsetType = UNSET
    loss_reason: Reason | UnsetType = UNSET
    retry_on: date | UnsetType | None = UNSET
    shelved_until: date | UnsetType = UNSET
    reason: Reason = ""


class Advance(Struct):
    """Where to; the next stage when none is named. Without the conditions it takes a reason."""

    stage: Short = ""
    reason: Reason = ""
    amount: Money | UnsetType = UNSET
    probability: Percent | UnsetType = UNSET
    expected_close_on: date | UnsetType = UNSET


class Win(Struct):
    """For how much."""

    amount: Money | None = None


class Lose(Struct):
    """Why, to whom (无: nobody), and when to try again."""

    reason: Reason
    competitor: Line
    retry_on: date | None = None


class Shelve(Struct):
    """Till when, and why."""

    until: date
    reason: Reason


class Reopen(Struct):
    """Why; asked for when the deal was won."""

    reason: Reason = ""


class Retry(Struct):
    """When to try again."""

    retry_on: date


class NextStep(Struct):
    """What the owner is to do, and when; tomorrow morning without a time."""

    text: Long
    at: Instant | None = None


@routes.lists("/opportunities", scope="opportunities:read", filters=FILTERS, shows=OPPORTUNITIES)
async def list_opportunities(call: Call) -> Any:
    """List deals."""
    return await list_rows(call, OPPORTUNITIES)


@routes.creates("/opportunities", scope="opportunities:write", shows=OPPORTUNITIES)
async def add_opportunity(call: Call, body: NewOpportunity) -> Any:
    """Open a deal."""
    return await show_row(call, OPPORTUNITIES, await opportunities.create(call.core, call.actor, **given(body)))


@routes.get("/opportunities/{id}", scope="opportunities:read", shows=OPPORTUNITIES)
async def show_opportunity(call: Call) -> Any:
    """Show a deal."""
    return await open_row(call, OPPORTUNITIES, await access.load(Opportunity, call.actor, call.number))


@routes.patch("/opportunities/{id}", scope="opportunities:write", shows=OPPORTUNITIES)
async def change_opportunity(call: Call, body: OpportunityChanges) -> Any:
    """Change a deal; a new stage or status is a move with its rules."""
    values = given(body)
    moving: dict[str, Any] = {name: values.pop(name) for name in MOVING if name in values}
    if moving.get("status") == OpportunityStatus.LOST:
        moving["competitor"] = values.pop("competitor", "")
    async with call.core.db.transaction():
        row = await access.load(Opportunity, call.actor, call.number)
        if values:
            row = await opportunities.update(call.core, call.actor, row.id, **values)
        if moving.get("stage", row.stage) != row.stage:
            row, _ = await stage_moves.advance(call.core, call.actor, row.id, stage=moving["stage"], reason=moving["reason"])
        row = await _end(call, row, moving)
    return await show_row(call, OPPORTUNITIES, row)


async def _end(call: Call, row: Opportunity, moving: dict[str, Any]) -> Opportunity:
    status, reason, made = moving.get("status", row.status), moving["reason"], (call.core, call.actor, row.id)
    if status == row.status:
        if "loss_reason" in moving:
            row = await opportunities.update(*made, loss_reason=moving["loss_reason"])
        return await win_loss.plan_retry(*made, moving["retry_on"]) if moving.get("retry_on") else row
    if status == OpportunityStatus.OPEN:
        return (await win_loss.reopen(*made, reason=reason))[0]
    if status == OpportunityStatus.WON:
        return (await win_loss.win(*made))[0]
    if status == OpportunityStatus.SHELVED:
        return (await win_loss.shelve(*made, until=moving.get("shelved_until", ""), reason=reason))[0]
    why, to_whom = moving.get("loss_reason", reason), moving["competitor"] or row.competitor
    return (await win_loss.lose(*made, reason=why, competitor=to_whom, retry_on=moving.get("retry_on")))[0]


@routes.post("/opportunities/{id}/advance", scope="opportunities:write", shows=OPPORTUNITIES)
async def advance_opportunity(call: Call, body: Advance) -> Any:
    """Move a deal to a stage."""
    row, _ = await stage_moves.advance(call.core, call.actor, call.number, **given(body))
    return await show_row(call, OPPORTUNITIES, row)


@routes.post("/opportunities/{id}/win", scope="opportunities:write", shows=OPPORTUNITIES)
async def win_opportunity(call: Call, body: Win) -> Any:
    """Mark a deal won."""
    return await show_row(call, OPPORTUNITIES, (await win_loss.win(call.core, call.actor, call.number, **given(body)))[0])


@routes.post("/opportunities/{id}/lose", scope="opportunities:write", shows=OPPORTUNITIES)
async def lose_opportunity(call: Call, body: Lose) -> Any:
    """Mark a deal lost."""
    return await show_row(call, OPPORTUNITIES, (await win_loss.lose(call.core, call.actor, call.number, **given(body)))[0])


@routes.post("/opportunities/{id}/shelve", scope="opportunities:write", shows=OPPORTUNITIES)
async def shelve_opportunity(call: Call, body: Shelve) -> Any:
    """Lay a deal aside."""
    return await show_row(call, OPPORTUNITIES, (await win_loss.shelve(call.core, call.actor, call.number, **given(body)))[0])


@routes.post("/opportunities/{id}/reopen", scope="opportunities:write", shows=OPPORTUNITIES)
async def reopen_opportunity(call: Call, body: Reopen) -> Any:
    """Open a closed deal again."""
    return await show_row(call, OPPORTUNITIES, (await win_loss.reopen(call.core, call.actor, call.number, **given(body)))[0])


@routes.post("/opportunities/{id}/retry", scope="opportunities:write", shows=OPPORTUNITIES)
async def plan_retry(call: Call, body: Retry) -> Any:
    """Say when a lost or shelved deal comes back."""
    row = await win_loss.plan_retry(call.core, call.actor, call.number, body.retry_on)
    return await show_row(call, OPPORTUNITIES, row)


@routes.post("/opportunities/{id}/quoted", scope="opportunities:write", shows=OPPORTUNITIES)
async def note_quote(call: Call, body: Empty) -> Any:
    """Note that the customer has a quote."""
    return await show_row(call, OPPORTUNITIES, await opportunities.note_quote(call.core, call.actor, call.number))


@routes.post("/opportunities/{id}/undo", scope="opportunities:write", shows=OPPORTUNITIES)
async def undo_last_move(call: Call, body: Empty) -> Any:
    """Take the last move of a deal back, within a day."""
    return await show_row(call, OPPORTUNITIES, await stage_moves.undo_last(call.core, call.actor, call.number))


@routes.creates("/opportunities/{id}/next-step", scope="opportunities:write")
async def leave_next_step(call: Call, body: NextStep) -> Any:
    """Leave the next step of a deal as a todo of its owner."""
    made = await opportunity_todos.leave_next_step(call.core, call.actor, call.number, text=body.text, at=body.at)
    return {"reminder_id": made.id, "owner_id": made.owner_id, "text": made.text, "at": made.at.isoformat()}


@routes.get("/opportunities/{id}/progress", scope="opportunities:read")
async def show_progress(call: Call) -> Any:
    """Tell the stage of a deal, the days in it, and what the next one still asks for."""
    row = await access.load(Opportunity, call.actor, call.number)
    found = (await pipelines.progress(call.core, call.actor, [row]))[0]
    return {
        "stage": row.stage,
        "label": found.stage,
        "days": found.days,
        "next_stage": found.next_stage,
        "missing": list(found.missing),
        "stuck": found.stuck,
        "quiet_days": found.quiet_days,
    }


@routes.lists("/opportunities/{id}/moves", scope="opportunities:read", shows=MOVES)
async def list_moves(call: Call) -> Any:
    """List the moves of a deal, newest first, without those that were taken back."""
    row = await access.load(Opportunity, call.actor, call.number)
    return await list_rows(call, MOVES, query=StageMove.visible_of(row.id))


@routes.lists("/purchase-proposals", scope="opportunities:read", filters=PROPOSAL_FILTERS, shows=PROPOSALS)
async def list_proposals(call: Call) -> Any:
    """List repeat-purchase proposals."""
    return await list_rows(call, PROPOSALS)


@routes.post("/purchase-proposals/{id}/accept", scope="opportunities:write", shows=PROPOSALS)
async def accept_proposal(call: Call, body: Empty) -> Any:
    """Take a proposal up: a todo of its owner."""
    row, _ = await opportunity_todos.accept_proposal(call.core, call.actor, call.number)
    return await show_row(call, PROPOSALS, row)


@routes.post("/purchase-proposals/{id}/decline", scope="opportunities:write", shows=PROPOSALS)
async def decline_proposal(call: Call, body: Empty) -> Any:
    """Decline a proposal."""
    return await show_row(call, PROPOSALS, await repeat_purchases.answer(call.core, call.actor, call.number, accept=False))
