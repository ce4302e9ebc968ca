"""Who asks, what they send, and how large it may be."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from structlog.testing import capture_logs

from bot.api import make_api
from crm_core import employees, tokens
from crm_core.ports import Core
from tests.bot.api.conftest import Caller
from tests.factories import SYSTEM
from tests.waiting import until


async def test_a_revoked_token_ends_at_once(core: Core, admin: Caller) -> None:
    await admin.get("/leads")
    await tokens.revoke(core, SYSTEM, "令牌1")
    assert await admin.refused("GET", "/leads") == (401, "token.missing")


async def test_the_token_of_somebody_who_left_ends_at_once(core: Core, sales: Caller) -> None:
    assert sales.employee is not None
    await sales.get("/leads")
    await employees.depart(core, SYSTEM, sales.employee.id)
    assert await sales.refused("GET", "/leads") == (401, "token.missing")


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic abc", "Bearer 令牌", f"Bearer {'x' * 300}"])
async def test_what_is_no_token(client: TestClient[Any, Any], header: str) -> None:
    async with client.get("/api/v1/leads", headers={"Authorization": header.encode().decode("latin1")}) as response:
        assert response.status == 401
        assert response.headers["WWW-Authenticate"] == "Bearer"
        assert (await response.json())["error"]["message"] == "缺少令牌或令牌无效"


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'"x"',
        b'{"name": NaN}',
        b'{"name": "a", "name": "b"}',
        b'{"name": "\xff"}',
        b"[" * 9000,
        b'{"name": "\\ud800"}',
    ],
)
async def test_what_is_no_json_object(admin: Caller, body: bytes) -> None:
    status, answer = await admin.ask("POST", "/leads", data=body)
    assert (status, answer["error"]["code"]) == (400, "body.unreadable")


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_over_the_cap_is_refused(core: Core, admin: Caller, chunked: bool) -> None:
    app = web.Application()
    app.add_subapp("/api/v1", make_api(core, max_body=2048))
    body = b'{"name": "' + b"x" * 4000 + b'"}'
    async with TestClient(TestServer(app)) as small:
        admin.client = small

        async def pieces() -> Any:
            yield body[:1000]
            yield body[1000:]

        status, answer = await admin.ask("POST", "/leads", data=pieces() if chunked else body)
        assert (status, answer["error"]["code"]) == (413, "body.too_large")


async def test_a_record_takes_no_query(admin: Caller) -> None:
    assert await admin.refused("GET", "/leads/1?full=true") == (422, "fields.invalid")


async def test_a_number_beyond_all_rows_is_simply_not_there(admin: Caller) -> None:
    assert await admin.refused("GET", "/leads/999999999999999999") == (404, "not_found")
    assert await admin.refused("GET", "/leads/99999999999999999999999") == (404, "address.unknown")


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
@pytest.mark.parametrize("body", [b"this was never compressed", b"\x1f\x8b\x08" + b"\xff" * 40])
async def test_a_body_that_is_not_packed_as_it_says_is_one_warning(
    admin: Caller, coding: str, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with capture_logs() as said:
        status, answer = await admin.ask("POST", "/leads", data=body, headers={"Content-Encoding": coding})
    assert (status, answer["error"]["code"]) == (400, "body.broken")
    assert [(line["event"], line["log_level"]) for line in said] == [("api_body_broken", "warning")]
    assert not caplog.records


async def _begun(caller: Caller, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Begin a body of which the end never comes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    who = f"Host: x\r\nAuthorization: Bearer {caller.token}\r\n"
    head = f"POST /api/v1/leads HTTP/1.1\r\n{who}Content-Length: 100\r\nExpect: 100-continue\r\n\r\n"
    writer.write(head.encode() + b'{"name":')
    await writer.drain()
    return reader, writer


async def test_a_body_that_does_not_end_is_given_up(core: Core, admin: Caller) -> None:
    app = web.Application()
    app.add_subapp("/api/v1", make_api(core, body_within=timedelta(milliseconds=50)))
    async with TestClient(TestServer(app)) as small:
        reader, writer = await _begun(admin, small.port or 0)
        await reader.readuntil(b"\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 408 ")
        writer.close()


async def test_a_caller_that_leaves_is_one_warning(core: Core, admin: Caller, caplog: pytest.LogCaptureFixture) -> None:
    app = web.Application()
    app.add_subapp("/api/v1", make_api(core))
    runner = web.AppRunner(app)  # as the product serves: a handler is not cancelled when its caller leaves
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        with capture_logs() as said:
            reader, writer = await _begun(admin, runner.addresses[0][1])
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.close()
            await until(lambda: said)
    finally:
        await runner.cleanup()
    assert [(line["event"], line["log_level"]) for line in said] == [("api_body_broken", "warning")]
    assert not caplog.records
