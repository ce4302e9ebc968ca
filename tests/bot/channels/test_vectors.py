"""Every given inbound case of WeChat and DingTalk over HTTP, the hostile ones included, through the real gateway."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from yarl import URL

from bot.channel import Channel
from bot.crypto import Envelope, sign_dingtalk
from bot.gateway import Gateway
from bot.httpclient import HttpClient
from bot.secret import Secret
from bot.supervisor import Supervisor
from crm_core.conversations import Message
from crm_core.inbox import to_inbound
from crm_core.messages import InboundMessage, Kind
from crm_core.ports import Core
from handlers.commands import all_commands
from handlers.pipeline import Pipeline
from handlers.router import Router
from tests.bot.channels.conftest import ServeChannel
from tests.bot.channels.vectors import Case, body_of, case_id, cases, channel_of, clock_of, url_of

INBOUND = [
    *cases("wechat_mp_inbound.json"),
    *cases("wechat_mp_crypto.json", "http"),
    *cases("dingtalk_inbound.json", "inbound"),
    *cases("dingtalk_crypto.json", "http"),
    *cases("wecom_inbound.json", "inbound"),
    *[case for case in cases("wecom_crypto.json", "http") if case["expect"]["status"] == 200],
]
HOSTILE = [
    *cases("hostile.json", "hostile", platform="wechat_mp"),
    *cases("hostile.json", "hostile", platform="dingtalk"),
    *cases("hostile.json", "hostile", platform="wecom"),
    *[case for case in cases("wecom_crypto.json", "http") if case["expect"]["status"] != 200],
]
SEQUENCES = [
    *cases("hostile.json", "hostile-sequence", platform="wechat_mp"),
    *cases("hostile.json", "hostile-sequence", platform="dingtalk"),
    *cases("hostile.json", "hostile-sequence", platform="wecom"),
]
KINDS = {
    "image": Kind.IMAGE,
    "text": Kind.TEXT,
    "voice": Kind.VOICE,
    "video": Kind.VIDEO,
    "location": Kind.LOCATION,
    "link": Kind.LINK,
    "richText": Kind.TEXT,
    "audio": Kind.VOICE,
}


async def ask(url: str, request: dict[str, Any]) -> tuple[int, bytes, Any]:
    """Send a request exactly as the case says, a wrong Content-Length included."""
    headers = dict(request.get("headers", {}))
    target = url_of(URL(url), request)
    if "Content-Length" in headers:
        return await ask_raw(target, request, headers), b"", {}
    async with (
        aiohttp.ClientSession() as session,
        session.request(request["method"], target, data=body_of(request), headers=headers) as response,
    ):
        return response.status, await response.read(), response.headers


async def ask_raw(target: URL, request: dict[str, Any], headers: dict[str, str]) -> int:
    reader, writer = await asyncio.open_connection(target.host, target.port)
    lines = [f"{request['method']} {target.raw_path_qs} HTTP/1.1", f"Host: {target.authority}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    writer.write("\r\n".join([*lines, "", ""]).encode() + body_of(request))
    status = int((await reader.readline()).split()[1])
    writer.close()
    await writer.wait_closed()
    return status


def told(message: InboundMessage) -> dict[str, object]:
    """Say a message in the words of the cases."""
    data = dict(message.data)
    raw = data.get("raw")
    return (
        {"from_user": message.address.external_id}
        | data
        | {
            "kind": "event" if message.kind is Kind.EVENT else "message",
            "create_time": int(message.at.timestamp()),
            "create_at_ms": int(message.at.timestamp() * 1000),
            "msg_id": message.external_id or None,
            "content": message.text,
            "content_verbatim": message.text,
            "recognition": message.text,
            "key": data.get("event_key"),
            "scene": data.get("scene"),
            "unknown": message.kind is Kind.OTHER and bool(raw),
            "chat": data.get("conversation_type"),
            "at_bot": message.in_group,
            "error_code": data.get("error_code"),
        }
    )


def check_told(message: InboundMessage, expected: dict[str, Any]) -> None:
    said = told(message)
    unsaid = {"platform", "to_user", "type", "content_raw", "texts", "sender_staff_id", "action"}
    for name in expected.keys() - unsaid:
        if name == "content" and expected[name] is None:
            assert message.kind is Kind.OTHER
        elif name == "items":
            assert [{key: item[key] for key in wanted} for item, wanted in zip(said["items"], expected["items"], strict=True)]
        else:
            assert said[name] == expected[name], name
    if message.kind is Kind.EVENT:
        assert message.event == expected.get("type", message.event)
    elif message.kind is not Kind.OTHER and expected["type"] in KINDS:
        assert message.kind is KINDS[expected["type"]]
    if expected.get("sender_staff_id"):
        assert message.address.external_id == expected["sender_staff_id"]
    if "texts" in expected:
        assert message.text == "".join(expected["texts"]).strip()


class ThroughGateway:
    """A channel behind the product's own gateway, and the rows it left."""

    def __init__(self, core: Core, channel: Channel) -> None:
        self.supervisor = Supervisor()
        core = replace(core, reach={channel.name: channel.limits.reach}, staff_channels=frozenset({"dingtalk", "wecom"}))
        core.outbox.bind(core)  # type: ignore[attr-defined]
        pipeline = Pipeline(core, Router(all_commands()))
        nothing = timedelta(0)
        self.gateway = Gateway(core, {channel.name: channel}, pipeline, self.supervisor, max_body=1 << 20, reply_within=nothing)
        self.messages: list[InboundMessage] = []
        self.url = ""

    async def hook(self, request: web.Request) -> web.StreamResponse:
        response = await self.gateway.handle(request)
        rows = await Message.filter(direction="in").order_by("id")
        self.messages = [to_inbound(row) for row in rows]
        return response


