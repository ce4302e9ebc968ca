"""From a DingTalk body to a message: robot messages, events, card actions."""

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from bot.channel import BadRequest
from bot.channels.dingtalk.fields import instant, nested, text, trim, whole, words
from bot.channels.dingtalk.session_hosts import find_session_url
from bot.channels.dingtalk.settings import Settings
from bot.channels.dingtalk.tracks import read_track
from bot.envelope_json import parse_object
from crm_core.messages import PRESS, Address, InboundMessage, Kind

Tree = Mapping[str, Any]
Data = dict[str, object]
Content = tuple[Kind, str, Data]

SINGLE, GROUP = "1", "2"
_LONGEST_ID = 128
ROBOT_PREFIX = "robot:"
"""In front of the name of a custom group robot, which is written to and never writes."""
_NOBODY = "sys"
"""Who an event is from when it names no one."""


def read_robot_message(channel: str, settings: Settings, tree: Tree) -> InboundMessage | None:
    """Make the message of a robot callback; None for group talk that does not @ the robot.

    Raises: BadRequest.
    """
    message_id = text(tree, "msgId", needed=True)
    conversation = text(tree, "conversationId", needed=True)
    chat = text(tree, "conversationType", needed=True)
    sender = text(tree, "senderStaffId") or text(tree, "senderId", needed=True)
    if sender.startswith(ROBOT_PREFIX):  # the address of a group's robot: an answer to it would go into that group
        raise BadRequest("senderStaffId")
    at = instant(tree, "createAt")
    if chat not in (SINGLE, GROUP) or at is None:
        raise BadRequest("conversationType")
    kind, said, data = _content(tree)
    if chat == GROUP and tree.get("isInAtList") is not True:
        return None
    nickname = text(tree, "senderNick")
    return InboundMessage(
        address=Address(channel, sender, conversation if chat == GROUP else ""),
        key=f"dingtalk:{settings.client_id}:msg:{conversation}:{message_id}",
        kind=kind,
        at=at,
        text=said,
        external_id=message_id,
        nickname=nickname,
        data=data | _conversation(settings, tree) | {"nickname": nickname},
    )


def _conversation(settings: Settings, tree: Tree) -> Data:
    data: Data = {
        "conversation_id": text(tree, "conversationId"),
        "conversation_type": "group" if text(tree, "conversationType") == GROUP else "single",
        "sender_id": text(tree, "senderId"),
        "has_staff_id": bool(text(tree, "senderStaffId")),
    }
    expires_at = instant(tree, "sessionWebhookExpiredTime")
    url = find_session_url(tree.get("sessionWebhook"), settings.session_hosts)
    if url is not None and expires_at is not None:
        data |= {"session_webhook": str(url), "session_webhook_expires_at": expires_at.isoformat()}
    return data


def _content(tree: Tree) -> Content:
    if "errorCode" in tree:
        # The organisation's quota is used up: the platform tells that somebody wrote, not what.
        return Kind.OTHER, "", {"error_code": tree["errorCode"], "error_message": text(tree, "errorMessage")}
    word = text(tree, "msgtype", needed=True)
    read = _KINDS.get(word)
    return read(tree) if read else (Kind.OTHER, "", {"type": word, "raw": dict(nested(tree, "content"))})


def _said(tree: Tree) -> Content:
    # One official sample has the text on top as a plain `content`, without a `text` object.
    holder = nested(tree, "text") if "text" in tree else tree
    if "content" not in holder:
        raise BadRequest("content")
    return Kind.TEXT, trim(words(holder, "content")), {}


def _rich(tree: Tree) -> Content:
    parts = nested(tree, "content").get("richText")
    if not isinstance(parts, list) or not all(isinstance(part, Mapping) for part in parts):
        raise BadRequest("richText")
    said = trim("".join(words(part, "text") for part in parts))
    codes = [code for part in parts if (code := text(part, "downloadCode"))]
    return (Kind.IMAGE if codes and not said else Kind.TEXT), said, _codes(codes)


