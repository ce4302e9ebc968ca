"""Frames of a Stream connection: reading what comes, writing the acknowledgement. Pure.

Source: protocol page of the platform's Stream mode and the Python SDK 0.24.3, read 2026-11.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.channel import BadRequest
from bot.channels.dingtalk.fields import text
from bot.envelope_json import parse_object

OK, BAD, NOT_FOUND, FAILED = 200, 400, 404, 500
SYSTEM, EVENT, CALLBACK = "SYSTEM", "EVENT", "CALLBACK"
PING, DISCONNECT = "ping", "disconnect"
ROBOT_TOPIC = "/v1.0/im/bot/messages/get"
CARD_TOPIC = "/v1.0/card/instances/callback"
SUBSCRIPTIONS = (
    {"type": EVENT, "topic": "*"},
    {"type": CALLBACK, "topic": ROBOT_TOPIC},
    {"type": CALLBACK, "topic": CARD_TOPIC},
)
_LONGEST_ID = 512


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame; `data` is the text as it came, read by whoever knows the topic."""

    type: str
    topic: str
    message_id: str
    headers: Mapping[str, Any]
    data: str

    def tree(self) -> dict[str, Any]:
        """Read the data. Raises: BadRequest."""
        return parse_object(self.data.encode())


def read_frame(raw: str) -> Frame:
    """Read a frame. A sample of the platform's page says `header` for `headers`; both are taken.

    Raises: BadRequest.
    """
    tree = parse_object(raw.encode("utf-8", "replace"))
    headers = tree.get("headers", tree.get("header"))
    if not isinstance(headers, Mapping):
        raise BadRequest("headers")
    message_id = text(headers, "messageId")
    if len(message_id) > _LONGEST_ID:
        raise BadRequest("messageId")
    return Frame(text(tree, "type").upper(), text(headers, "topic"), message_id, headers, _data(tree.get("data")))


def _data(value: object) -> str:
    if isinstance(value, str):
        return value
    # Said to be a text always; whatever else it is, it is given on as one, so that the frame can still be answered.
    return "{}" if value is None else json.dumps(value, ensure_ascii=False)


def acknowledge(frame: Frame, data: object, *, code: int = OK, message: str = "OK") -> str:
    """Write the acknowledgement; `data` is a JSON text, or what one is made of."""
    told = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    headers = {"messageId": frame.message_id, "contentType": "application/json"}
    return json.dumps({"code": code, "message": message, "headers": headers, "data": told}, ensure_ascii=False)