@pytest_asyncio.fixture
async def serve(core: Core) -> AsyncIterator[ServeChannel]:
    servers: list[tuple[TestServer, ThroughGateway]] = []

    async def start(channel: Channel) -> ThroughGateway:
        served = ThroughGateway(core, channel)
        app = web.Application()
        app.router.add_route("*", "/hook/{name}", served.hook)
        server = TestServer(app)
        await server.start_server()
        servers.append((server, served))
        served.url = str(server.make_url(f"/hook/{channel.name}"))
        return served

    yield start
    for server, served in servers:
        await server.close()
        await served.supervisor.finish(within=5)


@pytest.mark.parametrize("case", INBOUND, ids=case_id)
async def test_genuine_request_is_stored_and_answered(case: Case, serve: ServeChannel, http: HttpClient) -> None:
    served = await serve(channel_of(case, clock_of(case), http))
    status, body, headers = await ask(served.url, case["request"])
    expected = case["expect"]
    assert status == expected["status"]
    assert len(served.messages) == expected["stored"]
    if "body" in expected:
        assert body.decode() == expected["body"]
    if "body_one_of" in expected:
        assert body.decode() in expected["body_one_of"]
    if "dedupe_key" in expected and case["platform"] == "wecom":
        assert [message.key for message in served.messages] == [expected["dedupe_key"]]
    if "header_present" in expected:
        assert expected["header_present"] in headers
    if "content_type_prefix" in expected:
        assert headers["Content-Type"].startswith(expected["content_type_prefix"])
    if "reply_plaintext" in expected:
        check_sealed(case, json.loads(body))
    for message in served.messages:
        check_told(message, expected["parsed"])
        assert message.key == expected.get("dedupe_key", message.key)


def check_sealed(case: Case, answer: dict[str, str]) -> None:
    config = case["config"]
    envelope = Envelope(Secret(config["event_token"]), Secret(config["event_aes_key"]), config["app_key"])
    plain = envelope.open(answer["msg_signature"], answer["timeStamp"], answer["nonce"], answer["encrypt"])
    assert plain.decode() == case["expect"]["reply_plaintext"]
    assert set(answer) == set(case["expect"].get("reply_fields", answer))


@pytest.mark.parametrize("case", HOSTILE, ids=case_id)
async def test_hostile_request_gets_the_expected_answer(case: Case, serve: ServeChannel, http: HttpClient) -> None:
    served = await serve(channel_of(case, clock_of(case), http))
    began = time.monotonic()
    status, _, _ = await ask(served.url, case["request"])
    expected = case["expect"]
    assert status in [expected["status"], *expected.get("status_alternatives", [])]
    assert time.monotonic() - began < expected.get("max_seconds", 5)
    assert len(served.messages) == expected["stored"]
    if "parsed_content" in expected:
        assert served.messages[0].text == expected["parsed_content"]
    if expected.get("no_network") or expected.get("reply_channel") == "openapi":
        assert all("session_webhook" not in message.data or case["id"] == "HOS-089" for message in served.messages)


@pytest.mark.parametrize("case", SEQUENCES, ids=case_id)
async def test_repeats_are_known_and_strangers_are_new(case: Case, serve: ServeChannel, http: HttpClient) -> None:
    served = await serve(channel_of(case, clock_of(case), http))
    statuses = [(await ask(served.url, request))[0] for request in case["requests"]]
    assert statuses == case["expect"]["statuses"]
    assert len(served.messages) == case["expect"]["stored"]


async def test_a_wrong_method_is_405(serve: ServeChannel, http: HttpClient) -> None:
    for case in (cases("wechat_mp_inbound.json")[0], cases("dingtalk_inbound.json", "inbound")[0]):
        served = await serve(channel_of(case, clock_of(case), http))
        assert (await ask(served.url, case["request"] | {"method": "PUT"}))[0] == 405
    assert (await ask(served.url, case["request"] | {"method": "GET"}))[0] == 405
    assert sign_dingtalk("1", Secret("x"))
