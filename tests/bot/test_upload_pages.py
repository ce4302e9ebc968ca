"""The page on which a colleague sends a table: by ticket alone, checked like one sent in chat."""

import asyncio
import io
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.upload_pages import UploadPage
from crm_core.access import Role
from crm_core.conversations import Message
from crm_core.employees import Employee
from crm_core.importing import tickets
from crm_core.importing.imports import Import
from crm_core.leads import Lead
from crm_core.messages import Address
from crm_core.ports import Core
from scheduler.jobs import imports as job
from tests.crm_core.importing.conftest import csv_bytes
from tests.factories import make_employee
from tests.waiting import until

ROWS = [["姓名", "手机号"], ["张伟", "13800138000"], ["李娜", "138"]]


@pytest_asyncio.fixture
async def core(core: Core, tmp_path: Path) -> AsyncIterator[Core]:
    limits = replace(core.settings.imports, max_file_mib=1)
    yield replace(core, settings=replace(core.settings, data_dir=tmp_path, imports=limits))


@pytest_asyncio.fixture
async def page(core: Core) -> AsyncIterator[TestClient[Any, Any]]:
    app = web.Application()
    UploadPage(core).add_to(app)
    async with TestClient(TestServer(app)) as made:
        yield made


async def place_of(core: Core, role: Role = Role.SALES) -> str:
    employee = await make_employee(core, "小王", role, staff_id="staff-小王")
    return f"/imports/{await tickets.issue(core, employee.id, 'leads', Address('dingtalk', 'staff-小王'))}"


def form(content: bytes, name: str = "展会.csv", field: str = "file") -> aiohttp.FormData:
    made = aiohttp.FormData(quote_fields=False)
    made.add_field(field, io.BytesIO(content), filename=name, content_type="text/csv")
    return made


async def test_a_table_is_sent_checked_and_told_in_chat(core: Core, page: TestClient[Any, Any]) -> None:
    place = await place_of(core)
    async with page.get(place) as shown:
        assert (shown.status, shown.headers["Referrer-Policy"], shown.headers["Cache-Control"]) == (
            *(200, "no-referrer", "no-store"),
        )
        assert 'type="file"' in await shown.text()
    async with page.post(place, data=form(csv_bytes(ROWS), "../../<b>展会</b>.csv")) as taken:
        assert taken.status == 200
        assert "检查结果马上发到聊天里" in await taken.text()
        assert "<b>" not in await taken.text()
    await job.run(core)
    row = await Import.get()
    assert (row.status, row.new_count, row.bad_count, row.actor) == ("ready", 1, 1, "小王")
    assert "共2行：新增1" in (await Message.get(key__startswith="import:")).text
    assert await Lead.all().count() == 0


async def test_without_a_ticket_there_is_nothing(core: Core, page: TestClient[Any, Any]) -> None:
    for method in ("GET", "POST"):
        async with page.request(method, "/imports/x") as refused:
            assert refused.status == 404
            assert "链接已失效" in await refused.text()
    assert await Import.all().count() == 0


async def test_what_cannot_be_taken_is_one_sentence(core: Core, page: TestClient[Any, Any]) -> None:
    place = await place_of(core)
    for data, status, words in (
        (form(b""), 422, "文件是空的"),
        (form(b"x" * (2 << 20)), 422, "文件超过1MB"),
        (form(b"x", field="other"), 400, "没有收全"),
        (b"no form", 400, "没有收全"),
    ):
        async with page.post(place, data=data) as refused:
            assert refused.status == status
            assert words in await refused.text()
    assert {row.status for row in await Import.all()} == {"cancelled"}
    assert not list((core.settings.data_dir / "imports").iterdir())


async def test_nobody_who_left_or_may_not_import_sends_one(core: Core, page: TestClient[Any, Any]) -> None:
    place = await place_of(core, Role.VIEWER)
    async with page.post(place, data=form(csv_bytes(ROWS))) as refused:
        assert refused.status == 403
    await Employee.all().update(departed_at=core.clock.now())
    async with page.post(place, data=form(csv_bytes(ROWS))) as refused:
        assert refused.status == 400
    assert await Import.all().count() == 0


async def test_an_upload_that_breaks_off_ends_its_import(core: Core, page: TestClient[Any, Any]) -> None:
    place = await place_of(core)
    _, writer = await asyncio.open_connection(page.host, page.port)
    head = f"POST {place} HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\nContent-Type: multipart/form-data; boundary=x\r\n\r\n"
    writer.write(head.encode() + b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\na,b\r\n')
    await writer.drain()
    await until(lambda: Import.filter(status="waiting").exists())
    writer.close()
    await until(lambda: Import.filter(status="cancelled").exists())


NAMED = b'Content-Disposition: form-data; name="file"; filename="a.csv"'


@pytest.mark.parametrize(
    "part",
    [
        b"--b\r\nX: " + b"a" * 20_000 + b"\r\n" + NAMED + b"\r\n\r\nabc\r\n--b--\r\n",
        b"--b\r\n" + b"".join(b"X%d: a\r\n" % each for each in range(5_000)) + NAMED + b"\r\n\r\nabc\r\n--b--\r\n",
        b"--b\r\nnocolon\r\n" + NAMED + b"\r\n\r\nabc\r\n--b--\r\n",
        b'--b\r\nContent-Disposition: form-data; name="_charset_"\r\n\r\n' + b"x" * 100 + b"\r\n--b--\r\n",
        b"--b\r\nContent-Type: multipart/mixed\r\n" + NAMED + b"\r\n\r\n--c\r\n--b--\r\n",
        b"--b\r\n" + NAMED + b"\r\n\r\n" + csv_bytes(ROWS),
        b"--b\r\n" + NAMED + b"\r\n\r\n" + csv_bytes(ROWS) + b"\r\n--",
        b"--b\r\n" + NAMED + b"\r\nContent-Length: 99999999999\r\n\r\nabc\r\n--b--\r\n",
    ],
)
async def test_a_broken_or_cut_off_form_is_a_sentence(core: Core, page: TestClient[Any, Any], part: bytes) -> None:
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    async with page.post(await place_of(core), data=part, headers=kind) as answer:
        assert answer.status == 400
        assert "没有收全" in await answer.text()
    assert await Import.exclude(status="cancelled").count() == 0


async def test_a_name_holds_no_control_signs(core: Core, page: TestClient[Any, Any]) -> None:
    body = b"--b\r\n" + NAMED.replace(b"a.csv", b"a%00\x00b.csv") + b"\r\n\r\n" + csv_bytes(ROWS) + b"\r\n--b--\r\n"
    head = NAMED.replace(b'filename="a.csv"', b"filename*=utf-8''a%00b.csv")
    place = await place_of(core)
    for one in (body, b"--b\r\n" + head + b"\r\n\r\n" + csv_bytes(ROWS) + b"\r\n--b--\r\n"):
        kind = {"Content-Type": "multipart/form-data; boundary=b"}
        async with page.post(place, data=one, headers=kind) as answer:
            assert answer.status in (200, 400)
    assert all("\0" not in row.file_name for row in await Import.all())
