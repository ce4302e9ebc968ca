"""Handing todos to colleagues in words: which todo is meant, and whom a sentence gives something to."""

import re
from datetime import datetime, timedelta

from crm_core import access
from crm_core.access import Actor
from crm_core.clock import at_local, today
from crm_core.employees import Employee
from crm_core.ports import Core
from handlers import dialogs, replies
from handlers.lead_choice import is_meant
from handlers.replies import Reply, Undo
from handlers.router import ChatContext
from handlers.understanding.parse import parse
from scheduler import todos
from scheduler.opportunity_todos import MORNING
from scheduler.reminders import Reminder, ReminderStatus

_ASKED = re.compile(
    r"(?:(?:交办|派任务|安排任务|布置任务)(?:给)?|(?:请|让|叫|安排|麻烦)(?!我|他|她|客户|对方))[\s:：]*"
    r"(?P<who>[\u3400-\u9fff·]{2,4}?)(?P<rest>[\s,，:：]+[\s\S]+|(?:今|明|后|下|本|这|周|星期|在|把|去|给|帮|尽快|\d|上午|下午)[\s\S]+)"
)
_LATER = re.compile(r"(?:推迟|推后|延后|延期|顺延|推)(?:到|至)?(?P<when>[^，,。]{1,16}?)(?:再提醒我?|吧|再说)?[。.]?")
_OFF_WORK = re.compile(r"(?:下班|收工)(?:之?前|以前|的?时候|时)?[\s,，]*")
OFF_WORK_AT = "18点 "
"""When work ends, for a todo due 下班前."""
_NOT_A_TODO = re.compile(r"跟进|负责|接手|对接|接管|会话|提醒我|转给|分给|公海")


async def recognise(core: Core, actor: Actor, words: str) -> dict[str, object] | None:
    """Take "让小李明天下午3点前把报价发给云帆科技" for a todo given, when 小李 is a colleague."""
    found = _ASKED.fullmatch(words.strip())
    if found is None:
        return None
    named = words.strip().startswith(("交办", "派任务", "安排任务", "布置任务"))
    if not named and _NOT_A_TODO.search(words):
        return None
    # A name may be two to four characters: the longest that is a colleague's counts.
    text = f"{found['who']}{found['rest']}"
    names = [text[:size] for size in (4, 3, 2)]
    known = {each.name for each in await Employee.filter(name__in=names, departed_at=None)}
    name = next((each for each in names if each in known), "") or await _familiar(actor, names, named=named)
    if not name:
        return {"who": found["who"], "rest": found["rest"].strip(" ,，:：")} if named else None
    return {"who": name, "rest": text[len(name) :].strip(" ,，:：")}


async def _familiar(actor: Actor, names: list[str], *, named: bool) -> str:
    """Tell which of these is what a colleague is called (小王); 王总 may be a customer, unless it is said to be a todo."""
    for each in names:
        if (named or each.startswith(("小", "阿"))) and await is_meant(actor, each):
            return each
    return ""


async def recognise_snooze(core: Core, actor: Actor, words: str) -> dict[str, object] | None:
    """Take "推迟到周五" for an answer to the reminder that was told last."""
    found = _LATER.fullmatch(words.strip())
    if found is None or actor.employee_id is None:
        return None
    at = parse(f"第1条推到{found['when']}", core.clock.now(), []).slots.get("at")
    return {"at": at} if isinstance(at, str) else None


def when_and_what(ctx: ChatContext, words: str) -> tuple[datetime, str]:
    """Tell when it is due and what is to be done; tomorrow morning without a time."""
    now = ctx.core.clock.now()
    meaning = parse(f"提醒我{_OFF_WORK.sub(OFF_WORK_AT, words)}", now, [])
    at = meaning.slots.get("at")
    text = str(meaning.slots.get("action") or words).strip()
    due = datetime.fromisoformat(at) if isinstance(at, str) else at_local(today(ctx.core.clock) + timedelta(days=1), MORNING)
    return due, text.removeprefix("前").strip(" ,，")


async def hand_listed(ctx: ChatContext, taker: Employee) -> Reply | None:
    """Hand the numbered todo of the last list to a colleague; None when the last list was no list of todos."""
    shown = await dialogs.last_list(ctx.core, ctx.place)
    if shown.kind != "reminders":
        return None
    number = await dialogs.listed(ctx.core, ctx.place, "reminders", ctx.slot("ref"), ctx.slot("said"))
    return await hand(ctx, number, taker)


async def hand(ctx: ChatContext, number: int, taker: Employee) -> Reply:
    """Hand a todo to a colleague, with undo."""
    row, was = await todos.hand_on(ctx.core, ctx.actor, number, taker.id)
    return replies.text(f"已转给{taker.name}：{row.text}。说错了回复「撤销」", Undo("todo", (row.id, was)))


async def told_last(ctx: ChatContext) -> list[Reminder]:
    """List the speaker's own todos of which they were told and that are still open, the newest first."""
    mine = access.visible(Reminder, ctx.actor).filter(owner_id=ctx.actor.employee_id or 0)
    return await mine.filter(status=ReminderStatus.FIRED.value).order_by("-fired_at", "-id").limit(9)


def line(row: Reminder, now: datetime) -> str:
    """Write one todo in a line."""
    return f"{replies.when(row.at, now)} {row.text}{'（逾期）' if row.at < now else ''}"
