"""A callback of WeCom: is it authentic, and which document does it hold. What the document says is in messages.py."""

from collections.abc import Mapping
from datetime import timedelta

from bot.callback_document import Document, open_document
from bot.channel import BadRequest, Forbidden
from bot.crypto import Envelope

VERIFICATION_DEADLINE = timedelta(seconds=1)


def read_verification(envelope: Envelope, query: Mapping[str, str]) -> str:
    """Give the plain text that answers a verification (URL 验证), and nothing beside it.

    A "+" of the encrypted text that arrives as a blank is not mended: the signature was made over the "+", and a
    gateway that changes what it passes on should be noticed when it is set up.

    Raises: Forbidden; BadRequest.
    """
    signature = query.get("msg_signature", "")
    if "echostr" not in query:
        raise BadRequest("echostr") if signature else Forbidden("msg_signature")
    plain = envelope.open(signature, query.get("timestamp", ""), query.get("nonce", ""), query["echostr"])
    try:
        return plain.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRequest("utf8") from error


def read_document(envelope: Envelope, query: Mapping[str, str], body: bytes) -> Document:
    """Verify a push and read its document; nothing outside the encrypted part is believed.

    Raises: Forbidden; BadRequest.
    """
    return open_document(envelope, query, body, names=("Encrypt", "encrypt"))
