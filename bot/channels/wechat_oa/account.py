"""An Official Account as a channel: its limits, receiving, answering; sending stands in send.py."""

from collections.abc import Sequence
from datetime import timedelta
from typing import ClassVar

from aiohttp import web

from bot.channel import BadRequest, ChannelLimits, Handshake, Received, SendReceipt, Surroundings
from bot.channels.wechat_oa.answers import TEXT_BYTES, AnswerContext, reply_fields, seal_reply, write_reply
from bot.channels.wechat_oa.fields import text
from bot.channels.wechat_oa.messages import read_message
from bot.channels.wechat_oa.receive import check_fresh, read_document, verify_plain
from bot.channels.wechat_oa.send import Sender
from bot.channels.wechat_oa.settings import Settings as AccountSettings
from bot.crypto import Envelope
from bot.httpclient import HttpClient
from bot.tokens import TokenStore
from crm_core.clock import Clock
from crm_core.messages import Body, Kind, OutboundMessage
from crm_core.reach import ReachRule, Window

_REPLY_DEADLINE = timedelta(seconds=4.5)
"""The platform hangs up after 5 s and repeats; half a second is for the way."""
_ACKNOWLEDGED = "success"


class WechatOa:
    """One Official Account (公众号)."""

    kind: ClassVar[str] = "wechat_oa"
    label: ClassVar[str] = "公众号"
    is_staffs: ClassVar[bool] = False
    Settings: ClassVar[type[AccountSettings]] = AccountSettings

    def __init__(
        self, name: str, settings: AccountSettings, http: HttpClient, clock: Clock, *, tokens: TokenStore | None = None
    ) -> None:
        self.name = name
        self.settings = settings
        self.limits = _limits(settings)
        self.sender = Sender(name, settings, http, clock=clock, tokens=tokens)
        self._clock = clock
        is_plain = settings.mode == "plain"
        self._envelope = None if is_plain else Envelope(settings.token, settings.aes_key, settings.app_id)

    async def receive(self, request: web.Request, body: bytes) -> Received:
        """Verify, decrypt and parse one callback request.

        Raises: Forbidden; BadRequest.
        """
        query = request.query
        check_fresh(query, self._clock.now())
        if request.method == "GET":
            verify_plain(self.settings, query)
            if "echostr" not in query:
                raise BadRequest("echostr")
            return Received(handshake=Handshake(query["echostr"]))
        document = read_document(self.settings, self._envelope, query, body)
        message = read_message(self.name, self.settings.app_id, document.tree)
        context = AnswerContext(
            person=message.address.external_id,
            account=text(document.tree, "ToUserName"),
            nonce=document.nonce,
            is_json=document.is_json,
            is_event=message.kind is Kind.EVENT,
        )
        return Received(messages=(message,), context=context)

    def answer(self, received: Received, reply: Body | None) -> web.Response:
        """Give the passive answer; nothing to say is `success`, which is never encrypted."""
        context = received.context
        if reply is None or not isinstance(context, AnswerContext):
            return web.Response(text=_ACKNOWLEDGED)
        fields = reply_fields(reply) if context.is_event else reply_fields(reply, articles=1)
        if not fields:
            return web.Response(text=_ACKNOWLEDGED)
        now = self._clock.now()
        written = write_reply(context, fields, now)
        if self._envelope is not None:
            written = seal_reply(self._envelope, context, written, now)
        return web.Response(text=written, content_type="application/json" if context.is_json else "text/xml")

    async def send(self, messages: Sequence[OutboundMessage]) -> list[SendReceipt]:
        """Send by customer-service or template message, one receipt each."""
        return [await self.sender.send(message) for message in messages]

    async def start(self, around: Surroundings) -> None:
        """Begin nothing: callbacks come by themselves."""

    async def stop(self) -> None:
        """End nothing."""


def _limits(settings: AccountSettings) -> ChannelLimits:
    return ChannelLimits(
        reply_deadline=_REPLY_DEADLINE,
        text_bytes=TEXT_BYTES,
        kinds=frozenset({Kind.TEXT, Kind.IMAGE, Kind.VOICE, Kind.NEWS, Kind.TEMPLATE}),
        reach=ReachRule(
            message=Window(settings.message_window_count, settings.message_window),
            event=Window(settings.event_window_count, settings.event_window),
        ),
    )
