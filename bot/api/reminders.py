"""Reminders over the API."""

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType
from tortoise.expressions import Q

from bot.api.bodies import Empty, Id, Instant, Line, Long, Short, given
from bot.api.listing import list_rows, open_row, show_row
from bot.api.resources import ID, STAMPS, Resource, counts, texts, times
from bot.api.routes import Call, Routes
from crm_core import access
from crm_core.activities import load_subject
from scheduler import reminders, todos
from scheduler.reminders import Reminder, ReminderStatus

REMINDERS = Resource(
    "reminders",
    Reminder,
    (
        *ID,
        *counts("owner_id"),
        *texts("about", "about_kind"),
        *counts("about_id"),
        *times("at"),
        *texts("text", "status", "repeat"),
        *counts("given_by_id"),
        *times("accepted_at"),
        *times("fired_at", "done_at"),
        *texts("reason"),
        *times("retry_at"),
        *STAMPS,
    ),
    search=("text", "about"),
)
FILTERS: dict[str, Any] = {
    "owner_id": int,
    "about": str,
    "about_kind": str,
    "about_id": int,
    "status": ReminderStatus,
    "given_by_id": int,
    "repeat": str,
}
_READ_OF = {"lead": "leads:read", "customer": "customers:read", "contact": "contacts:read"}
routes = Routes()


class NewReminder(Struct):
    """What to tell whom when."""

    text: Long
    at: Instant
    owner_id: Id | None = None
    repeat: Short = ""
    about: Line = ""
    about_kind: Literal["", "lead", "customer", "contact"] = ""
    about_id: Id | None = None


class ReminderChanges(Struct):
    """A new time, or done or cancelled."""

    at: Instant | UnsetType = UNSET
    status: Literal["done", "cancelled"] | UnsetType = UNSET


class NewTodo(Struct):
    """What is to be done, by whom, until when."""

    to_id: Id
    text: Long
    at: Instant
    about_kind: Literal["", "lead", "customer", "contact"] = ""
    about_id: Id | None = None


class Taker(Struct):
    """The colleague who is to do it."""

    to_id: Id


class Declined(Struct):
    """Why not, when it is declined."""

    reason: Line = ""


class NewTime(Struct):
    """When instead."""

    at: Instant


def _readable(call: Call) -> list[str]:
    """Tell whose names the asker may read; of a reminder about nobody's record the words are its own."""
    return ["", *(kind for kind, scope in _READ_OF.items() if access.may(call.actor, scope))]


async def _hide_names(call: Call, rows: list[dict[str, Any]], items: list[dict[str, Any]]) -> None:
    readable = _readable(call)
    for row, item in zip(rows, items, strict=True):
        if row["about_kind"] not in readable:
            item["about"] = None


async def _show(call: Call, row: Reminder) -> Any:
    return await show_row(call, REMINDERS, row, complete=_hide_names)


@routes.lists("/reminders", scope="reminders:read", filters=FILTERS, shows=REMINDERS)
async def list_reminders(call: Call) -> Any:
    """List reminders."""
    readable, query = _readable(call), access.visible(Reminder, call.actor)
    if "about" in call.query:
        query = query.filter(about_kind__in=readable)
    if len(readable) <= len(_READ_OF) and (words := call.query.get("q", "").strip()):
        query = query.filter(Q(text__icontains=words) | Q(about__icontains=words, about_kind__in=readable))
    return await list_rows(call, REMINDERS, query=query, complete=_hide_names)


@routes.creates("/reminders", scope="reminders:write", shows=REMINDERS)
async def add_reminder(call: Call, body: NewReminder) -> Any:
    """Set a reminder, for oneself or the own team."""
    values = given(body)
    if body.about_kind and body.about_id is not None:
        subject = await load_subject(call.actor, body.about_kind, body.about_id)
        values |= {"about_kind": subject.kind, "about_id": subject.id, "about": body.about or subject.name}
    return await _show(call, await reminders.create(call.core, call.actor, **values))


