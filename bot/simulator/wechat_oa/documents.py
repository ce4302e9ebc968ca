"""Documents that the platform pushes: XML or JSON, plain, compatible or safe.

Fields are one nested dictionary: texts become CDATA, numbers stay bare, a list repeats its element.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from bot.simulator.accounts import WeChatAccount
from bot.simulator.envelope import Envelope, signature

Fields = dict[str, Any]  # texts, numbers, nested dictionaries, lists of dictionaries


@dataclass(frozen=True, slots=True)
class Document:
    """One push ready to leave: query, body and content type."""

    query: dict[str, str]
    body: bytes
    content_type: str

    @property
    def nonce(self) -> str:
        """The nonce the answer has to carry in safe mode."""
        return self.query["nonce"]


def envelope_of(account: WeChatAccount) -> Envelope:
    """Make the envelope of an account."""
    return Envelope(account.token, account.aes_key, account.app_id)


def to_xml(fields: Mapping[str, Any]) -> str:
    """Write fields as the platform writes XML."""
    return f"<xml>{_elements(fields)}</xml>"


def to_json(fields: Mapping[str, Any]) -> str:
    """Write fields as the platform writes JSON."""
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))


def make_document(account: WeChatAccount, fields: Fields, stamp: float, *, openid: str) -> Document:
    """Wrap a message for the callback with a fresh nonce and signature."""
    timestamp, nonce = str(int(stamp)), str(secrets.randbelow(9_000_000_000) + 1_000_000_000)
    query = {"signature": signature(account.token, timestamp, nonce), "timestamp": timestamp, "nonce": nonce, "openid": openid}
    if account.mode == "plain":
        return _document(account, query, fields)
    envelope = envelope_of(account)
    encrypted = envelope.encrypt(_write(account, fields).encode())
    query |= {"encrypt_type": "aes", "msg_signature": envelope.sign(timestamp, nonce, encrypted)}
    clear = fields if account.mode == "compatible" else {"ToUserName": fields["ToUserName"]}
    return _document(account, query, {**clear, "Encrypt": encrypted})


def make_handshake(account: WeChatAccount, stamp: float) -> dict[str, str]:
    """Make the query of the address verification."""
    timestamp, nonce = str(int(stamp)), str(secrets.randbelow(9_000_000_000))
    echo = str(secrets.randbelow(10**19))
    return {"signature": signature(account.token, timestamp, nonce), "timestamp": timestamp, "nonce": nonce, "echostr": echo}


def _document(account: WeChatAccount, query: dict[str, str], fields: Fields) -> Document:
    content_type = "application/json" if account.format == "json" else "text/xml"
    return Document(query, _write(account, fields).encode(), content_type)


def _write(account: WeChatAccount, fields: Fields) -> str:
    return to_json(fields) if account.format == "json" else to_xml(fields)


def _elements(fields: Mapping[str, Any]) -> str:
    return "".join(_element(name, value) for name, value in fields.items())


def _element(name: str, value: object) -> str:
    if isinstance(value, list):
        return "".join(_element(name, item) for item in value)
    if isinstance(value, Mapping):
        return f"<{name}>{_elements(value)}</{name}>"
    if isinstance(value, int | float):
        return f"<{name}>{value}</{name}>"
    text = str(value).replace("]]>", "]]]]><![CDATA[>")
    return f"<{escape(name)}><![CDATA[{text}]]></{escape(name)}>"
