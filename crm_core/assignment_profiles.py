"""What assignment knows of an employee: regions, skills, capacity, working hours, absence (请假)."""

import re
from collections.abc import Iterable
from datetime import datetime, time, timedelta

from tortoise import fields

from crm_core import access, employees
from crm_core.access import Actor, Role
from crm_core.changes import change_fields
from crm_core.clock import to_local
from crm_core.db import Entity, UtcDatetimeField
from crm_core.employees import Employee
from crm_core.errors import Invalid, Refused
from crm_core.ports import Core

_HOURS = re.compile(r"(\d{1,2}):(\d\d)\s*[-~至到]\s*(\d{1,2}):(\d\d)")
_SPLIT = re.compile(r"[\s,，、;；]+")
_OWN = frozenset({"away_from", "away_until"})
"""What everybody may say of themselves."""


class AssignmentProfile(Entity):
    """One row an employee, made when something is said of them; words joined by commas."""

    owner_field = None

    employee_id = fields.BigIntField(unique=True)
    regions = fields.CharField(max_length=200, default="")
    skills = fields.CharField(max_length=200, default="")
    capacity = fields.IntField(default=0)
    """Open leads above which no more are given; 0: the house's number."""
    work_hours = fields.CharField(max_length=16, default="")
    """09:00-18:00; empty: the house's."""
    work_days = fields.CharField(max_length=8, default="")
    """12345 for Monday to Friday; empty: the working days of the calendar."""
    away_from = UtcDatetimeField(null=True)
    away_until = UtcDatetimeField(null=True)
    turn = fields.BigIntField(default=0)
    """The number of the last offer made to them: whoever has the lowest is next."""

    class Meta:
        """Few rows."""

        table = "assignment_profiles"

    def is_away(self, now: datetime) -> bool:
        """Tell whether they are absent now."""
        return self.away_until is not None and (self.away_from or now) <= now < self.away_until

    @property
    def hours(self) -> tuple[time, time] | None:
        """Give the working hours of their own."""
        found = _HOURS.fullmatch(self.work_hours)
        return (time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4]))) if found else None


async def load(core: Core, employee_id: int) -> AssignmentProfile:
    """Find what is known of an employee; made in the open transaction when nothing is."""
    found = await AssignmentProfile.get_or_none(employee_id=employee_id)
    if found is None:
        found = await AssignmentProfile.add(core, employee_id=employee_id)
    return found


async def take_turn(core: Core, employee_id: int, turn: int) -> None:
    """Note the number of the offer an employee was asked by last, in the open transaction."""
    if not await AssignmentProfile.filter(employee_id=employee_id).update(turn=turn, updated_at=core.clock.now()):
        await AssignmentProfile.add(core, employee_id=employee_id, turn=turn)


async def change(core: Core, actor: Actor, employee_id: int, **values: object) -> AssignmentProfile:
    """Say something of an employee: admins of everybody, managers of their team, each of their own absence.

    Raises: NotFound; AlreadyDeparted; Refused; Invalid.
    """
    access.require(actor, "leads:write")
    clean = _checked(values)
    async with core.db.transaction():
        employee = await access.load(Employee, actor, employee_id)
        if employee.departed_at:
            raise employees.AlreadyDeparted(name=employee.name)
        _require_right(actor, employee_id, set(clean))
        await core.db.serialize(f"assignment_profile:{employee_id}")
        profile = await load(core, employee_id)
        await change_fields(core, actor, "employee.assignment", profile, clean)
    return profile


def _require_right(actor: Actor, employee_id: int, names: set[str]) -> None:
    if actor.system or actor.role is Role.ADMIN or (actor.role is Role.MANAGER and employee_id in actor.team):
        return
    if employee_id != actor.employee_id or names - _OWN:
        raise Refused


def words_of(text: str) -> tuple[str, ...]:
    """Cut a list people wrote: 上海、浙江."""
    return tuple(dict.fromkeys(word for word in _SPLIT.split(text) if word))


def _checked(values: dict[str, object]) -> dict[str, object]:
    clean = dict(values)
    for name in ("regions", "skills"):
        if name in clean:
            said = clean[name]
            words = words_of(said) if isinstance(said, str) else _texts(said)
            clean[name] = ",".join(words)
            if len(str(clean[name])) > 200:
                raise Invalid(field=name, reason="太长了")
    if clean.get("work_hours"):
        clean["work_hours"] = _hours(str(clean["work_hours"]))
    if clean.get("work_days") and not re.fullmatch(r"[1-7]{1,7}", str(clean["work_days"])):
        raise Invalid(field="work_days", reason="请写成 12345（周一到周五）")
    start, end = clean.get("away_from"), clean.get("away_until")
    if isinstance(start, datetime) and isinstance(end, datetime) and start >= end:
        raise Invalid(field="away_until", reason="结束要晚于开始")
    return clean


def _texts(said: object) -> tuple[str, ...]:
    return tuple(str(word) for word in said) if isinstance(said, Iterable) else ()


def _hours(said: str) -> str:
    found = _HOURS.fullmatch(said.strip())
    try:
        start, end = (time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4]))) if found else (None, None)
    except ValueError:
        start = end = None
    if start is None or end is None or start == end:
        raise Invalid(field="work_hours", reason="请写成 09:00-18:00")
    return f"{start:%H:%M}-{end:%H:%M}"


def _days_away(start: datetime, until: datetime) -> str:
    """Write an absence as days; one that ends within a day with its hour."""
    first, end = to_local(start), to_local(until)
    if end.time() != time(0):
        return f"{first.month}月{first.day}日至{end.month}月{end.day}日{end:%H:%M}"
    last = end - timedelta(days=1)
    days = f"{first.month}月{first.day}日"
    return days if first.date() == last.date() else f"{days}至{last.month}月{last.day}日"


def say(profile: AssignmentProfile, now: datetime) -> list[tuple[str, str]]:
    """Say what is known, as pairs of label and words."""
    away = ""
    if profile.away_until is not None and profile.away_until > now:
        away = _days_away(profile.away_from or now, profile.away_until)
    days = "星期" + "".join("一二三四五六日"[int(day) - 1] for day in profile.work_days) if profile.work_days else ""
    return [
        ("负责地区", profile.regions.replace(",", "、")),
        ("专长", profile.skills.replace(",", "、")),
        ("名下上限", f"{profile.capacity}条" if profile.capacity else ""),
        ("上班时间", " ".join(part for part in (days, profile.work_hours) if part)),
        ("请假", away),
    ]
