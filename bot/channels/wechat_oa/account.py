"""An Official Account as a channel: its limits, receiving, answering; sending stands in send.py."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar

from aiohttp import web

from bot.callback_document import check_fresh
from bot.channel import BadRequest, ChannelLimits, Handshake, Received, SendReceipt, Surroundings
from bot.channels.wechat_oa.answers import TEXT_BYTES, AnswerContext, reply_fields, seal_reply, write_reply
from bot.channels.wechat_oa.messages import read_message
from bot.channels.wechat_oa.receive import read_document, verify_plain
from bot.channels.wechat_oa.send import Sender
from bot.channels.wechat_oa.settings import MASS_LEAST
from bot.channels.wechat_oa.settings import Settings as AccountSettings
from bot.crypto import Envelope
from bot.document_fields import text
from bot.httpclient import HttpClient
from bot.tokens import TokenStore
from crm_core import tracking_codes
from crm_core.clock import Clock
from crm_core.messages import Body, Kind, OutboundMessage
from crm_core.ports import Core
from crm_core.reach import MassRule, ReachRule, Window
from scheduler.queue import Periodic, once_a_day

if TYPE_CHECKING:  # loaded with the first call: the library behind it is slow to load
    from bot.channels.wechat_oa.api import WechatApi
    from bot.channels.wechat_oa.mass import MassSender

_REPLY_DEADLINE = timedelta(seconds=4.5)
"""The platform hangs up after 5 s and repeats; half a second is for the way."""
_ACKNOWLEDGED = "success"
_CODES_EVERY = timedelta(seconds=1)
_FOLLOWERS_EVERY = timedelta(minutes=10)
_FOLLOWERS_WITHIN = timedelta(hours=2)


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
        self._api: WechatApi | None = None
        self._mass: MassSender | None = None
        self._up_since: float | None = None
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
        """Send by customer-service, template, notice or mass message, one receipt each."""
        return [await self._send(message) for message in messages]

    async def _send(self, message: OutboundMessage) -> SendReceipt:
        if not message.audience:
            return await self.sender.send(message)
        return await (await self.mass()).send(message)

    async def api(self) -> "WechatApi":
        """Give the calls that are not messages; their library is loaded with the first one."""
        if self._api is None:
            module = await asyncio.to_thread(import_module, "bot.channels.wechat_oa.api")
            self._api = self._api or module.WechatApi(self.sender)
        return self._api

    async def mass(self) -> "MassSender":
        """Give the mass calls."""
        if self._mass is None:
            await self.api()
            from bot.channels.wechat_oa.mass import MassSender

            self._mass = self._mass or MassSender(self.sender, self._clock, lists=self.settings.account == "service")
        return self._mass

    def periodics(self) -> Sequence[Periodic]:
        """Name what is done beside receiving and sending, where delivery is done."""
        return (
            Periodic(f"codes:{self.name}", _CODES_EVERY, self._make_codes),
            Periodic(f"followers:{self.name}", _FOLLOWERS_EVERY, self._list_followers, time_limit=_FOLLOWERS_WITHIN),
        )

    async def _make_codes(self, core: Core) -> None:
        if await core.db.read(tracking_codes.wanted(self.name, core.clock.now())):
            from bot.channels.wechat_oa.codes import make_wanted

            await make_wanted(core, self.name, await self.api())

    async def _list_followers(self, core: Core) -> None:
        """List the followers once a night, not right after a start: an operator who restarts wants to see other things."""
        if self._up_since is None:
            self._up_since = core.clock.monotonic()
        if core.clock.monotonic() - self._up_since >= _FOLLOWERS_EVERY.total_seconds():
            await once_a_day(core, f"followers:{self.name}", self.settings.followers_at, lambda: self._sync(core))

    async def _sync(self, core: Core) -> None:
        api = await self.api()
        from bot.channels.wechat_oa.followers import sync

        await sync(core, self.name, api)

    async def start(self, around: Surroundings) -> None:
        """Begin nothing: callbacks come by themselves."""

    async def stop(self) -> None:
        """End nothing."""


def _limits(settings: AccountSettings) -> ChannelLimits:
    return ChannelLimits(
        reply_deadline=_REPLY_DEADLINE,
        text_bytes=TEXT_BYTES,
        kinds=frozenset({Kind.TEXT, Kind.IMAGE, Kind.VOICE, Kind.NEWS, Kind.TEMPLATE, Kind.NOTICE}),
        reach=ReachRule(
            message=Window(settings.message_window_count, settings.message_window),
            event=Window(settings.event_window_count, settings.event_window),
            mass=_mass_rule(settings),
        ),
    )


def _mass_rule(settings: AccountSettings) -> MassRule:
    if settings.account == "service":
        return MassRule(most=settings.mass_chunk, least=MASS_LEAST, monthly=settings.mass_monthly)
    return MassRule(most=settings.mass_chunk, least=1, monthly=None)
