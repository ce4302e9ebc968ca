"""Distribution and assignment in words: to a unit, to a colleague, the answer to an offer, what nobody took, and why."""

from datetime import datetime

from crm_core import assignment, change_sets, departments, distribution, lead_exceptions, overdue, pools
from crm_core.access import Role
from crm_core.assignment_tables import Offer
from crm_core.errors import Invalid, NotFound
from crm_core.leads import Lead
from crm_core.values import show_phone
from handlers import dialogs, replies
from handlers.lead_choice import colleague, lead_named, leads_said
from handlers.replies import Reply, Undo
from handlers.router import EVERYBODY, SELLING, ChatContext, command

RULING = frozenset({Role.MANAGER, Role.ADMIN})
OVERDUE_PAGE = 20
_LEAD = r"(?P<which>.{1,120}?)"


async def undo_set(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Take an assignment or distribution back as one."""
    done = await change_sets.undo(ctx.core, ctx.actor, ids[0])
    left = f"，{done.left}处之后改过，没有动" if done.left else ""
    return replies.text(f"已撤销{left}")


@command(
    intent="distribute_lead",
    usage="把 3 分发给 华东部",
    roles=RULING,
    phrases=("分发",),
    forms=(rf"把{_LEAD}分发[给到]\s*(?P<unit>\S{{1,64}})",),
    undo=("lead.distribute", undo_set),
)
async def distribute_lead(ctx: ChatContext) -> Reply:
    """把公海线索分发给单位"""
    which, unit = _pair(ctx, "unit", "请写成：分发 3 华东部")
    row = None if unit in ("总部", "公海", distribution.HEADQUARTERS) else await departments.find(unit)
    numbers = await leads_said(ctx, which)
    changes = await distribution.distribute(ctx.core, ctx.actor, numbers, row.id if row else None)
    return replies.text(f"已分发：{changes.summary}。说错了回复「撤销」", Undo("lead.distribute", (changes.id,)))


@command(
    intent="assign_lead",
    usage="分给 小王 3",
    roles=SELLING,
    phrases=("分给",),
    forms=(rf"把{_LEAD}分给\s*(?P<who>\S{{1,64}})",),
    undo=("lead.assign", undo_set),
)
async def assign_lead(ctx: ChatContext) -> Reply:
    """把线索分给同事"""
    if "who" not in ctx.slots:
        who, _, which = ctx.slot("words").partition(" ")
        ctx.slots |= {"who": who, "which": which.strip()}
    if not ctx.slot("which") and "lead" not in ctx.slots:
        await _choose_exception(ctx)
    owner = await colleague(ctx, ctx.slot("who"))
    numbers = await leads_said(ctx, ctx.slot("which"))
    changes = await assignment.assign(ctx.core, ctx.actor, numbers, owner.id)
    return replies.text(f"已分配：{changes.summary}。说错了回复「撤销」", Undo("lead.assign", (changes.id,)))


async def _choose_exception(ctx: ChatContext) -> None:
    """Ask which of the leads nobody took is meant; the only one needs no question."""
    found = await lead_exceptions.list_open(ctx.actor)
    if not found:
        raise Invalid(field="分给", reason="请写明哪条线索，例如：分给 小王 #12")
    if len(found) > 1:
        options = [(_lead_line(lead), str(lead.id)) for _, lead in found[:9]]
        raise ctx.ask_choice("分哪一条？请回复序号：", options, slot="lead")
    ctx.slots["lead"] = found[0][1].id


def _pair(ctx: ChatContext, name: str, how: str) -> tuple[str, str]:
    if name not in ctx.slots:
        which, _, other = ctx.slot("words").rpartition(" ")
        ctx.slots |= {"which": which.strip(), name: other.strip()}
    if not ctx.slot("which") or not ctx.slot(name):
        raise Invalid(field="分发", reason=how)
    return ctx.slot("which"), ctx.slot(name)


async def undo_accept(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Give an accepted lead back; a colleague may be asked by hand."""
    lead = await pools.release(ctx.core, ctx.actor, ids[0], reason="撤销", undo=True)
    return replies.text(f"已撤销：{lead.name}回到公海")


@command(intent="accept_lead", usage="接受 #12", roles=SELLING, phrases=("接受", "接单"), undo=("lead.accept", undo_accept))
async def accept_lead(ctx: ChatContext) -> Reply:
    """接受分给自己的线索"""
    lead = await assignment.accept(ctx.core, ctx.actor, await _offer(ctx))
    number = lead.mobile or lead.landline
    phone = "（私聊里看）" if ctx.message.in_group and number else show_phone(number)
    fields = (("公司", lead.company), ("电话", phone), ("来源", lead.source), ("需求", lead.need))
    return replies.record(f"已接受：{lead.name}", fields, undo=Undo("lead.accept", (lead.id,)))


async def undo_decline(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Be asked again, as long as nobody has taken the lead."""
    lead = await assignment.take_decline_back(ctx.core, ctx.actor, ids[0])
    return replies.text(f"已撤销：{lead.name}还在等答复，回复“接受 #{lead.id}”或“拒绝 #{lead.id}”")


@command(
    intent="decline_lead",
    usage="拒绝 #12 在休假",
    roles=SELLING,
    phrases=("拒绝", "不接"),
    undo=("lead.decline", undo_decline),
)
async def decline_lead(ctx: ChatContext) -> Reply:
    """拒绝分给自己的线索"""
    offer = await _offer(ctx)
    words = ctx.slot("words")
    first, _, rest = words.partition(" ")
    reason = rest if first.removeprefix("#").isdecimal() else words
    lead = await assignment.decline(ctx.core, ctx.actor, offer, reason=reason.strip())
    return replies.text(f"好的，{lead.name}转给下一位。", Undo("lead.decline", (offer,)))


async def _offer(ctx: ChatContext) -> int:
    """Find the offer that is answered: pressed, by the lead's number, by its place, or the only one that waits."""
    if "offer" in ctx.slots:
        return int(ctx.slot("offer"))
    found = await assignment.list_open(ctx.actor)
    said = ctx.slot("words").partition(" ")[0].removeprefix("#")
    if said.isdecimal() and len(said) < 16:
        fitting = [offer for offer in found if offer.lead_id == int(said)]
        if not fitting and 1 <= int(said) <= len(found):
            fitting = [found[int(said) - 1]]
        found = fitting
    if not found:
        raise assignment.OfferOver if said.isdecimal() else NotFound
    if len(found) > 1:
        raise ctx.ask_choice(
            "是哪一条？请回复序号：", [(await _told(offer), str(offer.id)) for offer in found[:9]], slot="offer"
        )
    return int(found[0].id)


async def _told(offer: Offer) -> str:
    return _lead_line(await Lead.get(id=offer.lead_id))


@command(intent="list_offers", usage="待接受", roles=SELLING, phrases=("待接受", "待接线索"), reads=True)
async def list_offers(ctx: ChatContext) -> Reply:
    """看等我答复的线索"""
    found = await assignment.list_open(ctx.actor)
    if not found:
        return replies.text("没有等着答复的线索。")
    now = ctx.core.clock.now()
    lines = [
        f"{await _told(offer)}，{offer.reason}" + (f"，{replies.when(offer.expires_at, now)}前答复" if offer.expires_at else "")
        for offer in found
    ]
    return replies.numbered(f"等着答复的线索{len(found)}条：", lines, "回复“接受 1”或“拒绝 1”")


@command(intent="list_exceptions", usage="待分配", roles=RULING, phrases=("待分配", "分配例外", "例外"), reads=True)
async def list_exceptions(ctx: ChatContext) -> Reply:
    """看没有人接的线索"""
    found = await lead_exceptions.list_open(ctx.actor)
    await dialogs.remember_list(ctx.core, ctx.place, "exceptions", [lead.id for _, lead in found])
    if not found:
        return replies.text("没有待分配的线索。")
    lines = [f"{_lead_line(lead)}，{row.reason}" for row, lead in found]
    return replies.numbered(f"待分配的线索{len(found)}条：", lines, "回复“分给 姓名 序号”")


@command(intent="list_overdue", usage="逾期线索", roles=EVERYBODY, phrases=("逾期线索", "跟进不及时"), reads=True)
async def list_overdue(ctx: ChatContext) -> Reply:
    """看跟进不及时的线索"""
    shown = (await dialogs.last_list(ctx.core, ctx.place)).ids if ctx.slot("more") else []
    at, _, last = ctx.slot("after").partition("|")
    after = (datetime.fromisoformat(at), int(last)) if shown and at else None
    found = await overdue.list_overdue(ctx.core, ctx.actor, limit=OVERDUE_PAGE, after=after)
    if not found:
        return replies.text("没有更多了。" if shown else "没有跟进不及时的线索。")
    numbers = [*shown, *(each.id for each in found)]
    going_on = {"after": f"{found[-1].touched_at.isoformat()}|{found[-1].id}"}
    await dialogs.remember_list(ctx.core, ctx.place, "overdue", numbers, intent="list_overdue", slots=going_on)
    total, now = await overdue.count_overdue(ctx.core, ctx.actor), ctx.core.clock.now()
    lines = [f"#{each.id} {each.name}，{each.owner}，{each.days(now)}天没跟进" for each in found]
    which = f"，第{len(shown) + 1}到{len(numbers)}条" if total > len(found) else ""
    more = "；看后面的回复“更多”" if total > len(numbers) else ""
    title = f"跟进不及时的线索{total}条{which}："
    return replies.numbered(title, lines, f"记一条跟进，或“退回 序号 原因”{more}", first=len(shown) + 1)


@command(intent="explain_assignment", usage="为什么给我 张伟", roles=EVERYBODY, phrases=("为什么给我", "为什么分给我"))
async def explain_assignment(ctx: ChatContext) -> Reply:
    """看线索为什么分到这里"""
    words = ctx.slot("words") or await _last_given(ctx)
    number = (await leads_said(ctx, words))[0] if words.removeprefix("#").isdecimal() else await _named(ctx, words)
    lead, steps = await assignment.explain(ctx.actor, number)
    if not steps:
        return replies.text(f"「{lead.name}」没有分发或分配的记录。")
    return replies.text("\n".join([f"「{lead.name}」：", *(f"· {step.line()}" for step in steps)]))


async def _named(ctx: ChatContext, words: str) -> int:
    return int(ctx.slot("lead")) if "lead" in ctx.slots else await lead_named(ctx, words)


async def _last_given(ctx: ChatContext) -> str:
    row = await Offer.filter(employee_id=ctx.actor.employee_id or 0).order_by("-id").first()
    if row is None:
        raise NotFound
    return f"#{row.lead_id}"


@command(intent="show_rules", usage="分发规则", roles=EVERYBODY, phrases=("分发规则", "分配规则"), reads=True)
async def show_rules(ctx: ChatContext) -> Reply:
    """看分发和分配规则"""
    settings = ctx.core.settings
    lines = [
        f"· 分发「{each.name}」：{each.when.say()} → {each.department or '总部公海'}" for each in settings.distribution.rules
    ]
    for rule in settings.assignment.rules:
        units = "、".join(rule.departments) or "各单位"
        how = f"先问，{int(rule.answer_within.total_seconds() // 60)}分钟不答转下一位" if rule.offer else "直接分配"
        method = assignment_method(rule.method, rule.match)
        lines.append(f"· 分配「{rule.name}」：{units}，{rule.when.say()}，{method}，{how}")
    lines += [f"· 公海「{each.title}」：{each.when.say()}" for each in settings.pools.kinds]
    return replies.text(
        "\n".join(["依次判断，先符合的生效：", *lines]) if lines else "还没有分发和分配规则，请在 config.toml 里设置。"
    )


def assignment_method(method: str, match: tuple[str, ...]) -> str:
    """Say how a rule chooses."""
    words = {"region": "按地区", "skill": "按专长", "round_robin": "轮流", "load": "名下少的优先"}
    return "，".join([*(words[name] for name in match), words[method]])


def _lead_line(lead: Lead) -> str:
    told = [lead.company, lead.region, lead.source]
    return "，".join([f"#{lead.id} {lead.name}", *(word for word in told if word)])
