"""Sales scripts in words, and offered after a follow-up that calls for one."""

from crm_core.access import Role
from crm_core.ports import Core
from handlers.pipeline import Pipeline
from tests.factories import make_lead
from tests.handlers.conftest import Staff, staff


async def test_wording_is_stored_found_offered_and_ended(core: Core, pipeline: Pipeline, chat: Staff) -> None:
    boss = await staff(core, pipeline, "林经理", Role.MANAGER)
    assert await chat.says("话术 嫌贵") == "没有合适的话术。主管可以说：新话术 标题｜关键词｜内容"
    told = await boss.says("新话术 嫌贵｜贵、价格高｜先谈价值，再谈价格")
    assert told.startswith("已存话术 #")
    assert (await chat.says("话术 嫌贵")).endswith("嫌贵：\n先谈价值，再谈价格")
    await make_lead(core, owner_id=chat.employee.id)
    assert (await chat.says("刚和张伟通了电话，嫌贵")).endswith("\n话术「嫌贵」：先谈价值，再谈价格")
    number = told.partition("#")[2].partition("：")[0]
    assert await boss.says(f"删话术 #{number}") == "已停用：嫌贵。说错了回复「撤销」"
    assert await boss.says("撤销") == "已撤销：嫌贵还在"
