"""Leads of no use, taken off the lists and put back."""

from crm_core import access, leads
from crm_core.errors import Invalid
from crm_core.leads import Lead, LeadStatus
from handlers import replies
from handlers.customer_words import pick_any
from handlers.replies import Reply, Undo
from handlers.router import SELLING, ChatContext, command

_WAS = (LeadStatus.NEW.value, LeadStatus.FOLLOWING.value)


async def undo_discard(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Put a lead back where it stood."""
    lead = await leads.update(ctx.core, ctx.actor, ids[0], status=_WAS[ids[1]])
    return replies.text(f"已撤销：线索「{lead.name}」恢复")


@command(
    intent="discard_lead",
    usage="删除线索 张伟 空号",
    roles=SELLING,
    phrases=("删除线索", "作废线索"),
    undo=("lead.discard", undo_discard),
)
async def discard_lead(ctx: ChatContext) -> Reply:
    """删除无效的线索（记录保留，可撤销）"""
    who, _, reason = ctx.slot("words").partition(" ")
    if not who:
        raise Invalid(field="删除线索", reason="请写成：删除线索 张伟 空号")
    subject = await pick_any(ctx, who, ("lead",))
    before = (await access.load(Lead, ctx.actor, subject.id)).status
    lead = await leads.discard(ctx.core, ctx.actor, subject.id, reason=reason.strip()[:100] or "聊天中删除")
    undo = Undo("lead.discard", (lead.id, int(before == LeadStatus.FOLLOWING)))
    return replies.text(f"已删除线索：{lead.name}。记录保留为无效线索，回复“撤销”可恢复。", undo)
