"""Who of a unit can be given leads, with their load, turn and hours."""

from typing import Any

from tortoise.functions import Count

from crm_core import departments
from crm_core.access import Role
from crm_core.assignment_profiles import AssignmentProfile, words_of
from crm_core.distribution_rules import Candidate
from crm_core.employees import Employee
from crm_core.leads import Lead
from crm_core.ports import Core


async def candidates_of(core: Core, department_id: int | None) -> list[Candidate]:
    """List the salespeople of a unit and of those below it; of the whole house for headquarters' pool."""
    query = Employee.filter(role=Role.SALES.value, departed_at=None)
    if department_id is not None:
        query = query.filter(department_id__in=sorted(await departments.below(department_id)))
    people = await query.order_by("id")
    numbers = [each.id for each in people]
    profiles = {row.employee_id: row for row in await AssignmentProfile.filter(employee_id__in=numbers)}
    counted: Any = (
        await Lead.filter(owner_id__in=numbers, status__in=["new", "following"])
        .annotate(count=Count("id"))
        .group_by("owner_id")
        .values_list("owner_id", "count")
    )
    loads = {int(number): int(count) for number, count in counted}
    return [_candidate(core, each, profiles.get(each.id), loads.get(each.id, 0)) for each in people]


def _candidate(core: Core, employee: Employee, profile: AssignmentProfile | None, load: int) -> Candidate:
    settings = core.settings.assignment
    capacity = settings.capacity or core.settings.pools.claim_cap
    hours = (settings.work_from, settings.work_until)
    if profile is None:
        return Candidate(employee.id, employee.name, load, capacity, work_from=hours[0], work_until=hours[1])
    start, end = profile.hours or hours
    return Candidate(
        employee.id,
        employee.name,
        load,
        profile.capacity or capacity,
        words_of(profile.regions),
        words_of(profile.skills),
        start,
        end,
        tuple(int(day) for day in profile.work_days),
        profile.is_away(core.clock.now()),
        profile.turn,
    )
