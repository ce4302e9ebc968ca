"""Imported leads go through the chain as any other: scored and placed, without a notice for each."""

from crm_core.conversations import Message
from crm_core.leads import Lead
from crm_core.ports import Core
from scheduler.jobs import lead_chain
from tests.crm_core.importing.conftest import Table
from tests.factories import make_actor


async def test_imported_leads_ring_and_are_scored(table: Table, core: Core) -> None:
    rings: list[int] = []
    core.bell.listen(lead_chain.PERIODIC.bell, lambda: rings.append(1))
    await make_actor(core, "林经理", staff_id="boss")
    await table.run(
        [["姓名", "手机号", "公司", "需求"], ["张伟", "13800138000", "东风", "网关"], ["李娜", "13900139000", "", ""]]
    )
    assert rings
    assert await lead_chain.run(core) == 2
    assert [lead.score for lead in await Lead.all().order_by("id")] == [20, 5]
    assert not await Message.filter(direction="out", key__startswith="new_lead").exists()
