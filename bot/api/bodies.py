"""Request bodies: strict JSON into typed structs, with every wrong field named at once."""

from datetime import datetime
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct

from bot.api.problems import what_is_wrong
from bot.channel import BadRequest
from bot.envelope_json import parse_object
from crm_core.errors import CrmError

B = TypeVar("B", bound=Struct)
MAX_ID = 2**53
_YEARS = range(1970, 2200)

Id = Annotated[int, Meta(ge=1, le=MAX_ID)]
Instant = Annotated[datetime, Meta(tz=True)]
Money = Annotated[str, Meta(pattern=r"^\d{1,12}(\.\d{1,2})?$", description="yuan")]
Short = Annotated[str, Meta(max_length=64)]
Line = Annotated[str, Meta(max_length=128)]
Long = Annotated[str, Meta(max_length=20000)]
Phone = Annotated[str, Meta(max_length=32)]


class Empty(Struct):
    """An action without arguments: `{}` or nothing."""


class UnreadableBody(CrmError):
    """No JSON object, or one that means two things."""

    status = 400
    code = "body.unreadable"
    text = "请求内容不是有效的JSON对象"


class BodyTooLarge(CrmError):
    """Over `[server] max_body`."""

    status = 413
    code = "body.too_large"
    text = "请求内容超过大小限制"


class BrokenBody(CrmError):
    """Cut off, or not packed as its header says."""

    status = 400
    code = "body.broken"
    text = "请求内容不完整或压缩有误"


class BodyTooSlow(CrmError):
    """The rest did not come in time."""

    status = 408
    code = "body.too_slow"
    text = "请求内容没有按时传完"


class WrongFields(CrmError):
    """Fields that are unknown, missing or of the wrong form; `problems` says what is wrong with each."""

    status = 422
    code = "fields.invalid"
    text = "请求的字段有误：{names}"


def wrong_fields(problems: dict[str, str]) -> WrongFields:
    """Make the error that names every wrong field."""
    return WrongFields(names="、".join(problems), problems=problems)


def read_body(raw: bytes, kind: type[B]) -> B:
    """Read a body into its struct.

    Raises: UnreadableBody; WrongFields.
    """
    try:
        document = parse_object(raw) if raw.strip() else {}
    except BadRequest:
        raise UnreadableBody from None
    known = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    problems = {name[:64]: "没有这个字段" for name in document if name not in known}
    values: dict[str, Any] = {}
    for name, field in known.items():
        if name not in document:
            if field.required:
                problems[name] = "缺少这个字段"
            continue
        try:
            values[field.name] = read_field(document[name], field.type)
        except msgspec.ValidationError as error:
            problems[name] = what_is_wrong(error, field.type)
    if problems:
        raise wrong_fields(problems)
    return kind(**values)


def read_field(value: object, kind: Any) -> Any:
    """Convert one value. Raises: msgspec.ValidationError."""
    made = msgspec.convert(value, kind)
    if isinstance(made, datetime) and made.year not in _YEARS:
        raise msgspec.ValidationError("year out of range")
    return made


def given(body: Struct) -> dict[str, Any]:
    """Tell the fields a body gave."""
    return {name: value for name in body.__struct_fields__ if (value := getattr(body, name)) is not UNSET}
