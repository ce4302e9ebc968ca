"""The one form of errors."""

import json
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from tortoise.exceptions import IntegrityError, ValidationError

from bot.api.errors import errors_as_json, of_crm_error
from crm_core.collecting import NotCollected
from crm_core.errors import Conflict, CrmError, Invalid, Unavailable
from crm_core.validation import Problem
from tests.bot.api.conftest import Caller

CASES = [
    (Unavailable(), 503, "database.unavailable"),
    (IntegrityError("UNIQUE constraint failed: leads.id"), 409, "conflict"),
    (ValidationError("name: Length of '…' 200 > 64"), 422, "invalid"),
    (Invalid(field="at", reason="时间应带时区"), 422, "invalid"),
]


@pytest.mark.parametrize(("error", "status", "code"), CASES)
async def test_nothing_of_our_insides_gets_out(error: Exception, status: int, code: str) -> None:
    async def broken(_request: web.Request) -> web.Response:
        raise error

    app = web.Application(middlewares=[errors_as_json])
    app.router.add_get("/", broken)
    client: TestClient[Any, Any]
    async with TestClient(TestServer(app)) as client, client.get("/") as response:
        answer = await response.json()
        assert (response.status, answer["error"]["code"]) == (status, code)
        assert set(answer["error"]) == {"code", "message", "fields"}
        assert "leads" not in str(answer)
        assert ("Retry-After" in response.headers) == (status == 503)


@pytest.mark.parametrize(
    ("error", "message", "fields"),
    [
        (
            NotCollected(labels="手机号", problems=(Problem("mobile", "手机号格式不对"),)),
            "内容有误：手机号",
            {"mobile": "手机号格式不对"},
        ),
        (Conflict(conditions=["有跟进记录", "金额"]), "状态已变化，请刷新后再试", {"conditions": ["有跟进记录", "金额"]}),
        (Invalid(field="mobile", reason="手机号格式不对"), "手机号格式不对", {"mobile": "手机号格式不对"}),
    ],
)
def test_fields_are_json_and_messages_are_words(error: CrmError, message: str, fields: dict[str, Any]) -> None:
    answer = json.loads(of_crm_error(error).body)  # type: ignore[arg-type]
    assert (answer["error"]["message"], answer["error"]["fields"]) == (message, fields)


async def test_what_nobody_foresaw_is_a_bare_500() -> None:
    async def broken(_request: web.Request) -> web.Response:
        raise RuntimeError("geheim: 13800138000")

    app = web.Application(middlewares=[errors_as_json])
    app.router.add_get("/", broken)
    client: TestClient[Any, Any]
    async with TestClient(TestServer(app)) as client, client.get("/") as response:
        assert response.status == 500
        assert "geheim" not in await response.text()


async def test_unknown_addresses_and_methods_speak_json_too(admin: Caller) -> None:
    assert await admin.refused("GET", "/nothing") == (404, "address.unknown")
    assert await admin.refused("DELETE", "/leads") == (405, "method.not_allowed")
