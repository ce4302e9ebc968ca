"""What an answer of the DingTalk APIs means for the message it was about.

Source: error lists of the platform's pages, compiled in protocols.md sections 4.5 and 6 (2026-11).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from bot.channel import SendReceipt, SendStatus
from bot.httpclient import Answer

_TOKEN_CODES = frozenset({"InvalidAuthentication", "40001", "40014", "42001", "88"})
_QPS = ("Forbidden.AccessDenied.QpsLimitForAppkeyAndApi", "Forbidden.AccessDenied.QpsLimitForApi", "90002", "90018")
_MONTH = ("Forbidden.AccessDenied.ApiCountLimitForOrg", "90020")
PUSHES_OVER = "20001"
"""Instead of a message the platform tells that the month's pushes are used up."""
_TOO_FAST = ("send.too.fast", "send.byToken.tooFast")
GROUP_TOO_FAST = ("130101", "410100")
TOO_MANY = ("invalidParameter.userIds.overMax", "too.many.people")
BLOCKED_EVERYWHERE = "1111"
"""This address called too often: every call of it is refused for a while."""
_FINAL = {
    "robot.oto.notExist": "bad_recipient",
    "staffId.notExisted": "bad_recipient",
    "chatbotId.notAllow.sendOTO": "no_permission",
    "session.expired": "session_expired",
    "group.disbanded": "channel_gone",
    "contain.unsafe.url": "content_refused",
    "400013": "channel_gone",
    "400101": "channel_gone",
    "400102": "channel_gone",
    "400105": "kind_unsupported",
    "43004": "kind_unsupported",
    "40035": "bad_request",
}
_CONTENT_REFUSED, _CONTENT_DIGITS = "4301", 6
_SECOND = timedelta(seconds=1)
_MINUTE = timedelta(seconds=60)
BLOCKED = timedelta(minutes=10)
"""How long a custom robot that spoke too often is shut out."""
PUNISHMENT = timedelta(minutes=5)


def code_of(answer: Answer) -> str | None:
    """Give the error code, "" for success, None if nobody knows what became of the call.

    The new APIs answer with a status and `code`, the old ones with 200 and `errcode`.
    """
    fields = answer.json()
    if fields is None or answer.status >= 500:
        return None
    if str(fields.get("status", "")) == BLOCKED_EVERYWHERE:
        return BLOCKED_EVERYWHERE
    code = fields.get("code") or fields.get("errcode") or ""
    if not code and answer.status == 401:
        return "InvalidAuthentication"
    if not code and answer.status != 200:
        return None
    return str(code)


def is_token_refused(answer: Answer) -> bool:
    """Tell whether the platform refused the token, so that a new one may help."""
    return answer.status == 401 or code_of(answer) in _TOKEN_CODES


def is_month_over(code: str) -> bool:
    """Tell whether the month's calls or pushes are used up."""
    return code in _MONTH or code == PUSHES_OVER


def needs_admin(code: str) -> bool:
    """Tell whether only an admin can mend it."""
    return code in _MONTH


def receipt_of(code: str, now: datetime, *, external_id: str = "") -> SendReceipt:
    """Say what became of a send that was answered with a code."""
    if not code:
        return SendReceipt(SendStatus.SENT, external_id=external_id)
    if code in _QPS:
        return _again("qps", now + _SECOND, pause=True)
    if code in _TOO_FAST:
        return _again("too_fast", None, pause=False)
    if code == BLOCKED_EVERYWHERE:
        return _again("punished", now + PUNISHMENT, pause=True)
    if code in _TOKEN_CODES:
        return _again("token", now + _MINUTE, pause=True)
    if code in _MONTH:
        return SendReceipt(SendStatus.REFUSED, "month_quota")
    if code.startswith(_CONTENT_REFUSED) and len(code) == _CONTENT_DIGITS:
        return SendReceipt(SendStatus.REFUSED, "content_refused")
    return SendReceipt(SendStatus.REFUSED, _FINAL.get(code, f"code_{code}"))


def receipts_of_batch(answer: Mapping[str, Any], users: list[str], now: datetime) -> list[SendReceipt]:
    """Say what became of each person of a batch the platform took: not all of them need have got it."""
    invalid = _lower(answer.get("invalidStaffIdList"))
    limited = _lower(answer.get("flowControlledStaffIdList"))
    sent = SendReceipt(SendStatus.SENT, external_id=str(answer.get("processQueryKey") or ""))
    receipts = []
    for user in users:
        if user.lower() in invalid:
            receipts.append(SendReceipt(SendStatus.REFUSED, "bad_recipient"))
        elif user.lower() in limited:
            receipts.append(_again("flow_controlled", now + _SECOND, pause=False))
        else:
            receipts.append(sent)
    return receipts


def _lower(ids: object) -> frozenset[str]:
    return frozenset(str(one).lower() for one in ids) if isinstance(ids, list) else frozenset()


def _again(reason: str, at: datetime | None, *, pause: bool) -> SendReceipt:
    return SendReceipt(SendStatus.RETRY, reason, retry_at=at, pause_until=at if pause else None)
