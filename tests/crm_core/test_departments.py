"""Units: a tree that is made, moved and closed."""

import pytest

from crm_core import departments
from crm_core.access import Role
from crm_core.departments import DepartmentInUse, DepartmentNameTaken
from crm_core.errors import Invalid, NotFound, Refused
from crm_core.ports import Core
from tests.factories import SYSTEM, make_actor, make_employee


async def test_a_tree_is_made_and_moved(core: Core) -> None:
    head = await departments.add(core, SYSTEM, name="总部", kind="headquarters")
    east = await departments.add(core, SYSTEM, name="华东部", parent_id=head.id)
    shop = await departments.add(core, SYSTEM, name="上海店", kind="shop", parent_id=east.id)
    assert [(depth, row.name) for depth, row in await departments.tree()] == [(0, "总部"), (1, "华东部"), (2, "上海店")]
    assert await departments.below(east.id) == {east.id, shop.id}
    with pytest.raises(Invalid):
        await departments.change(core, SYSTEM, head.id, parent_id=shop.id)
    with pytest.raises(Invalid):
        await departments.change(core, SYSTEM, shop.id, parent_id=4711)
    with pytest.raises(Invalid):
        await departments.add(core, SYSTEM, name="x", kind="castle")
    with pytest.raises(Invalid):
        await departments.add(core, SYSTEM, name=" ")
    with pytest.raises(DepartmentNameTaken) as taken:
        await departments.change(core, SYSTEM, shop.id, name="华东部")
    assert taken.value.sentence() == "已有单位「华东部」"
    await departments.change(core, SYSTEM, shop.id, name="浦东店", parent_id=head.id)
    assert (await departments.find("浦东")).parent_id == head.id
    with pytest.raises(NotFound):
        await departments.find("部")  # two fit


async def test_only_an_empty_unit_is_closed_and_only_by_admins(core: Core) -> None:
    row = await departments.add(core, SYSTEM, name="华东部")
    somebody = await make_employee(core, department_id=row.id)
    with pytest.raises(DepartmentInUse) as refused:
        await departments.close(core, SYSTEM, row.id)
    assert refused.value.sentence() == "「华东部」还有1名员工，不能关闭"
    await somebody.change(core, department_id=None)
    boss = await make_actor(core, "林经理", Role.MANAGER)
    with pytest.raises(Refused):
        await departments.close(core, boss, row.id)
    await departments.close(core, SYSTEM, row.id)
    assert await departments.tree() == []
