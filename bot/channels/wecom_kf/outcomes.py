"""What an answer of the customer-service API means for the message it was about.

Source: error lists of the platform's pages, compiled in protocols.md sections 3.3 and 6 (2026-11).
"""

from dataclasses import replace
from datetime import datetime

from bot.channel import SendReceipt, SendStatus
from bot.channels.wecom import outcomes
from bot.platform_result import Result

SESSION_REFUSED = frozenset({95013, 95016, 95018})
"""The session is over, may not change, or does not allow sending."""
BAD_EVENT_TOKEN = 95007
SESSION_REASON = "session_state"
_CLOSED = {95001: "window_used_up", 95002: "window_closed"}
_FINAL = {
    41035: "bad_recipient",
    95000: "bad_account",
    95003: "too_many_customers",
    95004: "unknown_account",
    95014: "not_a_servicer",
    95017: "api_switched_off",
}
FOR_ADMIN = frozenset({*outcomes.ADMIN_NEEDED, 95000, 95004, 95017})
"""Nothing of this channel works until somebody mends its settings."""


def receipt_of(result: Result, now: datetime, *, attempt: int = 1) -> SendReceipt:
    """Say what became of a send that was answered."""
    code = result.errcode
    if code in _CLOSED:
        return SendReceipt(SendStatus.WINDOW_CLOSED, _CLOSED[code])
    if code in SESSION_REFUSED:
        return SendReceipt(SendStatus.REFUSED, SESSION_REASON)
    if code in _FINAL:
        return SendReceipt(SendStatus.REFUSED, _FINAL[code])
    receipt = outcomes.receipt_of(result, now, attempt=attempt)
    # One too many at once is a matter of this call; the others go on.
    return replace(receipt, pause_until=None) if code == outcomes.TOO_MANY_AT_ONCE else receipt


def speaks_of_our_key(result: Result) -> bool:
    """Tell whether a refusal is about `msgid`: ours always has the right form, so the platform knows it already.

    No code for this is published, so the words decide.
    """
    return bool(result.errcode) and "msgid" in str(result.fields.get("errmsg") or "").lower()


def is_unlisted(receipt: SendReceipt) -> bool:
    """Tell whether nobody knows what this refusal means."""
    return receipt.status is SendStatus.REFUSED and receipt.reason.startswith("errcode_")
