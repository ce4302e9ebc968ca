"""What one does with outings (外出): register, plan a week, check in, call off, and see which have no record."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tortoise.expressions import Q

from crm_core import access
from crm_core.access import Actor
from crm_core.activities import Subject, customer_of, load_subject
from crm_core.changes import change_fields
from crm_core.clock import day_bounds, today
from crm_core.errors import Conflict, Invalid
from crm_core.field_visits import FieldVisit, replan, standing
from crm_core.ports import Core

LONGEST_AHEAD = timedelta(days=366)
LONGEST_AGO = timedelta(days=7)
"""How late an outing may still be registered."""
MOST = 200


class VisitClosed(Conflict):
    """Called off, or checked in already."""

    code = "visit.closed"
    text = "去「{name}」的外出已取消或已签到"


@dataclass(frozen=True, slots=True)
class Stop:
    """One visit to come: to whom and when. Without a subject only the name is known."""

    name: str
    at: datetime
    subject: Subject | None = None
    place: str = ""
    purpose: str = ""


async def register(core: Core, actor: Actor, stop: Stop, *, checked_in_at: datetime | None = None) -> FieldVisit:
    """Register an outing (外出登记), to come or just made; one row and its audit entry. Raises: Invalid; NotFound."""
    return (await register_all(core, actor, [stop], checked_in_at=checked_in_at))[0]


async def register_all(
    core: Core, actor: Actor, stops: Sequence[Stop], *, checked_in_at: datetime | None = None
) -> list[FieldVisit]:
    """Register outings together, as a week's plan (周计划外出): all or none. Raises: Invalid; NotFound."""
    access.require(actor, "visits:write")
    if actor.employee_id is None:
        raise Invalid(field="employee_id", reason="只有员工能登记外出")
    for stop in stops:
        _check(core, stop)
    made = []
    async with core.db.transaction():
        for stop in stops:
            visit: FieldVisit = await FieldVisit.add(
                core,
                employee_id=actor.employee_id,
                **await _about(actor, stop),
                planned_at=stop.at,
                place=stop.place.strip()[:200],
                purpose=stop.purpose.strip()[:500],
                checked_in_at=checked_in_at,
            )
            await access.record(core, actor, "visit.register", visit)
            made.append(visit)
    return made


def _check(core: Core, stop: Stop) -> None:
    now = core.clock.now()
    if stop.at.tzinfo is None:
        raise Invalid(field="planned_at", reason="时间应带时区")
    if not now - LONGEST_AGO <= stop.at <= now + LONGEST_AHEAD:
        raise Invalid(field="planned_at", reason="只能登记7天以内到一年以后的外出")
    if stop.subject is None and not 1 <= len(stop.name.strip()) <= 128:
        raise Invalid(field="name", reason="请写明去哪里，1到128个字")


async def _about(actor: Actor, stop: Stop) -> dict[str, object]:
    if stop.subject is None:
        return {"name": stop.name.strip()}
    subject = await load_subject(actor, stop.subject.kind, stop.subject.id)
    customer_id = await customer_of(subject.kind, subject.id)
    return {"name": subject.name, "subject_kind": subject.kind, "subject_id": subject.id, "customer_id": customer_id}


async def arrive(core: Core, actor: Actor, stop: Stop, *, position: str = "") -> tuple[FieldVisit, bool]:
    """Check in somewhere (拜访打卡): on today's outing there, else on one registered now; tells whether it was planned."""
    async with core.db.transaction():
        customer_id = (await _about(actor, stop)).get("customer_id")
        planned = next((each for each in await open_today(core, actor) if _is_same(each, stop, customer_id)), None)
        if planned is None:
            made = await register(core, actor, stop, checked_in_at=stop.at)
            if made.customer_id is not None:
                await core.db.run(replan(core, made.customer_id, stop.at))
            return made, False
        return await check_in(core, actor, planned.id, at=stop.at, place=stop.place, position=position), True


def _is_same(visit: FieldVisit, stop: Stop, customer_id: object) -> bool:
    """Tell whether an outing goes where somebody stands: the record, its name or company, or anybody at that customer."""
    names = {stop.name.strip(), *((stop.subject.name, stop.subject.company) if stop.subject else ())} - {""}
    if visit.name in names or (customer_id is not None and visit.customer_id == customer_id):
        return True
    return stop.subject is not None and (visit.subject_kind, visit.subject_id) == (stop.subject.kind, stop.subject.id)


