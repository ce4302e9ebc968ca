"""What WeChat and WeCom ask alike of the answer to a push; which replies each of them knows stands in its own folder.

Source: protocols.md sections 2.1 and 3.1, passive reply.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from xml.etree import ElementTree

from bot.simulator.documents import Document
from bot.simulator.envelope import Envelope, EnvelopeError
from bot.simulator.records import Json

TEXT_BYTES = 2048  # Content of a text reply
HEAD = ("ToUserName", "FromUserName", "CreateTime")


class BrokenReply(Exception):
    """The platform cannot use the answer."""


@dataclass(frozen=True, slots=True)
class PassiveReply:
    """An answer as the platform understood it."""

    kind: str  # none, or the MsgType of the reply
    text: str = ""
    fields: Json = field(default_factory=dict)
    complaints: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Tell whether there is nothing to show."""
        return self.kind == "none"


NOTHING = PassiveReply("none")


def read_root(body: bytes) -> ElementTree.Element:
    """Read XML. Raises: BrokenReply."""
    try:
        root = ElementTree.fromstring(body.decode())  # noqa: S314 - the product under test answers, on loopback
    except (ElementTree.ParseError, UnicodeDecodeError) as error:
        raise BrokenReply(f"malformed XML: {error}") from error
    if root.tag != "xml":
        raise BrokenReply("the root element is not xml")
    return root


def open_sealed(envelope: Envelope, outer: Json) -> bytes:
    """Verify and decrypt the reply inside. Raises: BrokenReply."""
    try:
        encrypted, given = str(outer["Encrypt"]), str(outer["MsgSignature"])
        timestamp, nonce = str(outer["TimeStamp"]), str(outer["Nonce"])
    except KeyError as error:
        raise BrokenReply(f"missing {error.args[0]}") from error
    if not hmac.compare_digest(envelope.sign(timestamp, nonce, encrypted).encode(), given.encode()):
        raise BrokenReply("wrong MsgSignature")
    try:
        return envelope.decrypt(encrypted)
    except EnvelopeError as error:
        raise BrokenReply(str(error)) from error


def judge_nonce(reply: PassiveReply, outer: Json, document: Document) -> PassiveReply:
    """Complain about a sealed reply whose nonce is not that of the request it answers."""
    if outer["Nonce"] == document.nonce:
        return reply
    # The platform takes any nonce (third-party libraries make their own), the published rule names the request's.
    return replace(reply, complaints=(*reply.complaints, "the reply's nonce is not the request's"))


def check_head(fields: Json, pushed: Json, *, account: str, needed: Mapping[str, tuple[str, ...]]) -> str:
    """Check who speaks to whom and that the kind has what it needs; gives the kind. Raises: BrokenReply."""
    kind = fields.get("MsgType")
    if not isinstance(kind, str) or kind not in needed:
        raise BrokenReply(f"unknown MsgType {kind!r}")
    missing = [name for name in (*HEAD, *needed[kind]) if name not in fields]
    if missing:
        raise BrokenReply(f"missing {', '.join(missing)}")
    if fields["ToUserName"] != pushed["FromUserName"] or fields["FromUserName"] != account:
        raise BrokenReply("sender or receiver is wrong")
    if not str(fields["CreateTime"]).isdecimal():
        raise BrokenReply("CreateTime is no number")
    return kind
