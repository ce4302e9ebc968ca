"""Todos given to colleagues (交办): given in chat, accepted or declined, done, and whoever gave it is told each time."""

from datetime import datetime

from crm_core import access
from crm_core.access import Actor, Role
from crm_core.clock import to_local
from crm_core.employees import Employee
from crm_core.errors import Conflict, Invalid, NotFound, Refused
from crm_core.messages import Button
from crm_core.ports import Core, Program
from scheduler.notices import staff_account, tell, tell_at
from scheduler.reminders import MAX_TEXT, OPEN, Reminder, ReminderClosed, ReminderStatus


class NotGiven(Conflict):
    """Only what a colleague gave can be accepted or declined, once."""

    code = "todo.not_given"
    text = "「{text}」不是同事交办的，或已经答复过"


async def give(
    core: Core, actor: Actor, to_id: int, *, text: str, at: datetime, about: tuple[str, int, str] | None = None
) -> Reminder:
    """Give a colleague a todo (交办), due at an instant; they are told and may accept or decline.

    Whoever writes records may ask any colleague for something. Raises: Invalid; NotFound; Refused.
    """
    access.require(actor, "reminders:write")
    said = text.strip()
    if not said or len(said) > MAX_TEXT:
        raise Invalid(field="text", reason=f"请填写1到{MAX_TEXT}个字的内容")
    if at <= core.clock.now():
        raise Invalid(field="at", reason="请给一个以后的时间")
    colleague = await _colleague(actor, to_id)
    kind, number, name = about or ("", None, "")
    async with core.db.transaction():
        row: Reminder = await Reminder.add(
            core,
            owner_id=colleague.id,
            given_by_id=actor.employee_id,
            text=said,
            at=at,
            about_kind=kind,
            about_id=number,
            about=name[:128],
        )
        await access.record(core, actor, "todo.give", row, after={"to": colleague.id})
        await core.db.run(_tell_given(core, row.id, colleague.id, f"{actor.name}交办：{said}（{_due(at)}）"))
    return row


async def hand_on(core: Core, actor: Actor, reminder_id: int, to_id: int) -> tuple[Reminder, int]:
    """Hand an own open todo to a colleague (转给小王); gives it and whose it was. Raises: NotFound; ReminderClosed; Refused."""
    access.require(actor, "reminders:write")
    colleague = await _colleague(actor, to_id)
    async with core.db.transaction():
        row = await access.load(Reminder, actor, reminder_id)
        was = int(row.owner_id)
        if row.repeat:
            raise Invalid(field="ref", reason="重复提醒不能转给别人，请让对方自己设")
        changed = Reminder.filter(id=row.id, owner_id=was, status__in=list(OPEN))
        values = {"owner_id": colleague.id, "given_by_id": actor.employee_id, "accepted_at": None}
        if not await changed.update(**values, updated_at=core.clock.now()):
            raise ReminderClosed(text=row.text[:20])
        await access.record(core, actor, "todo.hand_on", row, before={"owner_id": was}, after={"owner_id": colleague.id})
        await core.db.run(_tell_given(core, row.id, colleague.id, f"{actor.name}转来一条待办：{row.text}（{_due(row.at)}）"))
        return await Reminder.get(id=row.id), was


def _due(at: datetime) -> str:
    local = to_local(at)
    return f"{local.month}月{local.day}日 {local:%H:%M}前"


async def take_back(core: Core, actor: Actor, reminder_id: int, owner_id: int | None) -> Reminder:
    """Take back what was given or handed on (撤销): to whom it was, else it is cancelled. Raises: NotFound; ReminderClosed."""
    async with core.db.transaction():
        row = await access.load(Reminder, actor, reminder_id)
        if row.given_by_id != actor.employee_id:
            raise NotFound
        values: dict[str, object] = {"status": ReminderStatus.CANCELLED.value}
        if owner_id:
            values = {"owner_id": owner_id, "given_by_id": None, "accepted_at": None}
        if not await Reminder.filter(id=row.id, status__in=list(OPEN)).update(**values, updated_at=core.clock.now()):
            raise ReminderClosed(text=row.text[:20])
        await access.record(core, actor, "todo.take_back", row)
        words = f"{actor.name}收回了交办：{row.text}"
        await core.db.run(tell(core, row.owner_id, words, key=f"todo_back:{row.id}:{row.owner_id}", topic="todo"))
        return await Reminder.get(id=row.id)


