"""Greetings and broadcasts in words: drafted, shown with who gets what and why not, started only after a yes."""

from datetime import datetime, time

import msgspec

from campaigns import audience, broadcasts, greetings, results
from campaigns.broadcasts import BROADCAST_STATUS_LABELS, RECIPIENT_STATUS_LABELS, Broadcast, BroadcastStatus, RecipientStatus
from campaigns.greetings import GREETING_STATUS_LABELS, GreetingPlan, GreetingStatus
from campaigns.templates import Template, TemplateKind
from crm_core import access, segments
from crm_core.calendar import festivals, next_festival
from crm_core.clock import at_local, today
from crm_core.customers import Contact
from crm_core.errors import Invalid, NotFound, Refused
from crm_core.leads import Lead
from crm_core.messages import Button
from crm_core.policy import REASON_LABELS, Reason, quiet_until
from crm_core.said_mobiles import hide_mobiles
from crm_core.segments import Segment
from handlers import replies
from handlers.replies import Reply, Undo
from handlers.router import MARKETING, ChatContext, command
from handlers.understanding.answers import read_answer

DEFAULT_TIME = "09:00"
LEVELS = {"vip": "VIP客户", "key": "重点客户", "normal": "普通客户"}


class NoTemplate(Invalid):
    """There is nothing approved to say."""

    code = "campaign.no_template"
    text = "还没有可用的{what}模板，请先在接口或演示页新建一个"


class ApprovedElsewhere(Refused):
    """A body that nobody signed cannot approve."""

    code = "campaign.approved_elsewhere"
    text = "这个渠道的消息没有签名，不能在这里批准，请在接口或演示页批准"


_NO = {"no": "draft"}
"""Marks what a no stands for: it refuses a draft, and never ends what was approved."""
UNSIGNED = "这个渠道的消息没有签名，请在接口或演示页批准。"


