"""Leads the rules found nobody for (待分配): put on the managers' list, told to them, and taken off it."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

from tortoise.expressions import Q

from crm_core import access, change_sets, employees
from crm_core.access import Actor, Role
from crm_core.assignment_tables import OPEN, LeadException
from crm_core.employees import Department, Employee
from crm_core.leads import Lead
from crm_core.messages import Address, Body, Button, Guarantee
from crm_core.ports import Core, Program

WAITING = "waiting"
"""Nobody works now, or has room: asked again when work begins or an offer is answered."""
STILL = (OPEN, WAITING)
PAUSE = timedelta(minutes=5)
"""How often one manager is told of leads nobody took at most."""


async def put(core: Core, lead: Lead, reason: str, *, waiting: bool = False, silent: bool | None = None) -> None:
    """Put a lead on the list, once, in the open transaction; managers of its unit are told unless it only waits.

    `silent`: otherwise, where it waits for something a manager should see to.
    """
    status = WAITING if waiting else OPEN
    row = await LeadException.filter(lead_id=lead.id, status__in=list(STILL)).first()
    if row is not None and row.status == status and row.department_id == lead.department_id:
        if row.reason != reason[:200] and waiting:
            await row.change(core, reason=reason[:200])
        return
    if row is None:
        row = await LeadException.add(
            core,
            lead_id=lead.id,
            person_id=lead.person_id,
            department_id=lead.department_id,
            reason=reason[:200],
            status=status,
        )
    else:
        await row.change(core, status=status, reason=reason[:200], department_id=lead.department_id)
    if not (waiting if silent is None else silent):
        text = f"线索「{lead.name}」（#{lead.id}）没有人接：{reason}\n回复“分给 姓名 #{lead.id}”指定，或“待分配”看全部"
        for number in await managers_of(lead.department_id):
            await _tell_manager(core, number, text, f"exception:{row.id}:{number}")


async def _tell_manager(core: Core, manager_id: int, text: str, key: str) -> None:
    """Tell a manager of one lead at once; of more in the next minutes together, however many an import brings."""
    to, now = await employees.staff_address(core, manager_id), core.clock.now()
    if to is None:
        return
    last = await core.state.get(f"exceptions_told:{manager_id}")
    if last is None:
        await core.state.set(f"exceptions_told:{manager_id}", now.isoformat(), lasts=PAUSE)
        await tell_at(core, to, text, key)
        return
    later = datetime.fromisoformat(last) + PAUSE
    more = "又有线索没有人接，回复“待分配”看全部"
    await tell_at(core, to, more, f"exceptions:{manager_id}:{later:%Y%m%dT%H%M%S}", not_before=later)


async def end(core: Core, lead_id: int, *, set_id: int | None = None) -> None:
    """Take a lead off the list; within a change set it comes back with its undo."""
    now = core.clock.now()
    rows = LeadException.filter(lead_id=lead_id, status__in=list(STILL))
    if set_id is None:
        await rows.update(status="ended", ended_at=now, updated_at=now)
        return
    change = partial(change_sets.change_row, core, set_id, "lead_exceptions")
    for number, person in await rows.values_list("id", "person_id"):
        await core.db.run(change(int(number), {"status": "ended", "ended_at": now}, person_id=person))


async def list_open(actor: Actor, *, limit: int = 20) -> list[tuple[LeadException, Lead]]:
    """List what waits for a manager's word, the oldest first; of the units the actor sees."""
    access.require(actor, "leads:read")
    query = LeadException.filter(status__in=list(STILL))
    if not actor.sees_all:
        query = query.filter(Q(department_id=None) | Q(department_id__in=sorted(actor.departments)))
    rows = await query.order_by("id").limit(limit)
    seen = access.visible(Lead, actor).filter(
        id__in=[row.lead_id for row in rows], owner_id=None, status__in=["new", "following"]
    )
    leads = {lead.id: lead for lead in await seen}
    return [(row, leads[row.lead_id]) for row in rows if row.lead_id in leads]


async def waiting_units() -> list[int | None]:
    """Name the units that have leads which wait for work to begin; None: headquarters."""
    rows: Any = await LeadException.filter(status=WAITING).distinct().values_list("department_id", flat=True)
    return list(rows)


async def waiting_leads(department_id: int | None, after: int, limit: int) -> list[tuple[int, int]]:
    """Name leads of a unit that wait for work to begin, as (number on the list, lead), behind a number of the list."""
    waiting = LeadException.filter(status=WAITING, department_id=department_id, id__gt=after).order_by("id").limit(limit)
    rows: Any = await waiting.values_list("id", "lead_id")
    return [(int(number), int(lead)) for number, lead in rows]


async def managers_of(department_id: int | None) -> list[int]:
    """Name the managers of a unit, else of the nearest one above that has any, else the admins."""
    rows = {row.id: row for row in await Department.all()}
    number = department_id
    while number is not None and number in rows:
        found = await Employee.filter(role=Role.MANAGER.value, department_id=number, departed_at=None).values_list(
            "id", flat=True
        )
        if found:
            return [int(each) for each in found]  # type: ignore[call-overload]
        number = rows[number].parent_id
    admins = await Employee.filter(role=Role.ADMIN.value, departed_at=None).order_by("id").limit(5).values_list("id", flat=True)
    return [int(each) for each in admins]  # type: ignore[call-overload]


async def tell(core: Core, employee_id: int, text: str, key: str, *, buttons: tuple[Button, ...] = ()) -> None:
    """Tell an employee in chat, in the open transaction; nobody is told who has no bound account."""
    address = await employees.staff_address(core, employee_id)
    if address is not None:
        await tell_at(core, address, text, key, buttons=buttons)


async def tell_at(
    core: Core, to: Address, text: str, key: str, *, buttons: tuple[Button, ...] = (), not_before: datetime | None = None
) -> None:
    """Tell an employee at their address, in the open transaction; once per key."""
    body, once = Body(text=text, buttons=buttons), Guarantee.AT_LEAST_ONCE
    await core.outbox.put(to, body, key=key, guarantee=once, topic="assignment", not_before=not_before)


def reword(core: Core, key: str, text: str) -> Program[int]:
    """Put newer words into a notice that waits to be sent; tells how many there were."""
    rows = yield (
        "UPDATE messages SET text = ?, updated_at = ? WHERE key = ? AND status = 'queued' RETURNING id",
        (text, core.clock.now(), key),
    )
    return len(rows)
