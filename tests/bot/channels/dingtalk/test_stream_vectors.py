"""Every given Stream frame, through a real socket and the desk behind it."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.channel import Received
from bot.channels.dingtalk.api import Api
from bot.channels.dingtalk.ledger import CallLedger
from bot.channels.dingtalk.stream import Stream
from bot.channels.dingtalk.stream_desk import Desk
from bot.channels.dingtalk.stream_socket import StreamSocket, Timing
from bot.httpclient import HttpClient
from crm_core.errors import Unavailable
from crm_core.messages import Body, InboundMessage
from tests.bot.channels.platform import Platform
from tests.bot.channels.vectors import Case, case_id, cases, dingtalk_settings
from tests.fakes import FakeClock
from tests.waiting import until

FRAMES = cases("dingtalk_inbound.json", "stream-frame")
CONFIG = cases("dingtalk_inbound.json", "inbound")[0]["config"]
NOW = cases("dingtalk_inbound.json", "inbound")[0]["now"]


class Taking:
    """A way in that takes everything, or nothing."""

    def __init__(self, reply: Body | None = None, *, broken: bool = False) -> None:
        self.taken: list[tuple[InboundMessage, timedelta | None]] = []
        self.broken = broken
        self._reply = reply

    async def take(self, channel: str, received: Received) -> Body | None:
        if self.broken:
            raise Unavailable
        self.taken += [(message, received.reply_deadline) for message in received.messages]
        return self._reply


class Gateway:
    """The platform's end of one socket."""

    def __init__(self) -> None:
        self.acks: list[dict[str, Any]] = []
        self.socket = web.WebSocketResponse()

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        await self.socket.prepare(request)
        async for message in self.socket:
            self.acks.append(json.loads(message.data))
        return self.socket


async def exchange(frame: str, inlet: Taking, *more: str) -> tuple[StreamSocket, list[dict[str, Any]]]:
    clock = FakeClock(datetime.fromtimestamp(NOW, UTC))
    settings = dingtalk_settings(CONFIG, receive="stream")
    desk = Desk("dingtalk", settings, inlet, clock, CallLedger("dingtalk", clock, month_calls=0))
    gateway, app = Gateway(), web.Application()
    app.router.add_get("/connect", gateway.serve)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        opened = await session.ws_connect(server.make_url("/connect"))
        socket = StreamSocket("dingtalk", opened, desk.answer, Timing())
        serving = asyncio.gather(socket.serve())
        probe = {"type": "SYSTEM", "headers": {"topic": "ping", "messageId": "probe"}, "data": '{"opaque":"1"}'}
        for raw in (frame, *more, json.dumps(probe)):
            await gateway.socket.send_str(raw)
        await until(lambda: any(ack["headers"]["messageId"] == "probe" for ack in gateway.acks))
        await asyncio.sleep(0)
        wanted = 2 if inlet.broken or inlet.taken else 1
        await until(lambda: len(gateway.acks) >= wanted)
        await gateway.socket.close()
        await serving
    return socket, [ack for ack in gateway.acks if ack["headers"]["messageId"] != "probe"]


@pytest.mark.parametrize("case", [case for case in FRAMES if case["id"] != "DDS-001"], ids=case_id)
async def test_a_frame_is_answered_and_recorded_as_given(case: Case) -> None:
    frame = dict(case["frame"])
    inlet = Taking(Body(template_data={"status": "accepted"}), broken=bool(frame.pop("simulate", "")))
    socket, acks = await exchange(frame["raw"] if "raw" in frame else json.dumps(frame), inlet)
    expected, parsed = case["expect"], case["expect"]["parsed"]
    if expected["ack"] is None:
        assert acks == []
    else:
        check_ack(acks, expected["ack"])
    assert (socket.why == "disconnect") == (parsed.get("action") == "reconnect")
    check_parsed([message for message, _ in inlet.taken], parsed)


def check_ack(acks: list[dict[str, Any]], expected: dict[str, Any]) -> None:
    (ack,) = acks
    assert {name: ack[name] for name in ("code", "headers", "message")} == {
        name: expected[name] for name in ("code", "headers", "message")
    }
    told, wanted = json.loads(ack["data"]), json.loads(expected["data"])
    if wanted.get("message") == "...":
        told["message"] = "..."
    assert told == wanted


def check_parsed(messages: list[InboundMessage], parsed: dict[str, Any]) -> None:
    if "stored" in parsed:
        assert len(messages) == parsed["stored"]
    if "content" in parsed:
        assert messages[0].text == parsed["content"]
    if "event_type" in parsed:
        assert messages[0].event == parsed["event_type"]
        # The application stands in the key too: two of them may hear of one event.
        assert messages[0].key.split(":")[0::3] == parsed["dedupe_key"].split(":")
    if "out_track_id" in parsed:
        data = messages[0].data
        assert (data["out_track_id"], messages[0].address.external_id) == (parsed["out_track_id"], parsed["user_id"])
        assert json.loads(str(data["action_ids"])) == parsed["action_ids"]
        assert json.loads(str(data["params"])) == parsed["params"]


async def test_the_opening_is_asked_and_followed_as_given(
    platform: Platform, http: HttpClient, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = next(case for case in FRAMES if case["id"] == "DDS-001")
    expected, path = case["frame"]["request"]["json"], "/v1.0/gateway/connections/open"
    platform.lay(path, case["frame"]["response"])
    settings = dingtalk_settings(CONFIG, receive="stream", api_base=platform.url)
    ledger = CallLedger("dingtalk", clock, month_calls=0)
    desk = Desk("dingtalk", settings, Taking(), clock, ledger)
    api = Api("dingtalk", settings, http, clock=clock, ledger=ledger)
    stream = Stream("dingtalk", settings, api, http, desk, clock, Timing())
    url = await stream._ticketed()
    asked = platform.asked(path)[0].json
    assert {name: asked[name] for name in ("clientId", "clientSecret", "subscriptions")} == {
        name: expected[name] for name in ("clientId", "clientSecret", "subscriptions")
    }
    assert asked["ua"]
    assert asked["localIp"]
    assert str(url) == case["expect"]["parsed"]["connect_url"].replace(":443", "")


async def test_a_robot_message_gets_no_passive_answer_and_a_press_less_than_two_seconds() -> None:
    robot = next(case for case in FRAMES if case["id"] == "DDS-002")
    inlet = Taking(Body(text="不会发出"))
    _, acks = await exchange(json.dumps(robot["frame"]), inlet)
    assert json.loads(acks[0]["data"]) == {"response": None}
    assert inlet.taken[0][1] == timedelta(0)
    press = next(case for case in FRAMES if case["id"] == "DDS-011")
    inlet = Taking()
    _, acks = await exchange(json.dumps(press["frame"]), inlet)
    assert json.loads(acks[0]["data"]) == {"response": {}}
    assert inlet.taken[0][1] == timedelta(seconds=1.8)
