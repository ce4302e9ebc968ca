"""From an item of `sync_msg` to a message: who, what kind, the words, the strong key, and whether it may be answered."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.channels.wecom_kf.events import event_data
from bot.channels.wecom_kf.fields import Tree, instant, nested, number, text, whole
from crm_core.messages import Address, History, InboundMessage, Kind

Data = dict[str, object]
CUSTOMER, SYSTEM, SERVICER = 3, 4, 5
"""Origins: the customer, the platform, a human agent in the WeCom client."""
ANSWER_WITHIN = timedelta(hours=48)
"""How old a message may be and still be answered: beyond, the platform lets nobody write."""
_HEAD = frozenset({"msgid", "open_kfid", "external_userid", "send_time", "origin", "msgtype"})
_MAX_ID = 128
_MAX_KEY = 300


@dataclass(frozen=True, slots=True)
class Reading:
    """Where items come from and how old they may be.

    `since` is our first look at the account: what is older was for somebody else to answer.
    """

    channel: str
    corp_id: str
    open_kfid: str
    since: datetime
    now: datetime


def read_item(reading: Reading, item: Tree) -> InboundMessage | None:
    """Make the message of an item; None for one that is not readable as anything (no id, no time, another account)."""
    event = nested(item, "event") if text(item, "msgtype") == "event" else {}
    msgid, at = text(item, "msgid"), instant(item, "send_time")
    # Of an event the account and the customer stand inside it.
    account = text(item, "open_kfid") or text(event, "open_kfid") or reading.open_kfid
    person = text(item, "external_userid") or text(event, "external_userid")
    if not msgid or at is None or account != reading.open_kfid or max(len(msgid), len(person)) > _MAX_ID:
        return None
    origin = whole(item, "origin")
    address = Address(reading.channel, person)
    key = _key(f"wecom_kf:{reading.corp_id}:{reading.open_kfid}:msg:", f"{person}:{msgid}")
    if text(item, "msgtype") == "event":
        name = text(event, "event_type").lower()
        data = event_data(name, event)
        if name == "enter_session":
            data |= _history(reading, at)
        return InboundMessage(address, key, Kind.EVENT, at, event=name, external_id=msgid, data=data)
    if not person:
        return None
    kind, said, data = _content(item)
    if origin == SYSTEM:
        kind = Kind.OTHER
    if origin == SERVICER:
        data |= {"history": History.HOUSE.value, "servicer": text(item, "servicer_userid")}
    else:
        data |= _history(reading, at)
    return InboundMessage(address, key, kind, at, text=said, external_id=msgid, data=data)


def _key(head: str, tail: str) -> str:
    # Ids are short in practice; a longer one must still fit the column, and still be its own.
    fits = len(head) + len(tail) <= _MAX_KEY
    return head + (tail if fits else hashlib.sha256(tail.encode()).hexdigest())


def _history(reading: Reading, at: datetime) -> Data:
    if at < reading.since:
        return {"history": History.BEFORE.value}
    return {"history": History.LATE.value} if at <= reading.now - ANSWER_WITHIN else {}


def _content(item: Tree) -> tuple[Kind, str, Data]:
    word = text(item, "msgtype")
    kind, read = _KINDS.get(word, (Kind.OTHER, None))
    inner = nested(item, word)
    if read is None:
        rest: dict[str, Any] = {name: value for name, value in item.items() if name not in _HEAD}
        return kind, text(inner, "title"), {"type": word, "raw": rest}
    said, data = read(inner)
    return kind, said, data


def _said(inner: Tree) -> tuple[str, Data]:
    menu_id = text(inner, "menu_id")
    return text(inner, "content"), {"menu_id": menu_id} if menu_id else {}


def _media(inner: Tree) -> tuple[str, Data]:
    return "", {"media_id": text(inner, "media_id")}


def _location(inner: Tree) -> tuple[str, Data]:
    name, address = text(inner, "name"), text(inner, "address")
    place: Data = {"latitude": number(inner, "latitude"), "longitude": number(inner, "longitude")}
    return " ".join(filter(None, (name, address))), place | {"label": name, "address": address}


def _link(inner: Tree) -> tuple[str, Data]:
    title = text(inner, "title")
    told: Data = {"title": title, "description": text(inner, "desc"), "url": text(inner, "url")}
    return title, told | {"pic_url": text(inner, "pic_url")}


def _card(words: str) -> Callable[[Tree], tuple[str, Data]]:
    """Read what is shown as a card and has no kind of its own: its title, else what it is."""

    def read(inner: Tree) -> tuple[str, Data]:
        title = text(inner, "title") or text(inner, "nickname") or text(inner, "head_content")
        return title or f"[{words}]", {"card": words, "raw": dict(inner)}

    return read


_KINDS: dict[str, tuple[Kind, Callable[[Tree], tuple[str, Data]]]] = {
    "text": (Kind.TEXT, _said),
    "image": (Kind.IMAGE, _media),
    "voice": (Kind.VOICE, _media),
    "video": (Kind.VIDEO, _media),
    "file": (Kind.FILE, _media),
    "location": (Kind.LOCATION, _location),
    "link": (Kind.LINK, _link),
    "business_card": (Kind.LINK, _card("名片")),
    "miniprogram": (Kind.LINK, _card("小程序")),
    "msgmenu": (Kind.LINK, _card("菜单")),
    "channels": (Kind.LINK, _card("视频号")),
    "channels_shop_product": (Kind.LINK, _card("视频号商品")),
    "channels_shop_order": (Kind.LINK, _card("视频号订单")),
    "merged_msg": (Kind.LINK, _card("聊天记录")),
    "meeting": (Kind.LINK, _card("会议")),
    "schedule": (Kind.LINK, _card("日程")),
    "note": (Kind.LINK, _card("笔记")),
}
