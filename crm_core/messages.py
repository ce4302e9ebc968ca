"""What a message is, on any channel: who, what kind, which text. No table, no platform."""

import hashlib
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
    MARKDOWN = "markdown"
    TEMPLATE = "template"
    NOTICE = "notice"
    """A subscription notice: needs a person's yes to its template, and no open window."""
    EVENT = "event"
    OTHER = "other"


class Guarantee(StrEnum):
    """What happens to a send that got no answer."""

    AT_MOST_ONCE = "at_most_once"
    """It becomes `unknown` and is not repeated (customers, channels without a key)."""
    AT_LEAST_ONCE = "at_least_once"
    """It is sent again (employees only)."""


class History(StrEnum):
    """Why a message is kept as history and not answered."""

    BEFORE = "before"
    """Older than our first look at the account: nobody is told of it either."""
    LATE = "late"
    """Fetched when the person may not be written to any more."""
    HOUSE = "house"
    """Said by somebody of the house in the platform's own client."""


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
    `about_customer`: the address is a customer's, although people of the house use the channel (WeCom customer contact).
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
    about_customer: bool = False

    @property
    def in_group(self) -> bool:
        """Whether others read along."""
        return bool(self.address.conversation)

    @property
    def history(self) -> str:
        """Why it is kept and not answered (a word of `History`), for a channel that fetches what was said; else ""."""
        return str(self.data.get("history") or "")


@dataclass(frozen=True, slots=True)
class Article:
    """One entry of a news message."""

    title: str
    description: str = ""
    picture_url: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Button:
    """Something one may press instead of typing: the intent it stands for, with these slots, said by whoever presses.

    What is pressed is read from the stored message, never from the press itself. It works once.
    """

    label: str
    intent: str
    slots: Mapping[str, str] = field(default_factory=dict)


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
    buttons: tuple[Button, ...] = ()
    """Shown where the channel has cards; the text must say how to do the same with words."""


PRESS = "card_action"
"""The event of a press; its data then names the message by `card_message_id` and `card_mark`, and the `button` from 1."""


def mark_of(key: str) -> str:
    """Give a short mark of a message's key, which tells it from one of the same number in another database."""
    return hashlib.sha256(key.encode()).hexdigest()[:16]


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
    audience: tuple[str, ...] = ()
    """The ids of all it goes to when one call reaches many (mass send); `address` then names the channel alone."""
