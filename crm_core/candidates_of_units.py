"""Who of a unit can be given leads, with their load, turn and hours."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tortoise.functions import Count

from crm_core import departments, employees
from crm_core.access import Role
from crm_core.assignment_profiles import AssignmentProfile, words_of
from crm_core.distribution_rules import Candidate
from crm_core.employees import Department, Employee
from crm_core.leads import Lead
from crm_core.messages import Address
from crm_core.ports import Core, Program


class Desk:
    """What is looked up once for several leads that are placed together.

    Kept for a second at most: somebody else may take a turn meanwhile, after which two leads of one moment may go to one.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self._units: dict[int, Department] | None = None
        self._candidates: dict[int | None, list[Candidate]] = {}
        self._addresses: dict[int, Address | None] = {}

    async def units(self) -> dict[int, Department]:
        """Give every unit by number."""
        if self._units is None:
            self._units = {row.id: row for row in await Department.all()}
        return self._units

    async def open_unit(self, name: str) -> Department | None:
        """Find the open unit of this name."""
        return next((row for row in (await self.units()).values() if row.name == name and row.closed_at is None), None)

    async def candidates(self, department_id: int | None) -> list[Candidate]:
        """List who of a unit can be given leads, as it is after what was given out so far."""
        if department_id not in self._candidates:
            self._candidates[department_id] = await candidates_of(self._core, department_id)
        return self._candidates[department_id]

    async def address(self, employee_id: int) -> Address | None:
        """Tell where an employee is written to."""
        if employee_id not in self._addresses:
            self._addresses[employee_id] = await employees.staff_address(self._core, employee_id)
        return self._addresses[employee_id]

    def took_turn(self, employee_id: int, turn: int, *, owns: bool) -> None:
        """Note that somebody was asked, or owns one more."""
        for unit, rows in self._candidates.items():
            self._candidates[unit] = [
                _with_one_more(each, turn, owns=owns) if each.employee_id == employee_id else each for each in rows
            ]


def _with_one_more(each: Candidate, turn: int, *, owns: bool) -> Candidate:
    if owns:
        return replace(each, turn=turn, open_count=each.open_count + 1)
    return replace(each, turn=turn, asked_count=each.asked_count + 1)


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
    asked = await core.db.run(_asked(numbers))
    return [_candidate(core, each, profiles.get(each.id), loads.get(each.id, 0), asked.get(each.id, 0)) for each in people]


def _asked(numbers: Sequence[int]) -> Program[dict[int, int]]:
    """Count the open offers of some employees; by the partial index, however many there ever were."""
    if not numbers:
        return {}
    rows = yield (
        "SELECT employee_id, COUNT(*) FROM offers WHERE status = 'open'"  # noqa: S608 - question marks
        f" AND employee_id IN ({', '.join('?' * len(numbers))}) GROUP BY employee_id",
        numbers,
    )
    return {int(number): int(count) for number, count in rows}


def _candidate(core: Core, employee: Employee, profile: AssignmentProfile | None, load: int, asked: int) -> Candidate:
    settings = core.settings.assignment
    capacity = settings.capacity or core.settings.pools.claim_cap
    hours = (settings.work_from, settings.work_until)
    if profile is None:
        return Candidate(employee.id, employee.name, load, asked, capacity, work_from=hours[0], work_until=hours[1])
    start, end = profile.hours or hours
    return Candidate(
        employee.id,
        employee.name,
        load,
        asked,
        profile.capacity or capacity,
        words_of(profile.regions),
        words_of(profile.skills),
        start,
        end,
        tuple(int(day) for day in profile.work_days),
        profile.is_away(core.clock.now()),
        profile.turn,
    )
