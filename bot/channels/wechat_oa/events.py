"""What each WeChat event tells besides its name; an event that nobody knows keeps its fields raw."""

from collections.abc import Callable, Mapping
from typing import Any

from bot.document_contents import chosen_pictures, chosen_place, scanned_code
from bot.document_fields import besides, listed, nested, number, text, whole

Tree = Mapping[str, Any]
Data = dict[str, object]

ENVELOPE = frozenset({"ToUserName", "FromUserName", "CreateTime", "MsgType", "MsgId", "Event", "Encrypt"})
_SCENE_PREFIX = "qrscene_"


def event_data(event: str, tree: Tree) -> Data:
    """Give the data of an event; `event` is lower-case.

    Raises: BadRequest.
    """
    return _EVENTS.get(event, _unknown)(tree)


def _subscribe(tree: Tree) -> Data:
    key = text(tree, "EventKey")
    data: Data = {"event_key": key}
    # Only a followed code has a scene; other ways of following write "scanbarcode|…" and the like into the key.
    if key.startswith(_SCENE_PREFIX):
        data |= {"scene": key.removeprefix(_SCENE_PREFIX), "ticket": text(tree, "Ticket")}
    return data


def _unsubscribe(tree: Tree) -> Data:
    return {"event_key": text(tree, "EventKey")}


def _scan(tree: Tree) -> Data:
    key = text(tree, "EventKey")
    return {"event_key": key, "scene": key.removeprefix(_SCENE_PREFIX), "ticket": text(tree, "Ticket")}


def _location(tree: Tree) -> Data:
    return {
        "latitude": number(tree, "Latitude"),
        "longitude": number(tree, "Longitude"),
        "precision": number(tree, "Precision"),
    }


def _click(tree: Tree) -> Data:
    data: Data = {"event_key": text(tree, "EventKey")}
    if "MenuId" in tree:
        data["menu_id"] = text(tree, "MenuId")
    return data


def _view(tree: Tree) -> Data:
    return _click(tree) | {"url": text(tree, "EventKey")}


def _scancode(tree: Tree) -> Data:
    return _click(tree) | scanned_code(tree)


def _pictures(tree: Tree) -> Data:
    return _click(tree) | chosen_pictures(tree)


def _location_select(tree: Tree) -> Data:
    return _click(tree) | chosen_place(tree)


def _template_finished(tree: Tree) -> Data:
    status = text(tree, "Status")
    return {"job_msg_id": _job_id(tree), "raw_status": status, "delivered": status == "success"}


def _mass_finished(tree: Tree) -> Data:
    copyright_check = nested(tree, "CopyrightCheckResult")
    articles = listed(nested(nested(tree, "ArticleUrlResult"), "ResultList"), "item")
    return {
        "job_msg_id": _job_id(tree),
        "raw_status": text(tree, "Status"),
        "total": whole(tree, "TotalCount"),
        "filtered": whole(tree, "FilterCount"),
        "sent": whole(tree, "SentCount"),
        "errors": whole(tree, "ErrorCount"),
        "copyright_check_state": whole(copyright_check, "CheckState"),
        "article_urls": [text(article, "ArticleUrl") for article in articles],
    }


def _job_id(tree: Tree) -> str:
    return text(tree, "MsgID") or text(tree, "MsgId")


def _subscription_items(tree: Tree, wrapper: str) -> list[Tree]:
    # In JSON `List` may stand on top, and be an object instead of a list of one (two official samples differ).
    return listed(nested(tree, wrapper), "List") or listed(tree, "List")


def _subscription_answered(wrapper: str) -> Callable[[Tree], Data]:
    def read(tree: Tree) -> Data:
        return {
            "items": [
                {"template_id": text(item, "TemplateId"), "status": text(item, "SubscribeStatusString")}
                for item in _subscription_items(tree, wrapper)
            ]
        }

    return read


def _subscription_sent(tree: Tree) -> Data:
    return {
        "items": [
            {
                "template_id": text(item, "TemplateId"),
                "job_msg_id": _job_id(item),
                "error_code": whole(item, "ErrorCode"),
                "error_status": text(item, "ErrorStatus"),
            }
            for item in _subscription_items(tree, "SubscribeMsgSentEvent")
        ]
    }


def _published(tree: Tree) -> Data:
    told = nested(tree, "PublishEventInfo")
    return {
        "publish_id": text(told, "publish_id"),
        "publish_status": whole(told, "publish_status"),
        "article_id": text(told, "article_id"),
        "raw": besides(tree, ENVELOPE),
    }


def _unknown(tree: Tree) -> Data:
    return {"event_key": text(tree, "EventKey"), "raw": besides(tree, ENVELOPE)}


_EVENTS: dict[str, Callable[[Tree], Data]] = {
    "subscribe": _subscribe,
    "unsubscribe": _unsubscribe,
    "scan": _scan,
    "location": _location,
    "click": _click,
    "view": _view,
    "view_miniprogram": _view,
    "scancode_push": _scancode,
    "scancode_waitmsg": _scancode,
    "pic_sysphoto": _pictures,
    "pic_photo_or_album": _pictures,
    "pic_weixin": _pictures,
    "location_select": _location_select,
    "templatesendjobfinish": _template_finished,
    "masssendjobfinish": _mass_finished,
    "subscribe_msg_popup_event": _subscription_answered("SubscribeMsgPopupEvent"),
    "subscribe_msg_change_event": _subscription_answered("SubscribeMsgChangeEvent"),
    "subscribe_msg_sent_event": _subscription_sent,
    "freepublishjobfinish": _published,
}
