"""Documents that the platform pushes: XML or JSON, plain, compatible or safe."""

import secrets

from bot.simulator.accounts import WeChatAccount
from bot.simulator.documents import Document, Fields, make_nonce, to_json, to_xml
from bot.simulator.envelope import Envelope, signature


def envelope_of(account: WeChatAccount) -> Envelope:
    """Make the envelope of an account."""
    return Envelope(account.token, account.aes_key, account.app_id)


def make_document(account: WeChatAccount, fields: Fields, stamp: float, *, openid: str) -> Document:
    """Wrap a message for the callback with a fresh nonce and signature."""
    query = {**_query(account, stamp), "openid": openid}
    if account.mode == "plain":
        return _document(account, query, fields)
    envelope = envelope_of(account)
    encrypted = envelope.encrypt(_write(account, fields).encode())
    query |= {"encrypt_type": "aes", "msg_signature": envelope.sign(query["timestamp"], query["nonce"], encrypted)}
    clear = fields if account.mode == "compatible" else {"ToUserName": fields["ToUserName"]}
    return _document(account, query, {**clear, "Encrypt": encrypted})


def make_handshake(account: WeChatAccount, stamp: float) -> tuple[dict[str, str], bytes]:
    """Make the query of the address verification, and the answer that is expected."""
    echo = str(secrets.randbelow(10**19))
    return {**_query(account, stamp), "echostr": echo}, echo.encode()


def _query(account: WeChatAccount, stamp: float) -> dict[str, str]:
    timestamp, nonce = str(int(stamp)), make_nonce()
    return {"signature": signature(account.token, timestamp, nonce), "timestamp": timestamp, "nonce": nonce}


def _document(account: WeChatAccount, query: dict[str, str], fields: Fields) -> Document:
    content_type = "application/json" if account.format == "json" else "text/xml"
    return Document(query, _write(account, fields).encode(), content_type)


def _write(account: WeChatAccount, fields: Fields) -> str:
    return to_json(fields) if account.format == "json" else to_xml(fields)
