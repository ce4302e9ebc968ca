"""Reminders people set: create, list, complete, snooze, cancel; and sending those that are due.

The row is the truth: `fire_due` claims it with one conditional update and queues the message in the same transaction.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import partial
from typing import Any

import structlog
from tortoise import fields
from tortoise.expressions import Q

from crm_core import access
from crm_core.access import Actor
from crm_core.clock import at_local, day_bounds, to_local, today
from crm_core.db import Entity, UtcDatetimeField
from crm_core.employees import Employee
from crm_core.errors import Conflict, Invalid, Refused
from crm_core.messages import Button
from crm_core.ports import CLAIM, Core, Program
from crm_core.rules import as_instant
from scheduler.notices import staff_account, tell, tell_at
from scheduler.queue import Periodic
from scheduler.repeats import check_repeat, next_after

log = structlog.get_logger(__name__)

PAGE = 200
LATE_AFTER = timedelta(seconds=30)
"""A reminder later than this says so. Source: contract.md, section 6."""
TRY_AGAIN_AFTER = timedelta(minutes=1)
"""How often is looked whether an owner without a bound account has one by now."""
MAX_TEXT = 500
PRESSED = (("完成", "complete_task"), ("推迟1小时", "snooze_task"))
"""What may be pressed on a reminder, and what that means; where there are no cards, it is said."""


class ReminderStatus(StrEnum):
    """How far a reminder is."""

    PENDING = "pending"
    FIRED = "fired"
    DONE = "done"
    CANCELLED = "cancelled"


REMINDER_STATUS_LABELS = {
    ReminderStatus.PENDING: "待提醒",
    ReminderStatus.FIRED: "已提醒",
    ReminderStatus.DONE: "已完成",
    ReminderStatus.CANCELLED: "已取消",
}
OPEN = (ReminderStatus.PENDING.value, ReminderStatus.FIRED.value)


class ReminderClosed(Conflict):
    """Done or cancelled already."""

    code = "reminder.closed"
    text = "提醒「{text}」已完成或已取消"


class Reminder(Entity):
    """Something an employee wants to be told at a minute (提醒). Also the todo behind a next step.

    `reason` says why it is not told: `no_account`, tried again at `retry_at` until its owner is bound, or
    `owner_departed`, which cancels it.
    """

    owner_id = fields.BigIntField(db_index=True)
    about_kind = fields.CharField(max_length=16, default="")
    about_id = fields.BigIntField(null=True)
    about = fields.CharField(max_length=128, default="")
    at = UtcDatetimeField()
    text = fields.TextField()
    status = fields.CharField(max_length=16, default=ReminderStatus.PENDING.value)
    repeat = fields.CharField(max_length=32, default="")
    fired_at = UtcDatetimeField(null=True)
    done_at = UtcDatetimeField(null=True)
    follow_up_id = fields.BigIntField(null=True)
    retry_at = UtcDatetimeField(null=True)
    reason = fields.CharField(max_length=32, default="")
    given_by_id = fields.BigIntField(null=True, db_index=True)
    """The colleague who gave it (交办); they see it too, and are told when it is done."""
    accepted_at = UtcDatetimeField(null=True)

    @classmethod
    def visible_to(cls, actor: Actor) -> Q:
        """Select the team's own and what the team gave to others."""
        team: Any = list(actor.team or {actor.employee_id})
        return Q(owner_id__in=team) | Q(given_by_id__in=team)

    class Meta:
        """Claimed by what is due."""

        table = "reminders"
        indexes = (("status", "at"),)


async def create(
    core: Core,
    actor: Actor,
    *,
    text: str,
    at: datetime,
    owner_id: int | None = None,
    repeat: str = "",
    about_kind: str = "",
    about_id: int | None = None,
    about: str = "",
    follow_up_id: int | None = None,
) -> Reminder:
    """Set a reminder (设提醒), for oneself or for somebody of the own team; one row and its audit entry.

    A time that has passed is allowed: it fires at once, marked late. Raises: Invalid; Refused; NotFound.
    """
    access.require(actor, "reminders:write")
    if not text.strip() or len(text) > MAX_TEXT:
        raise Invalid(field="text", reason=f"请填写1到{MAX_TEXT}个字的提醒内容")
    if at.tzinfo is None:
        raise Invalid(field="at", reason="时间应带时区")
    owner = owner_id if owner_id is not None else actor.employee_id
    if owner is None:
        raise Invalid(field="owner_id", reason="请填写提醒谁")
    if owner != actor.employee_id:
        if not (actor.sees_all or owner in actor.team):
            raise Refused
        await access.load(Employee, actor, owner)
    async with core.db.transaction():
        reminder: Reminder = await Reminder.add(
            core,
            owner_id=owner,
            text=text.strip(),
            at=at,
            repeat=check_repeat(repeat),
            about_kind=about_kind,
            about_id=about_id,
            about=about[:128],
            follow_up_id=follow_up_id,
        )
        await access.record(core, actor, "reminder.create", reminder)
    return reminder


