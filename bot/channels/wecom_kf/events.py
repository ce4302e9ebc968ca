"""What each event of a customer-service account tells besides its name; one that nobody knows keeps its fields raw."""

from collections.abc import Callable

from bot.channels.wecom_kf.fields import Tree, text, whole

Data = dict[str, object]
_QUICK_SECONDS = 20
"""How long the code of a welcome and of an end of session holds."""
_SLOW_SECONDS = 48 * 3600
"""How long the code of a queue or a pickup holds."""
_ENDED = 3


def event_data(event: str, tree: Tree) -> Data:
    """Give the data of an event; `event` is lower-case."""
    return _EVENTS.get(event, _unknown)(tree)


def _entered(tree: Tree) -> Data:
    data: Data = {"scene": text(tree, "scene"), "scene_param": text(tree, "scene_param")}
    return data | _code(text(tree, "welcome_code"), _QUICK_SECONDS)


def _send_failed(tree: Tree) -> Data:
    return {"fail_msgid": text(tree, "fail_msgid"), "fail_type": whole(tree, "fail_type")}


def _servicer_changed(tree: Tree) -> Data:
    return {"servicer": text(tree, "servicer_userid"), "status": whole(tree, "status")}


def _session_changed(tree: Tree) -> Data:
    change = whole(tree, "change_type")
    data: Data = {
        "change_type": change,
        "old_servicer": text(tree, "old_servicer_userid"),
        "new_servicer": text(tree, "new_servicer_userid"),
    }
    return data | _code(text(tree, "msg_code"), _QUICK_SECONDS if change == _ENDED else _SLOW_SECONDS)


def _code(code: str, seconds: int) -> Data:
    return {"code": code, "code_seconds": seconds} if code else {}


def _recalled(tree: Tree) -> Data:
    return {"recall_msgid": text(tree, "recall_msgid"), "servicer": text(tree, "servicer_userid")}


def _switched(tree: Tree) -> Data:
    return {"reject_switch": whole(tree, "reject_switch"), "servicer": text(tree, "servicer_userid")}


def _unknown(tree: Tree) -> Data:
    return {"raw": dict(tree)}


_EVENTS: dict[str, Callable[[Tree], Data]] = {
    "enter_session": _entered,
    "msg_send_fail": _send_failed,
    "servicer_status_change": _servicer_changed,
    "session_status_change": _session_changed,
    "user_recall_msg": _recalled,
    "servicer_recall_msg": _recalled,
    "reject_customer_msg_switch_change": _switched,
}
