"""A DingTalk robot as a channel: its limits, receiving over HTTP, answering; sending stands in send.py."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from typing import ClassVar

import structlog
from aiohttp import web

from bot.channel import ChannelLimits, Forbidden, Handshake, Received, SendRate, SendReceipt, Surroundings
from bot.channels.dingtalk.answers import EMPTY, TEXT_BYTES, card_answer, webhook_message
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
from bot.crypto import Envelope
from bot.httpclient import HttpClient, encode_json
from bot.tokens import TokenStore
from crm_core.clock import Clock
from crm_core.messages import Body, Kind, OutboundMessage

log = structlog.get_logger(__name__)

_ROBOT_DEADLINE = timedelta(seconds=4.5)
_EVENT_DEADLINE = timedelta(seconds=1.4)
_CARD_DEADLINE = timedelta(seconds=1.8)
_CALLS_A_SECOND = SendRate(20, 1.0)
"""Standard edition, per application and API. Source: rate-limit page of the platform, read 2026-11."""
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
    """One robot of an internal application (企业内部机器人), over HTTP."""

    kind: ClassVar[str] = "dingtalk"
    label: ClassVar[str] = "钉钉"
    is_staffs: ClassVar[bool] = True
    Settings: ClassVar[type[RobotSettings]] = RobotSettings

    def __init__(
        self, name: str, settings: RobotSettings, http: HttpClient, clock: Clock, *, tokens: TokenStore | None = None
    ) -> None:
        self.name = name
        self.settings = settings
        self.limits = ChannelLimits(
            reply_deadline=_ROBOT_DEADLINE,
            text_bytes=TEXT_BYTES,
            rates=(_CALLS_A_SECOND,),
            page=PAGE,
            kinds=frozenset({Kind.TEXT, Kind.IMAGE, Kind.NEWS}),
        )
        self.sender = Sender(name, settings, http, clock=clock, tokens=tokens)
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
        if CARD_SIGNATURE in request.headers or CARD_TIMESTAMP in request.headers:
            return self._receive_card(request, body)
        if "msg_signature" in request.query or "signature" in request.query:
            return self._receive_event(request, body)
        return self._receive_robot(request, body)

    def _receive_robot(self, request: web.Request, body: bytes) -> Received:
        tree = read_robot(self.settings, request.headers, body, now=self._clock.now())
        message = read_robot_message(self.name, self.settings, tree)
        if message is None:
            return Received(context=_Context(_Asked.ROBOT))
        if "error_code" in message.data:
            log.error("channel_needs_admin", channel=self.name, code=message.data["error_code"])
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

    async def start(self, around: Surroundings) -> None:
        """Begin nothing: callbacks come by themselves."""

    async def stop(self) -> None:
        """End nothing."""


def _json(value: object) -> web.Response:
    return web.Response(body=encode_json(value), content_type="application/json", charset="utf-8")
