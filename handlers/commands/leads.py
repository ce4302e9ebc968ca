"""Record, list and claim leads in words."""

from typing import Any

from crm_core import leads
from crm_core.access import sees_personal
from crm_core.errors import NotFound
from crm_core.leads import Lead
from crm_core.values import mask_phone, show_phone
from handlers import dialogs, replies
from handlers.replies import Reply, Undo
from handlers.router import SELLING, ChatContext, command

_COLUMNS = ("wechat_id", "email", "title", "source", "need", "amount", "region")


async def undo_create(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Take back a lead just recorded."""
    lead = await leads.discard(ctx.core, ctx.actor, ids[0], reason="撤销")
    return replies.text(f"已撤销：线索「{lead.name}」")


async def undo_claim(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Give a claimed lead back."""
    lead = await leads.release(ctx.core, ctx.actor, ids[0], reason="撤销")
    return replies.text(f"已撤销：{lead.name}回到公海")


@command(
    intent="create_lead",
    usage="新线索 张伟 东风机械厂 13800138000 展会认识 想要20台网关",
    roles=SELLING,
    undo=("lead.create", undo_create),
)
async def create_lead(ctx: ChatContext) -> Reply:
    """记一条新线索"""
    phone = ctx.slot("phone")
    values: dict[str, Any] = {name: ctx.slot(name) for name in _COLUMNS if ctx.slot(name)}
    if phone:
        values["mobile" if phone.startswith("1") and len(phone) == 11 else "landline"] = phone
    known = await leads.find_by_mobile(phone) if phone else None
    if known and "again" not in ctx.slots:
        raise ctx.ask_yes(f"这个号码已有线索「{known.name}」，还要再记一条吗？（是/否）", slot="again")
    lead = await leads.add(
        ctx.core, ctx.actor, name=ctx.slot("person"), company=ctx.slot("company"), raw_text=ctx.message.text[:500], **values
    )
    return replies.record(
        f"已录入线索 #{lead.id}：{lead.name}",
        (
            ("公司", lead.company),
            ("电话", show_phone(lead.mobile or lead.landline)),
            ("来源", lead.source),
            ("需求", lead.need),
        ),
        undo=Undo("lead.create", (lead.id,)),
    )


@command(intent="list_pool", usage="公海", roles=SELLING, phrases=("公海",))
async def list_pool(ctx: ChatContext) -> Reply:
    """看公海里的线索"""
    found = await leads.find_in_pool(ctx.actor, text=ctx.slot("query") or ctx.slot("words"), region=ctx.slot("region"))
    if not found:
        return replies.text("公海里暂时没有符合的线索。")
    await dialogs.remember_list(ctx.core, ctx.account.id, "pool", [lead.id for lead in found])
    total = await leads.count_pool(ctx.actor)
    return replies.numbered(
        f"公海共{total}条，最新{len(found)}条：", [_pool_line(lead) for lead in found], "回复“领取 序号”或“领取 姓名”领取"
    )


@command(intent="claim_lead", usage="领取 张伟", roles=SELLING, undo=("lead.claim", undo_claim))
async def claim_lead(ctx: ChatContext) -> Reply:
    """领取公海线索"""
    lead = await leads.claim(ctx.core, ctx.actor, await _chosen(ctx))
    shown = show_phone(lead.mobile) if sees_personal(ctx.actor, lead.owner_id) else mask_phone(lead.mobile)
    return replies.record(
        f"已领取：{lead.name}",
        (("公司", lead.company), ("电话", shown), ("来源", lead.source), ("需求", lead.need)),
        undo=Undo("lead.claim", (lead.id,)),
    )


async def _chosen(ctx: ChatContext) -> int:
    if "lead" in ctx.slots:
        return int(ctx.slot("lead"))
    if ctx.slot("ref"):
        number = await dialogs.listed(ctx.core, ctx.account.id, "pool", ctx.slot("ref"))
        if number is None:
            raise NotFound
        return number
    wanted = ctx.slot("person") or ctx.slot("company")
    found = [lead for lead in await leads.find_in_pool(ctx.actor, text=wanted) if wanted in (lead.name, lead.company)]
    found = found or await leads.find_in_pool(ctx.actor, text=wanted)
    if len(found) > 1:
        options = [(f"{lead.name}（{lead.company or lead.source or '公海线索'}）", str(lead.id)) for lead in found[:9]]
        raise ctx.ask_choice("有几条线索符合，请回复序号：", options, slot="lead")
    if not found:
        await _refuse_taken(wanted)
        raise NotFound
    return int(found[0].id)


async def _refuse_taken(wanted: str) -> None:
    taken = await Lead.filter(name=wanted, owner_id__isnull=False).first()
    if taken is not None:
        raise leads.LeadAlreadyClaimed(name=taken.name, owner=await leads.owner_name(taken.id))


def _pool_line(lead: Lead) -> str:
    told = [lead.company, lead.region, lead.source, mask_phone(lead.mobile) or "", lead.need[:20]]
    return "，".join([lead.name, *(word for word in told if word)])
