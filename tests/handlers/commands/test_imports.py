"""Imports and the quarantine in words: a table sent in chat, its counts, a word, and back again."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from crm_core import quarantine
from crm_core.conversations import Message
from crm_core.files import FileNotFetched
from crm_core.importing.imports import Import
from crm_core.leads import Lead
from crm_core.messages import Kind
from crm_core.ports import Core
from crm_core.quarantine import QuarantinedRow
from handlers.commands import all_commands
from handlers.pipeline import Pipeline
from handlers.router import Router
from scheduler.jobs import imports as job
from tests.crm_core.importing.conftest import csv_bytes, xlsx_bytes
from tests.factories import make_lead
from tests.handlers.conftest import Staff, staff

ROWS = [["姓名", "手机号", "需求"], ["张伟", "13800138000", "20台"], ["李娜", "138", ""], ["王芳", "13900139000", "x"]]


class Drawer:
    """Files as a channel would give them."""

    def __init__(self) -> None:
        self.content: dict[str, bytes] = {}
        self.given: dict[str, bytes] = {}

    async def fetch(self, channel: str, data: Mapping[str, object], most_bytes: int) -> bytes:
        assert channel == "dingtalk"
        try:
            return self.content[str(data["download_code"])]
        except KeyError:
            raise FileNotFetched from None

    async def give(self, channel: str, name: str, content: bytes) -> str:
        self.given[name] = content
        return f"media-{len(self.given)}"


@pytest_asyncio.fixture
async def desk(core: Core, tmp_path: Path) -> AsyncIterator[Staff]:
    """小王, whose files can be fetched."""
    settings = replace(core.settings, data_dir=tmp_path)
    made = replace(core, files=Drawer(), settings=settings, public_url="https://crm.example.cn")
    yield await staff(made, Pipeline(made, Router(all_commands())), "小王")


def drawer(desk: Staff) -> Drawer:
    files = desk.core.files
    assert isinstance(files, Drawer)
    return files


async def sends(desk: Staff, content: bytes, name: str = "展会.csv") -> str:
    drawer(desk).content["code1"] = content
    return await desk.says("", kind=Kind.FILE, data={"download_code": "code1", "file_name": name})


async def told(desk: Staff) -> str:
    """What the bot said by itself last."""
    await job.run(desk.core)
    row = await Message.filter(direction="out", key__startswith="import:").exclude(kind="file").order_by("-id").first()
    return row.text if row else ""


async def test_a_table_sent_in_chat_is_checked_confirmed_and_taken_back(desk: Staff) -> None:
    assert await sends(desk, csv_bytes(ROWS, "gbk")) == "收到线索表格 #1「展会.csv」，正在检查，马上告诉结果。".replace(
        "#1", f"#{(await Import.get()).id}"
    )
    counted = await told(desk)
    assert "共3行：新增2、重复0、有误1" in counted
    assert "确认导入" in counted
    assert await Lead.all().count() == 0
    assert "开始导入" in await desk.says("确认导入")
    done = await told(desk)
    assert "新增2" in done
    assert "没有导入的1行和原因见「展会-未导入.xlsx」" in done
    back = await Message.get(key__startswith="import:", kind="file")
    assert (back.text, list(drawer(desk).given)) == ("展会-未导入.xlsx", ["展会-未导入.xlsx"])
    assert {lead.owner_id for lead in await Lead.all()} == {desk.employee.id}
    assert "已完成" in await desk.says("导入进度")
    assert "正在撤销" in await desk.says("撤销导入")
    assert "已撤销导入" in await told(desk)
    assert await Lead.all().count() == 0


@pytest.mark.parametrize("yes", ["好的", "确认", "好"])
async def test_a_bare_yes_to_the_counts_and_a_bare_undo(desk: Staff, yes: str) -> None:
    await sends(desk, csv_bytes(ROWS))
    await told(desk)
    assert "开始导入" in await desk.says(yes)
    assert "新增2" in await told(desk)
    assert "正在撤销导入" in await desk.says("撤销")
    assert "已撤销导入" in await told(desk)
    assert await Lead.all().count() == 0


async def test_an_undo_before_the_first_row_is_written(desk: Staff) -> None:
    await sends(desk, csv_bytes(ROWS))
    await told(desk)
    await desk.says("确认导入")
    assert "没有写入任何记录" in await desk.says("撤销")
    assert "没有等待确认" in await desk.says("好的")


async def test_undo_of_an_import_in_its_other_spelling(desk: Staff) -> None:
    await sends(desk, csv_bytes(ROWS))
    await told(desk)
    await desk.says("确认导入")
    await told(desk)
    assert "正在撤销导入" in await desk.says("撤消导入")


async def test_the_same_table_again_changes_nothing(desk: Staff) -> None:
    await sends(desk, xlsx_bytes(ROWS), "展会.xlsx")
    await told(desk)
    await desk.says("确认导入")
    await told(desk)
    await sends(desk, drawer(desk).content["code1"], "又一次.xlsx")
    assert "已经导入过" in await told(desk)
    assert await Lead.all().count() == 2


async def test_the_rule_for_duplicates_can_be_said(desk: Staff) -> None:
    lead = await make_lead(desk.core, "老张", mobile="13800138000", owner_id=desk.employee.id)
    await sends(desk, csv_bytes(ROWS))
    assert "重复1" in await told(desk)
    assert "跳过" in await desk.says("确认导入 跳过")
    await told(desk)
    assert (await Lead.get(id=lead.id)).need == ""


async def test_customers_when_they_were_asked_for(desk: Staff) -> None:
    assert "客户表格" in await desk.says("导入客户")
    assert "收到客户表格" in await sends(desk, csv_bytes([["客户名称"], ["东风机械厂"]]), "表.csv")
    assert "收到联系人表格" in await sends(desk, csv_bytes([["姓名"], ["张伟"]]), "联系人.csv")


async def test_what_is_wrong_with_a_file_is_one_sentence(desk: Staff) -> None:
    await sends(desk, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "旧表.xls")
    assert await told(desk) == "「旧表.xls」没有导入：文件打不开：请另存为 xlsx（不加密码）或 CSV 再导入"
    await sends(desk, csv_bytes(ROWS), "名字不对.xls")
    assert "共3行" in await told(desk)
    await sends(desk, b"a,b\n1,2\n")
    assert "没有找到表头" in await told(desk)
    await desk.says("", kind=Kind.FILE, data={"download_code": "gone", "file_name": "a.csv"})
    assert "文件取不到" in await told(desk)
    await desk.says("取消导入")
    assert "没有可以确认的导入" in await desk.says("确认导入")
    assert "没有可以撤销的导入" in await desk.says("撤销导入")


async def test_an_import_is_given_up(desk: Staff) -> None:
    await sends(desk, csv_bytes(ROWS))
    await told(desk)
    assert "已取消导入" in await desk.says("取消导入")
    assert (await Import.get()).status == "cancelled"


async def test_the_template_is_told(desk: Staff) -> None:
    assert "https://crm.example.cn/templates/customers.xlsx" in await desk.says("导入模板 客户")
    assert "手机号" in await desk.says("导入模板")


async def test_the_quarantine_is_worked_off_in_words(desk: Staff) -> None:
    assert await desk.says("隔离区") == "隔离区是空的。"
    await sends(desk, csv_bytes(ROWS))
    await told(desk)
    await desk.says("确认导入")
    assert "隔离区" in await told(desk)
    shown = await desk.says("隔离区")
    assert "1. 李娜" in shown
    assert "手机号格式不对" in shown
    assert "内容有误" in await desk.says("放行 1")
    assert "没有「年龄」" in await desk.says("放行 1 年龄 3")
    assert "已放行" in await desk.says("放行 1 手机号 13700137000")
    assert await Lead.filter(name="李娜", mobile="+8613700137000").exists()
    assert "已经处理过" in await desk.says("丢弃 1")
    await desk.core.db.run(quarantine.put(desk.core, "leads", "x", [(1, {"name": "甲"}, [])], employee_id=desk.employee.id))
    await desk.says("隔离区")
    assert await desk.says("丢弃 1") == "已丢弃。"
    assert await QuarantinedRow.filter(status="waiting").count() == 0
    assert "没有第" in await desk.says("丢弃 9")
