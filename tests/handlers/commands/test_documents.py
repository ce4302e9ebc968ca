"""Files and pictures sent in chat: filed under the current customer, found by name; a table starts an import all the same."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace

import pytest_asyncio

from crm_core import customers, documents
from crm_core.conversations import Message
from crm_core.documents import Document, DocumentPart
from crm_core.employees import actor_of
from crm_core.files import FileNotFetched
from crm_core.importing.imports import Import
from crm_core.messages import Kind
from crm_core.ports import Core
from handlers.commands import all_commands
from handlers.pipeline import Pipeline
from handlers.router import Router
from scheduler.jobs import documents as job
from tests.fakes import FakeClock
from tests.handlers.conftest import Staff, staff

PDF = b"%PDF-1.7 " + b"x" * 900_000


class Drawer:
    """Files as a channel would give them."""

    def __init__(self) -> None:
        self.content: dict[str, bytes] = {"code1": PDF}
        self.shows = False

    async def give(self, channel: str, name: str, content: bytes) -> str:
        assert content == PDF
        return f"media-{name}" if self.shows else ""

    async def fetch(self, channel: str, data: Mapping[str, object], most_bytes: int) -> bytes:
        try:
            return self.content[str(data["download_code"])]
        except KeyError:
            raise FileNotFetched from None


@pytest_asyncio.fixture
async def desk(core: Core) -> AsyncIterator[Staff]:
    """小王, whose files can be fetched, with a customer."""
    made = replace(core, files=Drawer(), public_url="https://crm.example.cn")
    talker = await staff(made, Pipeline(made, Router(all_commands())), "小王")
    for name in ("A公司", "B公司"):
        await customers.add_customer(made, await actor_of(talker.employee), name=name)
    yield talker


async def sends(desk: Staff, name: str = "报价单.pdf", *, kind: Kind = Kind.FILE, code: str = "code1") -> str:
    data = {"download_code": code, "file_name": name} if kind is Kind.FILE else {"download_code": code}
    return await desk.says("", kind=kind, data=data)


async def test_a_file_is_filed_under_the_current_customer_and_found(desk: Staff, clock: FakeClock) -> None:
    await desk.says("看下A公司的资料")
    assert (await sends(desk)).startswith("文件「报价单.pdf」已归到A公司名下")
    assert "报价单.pdf，0KB，今天 10:00（还在保存）" in await desk.says("文件 A公司")
    assert await job.run(desk.core) == 1
    row = await Document.get()
    assert (row.status, row.size_bytes, await DocumentPart.all().count()) == ("ready", len(PDF), 3)
    assert b"".join([piece async for piece in documents.content(row)]) == PDF
    assert "1. 报价单.pdf，879KB，今天 10:00" in await desk.says("文件 A公司")
    assert await desk.says("取文件 1") == "正在取「报价单.pdf」，马上发来。"
    assert await desk.says("取文件 1") == "「报价单.pdf」正发给别人，请过几秒再说一次。"
    assert await job.run(desk.core) == 1
    assert "https://crm.example.cn/documents/" in (await Message.filter(key__startswith="document:").get()).text
    files = desk.core.files
    assert isinstance(files, Drawer)
    files.shows = True
    clock.advance(1)
    await desk.says("文件 A公司")
    await desk.says("取文件 1")
    await job.run(desk.core)
    given = await Message.filter(key__startswith="document:", kind="file").get()
    assert (given.text, "media-报价单.pdf" in given.payload) == ("报价单.pdf", True)
    assert await job.run(desk.core) == 0
    assert "B公司名下还没有文件" in await desk.says("文件 B公司")


async def test_a_picture_without_a_current_customer_asks_whose_it_is(desk: Staff) -> None:
    assert await sends(desk, kind=Kind.IMAGE) == "这个文件归到哪位客户名下？"
    assert (await desk.says("B公司")).startswith("图片「图片1125-100000.jpg」已归到B公司名下")
    assert "1. 图片1125-100000.jpg" in await desk.says("文件 B公司")
    assert "已删除文件" in await desk.says("删文件 1")
    assert "还在" in await desk.says("撤销")
    await job.run(desk.core)
    assert (await Document.get()).status == "ready"


async def test_a_table_starts_an_import_unless_it_was_said_before(desk: Staff) -> None:
    await desk.says("看下A公司的资料")
    assert "收到线索表格" in await sends(desk, "展会.xlsx")
    assert await Import.all().count() == 1
    assert "归到A公司名下，表格也不会导入" in await desk.says("存文件 A公司")
    assert "文件「需求.xlsx」已归到A公司名下" in await sends(desk, "需求.xlsx")
    assert "收到线索表格" in await sends(desk, "展会2.csv")
    assert await Document.all().count() == 1


async def test_a_filing_is_taken_back(desk: Staff) -> None:
    await desk.says("看下A公司的资料")
    await sends(desk)
    assert await desk.says("撤销") == "已撤销：「报价单.pdf」不再归档"
    assert "还没有文件" in await desk.says("文件 A公司")
    await job.run(desk.core)
    assert (await Document.get()).status == "failed"


async def test_a_file_that_cannot_be_had_is_told(desk: Staff) -> None:
    await desk.says("看下A公司的资料")
    await sends(desk, code="gone")
    await job.run(desk.core)
    told = await Message.filter(key__startswith="document:").get()
    assert told.text.startswith("文件「报价单.pdf」没有存上：文件取不到")


async def test_a_colleague_does_not_see_the_files_of_anothers_customer(desk: Staff) -> None:
    await desk.says("看下A公司的资料")
    await sends(desk)
    peer = await staff(desk.core, desk.pipeline, "小陈")
    assert "没有找到" in await peer.says("文件 A公司")