async def answer(core: Core, actor: Actor, reminder_id: int, *, accept: bool, reason: str = "") -> Reminder:
    """Accept a todo a colleague gave (接受), or decline it: it goes back to whoever gave it. Raises: NotFound; NotGiven."""
    access.require(actor, "reminders:write")
    async with core.db.transaction():
        row = await access.load(Reminder, actor, reminder_id)
        giver, now = row.given_by_id, core.clock.now()
        waiting = Reminder.filter(id=row.id, owner_id=actor.employee_id or 0, accepted_at=None, status__in=list(OPEN))
        if giver is None:
            raise NotGiven(text=row.text[:20])
        values = {"accepted_at": now} if accept else {"owner_id": giver, "given_by_id": None}
        if not await waiting.update(**values, updated_at=now):
            raise NotGiven(text=row.text[:20])
        await access.record(core, actor, "todo.accept" if accept else "todo.decline", row)
        why = f"（{reason.strip()[:60]}）" if reason.strip() else ""
        said = "接受" if accept else "没有接受"
        words = f"{actor.name}{said}交办：{row.text}{why}{'' if accept else '。已放回自己的待办'}"
        await core.db.run(tell(core, giver, words, key=f"todo_answer:{row.id}:{now:%Y%m%dT%H%M%S}", topic="todo"))
        return await Reminder.get(id=row.id)


async def reconsider(core: Core, actor: Actor, reminder_id: int) -> Reminder:
    """Take an acceptance back (撤销): the todo waits for an answer again, and whoever gave it is told.

    Raises: NotFound; NotGiven for what was not accepted.
    """
    access.require(actor, "reminders:write")
    async with core.db.transaction():
        row = await access.load(Reminder, actor, reminder_id)
        mine = Reminder.filter(id=row.id, owner_id=actor.employee_id or 0, status__in=list(OPEN)).exclude(accepted_at=None)
        now = core.clock.now()
        if not await mine.update(accepted_at=None, updated_at=now):
            raise NotGiven(text=row.text[:20])
        await access.record(core, actor, "todo.reconsider", row)
        words = f"{actor.name}还没有定下是否接受交办：{row.text}"
        await core.db.run(tell(core, row.given_by_id, words, key=f"todo_back:{row.id}:{now:%Y%m%dT%H%M%S}", topic="todo"))
        return await Reminder.get(id=row.id)


async def list_given(actor: Actor, *, mine: bool, limit: int = 20) -> list[Reminder]:
    """List open todos colleagues gave the actor and wait for an answer, or those the actor gave away."""
    access.require(actor, "reminders:read")
    who = actor.employee_id or 0
    query = Reminder.filter(status__in=list(OPEN))
    query = query.filter(owner_id=who, accepted_at=None).exclude(given_by_id=None) if mine else query.filter(given_by_id=who)
    return await query.order_by("at", "id").limit(limit)


async def _colleague(actor: Actor, to_id: int) -> Employee:
    colleague = await access.load(Employee, actor, to_id)
    if colleague.departed_at is not None or colleague.id == actor.employee_id:
        raise Invalid(field="交给谁", reason="请写另一位在职的同事")
    if colleague.role == Role.VIEWER.value:
        raise Refused
    return colleague


def _tell_given(core: Core, number: int, employee_id: int, words: str) -> Program[None]:
    found = yield from staff_account(core, employee_id)
    if found is not None:
        slots = {"todo": str(number)}
        buttons = (Button("接受", "accept_todo", slots), Button("拒绝", "decline_todo", slots))
        stamp = f"{core.clock.now():%Y%m%dT%H%M%S}"
        text = f"{words}\n回复：接受交办 #{number}，或 拒绝交办 #{number} 原因"
        yield from tell_at(core, found, text, key=f"todo:{number}:{employee_id}:{stamp}", topic="todo", buttons=buttons)
