"""A callback of WeChat or WeCom: is its time right, and which document does its body hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.channel import BadRequest, Forbidden
from bot.crypto import Envelope
from bot.envelope_json import parse_object
from bot.envelope_xml import parse_xml

FRESH_SECONDS = 300
"""How far the request's time may be off. Own rule: the platforms set none (protocols.md section 5)."""
_MAX_DIGITS = 12
_BLANKS = b"\xef\xbb\xbf \t\r\n"


@dataclass(frozen=True, slots=True)
class Document:
    """A document and how its answer must look."""

    tree: Mapping[str, Any]
    """Texts, numbers and nested values as the platform sent them; the reader checks each type."""
    is_json: bool
    nonce: str


def check_fresh(query: Mapping[str, str], now: datetime) -> None:
    """Refuse a request whose time is missing, no number or too far off.

    Raises: Forbidden.
    """
    timestamp = query.get("timestamp", "")
    if not (timestamp.isascii() and timestamp.isdigit()) or len(timestamp) > _MAX_DIGITS:
        raise Forbidden("timestamp")
    if abs(now.timestamp() - int(timestamp)) > FRESH_SECONDS:
        raise Forbidden("stale")


def parse_document(body: bytes, nonce: str) -> Document:
    """Read a body as XML or JSON: the console decides between them, and only the body says which.

    Raises: BadRequest.
    """
    if body.lstrip(_BLANKS)[:1] == b"{":
        return Document(parse_object(body), True, nonce)
    return Document(parse_xml(body), False, nonce)


def open_document(
    envelope: Envelope, query: Mapping[str, str], body: bytes, *, names: tuple[str, ...] = ("Encrypt",)
) -> Document:
    """Verify a sealed push and read its document; nothing outside the encrypted part, under one of `names`, is believed.

    Raises: Forbidden; BadRequest.
    """
    signature, nonce = query.get("msg_signature", ""), query.get("nonce", "")
    if not signature:
        raise Forbidden("msg_signature")
    outer = parse_document(body, nonce).tree
    encrypted = next((outer[name] for name in names if name in outer), None)
    if encrypted is None:
        raise Forbidden("unencrypted")
    if not isinstance(encrypted, str):
        raise BadRequest("Encrypt")
    return parse_document(envelope.open(signature, query.get("timestamp", ""), nonce, encrypted), nonce)
