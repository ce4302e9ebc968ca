"""Sales targets (销售目标): so many yuan to be won by an employee or a department in a month."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tortoise import fields
from tortoise.expressions import Q, Subquery

from crm_core import access, change_sets, colleagues
from crm_core.access import Actor
from crm_core.change_sets import ChangeSet
from crm_core.db import Entity, MoneyField
from crm_core.employees import Department, Employee
from crm_core.errors import Invalid, NotFound, Refused
from crm_core.pipeline_rules import checked_values
from crm_core.ports import Core, Program

_MONTH = re.compile(r"20\d\d-(?:0[1-9]|1[0-2])")


class SalesTarget(Entity):
    """What an employee, or a department as a whole, is to win in a month."""

    employee_id = fields.BigIntField(null=True, db_index=True)
    department_id = fields.BigIntField(null=True, db_index=True)
    month = fields.CharField(max_length=7)
    """2026-11."""
    amount = MoneyField()

    @classmethod
    def visible_to(cls, actor: Actor) -> Q:
        """Select the team's own targets, and those of the departments somebody of the team is in."""
        team: Any = list(actor.team or {actor.employee_id})
        theirs: Any = Subquery(Employee.filter(id__in=team).exclude(department_id=None).values("department_id"))
        return Q(employee_id__in=team) | Q(department_id__in=theirs)

    class Meta:
        """One row each a month."""

        table = "sales_targets"
        indexes = (("month",),)


@dataclass(frozen=True, slots=True)
class TargetOf:
    """Whose a target is, by name."""

    name: str
    employee_id: int | None = None
    department_id: int | None = None


async def set_target(
    core: Core,
    actor: Actor,
    *,
    month: str,
    amount: object,
    employee_id: int | None = None,
    department_id: int | None = None,
) -> tuple[SalesTarget, ChangeSet]:
    """Set what somebody is to win in a month (定目标); a second word replaces the first.

    A manager sets them for the own team and for departments wholly in it. The change set takes it back.

    Raises: Refused; NotFound; Invalid for a month, an amount, or not just one of employee and department.
    """
    access.require(actor, "targets:write")
    yuan = checked_values({"amount": amount})["amount"]
    if yuan is None or not _MONTH.fullmatch(month):
        raise Invalid(field="month" if yuan is not None else "amount", reason="月份写成 2026-11，金额写元")
    async with core.db.transaction():
        whose = await _whose(actor, employee_id, department_id)
        # One writer of a target at a time: looking and writing are two steps.
        await core.db.serialize(f"sales_target:{employee_id}:{department_id}:{month}")
        changes = await change_sets.begin(core, actor, "target.set", f"{whose.name}{month}目标")
        row = await SalesTarget.get_or_none(employee_id=employee_id, department_id=department_id, month=month)
        before = {"amount": str(row.amount)} if row else None
        if row is None:
            row = await SalesTarget.add(core, employee_id=employee_id, department_id=department_id, month=month, amount=yuan)
            await core.db.run(change_sets.note_made(core, changes.id, "sales_targets", row.id))
        else:
            await core.db.run(change_sets.change_row(core, changes.id, "sales_targets", row.id, {"amount": yuan}))
            await row.refresh_from_db()
        await access.record(core, actor, "target.set", row, before=before, after={"amount": str(yuan), "month": month})
    return row, changes


async def _whose(actor: Actor, employee_id: int | None, department_id: int | None) -> TargetOf:
    if (employee_id is None) == (department_id is None):
        raise Invalid(field="employee_id", reason="请写明员工或部门之一")
    if employee_id is not None:
        employee = await Employee.get_or_none(id=employee_id, departed_at=None)
        if employee is None:
            raise NotFound
        if not (actor.sees_all or employee.id in actor.team):
            raise Refused
        return TargetOf(employee.name, employee_id=employee.id)
    department = await Department.get_or_none(id=department_id)
    if department is None:
        raise NotFound
    people = await members(department.id)
    if not actor.sees_all and not (people and set(people) <= actor.team):
        raise Refused
    return TargetOf(department.name, department_id=department.id)


async def whose(actor: Actor, name: str) -> TargetOf:
    """Find an employee or department by name; 我 is the speaker. Raises: NotFound."""
    if name in ("", "我", "我的", "自己") and actor.employee_id is not None:
        return TargetOf("我", employee_id=actor.employee_id)
    department = await Department.get_or_none(name=name)
    if department is None:
        employee = await colleagues.one_called(actor, name)
        if not (actor.sees_all or employee.id in actor.team):
            raise NotFound
        return TargetOf(employee.name, employee_id=employee.id)
    return TargetOf(department.name, department_id=department.id)


async def members(department_id: int) -> list[int]:
    """Tell who works in a department and in those inside it."""
    parents = [(int(str(number)), inside) for number, inside in await Department.all().values_list("id", "parent_id")]
    found, border = {department_id}, {department_id}
    while border:
        border = {number for number, inside in parents if inside in border} - found
        found |= border
    rows = await Employee.filter(department_id__in=list(found), departed_at=None).values_list("id", flat=True)
    return [int(str(number)) for number in rows]


async def target_of(core: Core, months: Sequence[str], owner_ids: Sequence[int] | None) -> Decimal | None:
    """Add up what some owners (None: everybody) are to win in these months; None where nothing was set.

    A department's own target stands for its people when all of them are among the owners.
    """
    return await core.db.read(_target_of(list(months), None if owner_ids is None else set(owner_ids)))


def _target_of(months: list[str], owners: set[int] | None) -> Program[Decimal | None]:
    marks = ", ".join("?" * len(months))
    rows = yield (
        f"SELECT month, employee_id, department_id, amount FROM sales_targets WHERE month IN ({marks})",  # noqa: S608
        months,
    )
    if not rows:
        return None
    people = yield "SELECT id, department_id FROM employees WHERE departed_at IS NULL", ()
    parents = dict((yield "SELECT id, parent_id FROM departments", ()))
    lines = {number: _line_of(department, parents) for number, department in people}
    total: Decimal | None = None
    for month in months:
        of_month = [row for row in rows if row[0] == month]
        for amount in _of_month(of_month, lines, parents, owners):
            total = (total or Decimal(0)) + amount
    return total


def _of_month(
    rows: Sequence[Any], lines: Mapping[int, set[int]], parents: Mapping[int, int | None], owners: set[int] | None
) -> list[Decimal]:
    whole = {
        int(department): Decimal(str(amount))
        for _, _, department, amount in rows
        if department is not None and _all_in(int(department), lines, owners)
    }
    # Of a department inside another one that has a target too only the outer one counts.
    outer = {each: amount for each, amount in whole.items() if not (_line_of(parents.get(each), parents) & set(whole))}
    alone = [
        Decimal(str(amount))
        for _, employee, _, amount in rows
        if employee is not None
        and (owners is None or int(employee) in owners)
        and not (lines.get(int(employee), set()) & set(outer))
    ]
    return [*outer.values(), *alone]


def _all_in(department: int, lines: Mapping[int, set[int]], owners: set[int] | None) -> bool:
    people = {number for number, line in lines.items() if department in line}
    return owners is None or (bool(people) and people <= owners)


def _line_of(department: int | None, parents: Mapping[int, int | None]) -> set[int]:
    """Tell a department and all those it is in."""
    found: set[int] = set()
    while department is not None and department not in found:
        found.add(department)
        department = parents.get(department)
    return found
