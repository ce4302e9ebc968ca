"""A table sent in DingTalk, from the platform's own file to leads and back; and a posted web form."""

import aiohttp

from crm_core.conversations import Message
from crm_core.importing.imports import Import
from crm_core.leads import Lead
from tests.crm_core.importing.conftest import xlsx_bytes
from tests.house import House
from tests.waiting import until

ROWS = [["姓名", "手机号", "需求"], ["张伟", "13800138000", "20台"], ["李娜", "138", ""]]


async def said(words: str) -> Message | None:
    return await Message.filter(direction="out", text__contains=words).first()


async def test_a_file_in_dingtalk_becomes_leads_and_goes_again(house: House) -> None:
    """Takes some seconds: the server looks for imports every other second."""
    await house.employee("小王")
    await house.simulator.dingtalk.send_file("staff-小王", "展会.xlsx", xlsx_bytes(ROWS))
    assert await until(lambda: said("共2行：新增1、重复0、有误1"), within=30)
    assert await Lead.all().count() == 0
    await house.simulator.dingtalk.say("staff-小王", "确认导入")
    await until(lambda: said("完成：新增1"), within=30)
    assert (await Lead.get()).mobile == "+8613800138000"
    await house.simulator.dingtalk.say("staff-小王", "撤销导入")
    await until(lambda: said("已撤销导入"), within=30)
    assert await Lead.all().count() == 0
    assert (await Import.get()).status == "undone"


async def test_templates_stand_where_the_chat_says(house: House) -> None:
    address = f"http://127.0.0.1:{house.app.port}/templates/leads.xlsx"
    async with aiohttp.ClientSession() as session, session.get(address) as response:
        assert response.status == 200
        assert (await response.read())[:2] == b"PK"
