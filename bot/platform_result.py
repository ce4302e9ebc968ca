"""The JSON answer of a WeChat or WeCom API call: both say what became of it by an `errcode`.

What a code means for a message is each channel's own matter, in its outcomes.py.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.httpclient import Answer
from bot.tokens import Token, TokenError

TOKEN_REFUSED = frozenset({40001, 40014, 41001, 42001})


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


def read_token(answer: Answer, now: datetime, for_admin: Set[int]) -> Token:
    """Read the answer of a call for a token; the codes `for_admin` say that only a changed setting helps.

    Raises: TokenError.
    """
    result = read_result(answer)
    if result is None:
        raise TokenError("unreadable_answer")
    value, lasts = result.fields.get("access_token"), result.fields.get("expires_in")
    if result.errcode or not value or not isinstance(value, str) or not isinstance(lasts, int):
        raise TokenError(f"errcode_{result.errcode}", for_admin=result.errcode in for_admin)
    return Token(value, now + timedelta(seconds=lasts))