async def list_open(
    core: Core, actor: Actor, wanted: str | Mapping[str, str] = "", *, owner_id: int | None = None, limit: int = 50
) -> list[Reminder]:
    """List what is still to be done (待办), earliest first: a range word of understanding.md, {"from", "to"}, or all.

    `today` includes what is overdue. Without an owner: the actor's own. Raises: Invalid for an unknown range.
    """
    access.require(actor, "reminders:read")
    start, end = range_bounds(wanted, core.clock.now(), today(core.clock))
    query = access.visible(Reminder, actor).filter(status__in=list(OPEN))
    owner = owner_id if owner_id is not None else actor.employee_id
    if owner is not None:
        query = query.filter(owner_id=owner)
    if start is not None:
        query = query.filter(at__gte=start)
    if end is not None:
        query = query.filter(at__lt=end)
    return await query.order_by("at", "id").limit(limit)


async def complete(core: Core, actor: Actor, reminder_id: int) -> Reminder:
    """Tick a reminder off (完成). A repeating one is done for this time and comes again. Raises: NotFound; ReminderClosed."""
    reminder = await _load_open(actor, reminder_id)
    now = core.clock.now()
    if not reminder.repeat:
        async with core.db.transaction():
            done = await _move(core, actor, reminder, "reminder.complete", status=ReminderStatus.DONE.value, done_at=now)
            if done.given_by_id is not None and done.given_by_id != actor.employee_id:
                words = f"{actor.name}完成了交办：{done.text}"
                key = f"todo_done:{done.id}:{now:%Y%m%dT%H%M%S}"
                await core.db.run(tell(core, done.given_by_id, words, key=key, topic="todo"))
        return done
    at = reminder.at
    if at < day_bounds(today(core.clock))[1]:
        at = next_after(reminder.repeat, at, now)
    return await _move(core, actor, reminder, "reminder.complete", status=ReminderStatus.PENDING.value, at=at, done_at=now)


async def reopen(core: Core, actor: Actor, reminder_id: int, at: datetime) -> Reminder:
    """Take a tick back (撤销完成): open again, due when it was. Raises: NotFound."""
    access.require(actor, "reminders:write")
    reminder = await access.load(Reminder, actor, reminder_id)
    fired = reminder.fired_at is not None and at <= core.clock.now()
    status = (ReminderStatus.FIRED if fired else ReminderStatus.PENDING).value
    return await _move(core, actor, reminder, "reminder.reopen", status=status, at=at, done_at=None)


async def cancel(core: Core, actor: Actor, reminder_id: int) -> Reminder:
    """Take a reminder back (取消), with all its repetitions. Raises: NotFound; ReminderClosed."""
    reminder = await _load_open(actor, reminder_id)
    return await _move(core, actor, reminder, "reminder.cancel", status=ReminderStatus.CANCELLED.value)


async def snooze(core: Core, actor: Actor, reminder_id: int, at: datetime) -> Reminder:
    """Be told again later (稍后提醒). A repeating one stays as it is; a single one is set beside it.

    Raises: NotFound; ReminderClosed; Invalid for a time that has passed.
    """
    reminder = await _load_open(actor, reminder_id)
    if at <= core.clock.now():
        raise Invalid(field="at", reason="请给一个以后的时间")
    if reminder.repeat:
        return await create(
            core,
            actor,
            text=reminder.text,
            at=at,
            owner_id=reminder.owner_id,
            about_kind=reminder.about_kind,
            about_id=reminder.about_id,
            about=reminder.about,
        )
    return await _move(core, actor, reminder, "reminder.snooze", status=ReminderStatus.PENDING.value, at=at)


async def _load_open(actor: Actor, reminder_id: int) -> Reminder:
    access.require(actor, "reminders:write")
    reminder = await access.load(Reminder, actor, reminder_id)
    if reminder.status not in OPEN:
        raise ReminderClosed(text=reminder.text[:20])
    return reminder


async def _move(core: Core, actor: Actor, reminder: Reminder, action: str, **values: object) -> Reminder:
    async with core.db.transaction():
        won = await Reminder.filter(id=reminder.id, status=reminder.status, at=reminder.at).update(
            **values, retry_at=None, reason="", updated_at=core.clock.now()
        )
        if not won:
            raise ReminderClosed(text=reminder.text[:20])
        await access.record(core, actor, action, reminder, before={"status": reminder.status, "at": reminder.at.isoformat()})
        return await Reminder.get(id=reminder.id)


@dataclass(slots=True)
class _Page:
    """What became of a page of due reminders: how many were taken, whose were told, who waits from now on."""

    taken: int
    told: list[int]
    waiting: list[int]


