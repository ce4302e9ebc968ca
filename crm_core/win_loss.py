"""How a deal ends, rests and begins anew: won, lost to somebody, shelved, opened again; and who wins against us."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal

from crm_core import access, change_sets
from crm_core.access import Actor
from crm_core.clock import at_local, today
from crm_core.customers import CustomerStatus
from crm_core.errors import Conflict, Invalid
from crm_core.forecasts import CENTS, of_owners, yuan
from crm_core.opportunities import (
    MoveKind,
    Opportunity,
    OpportunityStatus,
    StageMove,
    comes_back_on,
    load_to_change,
    require_open,
)
from crm_core.pipeline_rules import checked_day, checked_values
from crm_core.ports import Core, Program
from crm_core.stage_moves import Beside, ReasonNeeded, move

NOBODY = "无"
"""Stands for "lost to nobody": the customer bought nothing, or did it by themselves."""
_NOBODY_WORDS = frozenset({"无", "没有", "没有对手", "没人", "none", "没", "不是对手", "客户自己做"})
Ended = tuple[Opportunity, StageMove]


class CompetitorNeeded(Invalid):
    """A loss says to whom."""

    code = "opportunity.competitor_needed"
    text = "请说明输给了谁，没有对手就填“无”"


class NotLost(Conflict):
    """Only a lost deal gets a later try."""

    code = "opportunity.not_lost"
    text = "商机「{name}」没有输单或搁置，不用约再试"


class NotClosed(Conflict):
    """Only what is closed can be opened again."""

    code = "opportunity.not_closed"
    text = "商机「{name}」正在进行中，不用重启"


async def win(core: Core, actor: Actor, opportunity_id: int, *, amount: object = None) -> Ended:
    """Mark a deal won (赢单), with the amount that was agreed; the customer becomes an active one.

    Raises: NotFound; OpportunityClosed; Invalid; OpportunityMoved.
    """
    access.require(actor, "opportunities:write")
    row = require_open(await load_to_change(actor, opportunity_id))
    values = checked_values({"amount": amount}) if amount is not None else {}
    values |= {"status": OpportunityStatus.WON.value, "won_at": core.clock.now()}
    return await move(core, actor, row, MoveKind.WIN, values, beside=_make_active(core, row.customer_id))


def _make_active(core: Core, customer_id: int) -> Beside:
    def beside(set_id: int) -> Program[None]:
        values = {"status": CustomerStatus.ACTIVE.value}
        yield from change_sets.change_row(core, set_id, "customers", customer_id, values)

    return beside


async def lose(
    core: Core, actor: Actor, opportunity_id: int, *, reason: str, competitor: str, retry_on: object = None
) -> Ended:
    """Mark a deal lost (输单), with the reason and to whom (无: nobody); it comes back as a todo for a later try.

    Raises: NotFound; OpportunityClosed; ReasonNeeded; CompetitorNeeded; Invalid for a past day; OpportunityMoved.
    """
    access.require(actor, "opportunities:write")
    if not reason.strip():
        raise ReasonNeeded(what="输单")
    if not competitor.strip():
        raise CompetitorNeeded
    row = require_open(await load_to_change(actor, opportunity_id))
    wanted = _later(core, "retry_on", retry_on) if retry_on is not None else None
    values = checked_values({"loss_reason": reason, "competitor": named_competitor(competitor)})
    values |= {
        "status": OpportunityStatus.LOST.value,
        "lost_at": core.clock.now(),
        "retry_on": comes_back_on(core, today(core.clock), wanted),
        "retried_at": None,
    }
    return await move(core, actor, row, MoveKind.LOSE, values, reason=reason)


async def plan_retry(core: Core, actor: Actor, opportunity_id: int, on: object) -> Opportunity:
    """Say when a lost or shelved deal comes back (再试). Raises: NotFound; NotLost; Invalid for a past day."""
    access.require(actor, "opportunities:write")
    day = _later(core, "retry_on", on)
    async with core.db.transaction():
        row = await load_to_change(actor, opportunity_id)
        if row.status not in (OpportunityStatus.LOST, OpportunityStatus.SHELVED):
            raise NotLost(name=row.name)
        before = {"retry_on": str(row.retry_on)}
        await row.change(core, retry_on=day, retried_at=None)
        await access.record(core, actor, "opportunity.plan_retry", row, before=before, after={"retry_on": str(day)})
    return row


async def shelve(core: Core, actor: Actor, opportunity_id: int, *, until: object, reason: str) -> Ended:
    """Lay a deal aside till a day (搁置), when it comes back as a todo.

    Raises: NotFound; OpportunityClosed; ReasonNeeded; Invalid for a past day; OpportunityMoved.
    """
    access.require(actor, "opportunities:write")
    if not reason.strip():
        raise ReasonNeeded(what="搁置")
    row = require_open(await load_to_change(actor, opportunity_id))
    day = _later(core, "shelved_until", until)
    values = {"status": OpportunityStatus.SHELVED.value, "shelved_until": day, "retry_on": day, "retried_at": None}
    return await move(core, actor, row, MoveKind.SHELVE, values, reason=reason)


async def reopen(core: Core, actor: Actor, opportunity_id: int, *, reason: str = "") -> Ended:
    """Work on a closed deal again (重启) in the stage it had; why it was lost stays in its history.

    Raises: NotFound; NotClosed; ReasonNeeded for a won deal; OpportunityMoved.
    """
    access.require(actor, "opportunities:write")
    row = await load_to_change(actor, opportunity_id)
    if row.status == OpportunityStatus.OPEN:
        raise NotClosed(name=row.name)
    if row.status == OpportunityStatus.WON and not reason.strip():
        raise ReasonNeeded(what="重启已赢单的商机")
    values: dict[str, object] = dict.fromkeys(("won_at", "lost_at", "shelved_until", "retry_on", "retried_at"))
    values |= {"status": OpportunityStatus.OPEN.value, "loss_reason": "", "stage_since": core.clock.now()}
    return await move(core, actor, row, MoveKind.REOPEN, values, reason=reason)


def named_competitor(words: str) -> str:
    """Write every way of saying "nobody" the same."""
    return NOBODY if words.strip().lower() in _NOBODY_WORDS else words.strip()


def _later(core: Core, name: str, value: object) -> date:
    day = checked_day(name, value)
    if day <= today(core.clock):
        raise Invalid(field=name, reason="请给今天以后的日期")
    return day


@dataclass(frozen=True, slots=True)
class LostTo:
    """How often and for how much deals were lost to somebody."""

    competitor: str
    count: int
    amount: Decimal


async def lost_to(core: Core, actor: Actor, first: date, after: date) -> Sequence[LostTo]:
    """Count the losses between two days by competitor (输给谁), most first. Raises: Refused."""
    access.require(actor, "opportunities:read")
    owners = None if actor.sees_all else sorted(actor.team or {actor.employee_id or 0})
    return await core.db.read(_lost_to(first, after, owners))


def _lost_to(first: date, after: date, owners: Sequence[int] | None) -> Program[list[LostTo]]:
    mine, values = of_owners(owners)
    rows = yield (
        f"SELECT competitor, COUNT(*), SUM({CENTS}) FROM opportunities WHERE status = 'lost' AND lost_at >= ?"  # noqa: S608
        f" AND lost_at < ?{mine} GROUP BY competitor ORDER BY 2 DESC, competitor LIMIT 50",
        (at_local(first, time()), at_local(after, time()), *values),
    )
    return [LostTo(str(name) or "未填", int(number), yuan(cents)) for name, number, cents in rows]
