"""Employees, departments and channel accounts over the API."""

from typing import Any

from msgspec import UNSET, Struct, UnsetType

from bot.api.bodies import Empty, Id, Phone, Short, given
from bot.api.listing import list_rows, open_row, show_row
from bot.api.resources import ID, STAMPS, Form, Resource, Shown, counts, texts, times
from bot.api.routes import Call, Routes
from crm_core import access, employees
from crm_core.access import Role
from crm_core.accounts import Account, PersonKind
from crm_core.employees import Department, Employee
from crm_core.errors import NotFound
from crm_core.timelines import visible_accounts

EMPLOYEES = Resource(
    "employees",
    Employee,
    (
        *ID,
        *counts("person_id"),
        *texts("name", "role"),
        Shown("department", Form.MADE),
        *counts("department_id", "manager_id"),
        Shown("mobile", Form.PHONE),
        *times("departed_at"),
        *STAMPS,
    ),
    owner="id",
    search=("name",),
)
DEPARTMENTS = Resource(
    "departments",
    Department,
    (*ID, *texts("name", "kind"), *counts("parent_id"), *times("closed_at"), *STAMPS),
    owner="",
    search=("name",),
)
ACCOUNTS = Resource(
    "accounts",
    Account,
    (
        *ID,
        *texts("channel", "external_id", "person_kind"),
        *counts("person_id"),
        *texts("nickname"),
        *times("followed_at", "unfollowed_at", "last_inbound_at", "opted_out_at"),
        *STAMPS,
    ),
    owner="",
    search=("nickname",),
)
routes = Routes()


class NewEmployee(Struct):
    """Somebody of the house."""

    name: Short
    role: Role
    mobile: Phone | None = None
    department: Short | None = None
    manager_id: Id | None = None


class EmployeeChanges(Struct):
    """The fields to change; `department` is a name, made if it is new."""

    name: Short | UnsetType = UNSET
    role: Role | UnsetType = UNSET
    mobile: Phone | UnsetType | None = UNSET
    department: Short | UnsetType | None = UNSET
    manager_id: Id | UnsetType | None = UNSET


async def _name_departments(_call: Call, rows: list[dict[str, Any]], items: list[dict[str, Any]]) -> None:
    names = dict(await Department.all().values_list("id", "name"))
    for row, item in zip(rows, items, strict=True):
        item["department"] = names.get(row["department_id"])


@routes.lists(
    "/employees",
    scope="employees:read",
    filters={"person_id": int, "name": str, "role": Role, "department": str, "department_id": int, "manager_id": int},
    shows=EMPLOYEES,
)
async def list_employees(call: Call) -> Any:
    """List the people of the house."""
    query = access.visible(Employee, call.actor)
    if "department" in call.query:
        found = await Department.get_or_none(name=call.query["department"])
        query = query.filter(department_id=found.id if found else 0)
    return await list_rows(call, EMPLOYEES, query=query, complete=_name_departments)


@routes.creates("/employees", scope="employees:write", shows=EMPLOYEES)
async def add_employee(call: Call, body: NewEmployee) -> Any:
    """Take somebody into the house."""
    made = await employees.add(
        call.core,
        call.actor,
        name=body.name,
        role=body.role,
        mobile=body.mobile,
        department=body.department,
        manager_id=body.manager_id,
    )
    return await show_row(call, EMPLOYEES, made, complete=_name_departments)


@routes.get("/employees/{id}", scope="employees:read", shows=EMPLOYEES)
async def show_employee(call: Call) -> Any:
    """Show somebody of the house; the mobile in full to themselves, their managers and admin."""
    row = await access.load(Employee, call.actor, call.number)
    return await open_row(call, EMPLOYEES, row, complete=_name_departments)


@routes.patch("/employees/{id}", scope="employees:write", shows=EMPLOYEES)
async def change_employee(call: Call, body: EmployeeChanges) -> Any:
    """Change somebody of the house."""
    row = await employees.update(call.core, call.actor, call.number, **given(body))
    return await show_row(call, EMPLOYEES, row, complete=_name_departments)


@routes.post("/employees/{id}/depart", scope="employees:write", shows=EMPLOYEES)
async def depart(call: Call, body: Empty) -> Any:
    """End somebody's rights in chat and API at once."""
    row = await employees.depart(call.core, call.actor, call.number)
    return await show_row(call, EMPLOYEES, row, complete=_name_departments)


@routes.post("/employees/{id}/bind-code", scope="employees:write")
async def bind_code(call: Call, body: Empty) -> Any:
    """Make the one-time code with which a chat account becomes theirs."""
    return {"code": await employees.make_bind_code(call.core, call.actor, call.number)}


@routes.lists("/departments", scope="employees:read", filters={"name": str, "parent_id": int}, shows=DEPARTMENTS)
async def list_departments(call: Call) -> Any:
    """List the parts of the house."""
    return await list_rows(call, DEPARTMENTS)


@routes.get("/departments/{id}", scope="employees:read", shows=DEPARTMENTS)
async def show_department(call: Call) -> Any:
    """Show a part of the house."""
    return await show_row(call, DEPARTMENTS, await access.load(Department, call.actor, call.number))


@routes.lists(
    "/accounts",
    scope="accounts:read",
    filters={"channel": str, "external_id": str, "person_kind": PersonKind, "person_id": int},
    shows=ACCOUNTS,
)
async def list_accounts(call: Call) -> Any:
    """List channel accounts of people the asker may see."""
    return await list_rows(call, ACCOUNTS, query=visible_accounts(call.actor))


@routes.get("/accounts/{id}", scope="accounts:read", shows=ACCOUNTS)
async def show_account(call: Call) -> Any:
    """Show a channel account."""
    row = await visible_accounts(call.actor).get_or_none(id=call.number)
    if row is None:
        raise NotFound
    return await show_row(call, ACCOUNTS, row)
