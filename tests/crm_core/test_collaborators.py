"""Who may change what they see."""

from crm_core import customers
from crm_core.collaborators import may_change
from crm_core.ports import Core
from tests.factories import SYSTEM, make_actor


async def test_the_owner_the_house_and_nobody_else(core: Core) -> None:
    owner, peer = await make_actor(core), await make_actor(core, "小李")
    row = await customers.add_customer(core, owner, name="云帆科技")
    assert await may_change(owner, row.id, row.owner_id)
    assert await may_change(SYSTEM, row.id, row.owner_id)
    assert not await may_change(peer, row.id, row.owner_id)
