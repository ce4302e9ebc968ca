"""Group robots (消息推送): a key in the address, 20 messages in a sliding minute.

Source: protocols.md section 3.4, group robot.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.simulator.calls import Call, Handler, errcode
from bot.simulator.records import Json
from bot.simulator.wecom.message_shapes import check_message
from bot.simulator.wecom.shapes import bad_parameter, check_fields, read_body
from bot.simulator.wecom.state import OK, PLATFORM, PREFIX, WeComState

TEXT_BYTES, MARKDOWN_BYTES = 2048, 4096
PICTURE_BYTES = 2 * 2**20
OWN = frozenset({"text", "markdown", "markdown_v2", "image"})
SHARED = frozenset({"news", "file", "voice", "template_card"})  # look as a message of the application does
KINDS: dict[str, type | tuple[type, ...]] = {
    "msgtype": str,
    "text": dict,
    "markdown": dict,
    "markdown_v2": dict,
    "image": dict,
    "news": dict,
    "file": dict,
    "voice": dict,
    "template_card": dict,
}


@dataclass(slots=True)
class GroupRobot:
    """A robot somebody added to a group by hand."""

    key: str
    group: str
    refusal: int = 0  # 93004 disabled, 93008 not in the group any more


class RobotApi:
    """The calls under /cgi-bin/webhook."""

    def __init__(self, state: WeComState) -> None:
        self._state = state
        self.robots: dict[str, GroupRobot] = {}

    def routes(self) -> dict[str, Handler]:
        """Name the paths."""
        return {f"{PREFIX}/webhook/send": self.send, f"{PREFIX}/webhook/upload_media": self.upload}

    def send(self, call: Call) -> Json:
        """Deliver a message to the group of a robot."""
        state, robot = self._state, self._find(call)
        state.limits.spend_robot(robot.key)
        fields = read_body(call, state.records, strict_unicode=state.options.strict_unicode)
        check_fields(call.path, fields, KINDS, state.records, ("msgtype",))
        kind = str(fields["msgtype"])
        if kind not in OWN | SHARED:
            raise errcode(40008, "invalid message type, hint: [simulated]")
        text = _check_own(kind, fields.get(kind)) if kind in OWN else check_message(fields, state.media.has)[1]
        state.records.delivered(PLATFORM, robot.group, "group_robot", kind, text, "", fields)
        return OK

    def upload(self, call: Call) -> Json:
        """Keep a file for the robot's own messages."""
        self._find(call)
        kind = call.query.get("type", "")
        media_id = self._state.media.keep_upload(kind, call.uploads.get("media"), ("file", "voice"))
        return {**OK, "type": kind, "media_id": media_id, "created_at": str(int(self._state.clock.seconds()))}

    def _find(self, call: Call) -> GroupRobot:
        robot = self.robots.get(call.query.get("key", ""))
        if robot is None:
            raise errcode(93000, "invalid webhook url, hint: [simulated]")
        if robot.refusal:
            raise errcode(robot.refusal, "robot is disabled or not in the group, hint: [simulated]")
        return robot


def _check_own(kind: str, inner: Any) -> str:
    if not isinstance(inner, dict):
        raise errcode(44004, f"empty content of {kind}, hint: [simulated]")
    checks: dict[str, Callable[[Json], str]] = {"image": _check_picture, "text": _check_text}
    return checks.get(kind, _check_markdown)(inner)


def _check_text(inner: Json) -> str:
    return _check_length(inner, TEXT_BYTES)


def _check_markdown(inner: Json) -> str:
    return _check_length(inner, MARKDOWN_BYTES)


def _check_length(inner: Json, most: int) -> str:
    content = inner.get("content")
    if not isinstance(content, str) or not content:
        raise errcode(44004, "empty content, hint: [simulated]")
    if len(content.encode()) > most:
        raise bad_parameter(f"content exceed max length {most}")
    return content


def _check_picture(inner: Json) -> str:
    try:
        data = base64.b64decode(str(inner.get("base64", "")), validate=True)
    except (binascii.Error, ValueError) as error:
        raise bad_parameter("invalid base64") from error
    if not 0 < len(data) <= PICTURE_BYTES:
        raise errcode(40009, "invalid image size, hint: [simulated]")
    if hashlib.md5(data).hexdigest() != inner.get("md5"):  # noqa: S324 - the platform's own check
        raise errcode(301019, "image md5 not match, hint: [simulated]")
    return ""
