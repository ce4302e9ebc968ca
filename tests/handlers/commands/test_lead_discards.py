"""A lead of no use is taken off the lists and put back where it stood."""

from crm_core.leads import Lead
from crm_core.ports import Core
from tests.factories import make_lead
from tests.handlers.conftest import Staff


async def test_a_lead_is_discarded_and_comes_back(core: Core, chat: Staff) -> None:
    lead = await make_lead(core, "孙权", owner_id=chat.employee.id, status="following")
    assert await chat.says("删除线索 孙权 空号") == "已删除线索：孙权。记录保留为无效线索，回复“撤销”可恢复。"
    assert (await Lead.get(id=lead.id)).status == "discarded"
    assert await chat.says("撤销") == "已撤销：线索「孙权」恢复"
    assert (await Lead.get(id=lead.id)).status == "following"
    assert "请写成" in await chat.says("删除线索")
