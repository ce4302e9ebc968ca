"""Frames of the Stream protocol, and the judgement on what a client sends back.

Source: protocols.md section 4.3, Stream protocol page.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from bot.simulator.dingtalk.knobs import Knobs
from bot.simulator.records import Json

SYSTEM, EVENT, CALLBACK = "SYSTEM", "EVENT", "CALLBACK"
ROBOT_TOPIC = "/v1.0/im/bot/messages/get"
CARD_TOPIC = "/v1.0/card/instances/callback"
EVENT_TOPIC = "*"
PING, DISCONNECT = "ping", "disconnect"
CONTENT_TYPE = "application/json"
CODES = frozenset({200, 400, 404, 500})
STATUSES = frozenset({"SUCCESS", "LATER"})


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of the gateway, before it is written for a connection."""

    kind: str
    topic: str
    data: str  # a JSON string, or what a test puts there
    message_id: str = ""  # empty: left out, as on some disconnects
    extra: Json = field(default_factory=dict)  # the event's own headers

    @property
    def subscription(self) -> tuple[str, str]:
        """What a connection has to be subscribed to for this frame."""
        return self.kind, self.topic


@dataclass(frozen=True, slots=True)
class Ack:
    """What a client sent back."""

    raw: str
    code: int = 0
    message_id: str = ""
    data: Json = field(default_factory=dict)
    problem: str = ""  # the first breach of the protocol

    @property
    def is_later(self) -> bool:
        """Tell whether an event is asked for again."""
        return self.data.get("status") == "LATER"


def pack(value: Any) -> str:
    """Write the data of a frame: JSON inside JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def write(frame: Frame, connection_id: str, app_id: str, stamp_ms: int, knobs: Knobs) -> str:
    """Write a frame for one connection."""
    head: Json = {"topic": frame.topic, "contentType": CONTENT_TYPE}
    if frame.message_id:
        head |= {"messageId": frame.message_id, "time": stamp_ms, "appId": app_id, "connectionId": connection_id}
    head |= frame.extra
    if knobs.string_times:
        head |= {name: str(head[name]) for name in ("time", "eventBornTime") if name in head}
    name = "header" if knobs.header_singular else "headers"
    return pack({"specVersion": "1.0", "type": frame.kind, name: head, "data": frame.data})


def read_ack(raw: str) -> Ack:
    """Read what a client sent; `problem` names its first breach of the form."""
    fields = _object(raw)
    if fields is None:
        return Ack(raw, problem="the ack is no JSON object")
    head, code = fields.get("headers"), fields.get("code")
    if not isinstance(head, dict):
        return Ack(raw, problem="the ack has no headers")
    message_id = head.get("messageId")
    message_id = message_id if isinstance(message_id, str) else ""
    data = _object(fields.get("data"))
    return Ack(
        raw,
        int(code) if code is not None and _is_code(code) else 0,
        message_id,
        data or {},
        _find_breach(message_id, head, code, data),
    )


def judge(frame: Frame, ack: Ack) -> str:
    """Name the breach of an ack of good form that does not fit its frame; empty if there is none."""
    if frame.kind == SYSTEM:
        return "" if ack.data == _object(frame.data) else "the ack of a ping does not echo its data"
    if ack.code != 200:
        return ""
    if frame.kind == EVENT:
        # A client of the platform's own echoes the event instead of giving a status: that is taken for success.
        good = ack.data.get("status") in STATUSES or ack.data == _object(frame.data)
        return "" if good else "the ack of an event says neither SUCCESS nor LATER"
    return "" if "response" in ack.data else "the ack of a callback has no response"


def _find_breach(message_id: str, head: Json, code: Any, data: Json | None) -> str:
    if not message_id:
        return "the ack has no messageId"
    if head.get("contentType") != CONTENT_TYPE:
        return f"the ack has contentType {head.get('contentType')}"
    if not _is_code(code):
        return f"the ack has code {code}"
    return "the data of the ack is no JSON string of an object" if data is None else ""


def _is_code(code: Any) -> bool:
    return isinstance(code, int) and not isinstance(code, bool) and code in CODES


def _object(raw: Any) -> Json | None:
    if not isinstance(raw, str):
        return None
    try:
        value = json.loads(raw)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
