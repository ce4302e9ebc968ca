"""Customers given to a colleague in bulk, and the hand-over of somebody who leaves: counted and confirmed first."""

import re

from crm_core import change_sets, colleagues, transfers
from crm_core.access import Role
from crm_core.errors import Invalid
from handlers import replies
from handlers.replies import Reply, Undo
from handlers.router import ChatContext, command

MANAGING = frozenset({Role.MANAGER, Role.ADMIN})
_LEAVES = re.compile(r"(?P<giver>\S{1,16})\s*(?:交接|转|移交)给\s*(?P<taker>\S{1,16})")


async def undo_hand_over(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Give everything back."""
    done = await change_sets.undo(ctx.core, ctx.actor, ids[0])
    left = f"，{done.left}处之后有改动，保持现状" if done.left else ""
    note = "。原账号仍停用，请另行交接" if ids[1] else ""
    return replies.text(f"已撤销交接，{done.rows}条记录回到原负责人{left}{note}")


@command(
    intent="hand_over_customers",
    usage="把小李的客户转给小王",
    roles=MANAGING,
    phrases=("转移客户",),
    forms=(
        r"把(?P<giver>[^\s，,。的]{1,16})(?:名下)?的?(?:所有|全部)?(?:的)?客户(?P<leads>(?:和|跟|与|、|连同)(?:所有|全部)?线索)?"
        r"(?:都|全部?|一起)?(?:转给|转移给|交接给|移交给|交给)(?P<taker>[^\s，,。]{1,16}?)(?P<also>[\s，,]*(?:包括|连|含|连同)线索(?:一起)?)?",
    ),
    undo=("transfer.hand_over", undo_hand_over),
)
async def hand_over_customers(ctx: ChatContext) -> Reply:
    """批量转移客户（连同联系人、商机、待办）"""
    if "giver" not in ctx.slots:
        found = _LEAVES.fullmatch(ctx.slot("words"))
        if found is None:
            raise Invalid(field="转移客户", reason="请写成：把小李的客户转给小王")
        ctx.slots |= found.groupdict()
    giver = await colleagues.one_called(ctx.actor, ctx.slot("giver"), departed=True)
    taker = await colleagues.one_called(ctx.actor, ctx.slot("taker"))
    if giver.id == taker.id:
        raise Invalid(field="转移客户", reason=f"交出和接收都是{giver.name}，请写另一位同事")
    leads = bool(ctx.slot("leads") or ctx.slot("also"))
    if "sure" not in ctx.slots:
        counts = await transfers.count(ctx.core, ctx.actor, giver.id, leads=leads)
        if not counts.total:
            raise transfers.NothingToHandOver(name=giver.name)
        rest = "" if leads else "线索不动，要一起转请说“把…的客户和线索转给…”。"
        raise ctx.ask_yes(f"把{giver.name}的{counts.shown()}转给{taker.name}？{rest}（是/否）", slot="sure")
    done = await transfers.hand_over(ctx.core, ctx.actor, giver.id, taker.id, leads=leads)
    undo = Undo("transfer.hand_over", (done.changes.id, 0))
    return replies.text(f"已转移：{done.from_name} → {done.to_name}，{done.counts.shown()}。回复“撤销”可恢复。", undo)


@command(
    intent="leave_house",
    usage="离职 小李 交接给 小王",
    roles=MANAGING,
    phrases=("离职",),
    forms=(r"(?P<giver>[^\s，,。]{1,16}?)离职(?:了)?[\s，,]*(?:交接|转|移交)给(?P<taker>[^\s，,。]{1,16})",),
    undo=("transfer.leave", undo_hand_over),
)
async def leave_house(ctx: ChatContext) -> Reply:
    """员工离职：立即停用账号，名下全部交接"""
    if "giver" not in ctx.slots:
        found = _LEAVES.fullmatch(ctx.slot("words"))
        if found is None:
            raise Invalid(field="离职", reason="请写成：离职 小李 交接给 小王")
        ctx.slots |= found.groupdict()
    giver = await colleagues.one_called(ctx.actor, ctx.slot("giver"))
    taker = await colleagues.one_called(ctx.actor, ctx.slot("taker"))
    if giver.id == taker.id:
        raise Invalid(field="离职", reason=f"离职和接收都是{giver.name}，请写另一位同事")
    if "sure" not in ctx.slots:
        counts = await transfers.count(ctx.core, ctx.actor, giver.id, leads=True, everything=True)
        question = f"{giver.name}离职：账号立即停用（不能撤销），{counts.shown()}交接给{taker.name}？（是/否）"
        raise ctx.ask_yes(question, slot="sure")
    done = await transfers.leave(ctx.core, ctx.actor, giver.id, taker.id)
    words = f"已办理离职：{done.from_name}的账号已停用，{done.counts.shown()}已交接给{done.to_name}，历史记录保留。"
    return replies.text(words, Undo("transfer.leave", (done.changes.id, 1)))
