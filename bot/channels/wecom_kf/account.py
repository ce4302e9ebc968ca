"""A customer-service account as a channel: its limits, its callback, its puller; sending stands in send.py.

The callback carries nothing but the news that something is there. It is stored as an event that concerns nobody, so that it
is acknowledged only when the database works, and it wakes the puller, which fetches what was said.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from aiohttp import web

from bot.callback_document import check_fresh
from bot.channel import BadRequest, ChannelLimits, Handshake, Received, SendRate, SendReceipt, Surroundings
from bot.channels.wecom.addressee import check_addressee
from bot.channels.wecom.receive import read_document, read_verification
from bot.channels.wecom_kf.calls import KfCalls
from bot.channels.wecom_kf.fields import Tree, instant, text
from bot.channels.wecom_kf.puller import Puller
from bot.channels.wecom_kf.send import TEXT_BYTES, Sender
from bot.channels.wecom_kf.settings import Settings as KfSettings
from bot.crypto import Envelope
from bot.httpclient import HttpClient
from bot.tokens import TokenStore
from crm_core.clock import Clock
from crm_core.messages import Address, Body, InboundMessage, Kind, OutboundMessage
from crm_core.reach import ReachRule, Window

EVENT = "kf_msg_or_event"
_CALLS_PER_MINUTE = 10_000


class WecomKf:
    """One customer-service account (微信客服)."""

    kind: ClassVar[str] = "wecom_kf"
    label: ClassVar[str] = "微信客服"
    is_staffs: ClassVar[bool] = False
    Settings: ClassVar[type[KfSettings]] = KfSettings

    def __init__(
        self, name: str, settings: KfSettings, http: HttpClient, clock: Clock, *, tokens: TokenStore | None = None
    ) -> None:
        self.name = name
        self.settings = settings
        self.limits = _limits(settings)
        self.calls = KfCalls(settings, http, clock=clock, tokens=tokens)
        self.sender = Sender(name, settings, self.calls, clock)
        self._clock = clock
        self._envelope = Envelope(settings.token, settings.aes_key, settings.corp_id)
        self._puller: Puller | None = None

    async def receive(self, request: web.Request, body: bytes) -> Received:
        """Verify and decrypt one callback; an event of this account wakes the puller.

        Raises: Forbidden; BadRequest.
        """
        query = request.query
        check_fresh(query, self._clock.now())
        if request.method == "GET":
            return Received(handshake=Handshake(read_verification(self._envelope, query)))
        tree = read_document(self._envelope, query, body).tree
        check_addressee(tree, self.settings.corp_id)
        if text(tree, "Event").lower() != EVENT or text(tree, "OpenKfId") != self.settings.open_kfid:
            # Of another account, or of no account at all: the platform is thanked, and nothing is kept.
            return Received()
        event = self._read_event(tree)
        if self._puller is not None:
            self._puller.wake(str(event.data["token"]), event.at)
        return Received(messages=(event,))

    def _read_event(self, tree: Tree) -> InboundMessage:
        at, token = _written(tree), text(tree, "Token")
        account = self.settings.open_kfid
        # Nobody's message: there is no FromUserName, and the content has to be fetched.
        key = f"wecom:{self.settings.corp_id}::evt::{int(at.timestamp())}:{EVENT}:{account}:{token}"
        data = {"token": token, "open_kfid": account}
        return InboundMessage(Address(self.name, ""), key, Kind.EVENT, at, event=EVENT, data=data)

    def answer(self, received: Received, reply: Body | None) -> web.Response:
        """Acknowledge with nothing; whatever is to be said leaves by API."""
        return web.Response()

    async def send(self, messages: Sequence[OutboundMessage]) -> list[SendReceipt]:
        """Send each message; one receipt each."""
        return [await self.sender.send(message) for message in messages]

    async def start(self, around: Surroundings) -> None:
        """Begin to pull, from where the last process left off."""
        self._puller = Puller(self.name, self.settings, self.calls, around, key_of=self.sender.key_of)
        around.supervisor.keep(f"pull:{self.name}", self._puller.run)

    def health(self) -> dict[str, object]:
        """Say how the fetching is, for the health page and the metrics."""
        return self._puller.health() if self._puller else {}

    async def stop(self) -> None:
        """Forget the puller, whose task the supervisor has ended."""
        self._puller = None


def _written(tree: Tree) -> datetime:
    # XML writes all fields as text; numbers out of any calendar are no times.
    at = instant(tree, "CreateTime")
    if at is None:
        raise BadRequest("CreateTime")
    return at.astimezone(UTC)


def _limits(settings: KfSettings) -> ChannelLimits:
    return ChannelLimits(
        reply_deadline=timedelta(0),  # nothing can be said in the answer to a callback or to a fetch
        text_bytes=TEXT_BYTES,
        rates=(SendRate(_CALLS_PER_MINUTE, 60.0),),
        keyed=True,
        kinds=frozenset({Kind.TEXT, Kind.IMAGE, Kind.VOICE, Kind.VIDEO, Kind.FILE, Kind.LINK, Kind.NEWS}),
        reach=ReachRule(message=Window(settings.message_window_count, settings.message_window)),
    )
