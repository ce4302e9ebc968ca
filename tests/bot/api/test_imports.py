"""Imports over the API: begin, send, look, confirm, undo; templates; the quarantine."""

import io
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.api import make_api
from crm_core.leads import Lead
from crm_core.ports import Core
from scheduler.jobs import imports as job
from tests.bot.api.conftest import Caller
from tests.crm_core.importing.conftest import csv_bytes, xlsx_bytes

ROWS = [["姓名", "手机号", "颜色"], ["张伟", "13800138000", "红"], ["李娜", "138", ""]]


@pytest_asyncio.fixture
async def core(core: Core, tmp_path: Path) -> AsyncIterator[Core]:
    yield replace(core, settings=replace(core.settings, data_dir=tmp_path))


async def send(caller: Caller, number: int, content: bytes) -> tuple[int, Any]:
    return await caller.ask("PUT", f"/imports/{number}/content", data=io.BytesIO(content))


async def test_an_import_from_file_to_undo(core: Core, sales: Caller) -> None:
    made = await sales.post("/imports", {"kind": "leads", "file_name": "展会.csv", "on_duplicate": "skip"})
    assert (made["status"], made["employee_id"]) == ("waiting", sales.employee.id if sales.employee else 0)
    assert await sales.refused("POST", f"/imports/{made['id']}/confirm", {}) == (409, "import.not_ready")
    assert (await send(sales, made["id"], csv_bytes(ROWS)))[1]["status"] == "checking"
    assert (await send(sales, made["id"], b"x"))[0] == 409
    await job.run(core)
    ready = await sales.get(f"/imports/{made['id']}")
    assert (ready["status"], ready["new_count"], ready["bad_count"], ready["unknown_columns"]) == ("ready", 1, 1, "颜色")
    await sales.post(f"/imports/{made['id']}/confirm", {"on_duplicate": "merge"}, status=200)
    await job.run(core)
    assert (await sales.get(f"/imports/{made['id']}"))["status"] == "done"
    kept = (await sales.get(f"/imports/quarantine?import_id={made['id']}"))["items"][0]
    assert (kept["values"], kept["reasons"]) == ({"name": "李娜", "mobile": "138"}, [["手机号", "手机号格式不对"]])
    refused = await sales.get(f"/imports/{made['id']}/refused")
    assert (refused["count"], refused["csv"].splitlines()[1][:17]) == (1, "3,手机号格式不对,李娜,138,")
    await sales.post(f"/imports/{made['id']}/undo", status=200)
    await job.run(core)
    assert (await sales.get(f"/imports/{made['id']}"))["status"] == "undone"
    assert await Lead.all().count() == 0


async def test_the_quarantine_over_the_api(core: Core, admin: Caller) -> None:
    made = await admin.post("/imports", {"kind": "线索"})
    await send(admin, made["id"], xlsx_bytes(ROWS))
    await job.run(core)
    await admin.post(f"/imports/{made['id']}/confirm", status=200)
    await job.run(core)
    number = (await admin.get("/imports/quarantine?status=waiting"))["items"][0]["id"]
    assert await admin.refused("POST", f"/imports/quarantine/{number}/release", {"values": {"x": "1"}}) == (422, "invalid")
    assert await admin.refused("POST", f"/imports/quarantine/{number}/release", {}) == (422, "collect.invalid")
    released = await admin.post(f"/imports/quarantine/{number}/release", {"values": {"mobile": "13700137000"}}, status=200)
    assert (await Lead.get(id=released["id"])).name == "李娜"
    assert await admin.refused("POST", f"/imports/quarantine/{number}/drop", {}) == (409, "quarantine.settled")


async def test_what_is_wrong_is_told(core: Core, admin: Caller, sales: Caller) -> None:
    assert await admin.refused("POST", "/imports", {"kind": "products"}) == (404, "import.not_yet")
    assert await admin.refused("POST", "/imports", {"kind": "planets"}) == (404, "import.unknown_kind")
    assert (await admin.refused("POST", "/imports", {"kind": "leads", "on_duplicate": "x"}))[0] == 422
    made = await admin.post("/imports", {"kind": "leads"})
    assert (await send(sales, made["id"], b"x"))[0] == 404
    status, answer = await send(admin, made["id"], b"")
    assert (status, answer["error"]["code"]) == (422, "import.empty_file")
    await send(admin, made["id"], b"\0\1\2")
    await job.run(core)
    failed = await admin.get(f"/imports/{made['id']}")
    assert failed["status"] == "failed"
    assert failed["problem"]


async def test_a_file_over_the_limit_is_not_kept(core: Core, tmp_path: Path) -> None:
    small = replace(core, settings=replace(core.settings, imports=replace(core.settings.imports, max_file_mib=1)))
    app = web.Application()
    app.add_subapp("/api/v1", make_api(small))
    from crm_core import tokens
    from crm_core.access import Role
    from tests.factories import SYSTEM

    token = await tokens.create(core, SYSTEM, name="t", role=Role.ADMIN, employee_id=None, scopes=())
    async with TestClient(TestServer(app)) as client:
        caller = Caller(client, token)
        made = await caller.post("/imports", {"kind": "leads"})
        status, answer = await send(caller, made["id"], b"x" * (2 << 20))
    assert (status, answer["error"]["code"]) == (422, "import.file_too_large")
    assert not list((tmp_path / "imports").iterdir())


async def test_templates_and_lists(admin: Caller) -> None:
    shown = await admin.get("/imports/templates")
    assert shown["leads"]["csv"].startswith("姓名,手机号")
    assert {column["field"] for column in shown["customers"]["columns"]} >= {"name", "parent"}
    assert (await admin.get("/imports?status=done"))["items"] == []
