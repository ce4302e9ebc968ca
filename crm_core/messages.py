"""What a message is, on any channel: who, what kind, which text. No table, no platform."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Direction(StrEnum):
    """Which way a message went, seen from the house."""

    IN = "in"
    OUT = "out"


class Kind(StrEnum):
    """What a message carries; platforms' own words are mapped onto these."""

    TEXT = "text"
    IMAGE = "image"
    VOICE = "voice"
    VIDEO = "video"
    FILE = "file"
    LOCATION = "location"
    LINK = "link"
    NEWS = "news"
    TEMPLATE = "template"
    EVENT = "event"
    OTHER = "other"


class Guarantee(StrEnum):
    """What happens to a send that got no answer."""

    AT_MOST_ONCE = "at_most_once"
    """It becomes `unknown` and is not repeated (customers, channels without a key)."""
    AT_LEAST_ONCE = "at_least_once"
    """It is sent again (employees only)."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a message goes: a channel of the settings and an id on it.

    `conversation` is the platform's group id when the answer belongs into a group.
    """

    channel: str
    external_id: str
    conversation: str = ""


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """One message or event as a channel understood it.

    `key` is the strong key of protocols.md: the same for every repeat, never the same for two messages.
    `at` is the platform's time of it. `event` is the lower-case event name for kind EVENT, and `data` holds
    what else the platform told (scene, event_key, media_id, session_webhook …) as plain strings and numbers.
    """

    address: Address
    key: str
    kind: Kind
    at: datetime
    text: str = ""
    event: str = ""
    external_id: str = ""
    nickname: str = ""
    data: Mapping[str, object] = field(default_factory=dict)

    @property
    def in_group(self) -> bool:
        """Whether others read along."""
        return bool(self.address.conversation)


@dataclass(frozen=True, slots=True)
class Article:
    """One entry of a news message."""

    title: str
    description: str = ""
    picture_url: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Body:
    """What is said, whichever way: text always, and a picture, articles or a platform template beside it."""

    kind: Kind = Kind.TEXT
    text: str = ""
    media_id: str = ""
    articles: tuple[Article, ...] = ()
    template_id: str = ""
    template_data: Mapping[str, str] = field(default_factory=dict)
    url: str = ""


@dataclass(frozen=True, slots=True)
class OutboundMessage:
    """One message to be sent to one address; `key` is ours, stable over repeats."""

    id: int
    key: str
    address: Address
    body: Body
    guarantee: Guarantee = Guarantee.AT_MOST_ONCE
    attempt: int = 1
    reply_data: Mapping[str, object] = field(default_factory=dict)
    """`data` of the message that is answered (session_webhook …), empty for a message of our own."""
