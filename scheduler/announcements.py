"""Announcements (公告): a notice to chosen people, with who has read it. Alarms are announcements the rules make."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tortoise import fields

from crm_core import access, colleagues
from crm_core.access import ROLE_LABELS, Actor, Role
from crm_core.db import Entity, UtcDatetimeField
from crm_core.departments import find as find_department
from crm_core.employees import Employee
from crm_core.errors import Invalid, NotFound, Refused
from crm_core.messages import Button
from crm_core.ports import Core, Program
from scheduler.notices import staff_account, tell_at

MAX_TEXT = 2000
PUBLISHERS = frozenset({Role.MANAGER, Role.MARKETER, Role.ADMIN})
EVERYBODY = ("全体", "全员", "所有人", "大家", "全公司")
_ROLES = {label: role for role, label in ROLE_LABELS.items()}


class Announcement(Entity):
    """Something told to chosen people of the house. Withdrawn, never deleted."""

    owner_field = None

    author_id = fields.BigIntField(null=True)
    kind = fields.CharField(max_length=16, default="notice")
    """notice or alarm."""
    audience = fields.CharField(max_length=200)
    text = fields.TextField()
    key = fields.CharField(max_length=128, null=True, unique=True)
    """Of an alarm: the same one is made once."""
    withdrawn_at = UtcDatetimeField(null=True)

    class Meta:
        """Few rows."""

        table = "announcements"


class AnnouncementReceipt(Entity):
    """One person an announcement goes to, and when they said that they have read it."""

    owner_field = "employee_id"

    announcement_id = fields.BigIntField()
    employee_id = fields.BigIntField(db_index=True)
    read_at = UtcDatetimeField(null=True)

    class Meta:
        """One a person."""

        table = "announcement_receipts"
        unique_together = (("announcement_id", "employee_id"),)


@dataclass(frozen=True, slots=True)
class ReadState:
    """Who has read an announcement and who has not, by name."""

    read: tuple[str, ...]
    unread: tuple[str, ...]


async def choose(actor: Actor, said: Sequence[str]) -> list[Employee]:
    """Choose people by name, role (销售), unit (华东部) or 全体. Raises: Invalid for a word that is none of these."""
    found: dict[int, Employee] = {}
    for word in said:
        for employee in await _chosen(actor, word.strip()):
            found[employee.id] = employee
    return [each for each in found.values() if each.id != actor.employee_id or len(found) == 1]


async def _chosen(actor: Actor, word: str) -> list[Employee]:
    here = Employee.filter(departed_at=None).exclude(role=Role.VIEWER.value)
    if word in EVERYBODY:
        return await here.order_by("id")
    if word in _ROLES:
        return await here.filter(role=_ROLES[word].value).order_by("id")
    named = await here.filter(name=word).order_by("id")
    if named:
        return named
    try:
        unit = await find_department(word)
    except NotFound:
        return await _familiar(actor, word)
    return await here.filter(department_id=unit.id).order_by("id")


async def _familiar(actor: Actor, word: str) -> list[Employee]:
    found = [each for each in await colleagues.called(actor, word) if each.role != Role.VIEWER.value]
    if len(found) > 1:
        names = "、".join(sorted({each.name for each in found}))
        raise Invalid(field="发给谁", reason=f"有{len(found)}位同事可能是「{word[:16]}」（{names}），请说全名")
    if not found:
        raise Invalid(field="发给谁", reason=f"没有叫「{word[:20]}」的同事、角色或部门")
    return found


async def publish(
    core: Core, actor: Actor, people: Sequence[Employee], text: str, *, audience: str, kind: str = "notice", key: str = ""
) -> Announcement:
    """Tell chosen people something (发公告); each is told in their chat, with a button for "read".

    Raises: Refused for who may not publish; Invalid.
    """
    access.require(actor, "announcements:write")
    if not actor.system and actor.role not in PUBLISHERS:
        raise Refused
    said = text.strip()
    if not said or len(said) > MAX_TEXT:
        raise Invalid(field="text", reason=f"请写1到{MAX_TEXT}个字")
    if not people:
        raise Invalid(field="发给谁", reason="没有选到任何同事")
    async with core.db.transaction():
        made: Announcement = await Announcement.add(
            core, author_id=actor.employee_id, kind=kind, audience=audience[:200], text=said, key=key or None
        )
        await core.db.run(_tell_all(core, made.id, _worded(made, actor.name), [each.id for each in people]))
        await access.record(core, actor, f"announcement.{kind}", made, after={"people": len(people)})
    return made


def _worded(row: Announcement, author: str) -> str:
    if row.kind == "alarm":
        return f"【预警】{row.text}\n看过请回复：已读 #{row.id}"
    return f"【公告 #{row.id}】{row.text}\n（{author}，看过请回复：已读 #{row.id}）"


def _tell_all(core: Core, number: int, words: str, people: Sequence[int]) -> Program[None]:
    now = core.clock.now()
    for employee_id in people:
        yield (
            "INSERT INTO announcement_receipts (announcement_id, employee_id, created_at, updated_at) VALUES (?, ?, ?, ?)",
            (number, employee_id, now, now),
        )
        found = yield from staff_account(core, employee_id)
        if found is not None:
            buttons = (Button("已读", "read_announcement", {"announcement": str(number)}),)
            key = f"announcement:{number}:{employee_id}"
            yield from tell_at(core, found, words, key=key, topic="announcement", buttons=buttons)


async def mark_read(core: Core, actor: Actor, announcement_id: int) -> tuple[Announcement, bool]:
    """Note that the actor has read an announcement to them; tells whether it was new. Raises: NotFound."""
    access.require(actor, "announcements:write")
    mine = AnnouncementReceipt.filter(announcement_id=announcement_id, employee_id=actor.employee_id or 0)
    async with core.db.transaction():
        row = await Announcement.get_or_none(id=announcement_id)
        if row is None or not await mine.exists():
            raise NotFound
        now = core.clock.now()
        new = bool(await mine.filter(read_at=None).update(read_at=now, updated_at=now))
        if new:
            await access.record(core, actor, "announcement.read", row)
    return row, new


async def withdraw(core: Core, actor: Actor, announcement_id: int) -> Announcement:
    """Take an own announcement back (撤销); what was not sent yet is not sent. Raises: NotFound; Refused."""
    access.require(actor, "announcements:write")
    async with core.db.transaction():
        row = await load(actor, announcement_id)
        if row.author_id != actor.employee_id and actor.role is not Role.ADMIN:
            raise Refused
        now = core.clock.now()
        await row.change(core, withdrawn_at=now)
        await core.db.run(_cancel_waiting(row.id, now))
        await access.record(core, actor, "announcement.withdraw", row)
    return row


def _cancel_waiting(number: int, now: datetime) -> Program[None]:
    people = yield "SELECT employee_id FROM announcement_receipts WHERE announcement_id = ?", (number,)
    for (employee_id,) in people:
        yield (
            "UPDATE messages SET status = 'cancelled', reason = 'withdrawn', updated_at = ?"
            " WHERE key = ? AND status IN ('queued', 'kept')",
            (now, f"announcement:{number}:{employee_id}"),
        )


async def load(actor: Actor, announcement_id: int) -> Announcement:
    """Load an announcement one wrote, got, or may see as a manager of everything. Raises: NotFound."""
    row = await Announcement.get_or_none(id=announcement_id)
    if row is None or not (
        actor.sees_all
        or row.author_id in (actor.team or {actor.employee_id})
        or await AnnouncementReceipt.filter(announcement_id=row.id, employee_id=actor.employee_id or 0).exists()
    ):
        raise NotFound
    return row


async def read_state(actor: Actor, announcement_id: int) -> ReadState:
    """Tell who has read an announcement: its author, their managers and those who see all. Raises: NotFound; Refused."""
    row = await load(actor, announcement_id)
    if not (actor.sees_all or row.author_id in (actor.team or {actor.employee_id})):
        raise Refused
    receipts = await AnnouncementReceipt.filter(announcement_id=row.id).order_by("id")
    names = dict(await Employee.filter(id__in=[each.employee_id for each in receipts]).values_list("id", "name"))
    read = tuple(names[each.employee_id] for each in receipts if each.read_at is not None)
    return ReadState(read, tuple(names[each.employee_id] for each in receipts if each.read_at is None))


async def list_mine(actor: Actor, *, limit: int = 10) -> list[tuple[Announcement, bool]]:
    """List the newest announcements to the actor, or by them, each with whether they still have to read it."""
    mine = dict(
        await AnnouncementReceipt.filter(employee_id=actor.employee_id or 0)
        .order_by("-id")
        .limit(200)
        .values_list("announcement_id", "read_at")
    )
    own = await Announcement.filter(author_id=actor.employee_id).order_by("-id").limit(limit) if actor.employee_id else []
    got = await Announcement.filter(id__in=list(mine), withdrawn_at=None).order_by("-id").limit(limit)
    rows = {row.id: row for row in (*own, *got) if row.withdrawn_at is None}
    return [(rows[number], mine.get(number, 0) is None) for number in sorted(rows, reverse=True)[:limit]]
