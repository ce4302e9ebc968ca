"""Record, list and claim leads in words."""

from typing import Any

from crm_core import leads, pools
from crm_core.access import sees_personal, visible
from crm_core.errors import NotFound
from crm_core.leads import Lead
from crm_core.values import mask_phone, show_phone
from handlers import dialogs, replies
from handlers.replies import Reply, Undo
from handlers.router import SELLING, ChatContext, command
from handlers.understanding.phones import malformed_phone

_COLUMNS = ("wechat_id", "email", "title", "source", "need", "amount", "region")


async def undo_create(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Take back a lead just recorded."""
    lead = await leads.discard(ctx.core, ctx.actor, ids[0], reason="撤销")
    return replies.text(f"已撤销：线索「{lead.name}」")


async def undo_claim(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Give a claimed lead back."""
    lead = await pools.release(ctx.core, ctx.actor, ids[0], reason="撤销")
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
        raise ctx.ask_yes(f"这个号码已有线索{await _hint(ctx, known)}，还要再记一条吗？（是/否）", slot="again")
    lead = await leads.add(
        ctx.core, ctx.actor, name=ctx.slot("person"), company=ctx.slot("company"), raw_text=ctx.message.text[:500], **values
    )
    wrong = None if phone else malformed_phone(ctx.slot("said"))
    made = replies.record(
        f"已录入线索 #{lead.id}：{lead.name}",
        (
            ("公司", lead.company),
            ("电话", _phone(ctx, lead)),
            ("来源", lead.source),
            ("需求", lead.need),
        ),
        undo=Undo("lead.create", (lead.id,)),
    )
    return made.with_note(f"（{wrong} 位数不对，没有存为电话）") if wrong else made


@command(intent="list_pool", usage="公海", roles=SELLING, phrases=("公海",), reads=True)
async def list_pool(ctx: ChatContext) -> Reply:
    """看公海里的线索"""
    text, region = ctx.slot("query") or ctx.slot("words"), ctx.slot("region")
    found = await pools.find_in_pool(ctx.actor, text=text, region=region)
    if not found:
        await dialogs.remember_list(ctx.core, ctx.place, "pool", [])
        return replies.text("公海里暂时没有符合的线索。")
    await dialogs.remember_list(ctx.core, ctx.place, "pool", [lead.id for lead in found])
    total = await pools.count_pool(ctx.actor, text=text, region=region)
    return replies.numbered(
        f"公海共{total}条，最新{len(found)}条：", [_pool_line(lead) for lead in found], "回复“领取 序号”或“领取 姓名”领取"
    )


@command(intent="claim_lead", usage="领取 张伟", roles=SELLING, undo=("lead.claim", undo_claim))
async def claim_lead(ctx: ChatContext) -> Reply:
    """领取公海线索"""
    lead = await pools.claim(ctx.core, ctx.actor, await _chosen(ctx))
    shown = _phone(ctx, lead)
    return replies.record(
        f"已领取：{lead.name}",
        (("公司", lead.company), ("电话", shown), ("来源", lead.source), ("需求", lead.need)),
        undo=Undo("lead.claim", (lead.id,)),
    )


async def _chosen(ctx: ChatContext) -> int:
    if "lead" in ctx.slots:
        return int(ctx.slot("lead"))
    if ctx.slot("ref"):
        return await dialogs.listed(ctx.core, ctx.place, "pool", ctx.slot("ref"), ctx.slot("said"))
    wanted = ctx.slot("person") or ctx.slot("company")
    found = [lead for lead in await pools.find_in_pool(ctx.actor, text=wanted) if wanted in (lead.name, lead.company)]
    found = found or await pools.find_in_pool(ctx.actor, text=wanted)
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
        # The name is the one they said.
        raise pools.LeadAlreadyClaimed(lead=f"线索「{taken.name}」", owner=await leads.owner_name(taken.id))


async def _hint(ctx: ChatContext, known: Lead) -> str:
    """Tell who a lead is; of one the writer may not see, only whose."""
    if await visible(Lead, ctx.actor).filter(id=known.id).exists():
        return f"「{known.name}」"
    return f"，归属：{await leads.owner_name(known.id)}"


def _phone(ctx: ChatContext, lead: Lead) -> str | None:
    """Show a number in full to whoever may see it, and never where others read along."""
    number = lead.mobile or lead.landline
    full = sees_personal(ctx.actor, lead.owner_id) and not ctx.message.in_group
    return show_phone(number) if full else mask_phone(number)


def _pool_line(lead: Lead) -> str:
    told = [lead.company, lead.region, lead.source, mask_phone(lead.mobile) or "", lead.need[:20]]
    return "，".join([lead.name, *(word for word in told if word)])
