"""What each WeCom event tells besides its name; an event that nobody knows keeps its fields raw."""

from collections.abc import Callable, Mapping
from typing import Any

from bot.document_contents import chosen_pictures, chosen_place, scanned_code
from bot.document_fields import besides, listed, nested, number, text, texts, whole

Tree = Mapping[str, Any]
Data = dict[str, object]

_ENVELOPE = frozenset({"ToUserName", "FromUserName", "CreateTime", "MsgType", "Event", "AgentID", "Encrypt"})


def event_data(event: str, tree: Tree) -> Data:
    """Give the data of an event; `event` is lower-case.

    Raises: BadRequest.
    """
    return _EVENTS.get(event, _unknown)(tree)


def _keyed(tree: Tree) -> Data:
    return {"event_key": text(tree, "EventKey")}


def _location(tree: Tree) -> Data:
    found: Data = {name.lower(): number(tree, name) for name in ("Latitude", "Longitude", "Precision")}
    return found | {"app_type": text(tree, "AppType")}


def _view(tree: Tree) -> Data:
    return _keyed(tree) | {"url": text(tree, "EventKey")}


def _scancode(tree: Tree) -> Data:
    return _keyed(tree) | scanned_code(tree)


def _pictures(tree: Tree) -> Data:
    return _keyed(tree) | chosen_pictures(tree)


def _location_select(tree: Tree) -> Data:
    return _keyed(tree) | chosen_place(tree) | {"app_type": text(tree, "AppType")}


def _batch_job(tree: Tree) -> Data:
    job = nested(tree, "BatchJob")
    return {
        "job_id": text(job, "JobId"),
        "job_type": text(job, "JobType"),
        "error_code": whole(job, "ErrCode"),
        "error_message": text(job, "ErrMsg"),
    }


def _directory(tree: Tree) -> Data:
    """Read that a member or department was made, changed or deleted."""
    data: Data = {"change_type": text(tree, "ChangeType").lower(), "user_id": text(tree, "UserID")}
    if "NewUserID" in tree:
        data["new_user_id"] = text(tree, "NewUserID")
    if "Id" in tree:
        data |= {"department_id": text(tree, "Id"), "parent_id": text(tree, "ParentId")}
    return data | {"name": text(tree, "Name"), "mobile": text(tree, "Mobile"), "department": text(tree, "Department")}


def _card(tree: Tree) -> Data:
    """Read a press on a template card; `Opiton` is how the platform spells it, and may not be for ever."""
    chosen: dict[str, list[str]] = {}
    for item in listed(nested(tree, "SelectedItems"), "SelectedItem"):
        options = nested(item, "OpitonIds") or nested(item, "OptionIds")
        chosen[text(item, "QuestionKey")] = texts(options, "OpitonId") or texts(options, "OptionId")
    return _keyed(tree) | {
        "task_id": text(tree, "TaskId"),
        "card_type": text(tree, "CardType"),
        "response_code": text(tree, "ResponseCode"),
        "selected": chosen,
    }


def _contact(tree: Tree) -> Data:
    return {
        "change_type": text(tree, "ChangeType", needed=True).lower(),
        "user_id": text(tree, "UserID"),
        "external_user_id": text(tree, "ExternalUserID"),
        "state": text(tree, "State") or None,
        "welcome_code": text(tree, "WelcomeCode") or None,
        "source": text(tree, "Source"),
        "fail_reason": text(tree, "FailReason"),
    }


def _chat(tree: Tree) -> Data:
    return {
        "change_type": text(tree, "ChangeType", needed=True).lower(),
        "chat_id": text(tree, "ChatId"),
        "update_detail": text(tree, "UpdateDetail"),
        "join_scene": whole(tree, "JoinScene"),
        "quit_scene": whole(tree, "QuitScene"),
        "change_count": whole(tree, "MemChangeCnt"),
        "changed": texts(nested(tree, "MemChangeList"), "Item"),
        "version": text(tree, "CurMemVer"),
    }


def _tag(tree: Tree) -> Data:
    return {
        "change_type": text(tree, "ChangeType", needed=True).lower(),
        "id": text(tree, "Id"),
        "tag_type": text(tree, "TagType"),
        "strategy_id": text(tree, "StrategyId"),
    }


def _service(tree: Tree) -> Data:
    """Read that customer service has something to fetch; its own kind of channel does that."""
    return {"kf_token": text(tree, "Token"), "open_kfid": text(tree, "OpenKfId")}


def _unknown(tree: Tree) -> Data:
    return _keyed(tree) | {"raw": besides(tree, _ENVELOPE)}


_EVENTS: dict[str, Callable[[Tree], Data]] = {
    "subscribe": _keyed,
    "unsubscribe": _keyed,
    "enter_agent": _keyed,
    "location": _location,
    "click": _keyed,
    "view": _view,
    "scancode_push": _scancode,
    "scancode_waitmsg": _scancode,
    "pic_sysphoto": _pictures,
    "pic_photo_or_album": _pictures,
    "pic_weixin": _pictures,
    "location_select": _location_select,
    "batch_job_result": _batch_job,
    "change_contact": _directory,
    "template_card_event": _card,
    "change_external_contact": _contact,
    "change_external_chat": _chat,
    "change_external_tag": _tag,
    "kf_msg_or_event": _service,
}
