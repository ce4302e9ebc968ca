"""A WeCom application as a channel: its limits, receiving, answering; sending stands in send.py.

People of the house talk to it, and it carries the accounts of customers whom members added (客户联系).
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import ClassVar

import structlog
from aiohttp import web

from bot.callback_document import check_fresh
from bot.channel import ChannelLimits, Handshake, Received, SendRate, SendReceipt, Surroundings
from bot.channels.wecom.addressee import check_addressee
from bot.channels.wecom.answers import TEXT_BYTES, UPDATE_BUTTON, AnswerContext, reply_fields, seal_reply, write_reply
from bot.channels.wecom.calls import ApiRefused, Calls
from bot.channels.wecom.cards import new_name, says_all
from bot.channels.wecom.contact_api import ContactApi
from bot.channels.wecom.contact_ways import ContactWays
from bot.channels.wecom.contacts import Contacts
from bot.channels.wecom.directory import Directory
from bot.channels.wecom.group_sends import GroupSends
from bot.channels.wecom.media import Media
from bot.channels.wecom.messages import read_message
from bot.channels.wecom.receive import VERIFICATION_DEADLINE, read_document, read_verification
from bot.channels.wecom.send import PAGE, Sender
from bot.channels.wecom.settings import Settings as ApplicationSettings
from bot.channels.wecom.welcomes import Welcomes
from bot.crypto import Envelope
from bot.document_fields import text
from bot.httpclient import HttpClient, NotSent, Unanswered
from bot.supervisor import Supervisor
from bot.tokens import TokenError, TokenStore
from crm_core.clock import Clock
from crm_core.errors import Invalid
from crm_core.messages import PRESS, Body, Kind, OutboundMessage
from crm_core.ports import Core
from scheduler.queue import Periodic

log = structlog.get_logger(__name__)

_REPLY_DEADLINE = timedelta(seconds=4.5)
"""The platform hangs up after 5 s and repeats; half a second is for the way."""
_KINDS = frozenset(
    {Kind.TEXT, Kind.MARKDOWN, Kind.IMAGE, Kind.VOICE, Kind.VIDEO, Kind.FILE, Kind.LINK, Kind.NEWS, Kind.TEMPLATE}
)


class WeCom:
    """One application of a corporation (企业微信应用), with customer contact."""

    kind: ClassVar[str] = "wecom"
    label: ClassVar[str] = "企业微信"
    is_staffs: ClassVar[bool] = True
    sends_to_groups: ClassVar[bool] = True
    """Customers hang on a staff channel, and broadcasts to them are group-send tasks."""
    Settings: ClassVar[type[ApplicationSettings]] = ApplicationSettings

    def __init__(
        self, name: str, settings: ApplicationSettings, http: HttpClient, clock: Clock, *, tokens: TokenStore | None = None
    ) -> None:
        self.name = name
        self.settings = settings
        # Of one corporation and API: 10,000 a minute and 150,000 an hour (limits page, protocols.md section 3.4).
        self.limits = ChannelLimits(
            reply_deadline=_REPLY_DEADLINE,
            text_bytes=TEXT_BYTES,
            rates=(SendRate(10_000, 60.0), SendRate(150_000, 3600.0)),
            page=PAGE,
            kinds=_KINDS,
        )
        self.calls = Calls(settings, http, clock=clock, tokens=tokens)
        self.sender = Sender(name, self.calls, clock)
        self.welcomes = Welcomes(name, self.sender)
        self.group_sends = GroupSends(name, self.calls)
        self.media = Media(self.calls)
        self.contact_api = ContactApi(self.calls)
        self.ways = ContactWays(name, self.contact_api)
        self.contacts = Contacts(name, self.calls)
        self.directory = Directory(name, self.calls)
        self._clock = clock
        self._envelope = Envelope(settings.token, settings.aes_key, settings.corp_id)

    async def receive(self, request: web.Request, body: bytes) -> Received:
        """Verify, decrypt and parse one callback request.

        Raises: Forbidden; BadRequest.
        """
        query = request.query
        check_fresh(query, self._clock.now())
        if request.method == "GET":
            plain = read_verification(self._envelope, query)
            return Received(handshake=Handshake(plain), reply_deadline=VERIFICATION_DEADLINE)
        document = read_document(self._envelope, query, body)
        check_addressee(document.tree, self.settings.corp_id, self.settings.agent_id)
        message = read_message(self.name, self.settings.corp_id, document.tree)
        context = AnswerContext(
            person=text(document.tree, "FromUserName") or message.address.external_id,
            account=text(document.tree, "ToUserName") or self.settings.corp_id,
            nonce=document.nonce,
            is_json=document.is_json,
        )
        return Received(messages=(message,), context=context)

    def answer(self, received: Received, reply: Body | None) -> web.Response:
        """Give the passive answer, sealed; nothing to say is an empty body."""
        context = received.context
        body = reply
        if reply is not None and any(message.event == PRESS for message in received.messages) and says_all(reply):
            body = Body(Kind.TEMPLATE, template_id=UPDATE_BUTTON, template_data={"replace_name": new_name(reply)})
        fields = reply_fields(body) if body is not None else {}
        if not fields or not isinstance(context, AnswerContext):
            return web.Response(text="")
        now = self._clock.now()
        sealed = seal_reply(self._envelope, context, write_reply(context, fields, now), now)
        return web.Response(text=sealed, content_type="application/json" if context.is_json else "text/xml")

    async def send(self, messages: Sequence[OutboundMessage]) -> list[SendReceipt]:
        """Send messages of one body, up to a page of members in one call; one receipt each."""
        return await self.sender.send(messages)

    def attach(self, core: Core, supervisor: Supervisor) -> None:
        """Keep in this core what sending must remember."""
        self.sender.use(core)

    def periodics(self) -> Sequence[Periodic]:
        """Name what is done beside receiving and sending, where delivery is done."""
        return (
            Periodic(f"send_marks:{self.name}", timedelta(minutes=10), self.sender.forget),
            *self.welcomes.periodics(),
            *self.group_sends.periodics(),
            *self.contacts.periodics(),
            *self.directory.periodics(),
        )

    async def fetch_file(self, data: Mapping[str, object], most_bytes: int) -> bytes | None:
        """Fetch the file of a message; None when the platform does not give it."""
        try:
            content = (await self.media.download(str(data.get("media_id") or ""))).body
        except (ApiRefused, TokenError, NotSent, Unanswered):
            return None
        return content if len(content) <= most_bytes else None

    async def give_file(self, name: str, content: bytes) -> str:
        """Bring a file up for a message; "" when the platform does not take it."""
        try:
            return await self.media.upload("file", name, content, content_type="application/octet-stream")
        except (ApiRefused, TokenError, NotSent, Unanswered, Invalid):
            return ""

    async def start(self, around: Surroundings) -> None:
        """Begin nothing: callbacks come by themselves."""

    async def stop(self) -> None:
        """End nothing."""
