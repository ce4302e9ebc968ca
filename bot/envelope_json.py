"""Reading JSON from outside, strictly: what Python's decoder would let through silently is refused."""

import json
from math import isfinite
from typing import Any

from bot.channel import BadRequest
from bot.cutting import drop_control

MAX_DEPTH = 32
MAX_ITEMS = 20_000
_MAX_DIGITS = 20
_CONTROL_BYTES = bytes(code for code in range(32) if code not in (9, 10, 13))


def parse_object(body: bytes) -> dict[str, Any]:
    """Read a JSON object; control characters are dropped from its texts.

    The values are whatever the sender chose, hence `Any`: every reader checks the type it needs.

    Raises: BadRequest (not UTF-8, not JSON, not an object, a key twice, NaN, a huge number, too deep, too many).
    """
    try:
        text = body.translate(None, _CONTROL_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadRequest("utf8") from error
    if text.count(",") > MAX_ITEMS or text.count("{") > MAX_ITEMS or text.count("[") > MAX_ITEMS:
        raise BadRequest("size")
    try:
        value = _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        raise BadRequest("json") from error
    if not isinstance(value, dict):
        raise BadRequest("object")
    cleaned: dict[str, Any] = _clean(value, 1)
    return cleaned


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise BadRequest("repeated")
    return made


def _integer(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise BadRequest("number")
    return int(digits)


def _float(digits: str) -> float:
    number = float(digits)
    if not isfinite(number):
        raise BadRequest("number")
    return number


def _constant(name: str) -> float:
    raise BadRequest("number")


# strict=False: line ends and tabs stand raw inside texts of the platforms; the other control characters are gone already.
_DECODER = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_int=_integer, parse_float=_float, parse_constant=_constant, strict=False
)


def _clean(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return _clean_text(value)
    if depth > MAX_DEPTH:
        raise BadRequest("depth")
    if isinstance(value, dict):
        return {_clean_text(name): _clean(item, depth + 1) for name, item in value.items()}
    if isinstance(value, list):
        return [_clean(item, depth + 1) for item in value]
    return value


def _clean_text(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise BadRequest("surrogate") from error
    return drop_control(text)
