"""One sentence is a record: the follow-up, its next step as a reminder, read back in one line."""

from datetime import datetime

from crm_core import activities, leads, sales_scripts
from crm_core.activities import METHOD_LABELS, STAGE_LABELS, FollowUp, Method, Subject
from crm_core.clock import to_local
from handlers import replies, subjects
from handlers.replies import Reply, Undo
from handlers.router import SELLING, ChatContext, command
from scheduler import reminders


async def undo_follow_up(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Take back a follow-up with its reminder, and the lead made for it."""
    follow_up = await activities.undo_follow_up(ctx.core, ctx.actor, ids[0])
    if ids[1]:
        await reminders.cancel(ctx.core, ctx.actor, ids[1])
    if ids[2]:
        await leads.discard(ctx.core, ctx.actor, ids[2], reason="撤销")
    return replies.text(f"已撤销：{follow_up.person}的跟进记录{'，和为它新建的线索' if ids[2] else ''}")


@command(
    intent="log_follow_up",
    usage="刚和张伟通了电话，嫌贵，下周三下午三点再联系，预算20万",
    roles=SELLING,
    undo=("follow_up", undo_follow_up),
)
async def log_follow_up(ctx: ChatContext) -> Reply:
    """记一条跟进"""
    subject, made = await _subject(ctx)
    next_at = _instant(ctx.slot("next_at"))
    follow_up = await activities.add_follow_up(
        ctx.core,
        ctx.actor,
        subject,
        at=_instant(ctx.slot("at")),
        method=ctx.slot("method") or Method.OTHER.value,
        summary=ctx.slot("summary") or ctx.slot("said"),
        next_follow_up_at=next_at,
        next_action=ctx.slot("next_action"),
        amount=ctx.slot("amount") or None,
        stage=ctx.slot("stage") or None,
    )
    reminder_id = await _remind(ctx, subject, follow_up, next_at) if next_at else 0
    reply = replies.text(_read_back(ctx, follow_up, made), Undo("follow_up", (follow_up.id, reminder_id, made)))
    script = await sales_scripts.for_follow_up(ctx.core, follow_up.summary, follow_up.stage or "")
    return reply.with_note(f"话术「{script.title}」：{script.text}") if script else reply


async def _subject(ctx: ChatContext) -> tuple[Subject, int]:
    """Find whom it is about; somebody unknown becomes a lead only after a yes."""
    subject = await ctx.pick_subject()
    if subject:
        return subject, 0
    name = ctx.slot("person") or ctx.slot("company")
    if not ctx.message.in_group:
        await subjects.refuse_known_elsewhere(ctx.actor, name)
    if "new" not in ctx.slots:
        known = f"有同事叫「{name}」。如果是同名的客户" if await subjects.is_colleague(name) else f"没有找到「{name}」"
        raise ctx.ask_yes(f"{known}，要新建线索并记下这条跟进吗？（是/否）", slot="new")
    lead = await leads.add(
        ctx.core, ctx.actor, name=ctx.slot("person"), company=ctx.slot("company"), owner_id=ctx.actor.employee_id
    )
    return activities.subject_of(lead), lead.id


async def _remind(ctx: ChatContext, subject: Subject, follow_up: FollowUp, at: datetime) -> int:
    what = follow_up.next_action or "再次联系"
    reminder = await reminders.create(
        ctx.core,
        ctx.actor,
        text=f"{subject.name}：{what}",
        at=at,
        about_kind=subject.kind,
        about_id=subject.id,
        about=subject.name,
        follow_up_id=follow_up.id,
    )
    return int(reminder.id)


def _read_back(ctx: ChatContext, follow_up: FollowUp, made: int) -> str:
    now = ctx.core.clock.now()
    local = to_local(follow_up.at)
    at = replies.when(follow_up.at, now)[:-6] if (local.hour, local.minute) == (0, 0) else replies.when(follow_up.at, now)
    parts = [
        f"已记：{follow_up.person}",
        METHOD_LABELS[Method(follow_up.method)] if follow_up.method != Method.OTHER.value else "",
        at,
    ]
    parts += [follow_up.summary[:60], STAGE_LABELS.get(follow_up.stage or "", "")]
    parts += [f"金额{replies.money(follow_up.amount)}"] if follow_up.amount is not None else []
    if follow_up.next_follow_up_at:
        parts.append(f"{replies.when(follow_up.next_follow_up_at, now)}提醒：{follow_up.next_action or '再次联系'}")
    return "，".join(part for part in parts if part) + ("（已新建线索）" if made else "") + "。说错了回复「撤销」"


def _instant(value: str) -> datetime | None:
    return datetime.fromisoformat(value) if value else None
