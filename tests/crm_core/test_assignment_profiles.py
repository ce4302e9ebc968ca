"""What assignment knows of an employee."""

import pytest

from crm_core import assignment_profiles, employees
from crm_core.access import Role
from crm_core.employees import AlreadyDeparted, actor_of
from crm_core.errors import Invalid, Refused
from crm_core.ports import Core
from tests.factories import SYSTEM, make_actor, make_employee
from tests.fakes import FakeClock


@pytest.mark.parametrize(("said", "kept"), [("9:00-18:00", "09:00-18:00"), ("20:00到06:00", "20:00-06:00")])
async def test_hours_are_read_as_people_write_them(core: Core, clock: FakeClock, said: str, kept: str) -> None:
    seller = await make_employee(core)
    row = await assignment_profiles.change(
        core, SYSTEM, seller.id, work_hours=said, work_days="12345", regions=["上海", "浙江"]
    )
    assert row.work_hours == kept
    assert dict(assignment_profiles.say(row, clock.now()))["上班时间"] == f"星期一二三四五 {kept}"
    assert row.regions == "上海,浙江"


@pytest.mark.parametrize(
    "wrong", [{"work_hours": "25:00-18:00"}, {"work_hours": "早上"}, {"work_days": "89"}, {"skills": "长" * 201}]
)
async def test_what_cannot_be_is_refused(core: Core, wrong: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        await assignment_profiles.change(core, SYSTEM, (await make_employee(core)).id, **wrong)


async def test_managers_change_their_team_and_nobody_changes_who_left(core: Core) -> None:
    boss = await make_employee(core, "林经理", Role.MANAGER)
    mine, other = await make_employee(core, manager_id=boss.id), await make_actor(core, "小李")
    actor = await actor_of(boss)
    assert (await assignment_profiles.change(core, actor, mine.id, capacity=9)).capacity == 9
    with pytest.raises(Refused):
        await assignment_profiles.change(core, actor, other.employee_id or 0, capacity=9)
    await employees.depart(core, SYSTEM, mine.id)
    with pytest.raises(AlreadyDeparted):
        await assignment_profiles.change(core, SYSTEM, mine.id, capacity=1)
