"""What a kind of channel is: receive, answer, send; its limits, and the errors it may raise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Protocol, runtime_checkable

from aiohttp import web

from bot.supervisor import Supervisor
from crm_core.messages import Body, InboundMessage, Kind, OutboundMessage
from crm_core.ports import Core
from crm_core.reach import ReachRule
from scheduler.queue import Periodic


class ChannelError(Exception):
    """A refused or failed exchange with a platform; never reaches a person."""


class Forbidden(ChannelError):
    """The request is not authentic: 403, one generic refusal."""


class BadRequest(ChannelError):
    """The request cannot be read: 400."""


class TooLarge(ChannelError):
    """The body is over the cap: 413."""


class SendStatus(StrEnum):
    """What became of one send."""

    SENT = "sent"
    HANDED_OVER = "handed_over"
    """The platform accepted; a colleague must still confirm."""
    RETRY = "retry"
    """Provably not sent, or refused for a passing reason; again at `retry_at` (or soon)."""
    REFUSED = "refused"
    """Final, `reason` is a stable code."""
    WINDOW_CLOSED = "window_closed"
    """May not be written to now; kept for the person's next message."""
    UNKNOWN = "unknown"
    """It may have taken effect; no answer came."""


@dataclass(frozen=True, slots=True)
class SendReceipt:
    """What became of one message. `pause_until` asks the delivery to rest this channel."""

    status: SendStatus
    reason: str = ""
    external_id: str = ""
    retry_at: datetime | None = None
    pause_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class SendRate:
    """At most `count` calls within any `seconds`."""

    count: int
    seconds: float


@dataclass(frozen=True, slots=True)
class ChannelLimits:
    """What the platform allows; `reach` says when a person may be written to."""

    reply_deadline: timedelta
    """The platform's own: the answer must have left before."""
    text_bytes: int
    rates: tuple[SendRate, ...] = ()
    page: int = 1
    """People one call can reach (DingTalk one-to-one: 20)."""
    keyed: bool = False
    """Whether the platform recognises a repeated key, so that an unanswered send may be repeated with it."""
    kinds: frozenset[Kind] = frozenset({Kind.TEXT})
    reach: ReachRule = field(default_factory=ReachRule)


@dataclass(frozen=True, slots=True)
class Handshake:
    """The platform asked whether we are who it thinks: this text answers it."""

    text: str
    content_type: str = "text/plain"


@dataclass(frozen=True, slots=True)
class Received:
    """What a callback request held: messages (usually one), or a handshake to answer."""

    messages: tuple[InboundMessage, ...] = ()
    handshake: Handshake | None = None
    context: object = None
    """What `answer` needs of the request (nonce, format); opaque to everybody else."""
    reply_deadline: timedelta | None = None
    """Shorter than the channel's own for this kind of request (DingTalk event and card)."""


class Inlet(Protocol):
    """Where a channel that fetches for itself (Stream, customer service) gives what it got; the gateway is one."""

    async def take(self, channel: str, received: Received) -> Body | None:
        """Record and work as for a callback; durable when it returns.

        Gives the answer that may leave in the same exchange, within `received.reply_deadline`; None when it has none or
        leaves later through the outbox.

        Raises: Unavailable or TimeoutError when a message could not be made durable.
        """


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a started channel may use: the way in, an owner for its background tasks, and the core.

    `core.state` may be forgotten at any time when it lives in Redis; `core.db` is where a cursor belongs.
    """

    inlet: Inlet
    supervisor: Supervisor
    core: Core
    public_url: str = ""
    """Where the platforms reach this server."""


@runtime_checkable
class Working(Protocol):
    """A channel with work of its own beside receiving and sending; done where delivery is done."""

    def periodics(self) -> Sequence[Periodic]:
        """Name the work."""


def group_channels(kinds: Mapping[str, Any], channels: Mapping[str, tuple[str, Any]]) -> frozenset[str]:
    """Name the staff channels that carry customers too (WeCom): what goes to many there, a colleague must confirm."""
    return frozenset(name for name, (kind, _) in channels.items() if getattr(kinds[kind], "sends_to_groups", False))


class Channel(Protocol):
    """One configured account of a platform."""

    kind: ClassVar[str]
    """The word in the settings."""
    label: ClassVar[str]
    """What people call this kind of channel."""
    is_staffs: ClassVar[bool]
    """Whether people of the house write to the bot here."""
    name: str
    """NAME of `[channels.NAME]`."""
    limits: ChannelLimits

    async def receive(self, request: web.Request, body: bytes) -> Received:
        """Verify, decrypt and parse one callback request; the body is within the cap already.

        Raises: Forbidden; BadRequest.
        """

    def answer(self, received: Received, reply: Body | None) -> web.Response:
        """Give the passive answer, or for None the platform's empty acknowledgement."""

    async def send(self, messages: Sequence[OutboundMessage]) -> list[SendReceipt]:
        """Send up to `limits.page` messages of one and the same body in one call; one receipt each, in order.

        Never raises for what a platform or network does; has a time limit.
        """

    async def start(self, around: Surroundings) -> None:
        """Begin what runs in the background (nothing for HTTP channels)."""

    async def stop(self) -> None:
        """End it."""
