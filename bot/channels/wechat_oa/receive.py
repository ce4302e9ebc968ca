"""A callback of WeChat: is it authentic, and which document does it hold. What the document says is in messages.py."""

from collections.abc import Mapping

from bot.callback_document import Document, open_document, parse_document
from bot.channel import Forbidden
from bot.channels.wechat_oa.settings import Settings
from bot.crypto import Envelope, is_same, sign


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
    if envelope is not None:
        return open_document(envelope, query, body)
    verify_plain(settings, query)
    return parse_document(body, query.get("nonce", ""))
