"""A DingTalk robot as a channel: its limits, receiving over HTTP, answering, starting what runs beside it.

Sending stands in send.py, Stream mode in stream.py, files in media.py.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from functools import partial
from typing import ClassVar

import structlog
from aiohttp import web

from bot.channel import ChannelLimits, Forbidden, Handshake, Received, SendReceipt, Surroundings
from bot.channels.dingtalk.answers import EMPTY, TEXT_BYTES, card_answer, webhook_message
from bot.channels.dingtalk.api import CALLS_A_SECOND, Api
from bot.channels.dingtalk.cards import register_callback
from bot.channels.dingtalk.ledger import CallLedger
from bot.channels.dingtalk.media import Media, MediaError, MediaType
from bot.channels.dingtalk.messages import read_card_action, read_event_message, read_robot_message
from bot.channels.dingtalk.receive import (
    CARD_SIGNATURE,
    CARD_TIMESTAMP,
    read_card,
    read_event,
    read_robot,
    seal_event_answer,
)
from bot.channels.dingtalk.send import PAGE, Sender
from bot.channels.dingtalk.settings import Settings as RobotSettings
from bot.channels.dingtalk.stream import Stream
from bot.channels.dingtalk.stream_desk import Desk, note_over_quota
from bot.channels.dingtalk.stream_socket import Timing
from bot.crypto import Envelope
from bot.httpclient import HttpClient, encode_json
from bot.supervisor import Supervisor
from bot.tokens import TokenStore
from crm_core.clock import Clock
from crm_core.messages import Body, Kind, OutboundMessage
from crm_core.ports import Core

log = structlog.get_logger(__name__)

_ROBOT_DEADLINE = timedelta(seconds=4.5)
_EVENT_DEADLINE = timedelta(seconds=1.4)
_CARD_DEADLINE = timedelta(seconds=1.8)
_STOP_SECONDS = 2.0
_CHECK_URL = "check_url"


class _Asked(Enum):
    """Which kind of callback is answered."""

    ROBOT = auto()
    EVENT = auto()
    CARD = auto()


@dataclass(frozen=True, slots=True)
class _Context:
    """What an answer needs of its request."""

    asked: _Asked
    nonce: str = ""
    at_user: str = ""


class DingTalk:
    """One robot of an internal application (企业内部机器人), over HTTP or Stream."""

    kind: ClassVar[str] = "dingtalk"
    label: ClassVar[str] = "钉钉"
    is_staffs: ClassVar[bool] = True
    Settings: ClassVar[type[RobotSettings]] = RobotSettings
    timing: ClassVar[Timing] = Timing()

    def __init__(
        self, name: str, settings: RobotSettings, http: HttpClient, clock: Clock, *, tokens: TokenStore | None = None
    ) -> None:
        self.name = name
        self.settings = settings
        self.limits = ChannelLimits(
            reply_deadline=_ROBOT_DEADLINE,
            text_bytes=TEXT_BYTES,
            rates=(CALLS_A_SECOND,),
            page=PAGE,
            kinds=frozenset({Kind.TEXT, Kind.IMAGE, Kind.NEWS, Kind.FILE}),
        )
        self.ledger = CallLedger(name, clock, month_calls=settings.month_calls)
        self.api = Api(name, settings, http, clock=clock, ledger=self.ledger, tokens=tokens)
        self.sender = Sender(name, settings, http, self.api, clock=clock)
        self.media = Media(settings, self.api, http)
        self.stream: Stream | None = None
        self._desk: Desk | None = None
        self._core: Core | None = None
        self._http = http
        self._clock = clock
        self._envelope = None
        if settings.event_token and settings.event_aes_key:
            self._envelope = Envelope(settings.event_token, settings.event_aes_key, settings.client_id)

    async def receive(self, request: web.Request, body: bytes) -> Received:
        """Verify and parse one callback request: robot message, event or card press, told apart by its marks.

        Raises: Forbidden; BadRequest; HTTPMethodNotAllowed (nothing here is asked with GET).
        """
        if request.method != "POST":
            raise web.HTTPMethodNotAllowed(request.method, ["POST"])
        is_card = CARD_SIGNATURE in request.headers or CARD_TIMESTAMP in request.headers
        if not is_card and ("msg_signature" in request.query or "signature" in request.query):
            return self._receive_event(request, body)
        if self.settings.receive == "stream":
            # Their body is not signed; let in, it would pass as something said over the Stream.
            raise Forbidden("stream")
        return self._receive_card(request, body) if is_card else self._receive_robot(request, body)

    def _receive_robot(self, request: web.Request, body: bytes) -> Received:
        tree = read_robot(self.settings, request.headers, body, now=self._clock.now())
        message = read_robot_message(self.name, self.settings, tree)
        if message is None:
            return Received(context=_Context(_Asked.ROBOT))
        self.ledger.count("robot_push")
        note_over_quota(self.name, self.ledger, message)
        at_user = message.address.external_id if message.in_group else ""
        return Received(messages=(message,), context=_Context(_Asked.ROBOT, at_user=at_user))

    def _receive_event(self, request: web.Request, body: bytes) -> Received:
        if self._envelope is None:
            raise Forbidden("event")
        now = self._clock.now()
        tree, plain = read_event(self._envelope, request.query, body, now=now)
        nonce = request.query.get("nonce", "")
        message = read_event_message(self.name, self.settings, tree, plain=plain, now=now)
        if message.event == _CHECK_URL:
            answer = seal_event_answer(self._envelope, nonce, now)
            return Received(handshake=Handshake(answer, "application/json"), reply_deadline=_EVENT_DEADLINE)
        return Received((message,), context=_Context(_Asked.EVENT, nonce), reply_deadline=_EVENT_DEADLINE)

    def _receive_card(self, request: web.Request, body: bytes) -> Received:
        now = self._clock.now()
        tree = read_card(self.settings, request.headers, body, now=now)
        timestamp = request.headers.get(CARD_TIMESTAMP, "")
        message = read_card_action(self.name, self.settings, tree, timestamp=timestamp, now=now)
        return Received((message,), context=_Context(_Asked.CARD), reply_deadline=_CARD_DEADLINE)

    def answer(self, received: Received, reply: Body | None) -> web.Response:
        """Give the passive answer in the form of what was asked; an event takes nothing but `success`."""
        context = received.context
        asked = context.asked if isinstance(context, _Context) else _Asked.ROBOT
        if asked is _Asked.EVENT and self._envelope is not None and isinstance(context, _Context):
            sealed = seal_event_answer(self._envelope, context.nonce, self._clock.now())
            return web.Response(text=sealed, content_type="application/json")
        if asked is _Asked.CARD:
            return _json(card_answer(reply))
        at_user = context.at_user if isinstance(context, _Context) else ""
        return _json((webhook_message(reply, at_user=at_user) if reply else None) or EMPTY)

    async def send(self, messages: Sequence[OutboundMessage]) -> list[SendReceipt]:
        """Send messages of one body, up to a page of people in one call; one receipt each."""
        return await self.sender.send(messages)

    def attach(self, core: Core, supervisor: Supervisor) -> None:
        """Begin what a sender needs in every process: the counts of the month, the second and a robot's minute."""
        self._core = core
        self.ledger.attach(core)
        self.api.attach(core)
        self.sender.robots.attach(self.name, core.state)
        supervisor.keep(f"calls:{self.name}", self.ledger.run)

    async def fetch_file(self, data: Mapping[str, object], most_bytes: int) -> bytes | None:
        """Fetch the file of a message; None when the platform does not give it."""
        try:
            return (await self.media.fetch(str(data.get("download_code") or ""), max_bytes=most_bytes)).content
        except MediaError:
            return None

    async def give_file(self, name: str, content: bytes) -> str:
        """Bring a file up for a message; "" when the platform does not take it."""
        try:
            return await self.media.upload(MediaType.FILE, name, content)
        except MediaError:
            return ""

    async def start(self, around: Surroundings) -> None:
        """Connect in Stream mode; over HTTP tell the platform where presses on cards go."""
        if self._core is None:
            self.attach(around.core, around.supervisor)
        if self.settings.receive == "stream":
            self._desk = Desk(self.name, self.settings, around.inlet, self._clock, self.ledger)
            self.stream = Stream(self.name, self.settings, self.api, self._http, self._desk, self._clock, self.timing)
            around.supervisor.keep(f"stream:{self.name}", self.stream.run)
        elif self.settings.card_template_id and around.public_url:
            address = f"{around.public_url.rstrip('/')}/hook/{self.name}"
            around.supervisor.keep(f"cards:{self.name}", partial(register_callback, self.sender.cards, address, self._clock))

    async def stop(self) -> None:
        """Bring to the database what is only in memory."""
        if self._core is None:
            return
        if self._desk is not None:
            await self._desk.settle(self._core)
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await self.ledger.flush()
        except TimeoutError:
            log.warning("call_ledger_not_written", channel=self.name)

    def health(self) -> dict[str, object]:
        """Say how the channel is, for the health page and the metrics."""
        told: dict[str, object] = self.stream.health() if self.stream else {}
        return told | {"month_calls": self.ledger.used, "month_calls_limit": self.settings.month_calls}


def _json(value: object) -> web.Response:
    return web.Response(body=encode_json(value), content_type="application/json", charset="utf-8")