async def fire_due(core: Core) -> int:
    """Tell everybody what is due; tells how many reminders were fired."""
    fired = 0
    while (page := await core.db.run(partial(_fire_page, core))).taken:
        fired += len(page.told)
        if page.waiting:
            log.warning("reminders_wait_for_an_account", count=len(page.waiting), reminders=page.waiting[:20])
        if page.taken < PAGE:
            break
    return fired


_CLAIM = (
    "WITH due AS (SELECT id FROM reminders WHERE status = 'pending' AND at <= ? AND (retry_at IS NULL"  # noqa: S608 - a constant
    f" OR retry_at <= ?) ORDER BY at, id LIMIT ?{CLAIM}) UPDATE reminders SET status = 'fired', updated_at = ?"
    " WHERE status = 'pending' AND id IN (SELECT id FROM due) RETURNING id, owner_id, text, at, repeat, reason"
)


def _fire_page(core: Core) -> Program[_Page]:
    now = core.clock.now()
    rows = yield _CLAIM, (now, now, PAGE, now)
    page = _Page(len(rows), [], [])
    for number, owner_id, text, raw_at, repeat, reason in rows:
        account = yield from staff_account(core, owner_id)
        if account is None:
            waits = yield from _hold(number, owner_id, now)
            page.waiting += [number] if waits and not reason else []
            continue
        at = as_instant(raw_at) or now
        # The planned minute is part of the key: the same minute is told once, whatever restarts.
        key = f"reminder:{number}:{at:%Y%m%dT%H%M%S}"
        buttons = tuple(Button(label, intent, {"reminder": str(number)}) for label, intent in PRESSED)
        yield from tell_at(core, account, reminder_text(text, at, now), key=key, topic="reminder", buttons=buttons)
        page.told.append(number)
        if repeat:
            yield "UPDATE reminders SET status = 'pending', at = ? WHERE id = ?", (next_after(repeat, at, now), number)
    if page.told:
        marks = ", ".join("?" * len(page.told))
        yield (
            f"UPDATE reminders SET fired_at = ?, retry_at = NULL, reason = '' WHERE id IN ({marks})",  # noqa: S608
            (now, *page.told),
        )
    return page


def _hold(number: int, owner_id: int, now: datetime) -> Program[bool]:
    """Let a reminder wait for its owner's account; cancel it when the owner has left. Tells whether it waits."""
    rows = yield "SELECT 1 FROM employees WHERE id = ? AND departed_at IS NULL", (owner_id,)
    values = ("pending", "no_account", now + TRY_AGAIN_AFTER) if rows else ("cancelled", "owner_departed", None)
    yield "UPDATE reminders SET status = ?, reason = ?, retry_at = ? WHERE id = ?", (*values, number)
    return bool(rows)


def reminder_text(text: str, at: datetime, now: datetime) -> str:
    """Word a reminder; one that comes late says so, with the time it was set for."""
    if now - at <= LATE_AFTER:
        return f"提醒：{text}"
    return f"提醒（迟到，原定{to_local(at):%m月%d日 %H:%M}）：{text}"


PERIODIC = Periodic(name="reminders", every=timedelta(seconds=1), run=fire_due)


def range_bounds(wanted: str | Mapping[str, str], now: datetime, day: date) -> tuple[datetime | None, datetime | None]:
    """Turn a range of understanding.md into half-open UTC bounds; None where it is open. Raises: Invalid."""
    if not wanted:
        return None, None
    if isinstance(wanted, Mapping):
        try:
            first, last = date.fromisoformat(wanted["from"]), date.fromisoformat(wanted["to"])
            return day_bounds(first)[0], day_bounds(last)[1]
        except (KeyError, ValueError, OverflowError):  # the last two: the ends of the calendar
            raise Invalid(field="range", reason="应为起止日期") from None
    if wanted == "overdue":
        return None, now
    if wanted == "today":
        return None, day_bounds(day)[1]
    days = _range_days(wanted, day)
    if days is None:
        raise Invalid(field="range", reason="没有这个时间范围")
    return at_local(days[0], time()), at_local(days[1], time())


def _range_days(word: str, day: date) -> tuple[date, date] | None:
    if word in ("yesterday", "tomorrow"):
        start = day + timedelta(days=1 if word == "tomorrow" else -1)
        return start, start + timedelta(days=1)
    which, _, unit = word.partition("_")
    step = {"last": -1, "this": 0, "next": 1}.get(which)
    if step is None:
        return None
    if unit == "week":
        start = day - timedelta(days=day.weekday()) + timedelta(weeks=step)
        return start, start + timedelta(weeks=1)
    months = {"month": 1, "quarter": 3, "year": 12}.get(unit)
    if months is None:
        return None
    index = day.year * 12 + day.month - 1
    first = (index // months + step) * months
    return date(first // 12, first % 12 + 1, 1), date((first + months) // 12, (first + months) % 12 + 1, 1)
