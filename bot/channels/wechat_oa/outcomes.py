"""What an answer of the WeChat API means for the message it was about.

Source: error lists of the platform's pages, compiled in protocols.md sections 2.2 and 6 (2026-11).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.channel import SendReceipt, SendStatus
from bot.httpclient import Answer
from crm_core.clock import day_bounds, local_day

TOKEN_REFUSED = frozenset({40001, 40014, 41001, 42001})
ADMIN_NEEDED = frozenset({40013, 40125, 40164, 89501, 89503, 89506, 89507})
"""The account's own setting is wrong (id, secret, address not trusted): nothing goes out until an admin mends it."""
_IGNORED = frozenset({0, 45065, 45080, 45081})
"""Done, or done already: 45065 carries the id of the first send; 45080 and 45081 are about the typing sign."""
_MINUTE = timedelta(seconds=60)
_ADMIN_PAUSE = timedelta(minutes=10)

_PASSING = {-1: "busy", 45011: "minute_quota", 45066: "repeated_too_fast"}
_DAILY = {45009: "daily_quota", 45028: "mass_quota"}
_CLOSED = {45015: "window_closed", 45047: "window_used_up"}
_FINAL = {
    40003: "bad_recipient",
    40007: "media_gone",
    40037: "bad_template",
    40130: "bad_request",
    43004: "not_follower",
    43019: "blacklisted",
    43101: "no_consent",
    44004: "empty_text",
    45002: "text_too_long",
    45094: "blocked_as_penalty",
    45166: "content_refused",
    47003: "bad_argument",
    48001: "no_permission",
    48002: "user_blocked",
}


@dataclass(frozen=True, slots=True)
class Result:
    """The JSON answer of an API call."""

    errcode: int
    fields: Mapping[str, Any]


def read_result(answer: Answer) -> Result | None:
    """Read an answer; None means that nobody knows what became of the call (5xx, HTML, nonsense)."""
    fields = answer.json()
    if fields is None or answer.status != 200:
        return None
    errcode = fields.get("errcode", 0)
    if isinstance(errcode, str) and errcode.removeprefix("-").isdecimal():
        errcode = int(errcode)
    return Result(errcode, fields) if isinstance(errcode, int) else None


def is_token_refused(answer: Answer) -> bool:
    """Tell whether the platform refused the token, so that a new one may help."""
    result = read_result(answer)
    return result is not None and result.errcode in TOKEN_REFUSED


def receipt_of(result: Result, now: datetime) -> SendReceipt:
    """Say what became of a send that was answered."""
    code = result.errcode
    if code in _IGNORED:
        return SendReceipt(SendStatus.SENT, external_id=_message_id(result.fields))
    if code in _CLOSED:
        return SendReceipt(SendStatus.WINDOW_CLOSED, _CLOSED[code])
    if code in TOKEN_REFUSED:
        return _again("token", now + _MINUTE, pause=True)
    if code in ADMIN_NEEDED:
        return _again(f"needs_admin_{code}", now + _ADMIN_PAUSE, pause=True)
    if code in _DAILY:
        # Until midnight in Shanghai: assumed, the platform names no hour.
        return _again(_DAILY[code], day_bounds(local_day(now))[1], pause=True)
    if code in _PASSING:
        return _again(_PASSING[code], None if code == -1 else now + _MINUTE, pause=code == 45011)
    return SendReceipt(SendStatus.REFUSED, _FINAL.get(code, f"errcode_{code}"))


def _again(reason: str, at: datetime | None, *, pause: bool) -> SendReceipt:
    return SendReceipt(SendStatus.RETRY, reason, retry_at=at, pause_until=at if pause else None)


def _message_id(fields: Mapping[str, Any]) -> str:
    found = fields.get("msgid") or fields.get("msg_id") or ""
    return str(found)
