"""Giving one employee's customers to another (交接), in bulk: counted first, done as one, taken back as one.

With the customers go their contacts, their deals, the open reminders about them, and leads if said. Whoever leaves the house
hands over everything and loses access at once (`leave`). A single customer goes by `give_customer`.
Reading order: `count`, `hand_over`, `leave`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from crm_core import access, change_sets, employees
from crm_core.access import Actor, Role
from crm_core.change_sets import ChangeSet
from crm_core.employees import Employee
from crm_core.errors import Conflict, Invalid, NotFound, Refused
from crm_core.ports import Core, Program

PAGE = 500
_TABLES = ("leads", "customers", "contacts", "opportunities", "reminders")
_PERSONS = frozenset({"leads", "contacts"})
_ABOUT = {"customer": "customers", "contact": "contacts", "opportunity": "opportunities", "lead": "leads"}


class NothingToHandOver(Conflict):
    """They own nothing."""

    code = "transfer.nothing"
    text = "{name}名下没有可交接的记录"


@dataclass(frozen=True, slots=True)
class Counts:
    """What goes over."""

    customers: int = 0
    contacts: int = 0
    opportunities: int = 0
    reminders: int = 0
    leads: int = 0

    @property
    def total(self) -> int:
        """Count the records."""
        return self.customers + self.contacts + self.opportunities + self.reminders + self.leads

    def shown(self) -> str:
        """Write them: 客户3个、联系人5个 ..."""
        named = (
            ("客户", self.customers),
            ("联系人", self.contacts),
            ("商机", self.opportunities),
            ("待办", self.reminders),
            ("线索", self.leads),
        )
        return "、".join(f"{label}{number}个" for label, number in named if number) or "没有记录"


@dataclass(frozen=True, slots=True)
class Handover:
    """A hand-over that was done."""

    from_name: str
    to_name: str
    counts: Counts
    changes: ChangeSet


@dataclass(frozen=True, slots=True)
class _Plan:
    """From whom to whom, and how much of it: with leads, and with reminders about nobody, too."""

    from_id: int
    to_id: int
    leads: bool = False
    everything: bool = False


async def count(core: Core, actor: Actor, from_id: int, *, leads: bool = False, everything: bool = False) -> Counts:
    """Count what a hand-over would move. Raises: Refused; NotFound."""
    _require_manager(actor)
    await _of_team(actor, from_id)
    return await core.db.read(_count(_Plan(from_id, 0, leads, everything)))


async def hand_over(core: Core, actor: Actor, from_id: int, to_id: int, *, leads: bool = False) -> Handover:
    """Give all of somebody's customers to another one, with what hangs on them. A manager within the team, or admin.

    Raises: Refused; NotFound; Invalid; NothingToHandOver.
    """
    _require_manager(actor)
    async with core.db.transaction():
        return await _do(core, actor, _Plan(from_id, to_id, leads))


async def leave(core: Core, actor: Actor, from_id: int, to_id: int) -> Handover:
    """End somebody's access at once and hand over everything they own (离职交接); history and channel links stay.

    Raises: Refused; NotFound; Invalid; AlreadyDeparted.
    """
    _require_manager(actor)
    async with core.db.transaction():
        await _of_team(actor, from_id)
        if from_id == actor.employee_id:
            raise Refused
        await employees.end_access(core, actor, from_id)
        return await _do(core, actor, _Plan(from_id, to_id, leads=True, everything=True))


def give_customer(core: Core, set_id: int, customer_id: int, from_id: int | None, to_id: int) -> Program[None]:
    """Give one customer to another owner within a change set, with its contacts, its deals and the open reminders about them.

    Won deals stay whose they were; lost ones go along, so that their later try reaches somebody who is there.
    """
    people, deals = (f"SELECT id FROM {table} WHERE customer_id = ?" for table in ("contacts", "opportunities"))  # noqa: S608
    about = (
        f"(about_kind = 'customer' AND about_id = ?) OR (about_kind = 'contact' AND about_id IN ({people}))"
        f" OR (about_kind = 'opportunity' AND about_id IN ({deals}))"
    )
    wheres: list[tuple[str, str, list[object]]] = [
        ("opportunities", "customer_id = ? AND status NOT IN ('won', 'deleted')", [customer_id]),
        ("contacts", "customer_id = ?", [customer_id]),
        ("customers", "id = ?", [customer_id]),
    ]
    if from_id is not None:
        mine = f"owner_id = ? AND status IN ('pending', 'fired') AND ({about})"
        wheres.insert(0, ("reminders", mine, [from_id, customer_id, customer_id, customer_id]))
    plan = _Plan(from_id or 0, to_id)
    for table, where, values in wheres:
        rows = yield f"SELECT id FROM {table} WHERE {where} ORDER BY id", values  # noqa: S608 - our own names
        ids = [int(number) for (number,) in rows]
        for first in range(0, len(ids), PAGE):
            yield from _change_owner(core, set_id, table, ids[first : first + PAGE], plan)


def _require_manager(actor: Actor) -> None:
    access.require(actor, "customers:write")
    if not actor.system and actor.role not in (Role.MANAGER, Role.ADMIN):
        raise Refused


async def _of_team(actor: Actor, employee_id: int) -> Employee:
    employee = await Employee.get_or_none(id=employee_id)
    if employee is None:
        raise NotFound
    if not (actor.sees_all or employee.id in actor.team):
        raise Refused
    return employee


async def _do(core: Core, actor: Actor, plan: _Plan) -> Handover:
    giver, taker = await _of_team(actor, plan.from_id), await _of_team(actor, plan.to_id)
    if taker.departed_at is not None or taker.id == giver.id or taker.role not in (Role.SALES, Role.MANAGER, Role.ADMIN):
        raise Invalid(field="to_id", reason="需要另一名在职的销售或主管")
    await core.db.serialize(f"transfer:{giver.id}")
    counts = await core.db.run(_count(plan))
    if not counts.total and not plan.everything:
        raise NothingToHandOver(name=giver.name)
    changes = await change_sets.begin(core, actor, "transfer", f"{giver.name}交接给{taker.name}：{counts.shown()}")
    await core.db.run(_move(core, changes.id, plan))
    after = {"from_id": giver.id, "to_id": taker.id, "records": counts.total}
    await access.record(core, actor, "transfer.hand_over", changes, after=after)
    return Handover(giver.name, taker.name, counts, changes)


def _where(table: str, plan: _Plan) -> tuple[str, list[object]]:
    """Say which rows of a table go over."""
    mine: list[object] = [plan.from_id]
    if table in ("customers", "contacts"):
        return f"owner_id = ?{_STANDING}", mine
    if table == "leads":
        return "owner_id = ? AND status IN ('new', 'following')", mine
    if table == "opportunities":
        # Those at the customers handed over, and those of one's own elsewhere when everything goes.
        moving = "status NOT IN ('won', 'deleted')"
        at = f"customer_id IN (SELECT id FROM customers WHERE owner_id = ?{_STANDING}) AND {moving}"  # noqa: S608 - our own words
        return (at, mine) if not plan.everything else (f"({at}) OR (owner_id = ? AND {moving})", mine * 2)
    if table != "reminders":
        return "owner_id = ?", mine
    is_open = "owner_id = ? AND status IN ('pending', 'fired')"
    if plan.everything:
        return is_open, mine
    kinds = [kind for kind in _ABOUT if plan.leads or kind != "lead"]
    about = [
        f"about_kind = '{kind}' AND about_id IN (SELECT id FROM {_ABOUT[kind]} WHERE {_owned(kind)})"  # noqa: S608 - our own names
        for kind in kinds
    ]
    return f"{is_open} AND ({' OR '.join(about)})", mine * (1 + len(kinds))


def _owned(kind: str) -> str:
    return "customer_id IN (SELECT id FROM customers WHERE owner_id = ?)" if kind == "opportunity" else "owner_id = ?"


_STANDING = " AND merged_into_id IS NULL AND deleted_at IS NULL"


def _count(plan: _Plan) -> Program[Counts]:
    found = {}
    for table in _TABLES:
        if table == "leads" and not plan.leads:
            continue
        where, values = _where(table, plan)
        rows = yield f"SELECT count(*) FROM {table} WHERE {where}", values  # noqa: S608 - our own names
        found[table] = int(rows[0][0])
    return Counts(**found)


def _move(core: Core, set_id: int, plan: _Plan) -> Program[None]:
    """Move table by table; what is found through others goes first."""
    for table in ("reminders", "opportunities", "contacts", "customers", "leads"):
        if table == "leads" and not plan.leads:
            continue
        where, values = _where(table, plan)
        rows = yield f"SELECT id FROM {table} WHERE {where} ORDER BY id", values  # noqa: S608 - our own names
        ids = [int(number) for (number,) in rows]
        for first in range(0, len(ids), PAGE):
            yield from _change_owner(core, set_id, table, ids[first : first + PAGE], plan)


def _change_owner(core: Core, set_id: int, table: str, ids: Sequence[int], plan: _Plan) -> Program[None]:
    """Set the owner of a page of rows and note what it was, in two statements."""
    marks = ", ".join("?" * len(ids))
    now = core.clock.now()
    person = "person_id" if table in _PERSONS else "NULL"
    after = msgspec.json.encode({"owner_id": plan.to_id}).decode()
    # Deals may have had another owner than their customer: each is noted as it was.
    rows = yield f"SELECT id, owner_id, {person} FROM {table} WHERE id IN ({marks})", ids  # noqa: S608 - our own names
    noted = [(int(number), owner, who) for number, owner, who in rows if owner != plan.to_id]
    lines = ", ".join(["(?, ?, ?, ?, ?, ?, ?, ?)"] * len(noted))
    if not noted:
        return
    yield (
        "INSERT INTO changed_rows (set_id, table_name, row_id, person_id, before, after, created_at, updated_at)"  # noqa: S608
        f" VALUES {lines}",
        [
            value
            for number, owner, who in noted
            for value in (set_id, table, number, who, msgspec.json.encode({"owner_id": owner}).decode(), after, now, now)
        ],
    )
    yield (
        f"UPDATE {table} SET owner_id = ?, updated_at = ? WHERE id IN ({marks})",  # noqa: S608 - our own names
        (plan.to_id, now, *ids),
    )
