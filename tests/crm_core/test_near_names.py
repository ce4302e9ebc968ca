"""A part of a name finds whom it may be: the own by name, a colleague's by owner alone."""

from crm_core import customers, near_names
from crm_core.ports import Core
from tests.factories import make_actor, make_lead


async def test_a_part_of_a_name_is_found_and_tells_no_foreign_name(core: Core) -> None:
    actor, peer = await make_actor(core), await make_actor(core, "小李")
    row = await customers.add_customer(core, actor, name="苏州泰沅自动化设备有限公司")
    lead = await make_lead(core, "李娜", company="泰沅自动化", owner_id=actor.employee_id)
    assert await near_names.containing(core, actor, "泰沅自动") == [
        f"客户 #{row.id}：苏州泰沅自动化设备有限公司，归属：小王",
        f"线索 #{lead.id}：泰沅自动化，归属：小王",
    ]
    assert await near_names.containing(core, peer, "苏州泰沅") == ["已有1条，归属：小王"]
    assert await near_names.containing(core, actor, "苏州") == []
    assert await near_names.containing(core, actor, "%%%%") == []
    assert await near_names.containing(core, actor, "东风机械") == []
