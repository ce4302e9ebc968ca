"""Units (部门): headquarters, departments, dealers, shops; a tree. Made, renamed, moved and closed here.

The table stands in employees.py. Who sees the leads of a unit: its own people, those above it and those below it.
"""

from collections.abc import Mapping

from tortoise.expressions import Q

from crm_core import access
from crm_core.access import Actor
from crm_core.changes import change_fields
from crm_core.distribution_rules import KIND_LABELS
from crm_core.employees import Department, Employee
from crm_core.errors import Conflict, Invalid, NoneFound
from crm_core.leads import Lead
from crm_core.ports import Core


class DepartmentNameTaken(Conflict):
    """Names of units are unique."""

    code = "department.name_taken"
    text = "已有单位「{name}」"


class DepartmentInUse(Conflict):
    """Somebody works there, something hangs below it, or leads lie in it."""

    code = "department.in_use"
    text = "「{name}」还有{what}，不能关闭"


async def add(core: Core, actor: Actor, *, name: str, kind: str = "department", parent_id: int | None = None) -> Department:
    """Make a unit. Raises: Invalid; DepartmentNameTaken; NotFound for an unknown parent."""
    access.require(actor, "employees:write")
    async with core.db.transaction():
        clean = await _checked(core, None, {"name": name, "kind": kind, "parent_id": parent_id})
        made: Department = await Department.add(core, **clean)
        await access.record(core, actor, "department.add", made, after=clean)
    return made


async def change(core: Core, actor: Actor, department_id: int, **values: object) -> Department:
    """Rename a unit, move it in the tree, or say of what kind it is. Raises: NotFound; Invalid; DepartmentNameTaken."""
    access.require(actor, "employees:write")
    async with core.db.transaction():
        row = await access.load(Department, actor, department_id)
        clean = await _checked(core, row, values)
        await change_fields(core, actor, "department.change", row, clean)
    return row


async def close(core: Core, actor: Actor, department_id: int) -> Department:
    """Close an empty unit; it stays as history. Raises: NotFound; DepartmentInUse."""
    access.require(actor, "employees:write")
    async with core.db.transaction():
        row = await access.load(Department, actor, department_id)
        people = await Employee.filter(department_id=row.id, departed_at=None).count()
        below = await Department.filter(parent_id=row.id, closed_at=None).count()
        waiting = await Lead.filter(department_id=row.id, status__in=["new", "following"]).count()
        for count, what in ((people, f"{people}名员工"), (below, f"{below}个下级单位"), (waiting, f"{waiting}条线索")):
            if count:
                raise DepartmentInUse(name=row.name, what=what)
        await change_fields(core, actor, "department.close", row, {"closed_at": core.clock.now()})
    return row


async def _checked(core: Core, row: Department | None, values: Mapping[str, object]) -> dict[str, object]:
    clean = dict(values)
    if "name" in clean:
        name = clean["name"] = str(clean["name"]).strip()
        if not name or len(name) > 64:
            raise Invalid(field="name", label="名称", reason="需要1到64个字")
        await core.db.serialize("department")
        if await Department.filter(name=name).exclude(id=row.id if row else 0).exists():
            raise DepartmentNameTaken(name=name)
    if "kind" in clean and clean["kind"] not in KIND_LABELS:
        raise Invalid(field="kind", reason=f"只能是 {'、'.join(KIND_LABELS)}")
    parent = clean.get("parent_id")
    if parent is not None:
        if not await Department.filter(id=parent, closed_at=None).exists():
            raise Invalid(field="parent_id", reason="没有这个上级单位")
        if row is not None and parent in await below(row.id):
            raise Invalid(field="parent_id", reason="不能是自己或下级单位")
    return clean


async def below(department_id: int) -> frozenset[int]:
    """Name a unit and everything under it."""
    links = await Department.all().values_list("id", "parent_id")
    found = border = {department_id}
    while border:
        border = {int(number) for number, above in links if above in border} - found
        found = found | border
    return frozenset(found)


async def find(words: str) -> Department:
    """Find an open unit by its name, else by part of it. Raises: NotFound when none or several fit."""
    exact = await Department.get_or_none(name=words.strip(), closed_at=None)
    found = [exact] if exact else await Department.filter(Q(name__icontains=words.strip()), closed_at=None).limit(2)
    if not words.strip() or len(found) != 1:
        raise NoneFound(what=f"单位「{words.strip()[:16]}」")
    return found[0]


async def tree() -> list[tuple[int, Department]]:
    """List the open units as a tree: each with its depth, children behind their parents."""
    rows = await Department.filter(closed_at=None).order_by("id")
    known = {row.id for row in rows}
    children: dict[int | None, list[Department]] = {}
    for row in rows:
        children.setdefault(row.parent_id if row.parent_id in known else None, []).append(row)

    def walk(parent: int | None, depth: int) -> list[tuple[int, Department]]:
        return [each for row in children.get(parent, []) for each in ((depth, row), *walk(row.id, depth + 1))]

    return walk(None, 0)


async def names() -> dict[int, str]:
    """Name every unit by number."""
    return {int(number): str(name) for number, name in await Department.all().values_list("id", "name")}
