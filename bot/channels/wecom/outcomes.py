"""What an answer of the WeCom API means for the message it was about.

Source: error lists of the platform's pages, compiled in protocols.md sections 3.4 and 6 (2026-11).
"""

from datetime import datetime, timedelta

from bot.channel import SendReceipt, SendStatus
from bot.platform_result import TOKEN_REFUSED, Result

ADMIN_NEEDED = frozenset({40013, 40056, 48002, 60020, 301002})
"""The application's own setting is wrong (id, address not trusted, no permission): an admin must mend it."""
BAD_SECRET = frozenset({40001, 40013, 60020})
"""The same for the call that asks for a token, where 40001 is the secret."""
TOO_MANY_AT_ONCE = 45033
WELCOMED_ALREADY, WELCOME_UNDER_WAY = 41051, 41096
NO_RELATION = 84061
_MINUTE = timedelta(seconds=60)
_HOUR = timedelta(minutes=60)
_ADMIN_PAUSE = timedelta(minutes=10)
_FINAL = {
    40003: "bad_recipient",
    40004: "media_type",
    40007: "media_gone",
    40008: "kind_unsupported",
    40031: "bad_recipient",
    40058: "bad_argument",
    40096: "bad_recipient",
    WELCOMED_ALREADY: "already_welcomed",
    41054: "not_activated",
    44004: "empty_text",
    45001: "media_too_large",
    45002: "text_too_long",
    60111: "bad_recipient",
    81013: "bad_recipient",
    82001: "bad_recipient",
    NO_RELATION: "bad_recipient",
}


def receipt_of(result: Result, now: datetime, *, attempt: int = 1) -> SendReceipt:
    """Say what became of a send that was answered, for everybody it was to."""
    code = result.errcode
    if code == 0:
        return SendReceipt(SendStatus.SENT, external_id=str(result.fields.get("msgid") or ""))
    if code in TOKEN_REFUSED:
        return again("token", now + _MINUTE)
    if code in ADMIN_NEEDED:
        return again(f"needs_admin_{code}", now + _ADMIN_PAUSE)
    if code == 45009:
        # Which of its rules holds the platform does not say: the minute's lasts 60 s, the hour's 60 min.
        return again("frequency", now + min(_MINUTE * 2 ** (max(attempt, 1) - 1), _HOUR))
    if code == TOO_MANY_AT_ONCE:
        return again("too_many_at_once", now + timedelta(seconds=1))
    if code in (-1, WELCOME_UNDER_WAY):
        return SendReceipt(SendStatus.RETRY, "busy" if code == -1 else "welcome_under_way")
    return SendReceipt(SendStatus.REFUSED, _FINAL.get(code, f"errcode_{code}"))


def receipts_of(result: Result, users: list[str], now: datetime, *, attempt: int = 1) -> list[SendReceipt]:
    """Say what became of a send to several members: those the platform names got nothing."""
    receipt = receipt_of(result, now, attempt=attempt)
    if receipt.status is not SendStatus.SENT:
        return [receipt] * len(users)
    refused = {
        user: reason
        for field, reason in (("invaliduser", "bad_recipient"), ("unlicenseduser", "not_licensed"))
        for user in _named(result.fields.get(field))
    }
    # The platform gives the ids in small letters, whatever they were.
    return [
        SendReceipt(SendStatus.REFUSED, refused[user.casefold()]) if user.casefold() in refused else receipt for user in users
    ]


def _named(value: object) -> list[str]:
    return [user.casefold() for user in value.split("|") if user] if isinstance(value, str) else []


def again(reason: str, at: datetime) -> SendReceipt:
    """Give the receipt of a send that may be made again from `at` on, as everything of this channel."""
    return SendReceipt(SendStatus.RETRY, reason, retry_at=at, pause_until=at)
