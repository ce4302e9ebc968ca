"""Staying connected, whatever the platform's end does: hostile frames, refusals, redirects, dead links."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import WSCloseCode, web
from aiohttp.test_utils import TestServer
from yarl import URL

from bot.channels.dingtalk.api import Api
from bot.channels.dingtalk.ledger import CallLedger
from bot.channels.dingtalk.stream import Stream
from bot.channels.dingtalk.stream_desk import KEPT, Desk
from bot.channels.dingtalk.stream_frames import read_frame
from bot.channels.dingtalk.stream_socket import BAD_FRAMES, MAX_FRAME_BYTES, Timing
from bot.httpclient import HttpClient, NotSent
from crm_core.clock import SystemClock
from tests.bot.channels.dingtalk.made import make_settings
from tests.bot.channels.dingtalk.test_stream_vectors import Taking
from tests.waiting import until

QUICK = Timing(watch=0.5, silence=0.2, farewell=1.0, first_pause=0.02, longest_pause=0.1, open_within=1.0)
OPEN = "/v1.0/gateway/connections/open"
Talk = Callable[["Platform", web.WebSocketResponse], Awaitable[None]]


def robot_frame(number: int, **fields: object) -> str:
    body = {
        "msgId": f"m{number}",
        "conversationId": "cid1",
        "conversationType": "1",
        "createAt": 1795161600000,
        "senderStaffId": "u1",
        "msgtype": "text",
        "text": {"content": "你好"},
        **fields,
    }
    headers = {"topic": "/v1.0/im/bot/messages/get", "messageId": f"f{number}"}
    return json.dumps({"type": "CALLBACK", "headers": headers, "data": json.dumps(body)})


class Platform:
    """The other end: gives tickets, and talks as the test says, once per connection."""

    def __init__(self, talk: Talk) -> None:
        self.talk = talk
        self.answers: list[Any] = []
        self.tickets: list[str] = []
        self.used: list[str] = []
        self.heard: list[dict[str, Any]] = []
        self.opened = 0
        self.url = ""

    async def open(self, request: web.Request) -> web.Response:
        if self.answers:
            status, body = self.answers.pop(0)
            return web.json_response(body, status=status)
        self.tickets.append(f"t+{len(self.tickets)}/=")
        endpoint = self.url.replace("http", "ws") + "/connect"
        return web.json_response({"endpoint": endpoint, "ticket": self.tickets[-1]})

    async def redirect(self, request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "/connect?ticket=x"})

    async def connect(self, request: web.Request) -> web.WebSocketResponse:
        self.used.append(request.query["ticket"])
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.opened += 1
        await self.talk(self, socket)
        return socket

    async def listen(self, socket: web.WebSocketResponse) -> None:
        async for message in socket:
            self.heard.append(json.loads(message.data))


@asynccontextmanager
async def streaming(platform: Platform, inlet: Taking, http: HttpClient, timing: Timing = QUICK) -> AsyncIterator[Stream]:
    app = web.Application()
    app.router.add_post(OPEN, platform.open)
    app.router.add_get("/connect", platform.connect)
    app.router.add_get("/redirect", platform.redirect)
    async with TestServer(app) as server:
        platform.url = str(server.make_url("")).rstrip("/")
        settings = make_settings(api_base=platform.url, session_hosts=(), receive="stream")
        clock = SystemClock()
        ledger = CallLedger("dingtalk", clock, month_calls=0)
        api = Api("dingtalk", settings, http, clock=clock, ledger=ledger)
        desk = Desk("dingtalk", settings, inlet, clock, ledger)
        stream = Stream("dingtalk", settings, api, http, desk, clock, timing)
        running = asyncio.gather(stream.run())
        try:
            yield stream
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


async def test_each_connection_has_its_own_ticket_and_is_told_apart(http: HttpClient) -> None:
    async def talk(platform: Platform, socket: web.WebSocketResponse) -> None:
        await socket.send_str(robot_frame(platform.opened))
        await socket.receive()
        await socket.close()

    platform, inlet = Platform(talk), Taking()
    async with streaming(platform, inlet, http):
        await until(lambda: len(platform.used) >= 3)
    assert platform.used[:3] == platform.tickets[:3]
    assert [message.external_id for message, _ in inlet.taken][:3] == ["m1", "m2", "m3"]


async def test_the_next_socket_is_opened_before_the_old_one_goes(http: HttpClient) -> None:
    seen: list[str] = []

    async def talk(platform: Platform, socket: web.WebSocketResponse) -> None:
        if platform.opened > 1:
            seen.append("second opened")
            await platform.listen(socket)
            return
        await socket.send_str(robot_frame(1))
        await socket.receive()
        await socket.send_str(json.dumps({"type": "SYSTEM", "headers": {"topic": "disconnect"}, "data": "{}"}))
        await until(lambda: platform.opened == 2)
        seen.append("still talking")
        await socket.send_str(robot_frame(2))
        ack = json.loads((await socket.receive()).data)
        seen.append(ack["headers"]["messageId"])
        await socket.receive()

    platform, inlet = Platform(talk), Taking()
    async with streaming(platform, inlet, http) as stream:
        await until(lambda: len(inlet.taken) == 2)
        await until(lambda: "f2" in seen)
        assert stream.connected
        assert stream.outages == 0
    assert sorted(seen) == ["f2", "second opened", "still talking"]


@pytest.mark.parametrize(
    "garbage",
    [
        "nonsense",
        "[" * 100_000,
        '{"type": "CALLBACK", "headers": [], "data": 5}',
        '{"type": 5, "headers": {"messageId": []}}',
        "\ud83d".encode("utf-8", "replace").decode(),
        json.dumps({"type": "SYSTEM", "headers": {"topic": "x" * 100_000, "messageId": "m" * 100_000}}),
    ],
    ids=range(6),
)
async def test_garbage_is_dropped_and_the_socket_lives(garbage: str, http: HttpClient) -> None:
    async def talk(platform: Platform, socket: web.WebSocketResponse) -> None:
        await socket.send_str(garbage)
        await socket.send_bytes(b"\x00\xff")
        await socket.send_str(robot_frame(1))
        await platform.listen(socket)

    platform, inlet = Platform(talk), Taking()
    async with streaming(platform, inlet, http):
        await until(lambda: platform.heard)
        assert platform.heard[0]["code"] == 200
    assert platform.opened == 1


async def test_wrong_kinds_are_answered_and_forgotten(http: HttpClient) -> None:
    frames = [
        robot_frame(1, text={"content": 5}),
        robot_frame(2, createAt="x"),
        robot_frame(3, robotCode="another"),
        json.dumps({"type": "EVENT", "headers": {"messageId": "f4"}, "data": "{}"}),
        json.dumps(
            {"type": "CALLBACK", "headers": {"topic": "/v1.0/card/instances/callback", "messageId": "f5"}, "data": "[]"}
        ),
        json.dumps({"type": "WHAT", "headers": {"messageId": "f6"}, "data": "{}"}),
        json.dumps({"type": "SYSTEM", "headers": {"topic": "KEEPALIVE", "messageId": "f7"}, "data": "{}"}),
    ]

    async def talk(platform: Platform, socket: web.WebSocketResponse) -> None:
        for frame in frames:
            await socket.send_str(frame)
        await platform.listen(socket)

    platform, inlet = Platform(talk), Taking()
    async with streaming(platform, inlet, http):
        await until(lambda: len(platform.heard) == len(frames))
    codes = {ack["headers"]["messageId"]: ack["code"] for ack in platform.heard}
    assert codes == {"f1": 400, "f2": 400, "f3": 400, "f4": 400, "f5": 400, "f6": 404, "f7": 200}
    assert inlet.taken == []


async def test_a_huge_frame_or_a_flood_of_garbage_ends_the_socket_alone(http: HttpClient) -> None:
    async def talk(platform: Platform, socket: web.WebSocketResponse) -> None:
        if platform.opened == 1:
            await socket.send_str("x" * (MAX_FRAME_BYTES + 1))
        elif platform.opened == 2:
            for _ in range(BAD_FRAMES + 5):
                await socket.send_str("garbage")
        else:
            await socket.send_str(robot_frame(1))
        await platform.listen(socket)

    platform, inlet = Platform(talk), Taking()
    async with streaming(platform, inlet, http):
        await until(lambda: inlet.taken)
    assert platform.opened == 3


async def test_refusals_are_survived_with_growing_pauses(http: HttpClient) -> None:
    async def talk(platform: Platform, socket: web.WebSocketResponse) -> None:
        await socket.send_str(robot_frame(1))
        await platform.listen(socket)

    platform, inlet = Platform(talk), Taking()
    platform.answers = [
        (401, {"code": "authFailed", "message": "鉴权失败"}),
        (503, {"code": "ServiceUnavailable"}),
        (200, {"endpoint": "wss://evil.example/connect", "ticket": "t"}),
        (200, {"endpoint": "ws://169.254.169.254/", "ticket": "t"}),
        (200, {"ticket": "t"}),
        (200, []),
    ]
    async with streaming(platform, inlet, http) as stream:
        await until(lambda: inlet.taken)
        assert stream.health()["stream"] == "connected"
    assert platform.used == platform.tickets


async def test_a_redirected_handshake_is_not_followed(http: HttpClient) -> None:
    async def talk(platform: Platform, socket: web.WebSocketResponse) -> None:
        await platform.listen(socket)

    platform = Platform(talk)
    async with streaming(platform, Taking(), http) as stream:
        await until(lambda: stream.connected)
        opened = platform.opened
        platform.answers = [(200, {"endpoint": f"{platform.url.replace('http', 'ws')}/redirect", "ticket": "t"})]
        with pytest.raises(Exception, match="not_reached"):
            await stream._dial()
        assert platform.opened == opened


async def test_links_that_close_at_once_are_not_opened_in_a_tight_circle(http: HttpClient) -> None:
    async def talk(platform: Platform, socket: web.WebSocketResponse) -> None:
        await socket.send_str(json.dumps({"type": "SYSTEM", "headers": {"topic": "disconnect"}, "data": "{}"}))
        await socket.close(code=WSCloseCode.GOING_AWAY)

    platform = Platform(talk)
    slow = Timing(watch=0.5, silence=0.2, farewell=1.0, first_pause=0.2, longest_pause=5.0, open_within=1.0)
    async with streaming(platform, Taking(), http, slow):
        await until(lambda: platform.opened == 2)
        await asyncio.sleep(0.2)
        assert platform.opened == 2


async def test_memory_for_what_cannot_be_stored_has_an_end(http: HttpClient) -> None:
    inlet = Taking(broken=True)
    clock = SystemClock()
    ledger = CallLedger("dingtalk", clock, month_calls=0)
    desk = Desk("dingtalk", make_settings(receive="stream"), inlet, clock, ledger)
    for number in range(KEPT + 3):
        assert '"code": 500' in await desk.answer(read_frame(robot_frame(number)))
    assert (desk.waiting, desk.lost) == (KEPT, 3)
    inlet.broken = False
    await desk._try_kept()
    assert (desk.waiting, len(inlet.taken)) == (0, KEPT)
    assert inlet.taken[0][0].external_id == "m0"


async def test_a_message_that_always_fails_does_not_hold_up_the_others(http: HttpClient) -> None:
    class Picky(Taking):
        async def take(self, channel: str, received: Any) -> None:
            if received.messages[0].external_id == "m1":
                raise KeyError("a fault of ours")
            await super().take(channel, received)

    inlet, clock = Picky(broken=True), SystemClock()
    desk = Desk("dingtalk", make_settings(receive="stream"), inlet, clock, CallLedger("dingtalk", clock, month_calls=0))
    for number in (1, 2):
        await desk.answer(read_frame(robot_frame(number)))
    inlet.broken = False
    for _ in range(5):
        await desk._try_kept()
    assert (desk.waiting, desk.lost) == (0, 1)
    assert [message.external_id for message, _ in inlet.taken] == ["m2"]


async def test_nobody_there_is_told_as_not_sent(http: HttpClient) -> None:
    with pytest.raises(NotSent, match=r"WS 127\.0\.0\.1/x"):
        await http.websocket(URL("ws://127.0.0.1:9/x?ticket=secret"), max_bytes=10, within=timedelta(seconds=1))
