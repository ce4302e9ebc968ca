"""A callback of WeCom: is it authentic, and which document does it hold. What the document says is in messages.py."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.channel import BadRequest, Forbidden
from bot.crypto import Envelope
from bot.envelope_json import parse_object
from bot.envelope_xml import parse_xml

FRESH_SECONDS = 300
"""How far the request's time may be off. Own rule: the platform sets none (protocols.md section 5)."""
VERIFICATION_DEADLINE = timedelta(seconds=1)
_MAX_DIGITS = 12
_BLANKS = b"\xef\xbb\xbf \t\r\n"


@dataclass(frozen=True, slots=True)
class Document:
    """An authentic document and how its answer must look."""

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


def read_verification(envelope: Envelope, query: Mapping[str, str]) -> str:
    """Give the plain text that answers a verification (URL 验证), and nothing beside it.

    A "+" of the encrypted text that arrives as a blank is not mended: the signature was made over the "+", and a
    gateway that changes what it passes on should be noticed when it is set up.

    Raises: Forbidden; BadRequest.
    """
    if "echostr" not in query:
        raise BadRequest("echostr") if _signature(query) else Forbidden("msg_signature")
    plain = _open(envelope, query, query["echostr"])
    try:
        return plain.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRequest("utf8") from error


def read_document(envelope: Envelope, query: Mapping[str, str], body: bytes) -> Document:
    """Verify a push and read its document; nothing outside the encrypted part is believed.

    Raises: Forbidden; BadRequest.
    """
    if not _signature(query):
        raise Forbidden("msg_signature")
    outer, _ = _parse(body)
    encrypted = outer.get("Encrypt", outer.get("encrypt"))
    if encrypted is None:
        raise Forbidden("unencrypted")
    if not isinstance(encrypted, str):
        raise BadRequest("Encrypt")
    tree, is_json = _parse(_open(envelope, query, encrypted))
    return Document(tree, is_json, query.get("nonce", ""))


def _signature(query: Mapping[str, str]) -> str:
    return query.get("msg_signature", "")


def _open(envelope: Envelope, query: Mapping[str, str], encrypted: str) -> bytes:
    return envelope.open(_signature(query), query.get("timestamp", ""), query.get("nonce", ""), encrypted)


def _parse(body: bytes) -> tuple[Mapping[str, Any], bool]:
    # Applications get XML; newer kinds of them JSON, and only the body says which.
    if body.lstrip(_BLANKS)[:1] == b"{":
        return parse_object(body), True
    return parse_xml(body), False
