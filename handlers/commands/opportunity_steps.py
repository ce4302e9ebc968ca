"""What is next in words: stuck deals, the next step a manager leaves, and the answer to a repeat-purchase proposal."""

import re

from crm_core import access, pipelines, repeat_purchases
from crm_core.errors import Invalid, NoneFound
from crm_core.repeat_purchases import PurchaseProposal
from handlers import dialogs, replies
from handlers.opportunity_words import LIST, pick, refuse_impossible, time_said
from handlers.replies import Reply, Undo
from handlers.router import EVERYBODY, SELLING, ChatContext, command
from handlers.understanding.answers import read_answer
from scheduler import opportunity_todos, reminders

_FIRST = re.compile(r"(?P<who>#?\d{1,12}|\S+)[\s,，:：]+(?P<text>.+)", re.DOTALL)


@command(
    intent="list_stuck", usage="卡住的商机", roles=EVERYBODY, phrases=("卡住的商机", "卡住", "停滞的商机", "卡单"), reads=True
)
async def list_stuck(ctx: ChatContext) -> Reply:
    """看好久没动的商机"""
    found = await pipelines.list_stuck(ctx.core, ctx.actor, limit=10)
    await dialogs.remember_list(ctx.core, ctx.place, LIST, [each.id for each in found])
    if not found:
        return replies.text("没有卡住的商机。")
    lines = [f"#{each.id} {each.name}，{each.stage}，{each.quiet_days}天没动" for each in found]
    return replies.numbered(f"卡住的商机{len(found)}个：", lines, "留下一步：下一步 1 约客户高层见面 明天下午3点")


async def undo_next_step(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Take a next step back."""
    reminder = await reminders.cancel(ctx.core, ctx.actor, ids[0])
    return replies.text(f"已撤销：{reminder.text}")


@command(
    intent="leave_next_step",
    usage="下一步 1 约客户高层见面 明天下午3点",
    roles=SELLING,
    phrases=("下一步",),
    undo=("opportunity.next_step", undo_next_step),
)
async def leave_next_step(ctx: ChatContext) -> Reply:
    """给商机留下一步，记进负责人的待办"""
    if "text" not in ctx.slots:
        said = _FIRST.fullmatch(ctx.slot("words"))
        if said is None:
            raise Invalid(field="下一步", reason="请写成：下一步 商机名 做什么 什么时候")
        ctx.slots |= {"who": said["who"].removeprefix("#"), "text": said["text"].strip()}
    text = ctx.slot("text")
    refuse_impossible(text)
    row = await pick(ctx)
    at = time_said(ctx, text)
    made = await opportunity_todos.leave_next_step(ctx.core, ctx.actor, row.id, text=_without_time(ctx, text), at=at)
    when = replies.when(made.at, ctx.core.clock.now())
    return replies.text(f"已留下一步（{when}）：{made.text}", Undo("opportunity.next_step", (made.id,)))


def _without_time(ctx: ChatContext, text: str) -> str:
    """Take the time out of what is to be done: it stands beside it."""
    return str(read_answer("action", text, ctx.core.clock.now(), []) or text) if time_said(ctx, text) else text


async def undo_proposal(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Open a proposal again."""
    row = await opportunity_todos.undo_proposal(ctx.core, ctx.actor, *ids)
    return replies.text(f"已撤销：{row.label}，等待答复")


@command(intent="list_proposals", usage="复购建议", roles=EVERYBODY, phrases=("复购建议", "复购"), reads=True)
async def list_proposals(ctx: ChatContext) -> Reply:
    """看等着答复的复购建议"""
    found = await repeat_purchases.list_open(ctx.actor)
    await dialogs.remember_list(ctx.core, ctx.place, "proposals", [row.id for row in found])
    if not found:
        return replies.text("没有等着答复的复购建议。")
    return replies.numbered(f"复购建议{len(found)}条：", [row.label for row in found], "回复“约回访 1”或“先不约 1”")


@command(
    intent="accept_proposal",
    usage="约回访",
    roles=SELLING,
    phrases=("约回访",),
    undo=("purchase_proposal", undo_proposal),
)
async def accept_proposal(ctx: ChatContext) -> Reply:
    """接受复购建议，记成待办"""
    row, made = await opportunity_todos.accept_proposal(ctx.core, ctx.actor, await _proposal(ctx))
    when = replies.when(made.at, ctx.core.clock.now())
    return replies.text(f"好的，{when}提醒：{made.text}", Undo("purchase_proposal", (row.id, made.id)))


@command(
    intent="decline_proposal",
    usage="先不约",
    roles=SELLING,
    phrases=("先不约",),
    undo=("purchase_proposal", undo_proposal),
)
async def decline_proposal(ctx: ChatContext) -> Reply:
    """不接受复购建议"""
    row = await repeat_purchases.answer(ctx.core, ctx.actor, await _proposal(ctx), accept=False)
    return replies.text(f"好的，先不约：{row.label}", Undo("purchase_proposal", (row.id, 0)))


async def _proposal(ctx: ChatContext) -> int:
    """Find the proposal that is answered: pressed, by number, or the only one that waits."""
    if "proposal" in ctx.slots:
        return int((await access.load(PurchaseProposal, ctx.actor, int(ctx.slot("proposal")))).id)
    number = ctx.slot("words").strip("第条个 ")
    if number:
        return await dialogs.listed(ctx.core, ctx.place, "proposals", number, ctx.slot("said"))
    found = await repeat_purchases.list_open(ctx.actor, owner_id=ctx.actor.employee_id)
    if not found:
        raise NoneFound(what="等答复的复购建议")
    if len(found) > 1:
        options = [(row.label, str(row.id)) for row in found[:9]]
        raise ctx.ask_choice("是哪一条？请回复序号：", options, slot="proposal")
    return int(found[0].id)
