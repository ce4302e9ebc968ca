"""Units over the API, and what assignment knows of employees."""

from datetime import datetime
from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

from bot.api.bodies import Empty, Id, Line, Short, given
from bot.api.listing import list_rows, show_row
from bot.api.people import DEPARTMENTS
from bot.api.resources import ID, STAMPS, Resource, counts, texts, times
from bot.api.routes import Call, Routes
from crm_core import access, assignment_profiles, departments
from crm_core.assignment_profiles import AssignmentProfile
from crm_core.employees import Department

PROFILES = Resource(
    "assignment-profiles",
    AssignmentProfile,
    (
        *ID,
        *counts("employee_id"),
        *texts("regions", "skills"),
        *counts("capacity"),
        *texts("work_hours", "work_days"),
        *times("away_from", "away_until"),
        *STAMPS,
    ),
    owner="",
)
Kind = Literal["headquarters", "department", "dealer", "shop"]
routes = Routes()


class NewDepartment(Struct):
    """A unit of the house."""

    name: Short
    kind: Kind = "department"
    parent_id: Id | None = None


class DepartmentChanges(Struct):
    """The fields to change."""

    name: Short | UnsetType = UNSET
    kind: Kind | UnsetType = UNSET
    parent_id: Id | UnsetType | None = UNSET


class ProfileChanges(Struct):
    """The fields to change; `regions` and `skills` are words joined by commas, `work_days` is 12345."""

    regions: Line | UnsetType = UNSET
    skills: Line | UnsetType = UNSET
    capacity: int | UnsetType = UNSET
    work_hours: Short | UnsetType = UNSET
    work_days: Short | UnsetType = UNSET
    away_from: datetime | UnsetType | None = UNSET
    away_until: datetime | UnsetType | None = UNSET


@routes.creates("/departments", scope="employees:write", shows=DEPARTMENTS)
async def add_department(call: Call, body: NewDepartment) -> Any:
    """Make a unit."""
    return await show_row(call, DEPARTMENTS, await departments.add(call.core, call.actor, **given(body)))


@routes.patch("/departments/{id}", scope="employees:write", shows=DEPARTMENTS)
async def change_department(call: Call, body: DepartmentChanges) -> Any:
    """Rename or move a unit."""
    return await show_row(call, DEPARTMENTS, await departments.change(call.core, call.actor, call.number, **given(body)))


@routes.post("/departments/{id}/close", scope="employees:write", shows=DEPARTMENTS)
async def close_department(call: Call, body: Empty) -> Any:
    """Close an empty unit."""
    return await show_row(call, DEPARTMENTS, await departments.close(call.core, call.actor, call.number))


@routes.get("/departments/{id}/below", scope="employees:read")
async def show_below(call: Call) -> Any:
    """Name a unit and everything under it."""
    row = await access.load(Department, call.actor, call.number)
    return {"department_ids": sorted(await departments.below(row.id))}


@routes.lists("/assignment-profiles", scope="leads:read", filters={"employee_id": int}, shows=PROFILES)
async def list_profiles(call: Call) -> Any:
    """List regions, skills, hours and absences of employees."""
    return await list_rows(call, PROFILES)


@routes.patch("/assignment-profiles/{id}", scope="leads:write", shows=PROFILES)
async def change_profile(call: Call, body: ProfileChanges) -> Any:
    """Say something of an employee; the number is the employee's."""
    row = await assignment_profiles.change(call.core, call.actor, call.number, **given(body))
    return await show_row(call, PROFILES, row)
