"""What an imported lead has that one recorded by hand has too."""

from crm_core.access import Role
from crm_core.employees import Department
from crm_core.importing import undoing
from crm_core.leads import Lead
from crm_core.ports import Core
from crm_core.rollups import differences
from tests.crm_core.importing.conftest import Table
from tests.factories import SYSTEM, make_actor

ROWS = [["姓名", "手机号", "来源", "创建时间"], ["张伟", "13800138000", "展会", "2024-03-01"], ["李娜", "13900139000", "", ""]]


async def test_who_won_it_and_for_which_unit(table: Table, core: Core) -> None:
    unit = await Department.add(core, name="华南", kind="department")
    actor = await make_actor(core, "小王", department_id=unit.id)
    await table.run(ROWS, actor=actor)
    for lead in await Lead.all():
        assert (lead.collected_by_id, lead.collected_by_department_id) == (actor.employee_id, unit.id)
        assert (lead.owner_id, lead.chained_at, lead.hand_grade, lead.department_id) == (actor.employee_id, None, "", None)


async def test_what_a_manager_brings_waits_for_the_chain(table: Table, core: Core) -> None:
    actor = await make_actor(core, "老王", Role.MANAGER)
    await table.run(ROWS, actor=actor)
    assert {(lead.owner_id, lead.collected_by_id, lead.collected_by_department_id) for lead in await Lead.all()} == {
        (None, actor.employee_id, None)
    }


async def test_counts_by_day_are_kept_as_rows_come_and_go(table: Table, core: Core) -> None:
    row = await table.run(ROWS)
    assert await differences(core) == {}
    await undoing.undo_now(table.core, SYSTEM, row.id)
    assert await differences(core) == {}
