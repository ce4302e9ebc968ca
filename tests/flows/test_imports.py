"""A table sent in DingTalk and in WeCom, from the template to leads, to the rows that were refused, and back."""

import io
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from python_calamine import CalamineWorkbook

from crm_core.conversations import Message
from crm_core.db import Database
from crm_core.importing.imports import Import
from crm_core.leads import Lead
from tests.crm_core.importing.conftest import csv_bytes, xlsx_bytes
from tests.flows.wecom_house import WeComHouse
from tests.house import House
from tests.waiting import until

ROWS = [["姓名", "手机号", "需求"], ["张伟", "13800138000", "20台"], ["李娜", "138", ""]]


async def said(words: str) -> Message | None:
    return await Message.filter(direction="out", text__contains=words).first()


async def test_a_file_in_dingtalk_becomes_leads_and_goes_again(house: House) -> None:
    """Takes some seconds: the server looks for imports every other second."""
    dingtalk = house.simulator.dingtalk
    await house.employee("小王")
    await dingtalk.send_file("staff-小王", "展会.xlsx", xlsx_bytes(ROWS))
    assert await until(lambda: said("共2行：新增1、重复0、有误1"), within=30)
    assert await Lead.all().count() == 0
    await dingtalk.say("staff-小王", "确认导入 跳过")
    await until(lambda: said("完成：新增1"), within=30)
    assert (await Lead.get()).mobile == "+8613800138000"

    sent = (await until(lambda: [e for e in dingtalk.received("staff-小王") if e.kind == "sampleFile"], within=20))[0]
    given = sent.body
    assert (given["fileName"], given["fileType"]) == ("展会-未导入.xlsx", "xlsx")
    refused, _ = dingtalk.state.files[given["mediaId"].removeprefix("@")]
    assert cells(refused)[1][:4] == ["3", "手机号格式不对", "李娜", "138"]

    await dingtalk.send_file("staff-小王", given["fileName"], mended(refused, "138", "13900139000"))
    await until(lambda: said("共1行：新增1"), within=30)
    await dingtalk.say("staff-小王", "确认导入")
    await until(lambda: Lead.filter(mobile="+8613900139000").exists(), within=30)
    await until(lambda: Import.filter(status="done").count(), within=10)
    first = await Import.all().order_by("id").first()
    assert first is not None
    await dingtalk.say("staff-小王", f"撤销导入 {first.id}")
    await until(lambda: said("已撤销导入"), within=30)
    assert [lead.name for lead in await Lead.all()] == ["李娜"]
    assert (await Import.get(id=first.id)).status == "undone"


def cells(content: bytes) -> list[list[str]]:
    return [
        [str(cell) for cell in row]
        for row in CalamineWorkbook.from_object(io.BytesIO(content)).get_sheet_by_index(0).to_python()
    ]


def mended(content: bytes, wrong: str, right: str) -> bytes:
    return xlsx_bytes([[right if cell == wrong else cell for cell in row] for row in cells(content)])


@pytest_asyncio.fixture
async def wecom_house(db: Database, tmp_path: Path) -> AsyncIterator[WeComHouse]:
    made = await WeComHouse(db, tmp_path).start()
    yield made  # type: ignore[misc]
    await made.stop()


@pytest.mark.timeout(120)
async def test_a_file_in_wecom_becomes_leads_and_goes_again(wecom_house: WeComHouse) -> None:
    """Takes some seconds, as above."""
    house, wecom = wecom_house, wecom_house.simulator.wecom
    await house.member("zhangsan", "张三")
    assert "请把线索表格" in (await wecom.member_says("zhangsan", "导入线索")).text
    assert "收到线索表格" in (await wecom.member_sends_file("zhangsan", "展会.csv", csv_bytes(ROWS, "gbk"))).text
    await until(lambda: said("共2行：新增1、重复0、有误1"), within=30)
    await wecom.member_says("zhangsan", "确认导入")
    await until(lambda: said("完成：新增1"), within=30)
    sent = (await until(lambda: [e for e in wecom.received("zhangsan") if e.kind == "file"], within=20))[0]
    media = wecom.state.media.find(sent.body["file"]["media_id"])
    assert (media.name, cells(media.data)[1][2]) == ("展会-未导入.xlsx", "李娜")
    await wecom.member_says("zhangsan", "撤销导入")
    await until(lambda: said("已撤销导入"), within=30)
    assert await Lead.all().count() == 0


async def test_templates_stand_where_the_chat_says(house: House) -> None:
    address = f"http://127.0.0.1:{house.app.port}/templates/leads.xlsx"
    async with aiohttp.ClientSession() as session, session.get(address) as response:
        assert response.status == 200
        assert (await response.read())[:2] == b"PK"
