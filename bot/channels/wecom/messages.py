"""From a WeCom document to a message: kind, text, strong key and what else the platform told.

Three senders: a member (成员) writing to the application, `sys` for what changed in customer contact and directory, and
nobody at all for customer service. Only customer contact is about a customer, whose account the message then belongs to.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from bot.channel import BadRequest
from bot.channels.wecom.cards import read_task
from bot.channels.wecom.events import event_data
from bot.document_contents import image, link, location, video, voice
from bot.document_fields import besides, instant, nested, text
from crm_core.messages import PRESS, Address, InboundMessage, Kind

Tree = Mapping[str, Any]
Data = dict[str, object]

SYSTEM = "sys"
CONTACT_EVENT = "change_external_contact"
CARD_EVENT = "template_card_event"
_SERVICE_EVENT = "kf_msg_or_event"
_KEY_CHARACTERS = 240
"""A key is a column with an end; menu addresses and card keys have none."""
_IDS = ("FromUserName", "MsgId", "UserID", "NewUserID", "ExternalUserID", "OpenKfId")
_LONGEST_ID = 128
_ENVELOPE = frozenset({"ToUserName", "FromUserName", "CreateTime", "MsgType", "MsgId", "Event", "AgentID", "Encrypt"})


def read_message(channel: str, corp_id: str, tree: Tree) -> InboundMessage:
    """Make the message of a document.

    Raises: BadRequest (a needed field is missing, no plain value, or an id that is none).
    """
    for name in _IDS:
        if len(text(tree, name)) > _LONGEST_ID:
            raise BadRequest(name)
    if "InfoType" in tree:
        return _read_info(channel, corp_id, tree)
    text(tree, "ToUserName", needed=True)
    word = text(tree, "MsgType", needed=True).lower()
    if word == "event":
        return _read_event(channel, corp_id, tree)
    sender = text(tree, "FromUserName", needed=True)
    if sender == SYSTEM or "|" in sender or sender.startswith("@"):
        # No member's id: as the receiver of an answer it would mean several people, or everybody.
        raise BadRequest("FromUserName")
    kind, read = _KINDS.get(word, (Kind.OTHER, _other))
    said, data = read(tree)
    agent = text(tree, "AgentID")
    message_id = text(tree, "MsgId", needed=kind is not Kind.OTHER)
    at = instant(tree, "CreateTime")
    about = ("msg", sender, message_id) if message_id else ("evt", sender, str(int(at.timestamp())), word, "")
    return InboundMessage(
        Address(channel, sender),
        _key(corp_id, agent, *about),
        kind,
        at,
        text=said,
        external_id=message_id,
        data={"from_user": sender, "agent_id": _agent(agent), **data},
    )


def _read_event(channel: str, corp_id: str, tree: Tree) -> InboundMessage:
    event = text(tree, "Event", needed=True).lower()
    at = instant(tree, "CreateTime")
    sender = text(tree, "FromUserName", needed=event != _SERVICE_EVENT)
    agent = text(tree, "AgentID")
    external = text(tree, "ExternalUserID", needed=event == CONTACT_EVENT)
    data = event_data(event, tree)
    if event == CONTACT_EVENT and data.get("welcome_code"):
        data["welcome_deadline"] = int(at.timestamp()) + 20
    is_contact = event == CONTACT_EVENT
    ours = read_task(str(data.get("task_id") or ""))
    if event == CARD_EVENT and ours:
        data |= {"card_message_id": ours[0], "card_mark": ours[1], "button": _button(text(tree, "EventKey"))}
    return InboundMessage(
        Address(channel, external if is_contact else sender or text(tree, "OpenKfId") or SYSTEM),
        _key(corp_id, agent, "evt", sender, str(int(at.timestamp())), event, *_about(event, tree)),
        Kind.EVENT,
        at,
        event=PRESS if "card_message_id" in data else event,
        about_customer=is_contact,
        data={"from_user": sender or None, "agent_id": _agent(agent), **data},
    )


def _button(key: str) -> int:
    """Tell which button was pressed, from 1; 0 for none of ours."""
    return int(key) if key.isascii() and key.isdigit() and len(key) == 1 else 0


def _about(event: str, tree: Tree) -> list[str]:
    """Say what an event is about: `sys` and the second are the same for many that have nothing to do with each other."""
    if event == _SERVICE_EVENT:
        return [text(tree, "OpenKfId"), text(tree, "Token")]
    change = text(tree, "ChangeType")
    if not change:
        task = text(tree, "TaskId") or text(nested(tree, "BatchJob"), "JobId") or text(tree, "MsgID") or text(tree, "MsgId")
        return [text(tree, "EventKey"), task] if task else [text(tree, "EventKey")]
    parts = [change, text(tree, "UserID"), text(tree, "ExternalUserID")]
    which = text(tree, "ChatId") or text(tree, "Id")
    # Two changes of one group or tag in one second differ in these alone.
    detail = [text(tree, name) for name in ("UpdateDetail", "TagType", "CurMemVer") if text(tree, name)]
    return [*parts, which, *detail] if which or detail else parts


def _read_info(channel: str, corp_id: str, tree: Tree) -> InboundMessage:
    """Make the message of a third-party suite: the same data under other names."""
    told = {
        **tree,
        "ToUserName": text(tree, "AuthCorpId") or text(tree, "SuiteId", needed=True),
        "FromUserName": SYSTEM,
        "CreateTime": text(tree, "TimeStamp", needed=True),
        "Event": text(tree, "InfoType", needed=True),
    }
    return _read_event(channel, text(tree, "AuthCorpId") or corp_id, told)


def _key(corp_id: str, agent: str, *parts: str) -> str:
    key = ":".join(("wecom", corp_id, agent, *parts))
    if len(key) <= _KEY_CHARACTERS:
        return key
    return f"{key[: _KEY_CHARACTERS - 40]}#{hashlib.sha256(key.encode('utf-8', 'replace')).hexdigest()[:39]}"


def _agent(agent: str) -> int | str | None:
    return int(agent) if agent.isascii() and agent.isdigit() and len(agent) <= 18 else agent or None


def _said(tree: Tree) -> tuple[str, Data]:
    if "Content" not in tree:
        raise BadRequest("Content")
    return text(tree, "Content"), {}


def _file(tree: Tree) -> tuple[str, Data]:
    # The page of received messages does not list files (2026-11); should they come, they are named like the other media.
    return "", {"media_id": text(tree, "MediaId"), "file_name": text(tree, "FileName") or text(tree, "Title")}


def _location(tree: Tree) -> tuple[str, Data]:
    label, data = location(tree)
    return label, data | {"app_type": text(tree, "AppType")}


def _link(tree: Tree) -> tuple[str, Data]:
    title, data = link(tree)
    return title, data | {"pic_url": text(tree, "PicUrl")}


def _other(tree: Tree) -> tuple[str, Data]:
    return "", {"type": text(tree, "MsgType"), "raw": besides(tree, _ENVELOPE)}


_KINDS: dict[str, tuple[Kind, Callable[[Tree], tuple[str, Data]]]] = {
    "text": (Kind.TEXT, _said),
    "image": (Kind.IMAGE, image),
    "voice": (Kind.VOICE, voice),
    "video": (Kind.VIDEO, video),
    "file": (Kind.FILE, _file),
    "location": (Kind.LOCATION, _location),
    "link": (Kind.LINK, _link),
}
