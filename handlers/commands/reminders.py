"""Reminders and the day's list in words."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from crm_core import access
from crm_core.errors import NotFound
from handlers import dialogs, replies, todo_words
from handlers.replies import Reply, Undo
from handlers.router import WORKING, ChatContext, command
from scheduler import reminders, repeats
from scheduler.reminders import Reminder

LATER = timedelta(hours=1)
"""How far a reminder is put off by pressing."""
RANGE_LABELS = {"today": "今天", "tomorrow": "明天", "this_week": "本周", "next_week": "下周", "overdue": "逾期"}


async def undo_reminder(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Take back a reminder just set."""
    reminder = await reminders.cancel(ctx.core, ctx.actor, ids[0])
    return replies.text(f"已撤销：提醒「{reminder.text}」")


@command(intent="set_reminder", usage="明天上午10点提醒我给张伟打电话", roles=WORKING, undo=("reminder", undo_reminder))
async def set_reminder(ctx: ChatContext) -> Reply:
    """设一个提醒"""
    at = datetime.fromisoformat(ctx.slot("at"))
    now = ctx.core.clock.now()
    if at <= now:
        return replies.text(f"{replies.when(at, now)}已经过去了，请换一个以后的时间。")
    subject = await ctx.pick_subject() if ctx.slot("person") or ctx.slot("company") else None
    text = ctx.slot("action")
    if subject and subject.name not in text:
        text = f"{subject.name}：{text}"
    reminder = await reminders.create(
        ctx.core,
        ctx.actor,
        text=text,
        at=at,
        repeat=ctx.slot("repeat"),
        about_kind=subject.kind if subject else "",
        about_id=subject.id if subject else None,
        about=subject.name if subject else "",
    )
    again = f"，{repeats.say(reminder.repeat)}都提醒" if reminder.repeat else ""
    return replies.text(f"好的，{replies.when(at, now)}提醒：{text}{again}", Undo("reminder", (reminder.id,)))


@command(intent="list_tasks", usage="今天要做什么", phrases=("待办",), reads=True)
async def list_tasks(ctx: ChatContext) -> Reply:
    """看待办"""
    said = ctx.slots.get("range", "")
    wanted: str | Mapping[str, str] = said if isinstance(said, (str, dict)) else ""
    found = await reminders.list_open(ctx.core, ctx.actor, wanted)
    label = RANGE_LABELS.get(str(wanted), "")
    if not found:
        await dialogs.remember_list(ctx.core, ctx.place, "reminders", [])
        return replies.text(f"{label or '现在'}没有{'逾期的' if label == '逾期' else ''}待办。".replace("逾期没有", "没有"))
    await dialogs.remember_list(ctx.core, ctx.place, "reminders", [each.id for each in found])
    now = ctx.core.clock.now()
    return replies.numbered(f"{label}待办{len(found)}条：", [_line(each, now) for each in found], "完成后回复“第1条完成了”")


async def undo_complete(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Open a todo again that was ticked off just now."""
    reminder = await reminders.reopen(ctx.core, ctx.actor, ids[0], datetime.fromtimestamp(ids[1], UTC))
    return replies.text(f"已撤销：「{reminder.text}」回到待办")


@command(intent="complete_task", usage="第1条完成了", roles=WORKING, undo=("reminder.complete", undo_complete))
async def complete_task(ctx: ChatContext) -> Reply:
    """完成一条待办"""
    before = await access.load(Reminder, ctx.actor, await _chosen(ctx))
    reminder = await reminders.complete(ctx.core, ctx.actor, before.id)
    return replies.text(f"已完成：{reminder.text}", Undo("reminder.complete", (reminder.id, int(before.at.timestamp()))))


async def undo_snooze(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Put a postponed todo back to when it was."""
    reminder = await reminders.reopen(ctx.core, ctx.actor, ids[0], datetime.fromtimestamp(ids[1], UTC))
    return replies.text(f"已撤销：「{reminder.text}」仍在原来的时间")


@command(
    intent="snooze_task",
    usage="第1条推到明天下午2点",
    roles=WORKING,
    undo=("reminder.snooze", undo_snooze),
    recognise=todo_words.recognise_snooze,
)
async def snooze_task(ctx: ChatContext) -> Reply:
    """推迟一条待办"""
    now = ctx.core.clock.now()
    at = datetime.fromisoformat(ctx.slot("at")) if ctx.slot("at") else now + LATER
    before = await access.load(Reminder, ctx.actor, await _chosen(ctx))
    reminder = await reminders.snooze(ctx.core, ctx.actor, before.id, at)
    undo = None if before.repeat else Undo("reminder.snooze", (before.id, int(before.at.timestamp())))
    return replies.text(f"好的，{replies.when(at, now)}再提醒：{reminder.text}", undo)


@command(intent="cancel_reminder", usage="取消提醒", roles=WORKING)
async def cancel_reminder(ctx: ChatContext) -> Reply:
    """取消一个提醒"""
    if not (ctx.slot("ref") or ctx.slot("reminder")):
        found, now = await reminders.list_open(ctx.core, ctx.actor), ctx.core.clock.now()
        if not found:
            return replies.text("现在没有待提醒的事。")
        options = [(_line(each, now), str(each.id)) for each in found[:20]]
        raise ctx.ask_choice("取消哪一条提醒？请回复序号：", options, slot="reminder")
    reminder = await reminders.cancel(ctx.core, ctx.actor, await _chosen(ctx))
    undo = None if reminder.repeat else Undo("reminder.complete", (reminder.id, int(reminder.at.timestamp())))
    return replies.text(f"已取消提醒：{reminder.text}", undo)


async def _chosen(ctx: ChatContext) -> int:
    if "reminder" in ctx.slots:
        return int(ctx.slot("reminder"))
    if ctx.slot("ref"):
        return await dialogs.listed(ctx.core, ctx.place, "reminders", ctx.slot("ref"), ctx.slot("said"))
    person = ctx.slot("person")
    if not person:
        return await _told_last(ctx)
    found = [
        each for each in await reminders.list_open(ctx.core, ctx.actor, "") if person and person in (each.about + each.text)
    ]
    if len(found) > 1:
        now = ctx.core.clock.now()
        raise ctx.ask_choice(
            "是哪一条？请回复序号：", [(_line(each, now), str(each.id)) for each in found[:9]], slot="reminder"
        )
    if not found:
        raise NotFound
    return int(found[0].id)


async def _told_last(ctx: ChatContext) -> int:
    """Tell which reminder an answer without a number means: the one that was told and is still open."""
    found = await todo_words.told_last(ctx)
    if not found:
        raise ctx.ask_words("是第几条？（先回复「待办」看列表）", slot="ref")
    if len(found) > 1:
        now = ctx.core.clock.now()
        raise ctx.ask_choice("是哪一条？请回复序号：", [(_line(each, now), str(each.id)) for each in found], slot="reminder")
    return int(found[0].id)


def _line(reminder: Reminder, now: datetime) -> str:
    late = "（逾期）" if reminder.at < now else ""
    return f"{replies.when(reminder.at, now)} {reminder.text}{late}"
