"""Documents that WeCom pushes: XML inside an AES envelope, always; and the query of the address check.

Source: protocols.md sections 1 and 3.1. The customer service (微信客服) uses the same with keys of its own.
"""

import secrets

from bot.simulator.accounts import WeComCorp
from bot.simulator.documents import Document, Fields, make_nonce, to_xml
from bot.simulator.envelope import Envelope

HANDSHAKE_SECONDS = 1.0  # the answer to the address check has to be there by then


def envelope_of(corp: WeComCorp) -> Envelope:
    """Make the envelope of the application's callback."""
    return Envelope(corp.token, corp.aes_key, corp.corp_id)


def make_document(envelope: Envelope, fields: Fields, stamp: float) -> Document:
    """Wrap a message for the callback with a fresh nonce and signature."""
    encrypted = envelope.encrypt(to_xml(fields).encode())
    outer: Fields = {"ToUserName": envelope.receive_id, "Encrypt": encrypted}
    if "AgentID" in fields:
        outer["AgentID"] = str(fields["AgentID"])
    return Document(_query(envelope, encrypted, stamp), to_xml(outer).encode())


def make_handshake(envelope: Envelope, stamp: float) -> tuple[dict[str, str], bytes]:
    """Make the query of the address verification, and the answer that is expected."""
    echo = str(secrets.randbelow(10**19)).encode()
    encrypted = envelope.encrypt(echo)
    return {**_query(envelope, encrypted, stamp), "echostr": encrypted}, echo


def _query(envelope: Envelope, encrypted: str, stamp: float) -> dict[str, str]:
    timestamp, nonce = str(int(stamp)), make_nonce()
    return {"msg_signature": envelope.sign(timestamp, nonce, encrypted), "timestamp": timestamp, "nonce": nonce}