def _file(kind: Kind) -> Callable[[Tree], Content]:
    def read(tree: Tree) -> Content:
        content = nested(tree, "content")
        data = _codes([text(content, "downloadCode", needed=True)])
        if kind is Kind.VOICE and "duration" in content:
            data["duration_ms"] = whole(content, "duration")
        if kind is Kind.FILE:
            data["file_name"] = text(content, "fileName")
        return kind, trim(words(content, "recognition")), data

    return read


def _codes(codes: list[str]) -> Data:
    return {"download_code": codes[0], "download_codes": codes} if codes else {}


_KINDS: dict[str, Callable[[Tree], Content]] = {
    "text": _said,
    "richText": _rich,
    "picture": _file(Kind.IMAGE),
    "audio": _file(Kind.VOICE),
    "video": _file(Kind.VIDEO),
    "file": _file(Kind.FILE),
}


def read_event_message(channel: str, settings: Settings, tree: Tree, *, plain: bytes, now: datetime) -> InboundMessage:
    """Make the message of an event about the organisation.

    Raises: BadRequest.
    """
    event = text(tree, "EventType", needed=True).lower()
    # Events carry no id over HTTP; a repeat carries the same text, sealed anew.
    event_id = text(tree, "EventId") or text(tree, "eventId") or hashlib.sha256(plain).hexdigest()
    user_ids = _user_ids(tree)
    return InboundMessage(
        address=Address(channel, user_ids[0] if user_ids else _NOBODY),
        key=f"dingtalk:{settings.client_id}:evt:{event_id}",
        kind=Kind.EVENT,
        at=instant(tree, "TimeStamp") or now,
        event=event,
        data={"event_type": event, "user_ids": user_ids, "raw": dict(tree)},
    )


def read_stream_event(channel: str, settings: Settings, headers: Tree, tree: Tree, *, now: datetime) -> InboundMessage:
    """Make the message of an event that came over Stream: what HTTP has in the body, stands in the headers here.

    Raises: BadRequest.
    """
    event = text(headers, "eventType", needed=True).lower()
    event_id = text(headers, "eventId") or text(headers, "messageId", needed=True)
    user_ids = _user_ids(tree)
    return InboundMessage(
        address=Address(channel, user_ids[0] if user_ids else _NOBODY),
        key=f"dingtalk:{settings.client_id}:evt:{event_id[:_LONGEST_ID]}",
        kind=Kind.EVENT,
        at=instant(headers, "eventBornTime") or instant(headers, "time") or now,
        event=event[:_LONGEST_ID],
        external_id=event_id[:_LONGEST_ID],
        data={"event_type": event[:_LONGEST_ID], "user_ids": user_ids, "raw": dict(tree)},
    )


def _user_ids(tree: Tree) -> list[str]:
    users = tree.get("UserId", tree.get("userId"))
    listed = users if isinstance(users, list) else [users]
    return [str(user)[:_LONGEST_ID] for user in listed if isinstance(user, (str, int)) and str(user)]


def read_card_action(channel: str, settings: Settings, tree: Tree, *, timestamp: str, now: datetime) -> InboundMessage:
    """Make the message of a press on a card.

    Raises: BadRequest.
    """
    track = text(tree, "outTrackId", needed=True)
    person = text(tree, "userId", needed=True)
    content = words(tree, "content")
    pressed = nested(parse_object(content.encode("utf-8", "replace")), "cardPrivateData") if content else {}
    # A card callback has no id of its own; two presses of one button differ in their time.
    digest = hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()[:16]
    actions = pressed.get("actionIds", [])
    ours = read_track(track)
    card: Data = {"card_message_id": ours[0], "card_mark": ours[1], "button": _button(actions)} if ours else {}
    return InboundMessage(
        address=Address(channel, person),
        key=f"dingtalk:{settings.client_id}:card:{track}:{person}:{timestamp}:{digest}",
        kind=Kind.EVENT,
        at=now,
        event=PRESS,
        data={
            "out_track_id": track,
            "action_ids": json.dumps(actions, ensure_ascii=False),
            "params": json.dumps(pressed.get("params", {}), ensure_ascii=False),
            **card,
        },
    )


def _button(actions: object) -> int:
    """Tell which button was pressed, from 1; 0 for none of ours."""
    first = str(actions[0]) if isinstance(actions, list) and actions else ""
    return int(first) if first in ("1", "2", "3") else 0
