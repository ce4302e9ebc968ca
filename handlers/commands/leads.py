"""Record, list and claim leads in words."""

from datetime import timedelta
from typing import Any

import msgspec

from crm_core import access, leads, matching, pool_claims, pools
from crm_core.access import sees_personal
from crm_core.errors import NotFound
from crm_core.leads import Lead
from crm_core.match_rules import SAME
from crm_core.values import mask_phone, show_phone
from handlers import dialogs, replies
from handlers.replies import Reply, Undo
from handlers.router import SELLING, ChatContext, command
from handlers.understanding.phones import malformed_phone

PAGE = 10
_COLUMNS = ("wechat_id", "email", "title", "source", "need", "amount", "region")


async def undo_create(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Take back a lead just recorded."""
    lead = await leads.discard(ctx.core, ctx.actor, ids[0], reason="撤销")
    return replies.text(f"已撤销：线索「{lead.name}」")


async def undo_claim(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Give a claimed lead back."""
    lead = await pools.release(ctx.core, ctx.actor, ids[0], reason="撤销", undo=True)
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
    await leads.refuse_elsewhere(ctx.actor, phone)
    known = None if "again" in ctx.slots else await _known(ctx, values)
    if known:
        raise ctx.ask_yes(f"{known}，还要再记一条吗？（是/否）", slot="again")
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


@command(intent="list_pool", usage="公海", roles=SELLING, phrases=("公海",))
async def list_pool(ctx: ChatContext) -> Reply:
    """看公海里的线索"""
    text, region = ctx.slot("query") or ctx.slot("words"), ctx.slot("region")
    return await _pool_page(ctx, {"text": text, "region": region, "after": None, "before": 0})


@command(intent="next_pool_page", usage="公海下一页", roles=SELLING, phrases=("公海下一页",))
async def next_pool_page(ctx: ChatContext) -> Reply:
    """看公海的下一页"""
    kept = await ctx.core.state.get(f"pool_page:{ctx.place}")
    if kept is None:
        return replies.text("请先回复“公海”看第一页。")
    return await _pool_page(ctx, msgspec.json.decode(kept))


async def _pool_page(ctx: ChatContext, page: dict[str, Any]) -> Reply:
    kind = ctx.core.settings.pools.find(page["text"])
    asked = {"text": "" if kind else page["text"], "region": page["region"], "pool": kind.name if kind else None}
    left = await pool_claims.views_left(ctx.core, ctx.actor)
    if left == 0:
        raise pool_claims.ViewCapReached(cap=ctx.core.settings.pools.views_a_day)
    size = PAGE if left is None else min(PAGE, left)
    found = await pools.find_in_pool(ctx.actor, **asked, after=page["after"], limit=size)
    await dialogs.remember_list(ctx.core, ctx.place, "pool", [lead.id for lead in found])
    if not found:
        none = "公海里暂时没有符合的线索。" if page["after"] is None else "没有更多了。"
        return replies.text(none)
    await pool_claims.count_views(ctx.core, ctx.actor, len(found))
    total = await pools.count_pool(ctx.actor, **asked)
    seen = page["before"] + len(found)
    following = msgspec.json.encode({**page, "after": found[-1].id, "before": seen}).decode()
    await ctx.core.state.set(f"pool_page:{ctx.place}", following, lasts=timedelta(hours=12))
    which = f"最新{len(found)}条" if page["after"] is None else f"第{page['before'] + 1}到{seen}条"
    more = "，“公海下一页”看更多" if seen < total else ""
    after = f"回复“领取 序号”或“领取 姓名”领取{more}"
    return replies.numbered(
        f"{kind.title if kind else '公海'}共{total}条，{which}：", [_pool_line(lead) for lead in found], after
    )


@command(
    intent="claim_lead",
    usage="领取 张伟",
    roles=SELLING,
    undo=("lead.claim", undo_claim),
    forms=(r"领\s*第?(?P<ref>\d{1,4})条?",),
)
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
        await _refuse_taken(ctx.actor, wanted)
        raise NotFound
    return int(found[0].id)


async def _refuse_taken(actor: access.Actor, wanted: str) -> None:
    taken = await Lead.filter(name=wanted, owner_id__isnull=False).first()
    if taken is not None and not access.is_confidential(actor, taken.department_id):
        # The name is the one they said.
        raise pools.LeadAlreadyClaimed(lead=f"线索「{taken.name}」", owner=await leads.owner_name(taken.id))


async def _known(ctx: ChatContext, values: dict[str, Any]) -> str:
    """Tell of the record that is there already (线索去重); of one the writer may not see, only whose."""
    told: dict[str, Any] = {name: values.get(name) for name in ("mobile", "landline", "email", "wechat_id")}
    found = await matching.find_duplicates(ctx.core, ctx.actor, name=ctx.slot("person"), company=ctx.slot("company"), **told)
    sure = [one for one in found if one.kind != "customer" and (one.verdict.hard or one.verdict.action == SAME)]
    if not sure:
        return ""
    one = sure[0]
    what = "这个号码" if "手机号相同" in one.reasons else "这位客户"
    noun = matching.NOUN_LABELS[one.kind]
    if one.visible:
        return f"{what}已有{noun}「{one.name}」"
    return f"{what}已有{noun}，归属：{one.owner or '公海'}"


def _phone(ctx: ChatContext, lead: Lead) -> str | None:
    """Show a number in full to whoever may see it, and never where others read along."""
    number = lead.mobile or lead.landline
    full = sees_personal(ctx.actor, lead.owner_id) and not ctx.message.in_group
    return show_phone(number) if full else mask_phone(number)


def _pool_line(lead: Lead) -> str:
    told = [lead.company, lead.region, lead.source, mask_phone(lead.mobile) or "", lead.need[:20]]
    return "，".join([lead.name, *(word for word in told if word)])
