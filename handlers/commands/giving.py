"""Giving one lead or customer to a colleague in a sentence (转给): whoever has it, or a manager, says to whom and why."""

import msgspec

from crm_core import access, assignment, change_sets, customers, lead_exceptions
from crm_core.activities import Subject
from crm_core.change_sets import ChangedRow, ChangeSet
from crm_core.customers import Contact, Customer
from crm_core.employees import Employee
from crm_core.errors import NotFound
from handlers import replies, todo_words
from handlers.lead_choice import colleague, leads_said
from handlers.replies import Reply, Undo
from handlers.router import SELLING, ChatContext, command


async def undo_giving(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Give a lead or customer back by its change set."""
    changes = await access.load(ChangeSet, ctx.actor, ids[0])
    done = await change_sets.undo(ctx.core, ctx.actor, changes.id)
    if done.rows:
        await _tell_both(ctx, changes)
    what = f"：{changes.summary}" if changes.kind == "customer.give" else ""
    return replies.text(f"已撤销{what}{f'，{done.left}处之后改过，没有动' if done.left else ''}")


async def _tell_both(ctx: ChatContext, changes: ChangeSet) -> None:
    """Tell whoever had it and whoever had got it that it was taken back."""
    rows = ChangedRow.filter(set_id=changes.id, table_name__in=["leads", "customers"])
    said = [msgspec.json.decode(text or "{}") for pair in await rows.values_list("before", "after") for text in pair]
    people = {int(values["owner_id"]) for values in said if values.get("owner_id")} - {ctx.actor.employee_id}
    for number in sorted(people):
        text = f"{ctx.actor.name}撤销了：{changes.summary}"
        await lead_exceptions.tell(ctx.core, number, text, f"given_back:{changes.id}:{number}")


@command(
    intent="transfer_lead",
    usage="把张伟转给李娜跟进",
    roles=SELLING,
    forms=(
        r"把\s*(?P<person>[^\s，,。的]{1,16}?)(?:的|这条|那条)*线索(?:都)?(?:转给|转交给|交给|移交给)(?P<assignee>[^\s，,。]{1,16})",
    ),
    undo=("lead.transfer", undo_giving),
)
async def transfer_lead(ctx: ChatContext) -> Reply:
    """把线索或客户转给同事"""
    taker = await colleague(ctx, ctx.slot("assignee"))
    # The sentence itself is no reason.
    reason = "" if ctx.slot("assignee") in ctx.slot("reason") else ctx.slot("reason")
    if ctx.slot("ref") and "subject" not in ctx.slots:
        handed = await todo_words.hand_listed(ctx, taker)
        if handed is not None:
            return handed
        said = f"#{ctx.slot('ref')}" if f"#{ctx.slot('ref')}" in ctx.message.text.replace("＃", "#") else ctx.slot("ref")
        return await _give_lead(ctx, (await leads_said(ctx, said))[0], taker, reason)
    subject = await ctx.pick_subject()
    if subject is None:
        raise NotFound
    if subject.kind == "lead":
        return await _give_lead(ctx, subject.id, taker, reason)
    return await _give_customer(ctx, subject, taker, reason)


async def _give_lead(ctx: ChatContext, number: int, taker: Employee, reason: str) -> Reply:
    changes = await assignment.assign(ctx.core, ctx.actor, [number], taker.id, reason=reason)
    return replies.text(f"已分配：{changes.summary}。说错了回复「撤销」", Undo("lead.transfer", (changes.id,)))


async def _give_customer(ctx: ChatContext, subject: Subject, taker: Employee, reason: str) -> Reply:
    """Give a customer, with its contacts, deals and open reminders."""
    number: int | None = subject.id
    if subject.kind == "contact":
        number = (await access.load(Contact, ctx.actor, subject.id)).customer_id
    if number is None:
        raise NotFound
    row = await access.load(Customer, ctx.actor, number)
    row, set_id = await customers.give(ctx.core, ctx.actor, row.id, taker.id)
    if taker.id != ctx.actor.employee_id:
        text = f"{ctx.actor.name}把客户「{row.name}」转给了你" + (f"\n原因：{reason}" if reason else "")
        await lead_exceptions.tell(ctx.core, taker.id, text, f"customer.transfer:{row.id}:{ctx.message.key[-150:]}")
    undo = Undo("lead.transfer", (set_id,)) if set_id is not None else None
    note = "。说错了回复「撤销」" if undo else ""
    return replies.text(f"已转给{taker.name}：客户「{row.name}」和它的联系人、商机、待办{note}", undo)
