"""The one form of errors."""

from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from tortoise.exceptions import IntegrityError, ValidationError

from bot.api.errors import errors_as_json
from crm_core.errors import Invalid, Unavailable
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