async def undo_greeting(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Take back a greeting just scheduled."""
    plan = await greetings.cancel(ctx.core, ctx.actor, ids[0])
    return replies.text(f"已撤销：「{plan.name}」不再发送")


async def undo_broadcast(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Stop a broadcast just approved; what has gone out stays out."""
    cancelled = await broadcasts.cancel(ctx.core, ctx.actor, ids[0])
    return replies.text(f"已撤销：群发#{cancelled.id}「{cancelled.name}」，没发出去的不再发送")


@command(intent="schedule_greeting", usage="中秋给所有VIP发祝福", roles=MARKETING, undo=("greeting", undo_greeting))
async def schedule_greeting(ctx: ChatContext) -> Reply:
    """安排节日或生日祝福"""
    if "at" in ctx.slots and "holiday" not in ctx.slots:
        return await _broadcast(ctx, "祝福")
    if "plan" in ctx.slots:
        return await _approve_plan(ctx)
    festival = ctx.slot("holiday")
    label = festivals()[festival].label if festival else "生日"
    segment = await _segment(ctx)
    known = await greetings.find_same(ctx.actor, segment_id=segment.id, channel=_channel(ctx), festival=festival)
    if known and known.status != GreetingStatus.DRAFT:
        told = f"已经安排过：{label}祝福给「{segment.name}」，{known.time}发。"
        return replies.text(f"{told}要改先回复“取消{label}祝福”，再重新安排。")
    template = await _template(ctx, "祝福", label)
    values = {"template_id": template.id, "time": ctx.slot("time") or DEFAULT_TIME}
    if known:  # asked before, and the question was left
        plan = await greetings.update(ctx.core, ctx.actor, known.id, **values)
    else:
        plan = await greetings.create(
            ctx.core,
            ctx.actor,
            name=f"{label}祝福",
            segment_id=segment.id,
            channel=_channel(ctx),
            festival=festival,
            birthday=not festival,
            **values,
        )
    count = await segments.count_segment(ctx.core, ctx.actor, segment)
    day = next_festival(festival, today(ctx.core.clock)) if festival else None
    first = (
        f"，下一次 {replies.when(at_local(day, time.fromisoformat(plan.time)), ctx.core.clock.now())}"
        if day
        else "，每人生日当天"
    )
    seen = await audience.preview_plan(ctx.core, ctx.actor, plan.id)
    spared = seen.suppressed.get(Reason.NO_GREETING.value, 0)
    left_out = f"，其中{spared}人{REASON_LABELS[Reason.NO_GREETING]}" if spared else ""
    who = f"{label}祝福给「{segment.name}」（现有{count}人{left_out}），{plan.time}发{first}"
    shown = f"例如：{seen.samples[0].text}" if seen.samples else template.body
    question = f"{who}，用模板「{template.name}」：\n{shown}\n确认安排吗？（是/否）"
    if not _may_approve_here(ctx):
        return replies.text(question.rpartition("\n")[0] + f"\n已存为祝福草稿#{plan.id}。{UNSIGNED}")
    number = str(plan.id)
    approve, reject = Button("通过", ctx.intent, {"plan": number}), Button("否决", "cancel_broadcast", {"plan": number, **_NO})
    approval = f"批准祝福#{number}"
    raise ctx.ask_yes(question, slot="plan", answer=number, buttons=(approve, reject), approval=approval, refusal=reject)


@command(
    intent="schedule_broadcast",
    usage="明天上午10点给上海的VIP群发新品通知",
    roles=MARKETING,
    undo=("broadcast", undo_broadcast),
)
async def schedule_broadcast(ctx: ChatContext) -> Reply:
    """群发一条消息"""
    if ctx.slot("repeat"):
        return replies.text("听懂了，但重复群发还没有开通；可以先安排一次。")
    return await _broadcast(ctx, "")


@command(intent="broadcast_status", usage="群发#1发得咋样了", roles=MARKETING)
async def broadcast_status(ctx: ChatContext) -> Reply:
    """看群发进度"""
    found = await _chosen(ctx)
    counts = await results.counts(ctx.core, found.id)
    reasons = await results.reasons(ctx.core, found.id)
    told = [f"{RECIPIENT_STATUS_LABELS[RecipientStatus(name)]}{number}" for name, number in counts.items() if number]
    why = [f"{REASON_LABELS[Reason(name)]}{number}" for name, number in reasons.items() if number]
    fields = (
        ("状态", BROADCAST_STATUS_LABELS[BroadcastStatus(found.status)]),
        ("结果", "，".join(told)),
        ("未发原因", "，".join(why)),
    )
    return replies.record(f"群发#{found.id}「{found.name}」", fields)


@command(intent="cancel_broadcast", usage="取消群发#1", roles=MARKETING)
async def cancel_broadcast(ctx: ChatContext) -> Reply:
    """停掉一条群发"""
    if "plan" in ctx.slots:
        left = await _plan_decided_since(ctx, int(ctx.slot("plan")))
        if left:
            return left
        plan = await greetings.cancel(ctx.core, ctx.actor, int(ctx.slot("plan")))
        return replies.text(f"已取消「{plan.name}」。")
    if not ctx.slot("ref"):
        return await _cancel_named(ctx)
    chosen = await _chosen(ctx)
    left = await _decided_since(ctx, chosen.id)
    if left:
        return left
    cancelled = await broadcasts.cancel(ctx.core, ctx.actor, chosen.id)
    return replies.text(f"已取消群发#{cancelled.id}「{cancelled.name}」，没发出去的不再发送。")


async def _decided_since(ctx: ChatContext, number: int) -> Reply | None:
    """Tell what became of a broadcast that is no draft any more: a no refuses a draft, and ends nothing approved since."""
    # The row is held by it, so that no approval comes between this look and the end.
    if not _is_no(ctx) or await Broadcast.filter(id=number, status="draft").update(status="draft"):
        return None
    found = await access.load(Broadcast, ctx.actor, number)
    label = BROADCAST_STATUS_LABELS[BroadcastStatus(found.status)]
    over = found.status in (BroadcastStatus.FINISHED, BroadcastStatus.CANCELLED)
    return _left_alone(f"群发#{found.id}「{found.name}」", label, "" if over else f"取消群发#{found.id}")


async def _plan_decided_since(ctx: ChatContext, number: int) -> Reply | None:
    """Tell the same of a greeting."""
    if not _is_no(ctx) or await GreetingPlan.filter(id=number, status="draft").update(status="draft"):
        return None
    found = await access.load(GreetingPlan, ctx.actor, number)
    label, over = GREETING_STATUS_LABELS[GreetingStatus(found.status)], found.status == GreetingStatus.CANCELLED
    occasion = festivals()[found.festival].label if found.festival in festivals() else "生日"
    return _left_alone(f"祝福「{found.name}」", label, "" if over else f"取消{occasion}祝福")


def _left_alone(what: str, label: str, cancelled_by: str) -> Reply:
    # An answer and no error: an error would undo that the question was closed.
    if not cancelled_by:
        return replies.text(f"{what}{label}，刚才的问题已关闭。")
    return replies.text(f"{what}已被批准（{label}），没有取消，刚才的问题已关闭。要取消请回复：{cancelled_by}")


def _is_no(ctx: ChatContext) -> bool:
    """Tell whether it is the no to a question, said or pressed, and not a wish of its own."""
    return "open" in ctx.slots or _NO.items() <= ctx.slots.items()


async def _cancel_named(ctx: ChatContext) -> Reply:
    """Cancel the greeting of the festival that is named (取消元旦祝福); without a name a broadcast's number is asked for."""
    now, said = ctx.core.clock.now(), ctx.slot("said")
    occasion = read_answer("holiday", said, now, ()) or ("birthday" if read_answer("birthday", said, now, ()) else "")
    if not occasion:
        raise ctx.ask_words("是第几条？", slot="ref")
    found = await greetings.list_open(ctx.actor, str(occasion))
    label = festivals()[str(occasion)].label if occasion in festivals() else "生日"
    if not found:
        return replies.text(f"没有安排过{label}祝福。")
    if len(found) > 1:
        names = dict(await Segment.filter(id__in=[plan.segment_id for plan in found]).values_list("id", "name"))
        options = [
            (f"{plan.name}（给「{names.get(plan.segment_id, '')}」，{plan.time}发）", str(plan.id)) for plan in found[:9]
        ]
        raise ctx.ask_choice("取消哪一个？请回复序号：", options, slot="plan")
    plan = await greetings.cancel(ctx.core, ctx.actor, found[0].id)
    return replies.text(f"已取消「{plan.name}」。")


@command(
    intent="show_greeted",
    usage="元旦祝福有谁",
    roles=MARKETING,
    forms=(
        r"(?P<occasion>[^\s，,。]{2,10}?)的?(?:祝福|问候)(?:都|会|要)*(?:有谁|有哪些人?|发给谁|给谁|有多少人|的?名单)[?？]?",
        r"(?P<occasion>[^\s，,。]{2,10}?)(?:都|会|要)*(?:给谁|给哪些人|给多少人)发(?:祝福|问候)[?？]?",
    ),
    reads=True,
)
async def show_greeted(ctx: ChatContext) -> Reply:
    """问节日或生日祝福会发给谁"""
    now, said = ctx.core.clock.now(), ctx.slot("occasion") or ctx.slot("said")
    occasion = read_answer("holiday", said, now, ()) or ("birthday" if read_answer("birthday", said, now, ()) else "")
    label = festivals()[str(occasion)].label if occasion in festivals() else "生日"
    found = await greetings.list_open(ctx.actor, str(occasion)) if occasion else []
    if not found and not occasion:
        return replies.text("请说是哪个节日，例如：元旦祝福有谁")
    if not found:
        return replies.text(f"还没有安排{label}祝福。可以说：{label}给所有VIP发祝福")
    return replies.text("\n".join([await _greeted_line(ctx, plan) for plan in found[:5]]))


async def _greeted_line(ctx: ChatContext, plan: GreetingPlan) -> str:
    """Write whom a plan reaches, the first of them by name, and who is left out."""
    seen = await audience.preview_plan(ctx.core, ctx.actor, plan.id)
    numbers = [each.person_id for each in seen.samples]
    named = dict(await Lead.filter(person_id__in=numbers).values_list("person_id", "name"))
    named |= dict(await Contact.filter(person_id__in=numbers).values_list("person_id", "name"))
    left_out = sum(seen.suppressed.values())
    reached = seen.total - left_out
    names = "、".join(hide_mobiles(str(named[number])) for number in numbers if number in named)
    who = f"现在会发给{reached}人{f'：{names}' if names else ''}{'等' if reached > len(numbers) else ''}"
    spared = f"；不发{left_out}人" if left_out else ""
    return f"「{plan.name}」（{GREETING_STATUS_LABELS[GreetingStatus(plan.status)]}）{who}{spared}"


@command(intent="approve_broadcast", usage="批准群发#1", roles=MARKETING)
async def approve_broadcast(ctx: ChatContext) -> Reply:
    """批准一条群发或祝福草稿"""
    if "plan" in ctx.slots:
        return await _approve_plan(ctx)
    return await _approve(ctx, int(ctx.slot("ref")))


async def _approve_plan(ctx: ChatContext) -> Reply:
    _refuse_unsigned(ctx)
    plan = await greetings.approve(ctx.core, ctx.actor, int(ctx.slot("plan")))
    return replies.text(f"已安排「{plan.name}」，到时自动发送，每人一次。", Undo("greeting", (plan.id,)))


async def _approve(ctx: ChatContext, number: int) -> Reply:
    _refuse_unsigned(ctx)
    approved = await broadcasts.approve(ctx.core, ctx.actor, number)
    told = f"好的，群发#{approved.id}「{approved.name}」，{_start_words(ctx, approved.scheduled_at)}。"
    return replies.text(told, Undo("broadcast", (approved.id,)))


async def _broadcast(ctx: ChatContext, kind: str) -> Reply:
    if "broadcast" in ctx.slots:
        return await _approve(ctx, int(ctx.slot("broadcast")))
    segment = await _segment(ctx)
    if not await segments.count_segment(ctx.core, ctx.actor, segment):
        return replies.text(f"没有符合条件的人：{segment.name}。请换个条件再说一遍，没有安排群发。")
    template = await _template(ctx, kind, ctx.slot("template"))
    at = datetime.fromisoformat(ctx.slot("at")) if ctx.slot("at") else None
    draft = await broadcasts.create(
        ctx.core,
        ctx.actor,
        name=template.name,
        segment_id=segment.id,
        template_id=template.id,
        channel=_channel(ctx),
        scheduled_at=at,
    )
    shown = await audience.preview(ctx.core, ctx.actor, draft.id)
    left_out = "，".join(f"{REASON_LABELS[Reason(reason)]}{number}人" for reason, number in shown.suppressed.items())
    lines = [
        f"群发#{draft.id}给「{segment.name}」：共{shown.total}人，可发{shown.total - sum(shown.suppressed.values())}人",
        f"不发：{left_out}" if left_out else "",
        *(f"示例：{sample.text}" for sample in shown.samples[:2]),
    ]
    if not _may_approve_here(ctx):
        return replies.text("\n".join(line for line in [*lines, f"已存为草稿。{UNSIGNED}"] if line))
    lines.append(f"{_start_words(ctx, at)}，确认吗？（是/否）")
    number = str(draft.id)
    approve = Button("通过", "schedule_broadcast", {"broadcast": number})
    reject = Button("否决", "cancel_broadcast", {"ref": number, **_NO})
    question, approval = "\n".join(line for line in lines if line), f"批准群发#{number}"
    buttons = (approve, reject)
    raise ctx.ask_yes(question, slot="broadcast", answer=number, buttons=buttons, approval=approval, refusal=reject)


def _start_words(ctx: ChatContext, at: datetime | None) -> str:
    """Say when it really leaves: nothing does in the quiet hours."""
    now = ctx.core.clock.now()
    begin = at if at and at > now else now
    quiet = quiet_until(ctx.core.settings.campaigns, begin)
    if quiet:
        return f"那时是免打扰时段，{replies.when(quiet, now)}开始发送"
    return f"{replies.when(begin, now)}开始发送" if begin > now else "现在开始发送"


def _may_approve_here(ctx: ChatContext) -> bool:
    """Tell whether a word on this channel can be trusted with sending to many: its body must be signed."""
    return ctx.message.address.channel not in ctx.core.unsigned_channels or ctx.core.settings.campaigns.unsigned_approvals


def _refuse_unsigned(ctx: ChatContext) -> None:
    if not _may_approve_here(ctx):
        raise ApprovedElsewhere


def _channel(ctx: ChatContext) -> str:
    core = ctx.core
    channels = [name for name in core.reach if name not in core.staff_channels - core.group_channels]
    channels.sort(key=lambda name: name in core.group_channels)  # those need a colleague's confirmation as well
    if not channels:
        raise Invalid(field="channel", reason="还没有启用客户渠道")
    return channels[0]


async def _template(ctx: ChatContext, kind: str, words: str) -> Template:
    if "template_id" in ctx.slots:
        return await access.load(Template, ctx.actor, int(ctx.slot("template_id")))
    sendable = [TemplateKind.TEXT.value, TemplateKind.WECHAT_TEMPLATE.value]
    usable = await access.visible(Template, ctx.actor).filter(kind__in=sendable).order_by("-id").limit(200)
    named = [each for each in usable if words and (words in each.name or each.name in words)]
    fitting = named or [each for each in usable if kind and kind in each.name and not (words and "生日" in each.name)] or usable
    if not fitting:
        raise NoTemplate(what=kind or "群发")
    # A festival's words on a birthday would be worse than one more question.
    if len(fitting) > 1 or (words == "生日" and not named):
        options = [(f"{each.name}（{each.body[:16]}…）", str(each.id)) for each in fitting[:9]]
        raise ctx.ask_choice("用哪个模板？请回复序号：", options, slot="template_id")
    return fitting[0]


async def _segment(ctx: ChatContext) -> Segment:
    conditions = ctx.slots.get("segment")
    wanted = dict(conditions) if isinstance(conditions, dict) else {"kind": "customer"}
    name = _described(wanted)
    for known in await Segment.filter(name=name, author_id=ctx.actor.employee_id).order_by("-id").limit(5):
        if msgspec.json.decode(known.conditions) == wanted:
            return known
    return await segments.create_segment(ctx.core, ctx.actor, name=name, conditions=wanted)


def _described(conditions: dict[str, object]) -> str:
    tags = conditions.get("tags")
    parts = [str(conditions.get("region", "")), LEVELS.get(str(conditions.get("level", "")), "")]
    parts += [str(tag) for tag in tags] if isinstance(tags, list) else []
    parts += [f"{conditions['inactive_days']}天没联系"] if "inactive_days" in conditions else []
    parts += [
        "我的客户" if conditions.get("owner") else "",
        {"lead": "线索", "customer": "全部客户"}.get(str(conditions.get("kind", "")), ""),
    ]
    parts += [str(conditions.get("query", ""))]
    return "、".join(part for part in parts if part) or "全部客户"


async def _chosen(ctx: ChatContext) -> Broadcast:
    if ctx.slot("ref").isdecimal():
        return await access.load(Broadcast, ctx.actor, int(ctx.slot("ref")))
    newest = await access.visible(Broadcast, ctx.actor).order_by("-id").first()
    if newest is None:
        raise NotFound
    return newest
