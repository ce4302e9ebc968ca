"""From a WeChat document to a message: kind, text, strong key and what else the platform told.

wechatpy's message classes are not used here: they read repeated elements as lists and raise anything on odd input,
and building one costs as much as this whole step.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from bot.channel import BadRequest
from bot.channels.wechat_oa.events import ENVELOPE, event_data
from bot.document_contents import image, link, location, video, voice
from bot.document_fields import besides, instant, text
from crm_core.messages import Address, InboundMessage, Kind

Tree = Mapping[str, Any]
Data = dict[str, object]


def read_message(channel: str, app_id: str, tree: Tree) -> InboundMessage:
    """Make the message of a document.

    Raises: BadRequest (a needed field is missing or no plain value).
    """
    text(tree, "ToUserName", needed=True)
    sender = text(tree, "FromUserName", needed=True)
    word = text(tree, "MsgType", needed=True).lower()
    at = instant(tree, "CreateTime")
    address = Address(channel, sender)
    if word == "event":
        return _read_event(address, app_id, tree, at=at)
    kind, read = _KINDS.get(word, (Kind.OTHER, _other))
    said, data = read(tree)
    message_id = text(tree, "MsgId", needed=kind is not Kind.OTHER)
    if not message_id:
        key = f"wechat_mp:{app_id}:evt:{sender}:{int(at.timestamp())}:{word}:"
    else:
        key = f"wechat_mp:{app_id}:msg:{sender}:{message_id}"
    return InboundMessage(address, key, kind, at, text=said, external_id=message_id, data=data)


def _read_event(address: Address, app_id: str, tree: Tree, *, at: datetime) -> InboundMessage:
    event = text(tree, "Event", needed=True).lower()
    # The same person and second may hold two different events, so the key says which and about what.
    about = text(tree, "EventKey") or text(tree, "MsgID") or text(tree, "MsgId")
    key = f"wechat_mp:{app_id}:evt:{address.external_id}:{int(at.timestamp())}:{event}:{about}"
    return InboundMessage(address, key, Kind.EVENT, at, event=event, data=event_data(event, tree))


def _said(tree: Tree) -> tuple[str, Data]:
    data: Data = {"menu_id": text(tree, "bizmsgmenuid")} if "bizmsgmenuid" in tree else {}
    if "Content" not in tree:
        raise BadRequest("Content")
    return text(tree, "Content"), data


def _other(tree: Tree) -> tuple[str, Data]:
    return "", {"type": text(tree, "MsgType"), "raw": besides(tree, ENVELOPE)}


_KINDS: dict[str, tuple[Kind, Callable[[Tree], tuple[str, Data]]]] = {
    "text": (Kind.TEXT, _said),
    "image": (Kind.IMAGE, image),
    "voice": (Kind.VOICE, voice),
    "video": (Kind.VIDEO, video),
    "shortvideo": (Kind.VIDEO, video),
    "location": (Kind.LOCATION, location),
    "link": (Kind.LINK, link),
}