@routes.get("/reminders/{id}", scope="reminders:read", shows=REMINDERS)
async def show_reminder(call: Call) -> Any:
    """Show a reminder."""
    return await open_row(call, REMINDERS, await access.load(Reminder, call.actor, call.number), complete=_hide_names)


@routes.patch("/reminders/{id}", scope="reminders:write", shows=REMINDERS)
async def change_reminder(call: Call, body: ReminderChanges) -> Any:
    """Move a reminder, tick it off or cancel it."""
    row = await access.load(Reminder, call.actor, call.number)
    async with call.core.db.transaction():
        if not isinstance(body.at, UnsetType):
            row = await reminders.snooze(call.core, call.actor, row.id, body.at)
        if body.status == "done":
            row = await reminders.complete(call.core, call.actor, row.id)
        if body.status == "cancelled":
            row = await reminders.cancel(call.core, call.actor, row.id)
    return await _show(call, row)


@routes.post("/reminders/{id}/complete", scope="reminders:write", shows=REMINDERS)
async def complete(call: Call, body: Empty) -> Any:
    """Tick a reminder off."""
    return await _show(call, await reminders.complete(call.core, call.actor, call.number))


@routes.post("/reminders/{id}/cancel", scope="reminders:write", shows=REMINDERS)
async def cancel_reminder(call: Call, body: Empty) -> Any:
    """Take a reminder back."""
    return await _show(call, await reminders.cancel(call.core, call.actor, call.number))


@routes.post("/reminders/{id}/snooze", scope="reminders:write", shows=REMINDERS)
async def snooze(call: Call, body: NewTime) -> Any:
    """Be told again later."""
    return await _show(call, await reminders.snooze(call.core, call.actor, call.number, body.at))


@routes.creates("/reminders/given", scope="reminders:write", shows=REMINDERS)
async def give_todo(call: Call, body: NewTodo) -> Any:
    """Give a colleague a todo; they are told and may accept or decline."""
    about = None
    if body.about_kind and body.about_id is not None:
        subject = await load_subject(call.actor, body.about_kind, body.about_id)
        about = (subject.kind, subject.id, subject.name)
    row = await todos.give(call.core, call.actor, body.to_id, text=body.text, at=body.at, about=about)
    return await _show(call, row)


@routes.post("/reminders/{id}/hand-on", scope="reminders:write", shows=REMINDERS)
async def hand_on(call: Call, body: Taker) -> Any:
    """Hand an own todo to a colleague."""
    row, _ = await todos.hand_on(call.core, call.actor, call.number, body.to_id)
    return await _show(call, row)


@routes.post("/reminders/{id}/accept", scope="reminders:write", shows=REMINDERS)
async def accept_todo(call: Call, body: Empty) -> Any:
    """Accept a todo a colleague gave."""
    return await _show(call, await todos.answer(call.core, call.actor, call.number, accept=True))


@routes.post("/reminders/{id}/decline", scope="reminders:write", shows=REMINDERS)
async def decline_todo(call: Call, body: Declined) -> Any:
    """Decline a todo a colleague gave: it goes back to them."""
    return await _show(call, await todos.answer(call.core, call.actor, call.number, accept=False, reason=body.reason))


@routes.post("/reminders/{id}/reconsider", scope="reminders:write", shows=REMINDERS)
async def reconsider_todo(call: Call, body: Empty) -> Any:
    """Take an acceptance back: the todo waits for an answer again."""
    return await _show(call, await todos.reconsider(call.core, call.actor, call.number))


@routes.post("/reminders/{id}/take-back", scope="reminders:write", shows=REMINDERS)
async def take_back(call: Call, body: Empty) -> Any:
    """Take a todo back that one gave a colleague."""
    return await _show(call, await todos.take_back(call.core, call.actor, call.number, None))