async def open_today(core: Core, actor: Actor) -> list[FieldVisit]:
    """List the actor's own outings of today without a check-in, earliest first."""
    start, end = day_bounds(today(core.clock))
    mine = standing().filter(employee_id=actor.employee_id or 0, planned_at__gte=start, planned_at__lt=end)
    return await mine.filter(checked_in_at=None).order_by("planned_at", "id").limit(MOST)


async def check_in(
    core: Core, actor: Actor, visit_id: int, *, at: datetime | None = None, place: str = "", position: str = ""
) -> FieldVisit:
    """Check in on an own outing (签到), once. Raises: NotFound; VisitClosed."""
    access.require(actor, "visits:write")
    async with core.db.transaction():
        visit = await _own(actor, visit_id)
        now = core.clock.now()
        values = {"checked_in_at": at or now, "check_in_place": place.strip()[:200], "position": position[:64]}
        if not await standing().filter(id=visit.id, checked_in_at=None).update(**values, updated_at=now):
            raise VisitClosed(name=visit.name[:20])
        await access.record(core, actor, "visit.check_in", visit)
        if visit.customer_id is not None:
            await core.db.run(replan(core, visit.customer_id, at or now))
        return await FieldVisit.get(id=visit.id)


async def undo_check_in(core: Core, actor: Actor, visit_id: int) -> FieldVisit:
    """Take a check-in back (撤销). Raises: NotFound."""
    access.require(actor, "visits:write")
    async with core.db.transaction():
        visit = await _own(actor, visit_id)
        await change_fields(
            core, actor, "visit.undo_check_in", visit, {"checked_in_at": None, "check_in_place": "", "position": ""}
        )
    return visit


async def move(core: Core, actor: Actor, visit_id: int, planned_at: datetime) -> FieldVisit:
    """Put an outing to another time. Raises: NotFound; Invalid; VisitClosed."""
    access.require(actor, "visits:write")
    async with core.db.transaction():
        visit = await _own(actor, visit_id)
        _check(core, Stop(visit.name, planned_at))
        if visit.cancelled_at or visit.checked_in_at:
            raise VisitClosed(name=visit.name[:20])
        await change_fields(core, actor, "visit.move", visit, {"planned_at": planned_at})
    return visit


async def cancel(core: Core, actor: Actor, visit_id: int, *, undo: bool = False) -> FieldVisit:
    """Call an outing off (取消外出), or take that back. Raises: NotFound."""
    access.require(actor, "visits:write")
    async with core.db.transaction():
        visit = await _own(actor, visit_id)
        await change_fields(core, actor, "visit.cancel", visit, {"cancelled_at": None if undo else core.clock.now()})
    return visit


async def _own(actor: Actor, visit_id: int) -> FieldVisit:
    """Load an outing one may change: managers see their team's, and may call them off."""
    return await access.load(FieldVisit, actor, visit_id)


async def list_visits(
    core: Core, actor: Actor, start: datetime, end: datetime, *, employee_id: int | None = None
) -> list[FieldVisit]:
    """List the outings of a time, earliest first, that were not called off."""
    access.require(actor, "visits:read")
    query = access.visible(FieldVisit, actor).filter(cancelled_at=None, planned_at__gte=start, planned_at__lt=end)
    query = query.filter(employee_id=employee_id) if employee_id is not None else query
    return await query.order_by("planned_at", "id").limit(MOST)


async def recurring(core: Core, actor: Actor, *, limit: int = 20) -> list[FieldVisit]:
    """List the recurring visits to come, earliest first, the team's for a manager."""
    access.require(actor, "visits:read")
    query = access.visible(FieldVisit, actor).filter(planned_at__gte=core.clock.now(), rhythm_days__gt=0, cancelled_at=None)
    return await query.filter(checked_in_at=None, follow_up_id=None).order_by("planned_at", "id").limit(limit)


async def unrecorded(core: Core, actor: Actor, start: datetime, end: datetime) -> list[FieldVisit]:
    """List the outings of a time about which nothing was written (外出对照), the team's for a manager."""
    access.require(actor, "visits:read")
    been = Q(planned_at__lt=core.clock.now()) | Q(checked_in_at__isnull=False)
    query = access.visible(FieldVisit, actor).filter(been, planned_at__gte=start, planned_at__lt=end)
    return await query.filter(cancelled_at=None, follow_up_id=None).order_by("planned_at", "id").limit(MOST)


def state_of(visit: FieldVisit) -> str:
    """Say in one word how far an outing is."""
    if visit.cancelled_at is not None:
        return "已取消"
    if visit.follow_up_id is not None:
        return "已记录"
    return "已签到" if visit.checked_in_at is not None else "待拜访"
