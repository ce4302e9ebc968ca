"""Record, list and claim leads in words."""

from datetime import timedelta
from typing import Any

import msgspec

from crm_core import leads, matching, pool_claims, pools
from crm_core.access import sees_personal
from crm_core.conversations import Message
from crm_core.errors import Conflict, CrmError, NotFound, Unavailable
from crm_core.leads import Lead
from crm_core.match_rules import SAME
from crm_core.messages import Direction
from crm_core.said_mobiles import hide_mobiles
from crm_core.validation import cleaned
from crm_core.values import mask_phone, mask_text, show_phone
from handlers import dialogs, replies, subjects
from handlers.replies import Reply, Undo
from handlers.router import SELLING, ChatContext, command
from handlers.understanding.answers import read_refs
from handlers.understanding.phones import malformed_phone

PAGE = 10
MOST_SHOWN = 30
"""Leads of the pool in one answer, when somebody asks for a number of them."""
MOST_CLAIMED = 10
"""Leads one sentence may claim."""
PAGE_LASTS = timedelta(hours=12)
WORDS = 60
"""Characters of what a customer said last, in the answer to a claim."""
_COLUMNS = ("wechat_id", "email", "title", "source", "need", "amount", "region")


async def undo_create(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Take back a lead just recorded."""
    lead = await leads.discard(ctx.core, ctx.actor, ids[0], reason="撤销")
    return replies.text(f"已撤销：线索「{lead.name}」")


async def undo_claim(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Give claimed leads back."""
    names = [(await pools.release(ctx.core, ctx.actor, number, reason="撤销", undo=True)).name for number in ids]
    return replies.text(f"已撤销：{'、'.join(names)}回到公海")


class AlreadyOwn(Conflict):
    """There is nothing to claim."""

    code = "lead.already_own"
    text = "名下已有「{name}」"


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
    wrong = None if phone else malformed_phone(ctx.slot("said"))
    if wrong:  # a number is no need; the words stay with the record as they were said
        values["need"] = values.get("need", "").replace(wrong, "").strip()
    if phone:
        values["mobile" if phone.startswith("1") and len(phone) == 11 else "landline"] = phone
    await leads.refuse_elsewhere(ctx.core, ctx.actor, cleaned(values))
    known = None if "again" in ctx.slots else await _known(ctx, values)
    if known:
        raise ctx.ask_yes(f"{known}，还要再记一条吗？（是/否）", slot="again")
    lead = await leads.add(
        ctx.core,
        ctx.actor,
        name=ctx.slot("person") or ctx.slot("title"),
        company=ctx.slot("company"),
        raw_text=ctx.message.text[:500],
        **values,
    )
    made = replies.record(
        f"已录入线索 #{lead.id}：{lead.name}",
        (
            ("公司", lead.company),
            ("电话", _phone(ctx, lead)),
            *_more(ctx, lead),
            ("来源", lead.source),
            ("需求", lead.need),
            ("预算", replies.money(lead.amount) if lead.amount else ""),
        ),
        undo=Undo("lead.create", (lead.id,)),
    )
    return made.with_note(f"（{wrong} 位数不对，没有存为电话；补电话请说：把{lead.name}的电话改成…）") if wrong else made


def _more(ctx: ChatContext, lead: Lead) -> tuple[tuple[str, object], ...]:
    """Tell what else was read of a new lead, so that whoever said it sees what was understood."""
    shown = (lambda value: value) if _full(ctx, lead) else mask_text
    told = (("微信号", shown(lead.wechat_id)), ("邮箱", shown(lead.email)), ("地区", lead.region))
    return (("职务", lead.title if lead.title != lead.name else ""), *told)


@command(intent="list_pool", usage="公海", roles=SELLING, phrases=("公海",))
async def list_pool(ctx: ChatContext) -> Reply:
    """看公海里的线索"""
    return await _list_pool(ctx)


async def _list_pool(ctx: ChatContext) -> Reply:
    kept = await ctx.core.state.get(f"pool_page:{ctx.place}") if ctx.slot("more") else None
    if kept is not None:
        return await _pool_page(ctx, msgspec.json.decode(kept))
    text, region = ctx.slot("query") or ctx.slot("words"), ctx.slot("region")
    size = PAGE
    if text.isdecimal() and len(text) < 4:  # 公海 20: so many of them
        text, size = "", min(max(int(text), 1), MOST_SHOWN)
    return await _pool_page(ctx, {"text": text, "region": region, "after": None, "shown": [], "size": size})


@command(intent="next_pool_page", usage="公海下一页", roles=SELLING, phrases=("公海下一页",))
async def next_pool_page(ctx: ChatContext) -> Reply:
    """看公海的下一页"""
    ctx.slots["more"] = "yes"
    return await _list_pool(ctx)


async def _pool_page(ctx: ChatContext, page: dict[str, Any]) -> Reply:
    kind = ctx.core.settings.pools.find(page["text"])
    asked = {"text": "" if kind else page["text"], "region": page["region"], "pool": kind.name if kind else None}
    left = await pool_claims.views_left(ctx.core, ctx.actor)
    if left == 0:
        raise pool_claims.ViewCapReached(cap=ctx.core.settings.pools.views_a_day)
    size = page["size"] if left is None else min(page["size"], left)
    found = await pools.find_in_pool(ctx.actor, **asked, after=page["after"], limit=size)
    if page["shown"] and not found:
        return replies.text("没有更多了。")
    shown = [*page["shown"], *(lead.id for lead in found)]
    slots = {"query": page["text"], "region": page["region"]}
    await dialogs.remember_list(ctx.core, ctx.place, "pool", shown, intent="list_pool", slots=slots)
    if not found:
        return replies.text("公海里暂时没有符合的线索。")
    await pool_claims.count_views(ctx.core, ctx.actor, len(found))
    following = msgspec.json.encode({**page, "after": found[-1].id, "shown": shown}).decode()
    await ctx.core.state.set(f"pool_page:{ctx.place}", following, lasts=PAGE_LASTS)
    total = await pools.count_pool(ctx.actor, **asked)
    before = len(page["shown"])
    which = f"第{before + 1}到{len(shown)}条" if before else f"最新{len(found)}条"
    more = "；看后面的回复“下一页”" if total > len(shown) else ""
    after = f"回复“领取 序号”或“领取 姓名”领取{more}"
    title = f"{kind.title if kind else '公海'}共{total}条，{which}："
    return replies.numbered(title, [_pool_line(lead) for lead in found], after, first=before + 1)


@command(intent="claim_lead", usage="领取 张伟", roles=SELLING, undo=("lead.claim", undo_claim))
async def claim_lead(ctx: ChatContext) -> Reply:
    """领取公海线索"""
    refs = read_refs(ctx.slot("said"), ctx.core.clock.now())
    if ctx.slot("ref") and len(refs) > 1:
        ctx.slots["several"] = True
        return await _claim_several(ctx, refs[:MOST_CLAIMED])
    number = await _chosen(ctx)
    own = await Lead.get_or_none(id=number, owner_id=ctx.actor.employee_id or 0)
    if own is not None:
        raise AlreadyOwn(name=own.name)
    lead = await pools.claim(ctx.core, ctx.actor, number)
    fields = (("公司", lead.company), ("电话", _phone(ctx, lead)), ("来源", lead.source), ("需求", lead.need))
    said = await _last_words(ctx, lead)
    return replies.record(f"已领取：{_name(ctx, lead)}", (*fields, ("最近留言", said)), undo=Undo("lead.claim", (lead.id,)))


async def _claim_several(ctx: ChatContext, refs: list[str]) -> Reply:
    """Claim leads of the list one after the other; what cannot be claimed keeps none of the others back."""
    lines, claimed = [], []
    for ref in refs:
        try:
            number = await dialogs.listed(ctx.core, ctx.place, "pool", ref, ctx.slot("said"))
            async with ctx.core.db.transaction():
                lead = await pools.claim(ctx.core, ctx.actor, number)
        except Unavailable:
            raise  # else it would be answered, and never done
        except CrmError as error:
            lines.append(f"第{ref}条：{error.sentence()}")
            continue
        claimed.append(lead.id)
        lines.append("，".join(part for part in (f"已领取：{_name(ctx, lead)}", lead.company, _phone(ctx, lead)) if part))
    return replies.text("\n".join(lines), Undo("lead.claim", tuple(claimed)) if claimed else None)


async def _last_words(ctx: ChatContext, lead: Lead) -> str:
    """Tell what the customer wrote last; never where others read along."""
    numbers = [account.id for account in await leads.accounts_of(lead.person_id)]
    if ctx.message.in_group or not numbers:
        return ""
    written = Message.filter(account_id__in=numbers, direction=Direction.IN.value).exclude(text="").exclude(kind="event")
    last = await written.order_by("-id").first()
    return last.text[:WORDS] if last else ""


async def _chosen(ctx: ChatContext) -> int:
    if "lead" in ctx.slots:
        return int(ctx.slot("lead"))
    if ctx.slot("ref"):
        return await dialogs.listed(ctx.core, ctx.place, "pool", ctx.slot("ref"), ctx.slot("said"))
    wanted = ctx.slot("person") or ctx.slot("company")
    found = [lead for lead in await pools.find_in_pool(ctx.actor, text=wanted) if wanted in (lead.name, lead.company)]
    found = found or await pools.find_in_pool(ctx.actor, text=wanted)
    if len(found) > 1:
        options = [
            (f"{hide_mobiles(lead.name)}（{lead.company or lead.source or '公海线索'}）", str(lead.id)) for lead in found[:9]
        ]
        raise ctx.ask_choice("有几条线索符合，请回复序号：", options, slot="lead")
    if not found:
        if await Lead.filter(name=wanted, owner_id=ctx.actor.employee_id or 0, status__in=["new", "following"]).exists():
            raise AlreadyOwn(name=wanted)
        if not ctx.message.in_group:
            await subjects.refuse_colleague(wanted)
            await subjects.refuse_known_elsewhere(ctx.actor, wanted)
        raise NotFound
    return int(found[0].id)


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
        return f"{what}已有{noun}「{hide_mobiles(one.name)}」"
    # Where others read along not even whose it is.
    return f"{what}已有{noun}" if ctx.message.in_group else f"{what}已有{noun}，归属：{one.owner or '公海'}"


def _phone(ctx: ChatContext, lead: Lead) -> str | None:
    """Show a number in full to whoever may see it, and never where others read along."""
    number = lead.mobile or lead.landline
    return show_phone(number) if _full(ctx, lead) else mask_phone(number)


def _name(ctx: ChatContext, lead: Lead) -> str:
    """Write a name; people put their number into it, which is shown to the same people only."""
    return lead.name if _full(ctx, lead) else hide_mobiles(lead.name)


def _full(ctx: ChatContext, lead: Lead) -> bool:
    return sees_personal(ctx.actor, lead.owner_id) and not ctx.message.in_group


def _pool_line(lead: Lead) -> str:
    need = hide_mobiles(lead.need)[:20]
    told = [hide_mobiles(lead.company), lead.region, lead.source, mask_phone(lead.mobile) or "", need]
    return "，".join([hide_mobiles(lead.name), *(word for word in told if word)])
