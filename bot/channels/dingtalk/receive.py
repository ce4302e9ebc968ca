"""A callback of DingTalk: which of the three it is (robot, event, card), and whether it is authentic."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.channel import BadRequest, Forbidden
from bot.channels.dingtalk.settings import Settings
from bot.crypto import Envelope, hmac_sha256, is_same, sign_dingtalk
from bot.envelope_json import parse_object

FRESH_SECONDS = 3600
"""Source: robot callback page of the platform, read 2026-11."""
_MILLISECOND_DIGITS = 13
_MAX_DIGITS = 15
CARD_SIGNATURE = "x-ddpaas-signature"
CARD_TIMESTAMP = "x-ddpaas-signature-timestamp"


def check_fresh(timestamp: str, now: datetime) -> None:
    """Refuse a time that is missing, no number, or over an hour off; the platform writes milliseconds.

    Raises: Forbidden.
    """
    if not (timestamp.isascii() and timestamp.isdigit()) or len(timestamp) > _MAX_DIGITS:
        raise Forbidden("timestamp")
    seconds = int(timestamp) / 1000 if len(timestamp) >= _MILLISECOND_DIGITS else int(timestamp)
    if abs(now.timestamp() - seconds) > FRESH_SECONDS:
        raise Forbidden("stale")


def read_robot(settings: Settings, headers: Mapping[str, str], body: bytes, *, now: datetime) -> dict[str, Any]:
    """Verify the header sign, which does not cover the body, and give the body of a robot message.

    Raises: Forbidden (also for another robot's message); BadRequest.
    """
    timestamp = headers.get("timestamp", "")
    check_fresh(timestamp, now)
    if not is_same(headers.get("sign", ""), sign_dingtalk(timestamp, settings.client_secret)):
        raise Forbidden("sign")
    tree = parse_object(body)
    # Custom robots have no robotCode, hence absent is not wrong; whoever replays a sign could copy the code anyway.
    if tree.get("robotCode", settings.robot) != settings.robot:
        raise Forbidden("robotCode")
    return tree


def read_event(envelope: Envelope, query: Mapping[str, str], body: bytes, *, now: datetime) -> tuple[dict[str, Any], bytes]:
    """Verify and decrypt an event; gives its fields and its plain text.

    Raises: Forbidden; BadRequest.
    """
    timestamp = query.get("timestamp", "")
    check_fresh(timestamp, now)
    signature = query.get("msg_signature") or query.get("signature", "")
    encrypted = parse_object(body).get("encrypt")
    if not isinstance(encrypted, str):
        raise BadRequest("encrypt")
    plain = envelope.open(signature, timestamp, query.get("nonce", ""), encrypted)
    return parse_object(plain), plain


def seal_event_answer(envelope: Envelope, nonce: str, now: datetime) -> str:
    """Write the only answer an event takes: `success`, sealed."""
    timestamp = str(int(now.timestamp() * 1000))
    encrypted = envelope.encrypt("success")
    signature = envelope.sign(timestamp, nonce, encrypted)
    return json.dumps({"msg_signature": signature, "timeStamp": timestamp, "nonce": nonce, "encrypt": encrypted})


def read_card(settings: Settings, headers: Mapping[str, str], body: bytes, *, now: datetime) -> dict[str, Any]:
    """Verify a card callback, whose sign covers the time alone, and give its body.

    Raises: Forbidden; BadRequest.
    """
    timestamp = headers.get(CARD_TIMESTAMP, "")
    check_fresh(timestamp, now)
    expected = hmac_sha256(settings.card_secret, timestamp)
    # Without a secret of our own everybody could compute the signature.
    if not settings.card_secret or not is_same(headers.get(CARD_SIGNATURE, ""), expected):
        raise Forbidden("signature")
    return parse_object(body)
