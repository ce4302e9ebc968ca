"""Todos that come out of deals: the next step a manager leaves, and the contact a repeat-purchase proposal leads to."""

from datetime import date, datetime, time, timedelta

from crm_core import access, repeat_purchases
from crm_core.access import Actor
from crm_core.clock import at_local, to_local, today
from crm_core.customers import Customer
from crm_core.errors import Invalid
from crm_core.opportunities import Opportunity
from crm_core.ports import Core
from crm_core.repeat_purchases import ProposalStatus, PurchaseProposal
from scheduler import reminders
from scheduler.notices import tell
from scheduler.reminders import Reminder

MORNING = time(9)


def tomorrow_morning(core: Core) -> datetime:
    """Tell when something is due of which no time was said."""
    return at_local(today(core.clock) + timedelta(days=1), MORNING)


def morning_of(day: date) -> datetime:
    """Tell the hour at which a todo of a day is due."""
    return at_local(day, MORNING)


async def leave_next_step(core: Core, actor: Actor, opportunity_id: int, *, text: str, at: datetime | None = None) -> Reminder:
    """Leave the next step of a deal as a todo of its owner (上级协助下一步), who is told at once; tomorrow without a time.

    Raises: NotFound for a deal one does not see; Invalid without words or an owner; Refused.
    """
    access.require(actor, "opportunities:write")
    if not text.strip():
        raise Invalid(field="text", reason="请写明下一步做什么")
    async with core.db.transaction():
        row = await access.load(Opportunity, actor, opportunity_id)
        if row.owner_id is None:
            raise Invalid(field="owner_id", reason="这个商机还没有负责人")
        customer = await Customer.get(id=row.customer_id)
        due = at or tomorrow_morning(core)
        # About the customer, so that it goes along when the customer changes hands.
        made = await reminders.create(
            core,
            actor,
            text=f"{row.name}：{text.strip()}",
            at=due,
            owner_id=row.owner_id,
            about_kind="customer",
            about_id=customer.id,
            about=customer.name,
        )
        await access.record(core, actor, "opportunity.next_step", row, after={"reminder_id": made.id})
        if row.owner_id != actor.employee_id:
            on = to_local(due)
            when = f"{on.month}月{on.day}日 {on:%H:%M}"
            words = f"{actor.name}给商机「{row.name}」留了下一步：{text.strip()}（{when}）。已记入待办"
            await core.db.run(tell(core, row.owner_id, words, key=f"next_step:{made.id}", topic="next_step"))
    return made


async def accept_proposal(
    core: Core, actor: Actor, proposal_id: int, *, at: datetime | None = None
) -> tuple[PurchaseProposal, Reminder]:
    """Take a repeat-purchase proposal up: it becomes a todo of the owner's. Raises: NotFound; ProposalAnswered; Refused."""
    async with core.db.transaction():
        row = await repeat_purchases.answer(core, actor, proposal_id, accept=True)
        made = await reminders.create(
            core,
            actor,
            text=f"联系{row.label}",
            at=at or tomorrow_morning(core),
            owner_id=row.owner_id,
            about_kind="customer",
            about_id=row.customer_id,
            about=row.customer,
        )
    return row, made


async def undo_proposal(core: Core, actor: Actor, proposal_id: int, reminder_id: int) -> PurchaseProposal:
    """Take an answer to a proposal back, and the todo it led to. Raises: NotFound; ProposalAnswered; ReminderClosed."""
    async with core.db.transaction():
        status = ProposalStatus.ACCEPTED if reminder_id else ProposalStatus.DECLINED
        row = await repeat_purchases.take_back(core, actor, proposal_id, status.value)
        if reminder_id:
            await reminders.cancel(core, actor, reminder_id)
    return row
