"""A callback of WeChat: is it authentic, and which document does it hold. What the document says is in messages.py."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.channel import BadRequest, Forbidden
from bot.channels.wechat_oa.settings import Settings
from bot.crypto import Envelope, is_same, sign
from bot.envelope_json import parse_object
from bot.envelope_xml import parse_xml

FRESH_SECONDS = 300
"""How far the request's time may be off. Own rule: the platform sets none (protocols.md section 5)."""
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


def verify_plain(settings: Settings, query: Mapping[str, str]) -> None:
    """Check the three-part signature of handshakes and plain mode; it does not cover the body.

    Raises: Forbidden.
    """
    expected = sign(settings.token.reveal(), query.get("timestamp", ""), query.get("nonce", ""))
    if not is_same(query.get("signature", ""), expected):
        raise Forbidden("signature")


def read_document(settings: Settings, envelope: Envelope | None, query: Mapping[str, str], body: bytes) -> Document:
    """Verify a push in the mode of the settings, never in one the request asks for, and read its document.

    In compatible mode the clear fields beside `Encrypt` can be forged, so only the decrypted copy is used.

    Raises: Forbidden; BadRequest.
    """
    nonce = query.get("nonce", "")
    if envelope is None:
        verify_plain(settings, query)
        return Document(*_parse(body), nonce)
    signature = query.get("msg_signature", "")
    if not signature:
        raise Forbidden("msg_signature")
    outer, _ = _parse(body)
    encrypted = outer.get("Encrypt")
    if encrypted is None:
        raise Forbidden("unencrypted")
    if not isinstance(encrypted, str):
        raise BadRequest("Encrypt")
    return Document(*_parse(envelope.open(signature, query.get("timestamp", ""), nonce, encrypted)), nonce)


def _parse(body: bytes) -> tuple[Mapping[str, Any], bool]:
    # The console decides between XML and JSON and nothing in the request says which: the body does.
    if body.lstrip(_BLANKS)[:1] == b"{":
        return parse_object(body), True
    return parse_xml(body), False
