"""Targets: who may set whose, replaced and taken back, and how they add up."""

import asyncio
from decimal import Decimal

import pytest

from crm_core import access, change_sets, sales_targets
from crm_core.access import Actor, Role
from crm_core.employees import Department, Employee, actor_of, ensure_department
from crm_core.errors import Invalid, NotFound, Refused
from crm_core.ports import Core
from crm_core.sales_targets import SalesTarget, set_target, target_of
from tests.factories import SYSTEM, make_actor, make_employee

MONTH = "2026-11"


async def a_team(core: Core) -> tuple[Actor, Employee, Employee]:
    """A manager, somebody of the team, and somebody of another one."""
    department = await ensure_department(core, "销售一部")
    boss = await make_employee(core, "老周", Role.MANAGER, department_id=department.id)
    mine = await make_employee(core, "小王", department_id=department.id)
    return await actor_of(boss), mine, await make_employee(core, "小李")


async def test_a_manager_sets_targets_of_the_team_and_nobody_elses(core: Core) -> None:
    boss, mine, other = await a_team(core)
    row, _ = await set_target(core, boss, month=MONTH, amount="500000", employee_id=mine.id)
    assert (row.amount, row.month) == (Decimal("500000.00"), MONTH)
    with pytest.raises(Refused):
        await set_target(core, boss, month=MONTH, amount="1", employee_id=other.id)
    with pytest.raises(Refused):
        await set_target(core, await actor_of(mine), month=MONTH, amount="1", employee_id=mine.id)
    with pytest.raises(NotFound):
        await set_target(core, SYSTEM, month=MONTH, amount="1", employee_id=987654)
    with pytest.raises(NotFound):
        await set_target(core, SYSTEM, month=MONTH, amount="1", department_id=987654)
    department = await Department.get(name="销售一部")
    await set_target(core, boss, month=MONTH, amount="1", department_id=department.id)
    away = await ensure_department(core, "销售二部")
    with pytest.raises(Refused):
        await set_target(core, boss, month=MONTH, amount="1", department_id=away.id)


@pytest.mark.parametrize(
    "values",
    [{"month": "2026-13"}, {"month": "11月"}, {"amount": "-1"}, {"amount": None}, {"amount": "多"}, {"department_id": 1}],
)
async def test_nonsense_is_refused(core: Core, values: dict[str, object]) -> None:
    employee = await make_employee(core)
    wanted: dict[str, object] = {"month": MONTH, "amount": "1", "employee_id": employee.id, **values}
    with pytest.raises(Invalid):
        await set_target(core, SYSTEM, **wanted)  # type: ignore[arg-type]
    with pytest.raises(Invalid):
        await set_target(core, SYSTEM, month=MONTH, amount="1")


async def test_a_second_word_replaces_the_first_and_is_taken_back(core: Core) -> None:
    employee = await make_employee(core)
    _, first = await set_target(core, SYSTEM, month=MONTH, amount="100", employee_id=employee.id)
    row, second = await set_target(core, SYSTEM, month=MONTH, amount="200", employee_id=employee.id)
    assert row.amount == Decimal("200.00")
    assert await SalesTarget.all().count() == 1
    await change_sets.undo(core, SYSTEM, second.id)
    assert (await SalesTarget.get()).amount == Decimal("100.00")
    del first


async def test_two_at_once_make_one_row(core: Core) -> None:
    employee = await make_employee(core)
    await asyncio.gather(
        *(set_target(core, SYSTEM, month=MONTH, amount=str(amount), employee_id=employee.id) for amount in (1, 2, 3))
    )
    assert await SalesTarget.all().count() == 1


async def test_targets_add_up_and_a_departments_own_stands_for_its_people(core: Core) -> None:
    boss, mine, other = await a_team(core)
    assert await target_of(core, [MONTH], None) is None
    for employee, amount in ((mine, "100.10"), (other, "50.05")):
        await set_target(core, SYSTEM, month=MONTH, amount=amount, employee_id=employee.id)
    await set_target(core, SYSTEM, month="2026-12", amount="1", employee_id=mine.id)
    assert await target_of(core, [MONTH], None) == Decimal("150.15")
    assert await target_of(core, [MONTH, "2026-12"], [mine.id]) == Decimal("101.10")
    department = await Department.get(name="销售一部")
    await set_target(core, SYSTEM, month=MONTH, amount="300", department_id=department.id)
    assert await target_of(core, [MONTH], sorted(boss.team)) == Decimal("300.00")
    assert await target_of(core, [MONTH], None) == Decimal("350.05")
    assert await target_of(core, [MONTH], [mine.id]) == Decimal("100.10")
    above = await ensure_department(core, "销售中心")
    await Department.filter(id=department.id).update(parent_id=above.id)
    await set_target(core, SYSTEM, month=MONTH, amount="900", department_id=above.id)
    assert await target_of(core, [MONTH], None) == Decimal("950.05")
    assert sorted(await sales_targets.members(above.id)) == sorted(await sales_targets.members(department.id))


async def test_everybody_sees_the_own_target_and_the_departments(core: Core) -> None:
    boss, mine, other = await a_team(core)
    row, _ = await set_target(core, SYSTEM, month=MONTH, amount="1", employee_id=mine.id)
    department = await Department.get(name="销售一部")
    whole, _ = await set_target(core, SYSTEM, month=MONTH, amount="2", department_id=department.id)
    for actor, seen in ((await actor_of(mine), {row.id, whole.id}), (await actor_of(other), set()), (boss, {row.id, whole.id})):
        assert set(await access.visible(SalesTarget, actor).values_list("id", flat=True)) == seen


async def test_whose_a_target_is_by_name(core: Core) -> None:
    boss, mine, _ = await a_team(core)
    assert (await sales_targets.whose(boss, "小王")).employee_id == mine.id
    assert (await sales_targets.whose(boss, "销售一部")).department_id is not None
    assert (await sales_targets.whose(boss, "我")).employee_id == boss.employee_id
    with pytest.raises(NotFound):
        await sales_targets.whose(await make_actor(core, "小赵"), "小王")
