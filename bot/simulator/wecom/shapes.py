"""How the parts of the simulated WeCom read a call: token, scope, JSON, names and types of its fields.

Names the platform does not know are passed over by it; here they are noted as well, because a
product that sends them believes in something that does not happen.
"""

from collections.abc import Mapping
from typing import Any

from bot.simulator.calls import Call, Refused, errcode, has_escapes, read_object
from bot.simulator.records import Json, Records

Kinds = Mapping[str, type | tuple[type, ...]]  # the names of a body and their types
FLAG = (int, bool)
MISSING: dict[str, int] = {  # the platform's own codes for some names; every other missing one is 40058
    "userid": 41009,
    "agentid": 41011,
    "external_userid": 41035,
    "media_id": 41006,
    "title": 41016,
    "url": 41010,
    "config_id": 41043,
    "msgid": 41046,
    "welcome_code": 41049,
    "type": 41037,
    "scene": 41038,
}


def bad_parameter(what: str) -> Refused:
    """Refuse a call whose arguments cannot be used."""
    return errcode(40058, f"{what}, invalid Request Parameter, hint: [simulated]")


def read_body(call: Call, records: Records, *, strict_unicode: bool) -> Json:
    r"""Read the JSON object of a call; visible characters written as \uXXXX are noted and refused."""
    if has_escapes(call.body):
        records.complain(call.path, "the JSON body holds \\uXXXX instead of raw UTF-8")
        if strict_unicode:
            raise errcode(40033, "invalid charset, it must not include \\uxxxx, hint: [simulated]")
    fields = read_object(call.body)
    if fields is None:
        records.complain(call.path, "the body is no JSON object")
        raise errcode(47001, "data format error, hint: [simulated]")
    return fields


def check_fields(where: str, fields: Mapping[str, Any], kinds: Kinds, records: Records, needed: tuple[str, ...] = ()) -> None:
    """Note unknown names; refuse wrong types and missing names, and note them too."""
    for name, value in fields.items():
        if name not in kinds:
            records.complain(where, f"unknown field {name}")
        elif value is not None and not _fits(value, kinds[name]):
            records.complain(where, f"{name} has the wrong type")
            raise bad_parameter(f"wrong type of {name}")
    for name in needed:
        if fields.get(name) in (None, "", [], {}):
            records.complain(where, f"missing {name}")
            raise errcode(MISSING.get(name, 40058), f"missing {name}, hint: [simulated]")


def read_limit(fields: Mapping[str, Any], most: int, default: int) -> int:
    """Read the page size of a call."""
    limit = fields.get("limit")
    if limit is None:
        return default
    if not isinstance(limit, int) or not 1 <= limit <= most:
        raise bad_parameter("limit out of range")
    return limit


def _fits(value: object, kind: type | tuple[type, ...]) -> bool:
    wanted = kind if isinstance(kind, tuple) else (kind,)
    if isinstance(value, bool) and bool not in wanted:
        return False
    # Numbers may come as digits: the platform reads both.
    return isinstance(value, wanted) or (int in wanted and isinstance(value, str) and value.lstrip("-").isdecimal())


def page_of(rows: list[Any], cursor: object, limit: int) -> tuple[list[Any], str]:
    """Cut one page; the cursor of the next is empty at the end."""
    text = str(cursor or "")
    if text and not text.removeprefix("CUR").isdecimal():
        raise bad_parameter("invalid cursor")
    start = int(text.removeprefix("CUR")) if text else 0
    end = start + limit
    return rows[start:end], f"CUR{end}" if end < len(rows) else ""
