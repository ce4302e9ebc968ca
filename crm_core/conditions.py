"""The closed language of conditions: what may stand in a segment or a tag rule, checked strictly; pure.

A condition is an object. Its plain keys are the segment object of the contract (tags, region, stage, level, kind, owner,
inactive_days, query), all of which must hold. Beside them may stand `all`, `any`, `not`, or one leaf:
`field` (condition_fields.py), `custom` (an own field), `tag`, `did` (a behaviour), `reachable` (a channel).
Reading order: `check_conditions`, the leaves, `leaves_of`.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

from crm_core.condition_fields import FIELDS, HIDDEN, OPERATIONS, Form
from crm_core.errors import Invalid
from crm_core.rules import LEVELS

STAGES = ("initial", "qualified", "proposal", "negotiation", "contract", "won", "lost")
KINDS = ("lead", "customer")
BEHAVIOURS = {
    "wrote": "发过消息",
    "followed": "关注过",
    "unfollowed": "取消过关注",
    "clicked": "点过菜单",
    "scanned": "扫过码",
    "event": "有过事件",
    "followed_up": "被跟进过",
    "got_broadcast": "收过群发",
    "bought": "成交过",
}
"""What somebody did, or what was done with them."""
COUNTED = frozenset({"wrote", "clicked", "scanned", "event", "followed_up", "bought"})
"""Behaviours of which every single time is known."""
MAX_TEXT = 64
MAX_DAYS = 3660
MAX_DEPTH = 6
MAX_LEAVES = 50
MAX_LIST = 50
MAX_TIMES = 1000
_EXTRAS = ("all", "any", "not", "field", "custom", "tag", "did", "reachable")
Check = Callable[[object], str]
"""Tells what is wrong with a value, or nothing."""


def check_conditions(conditions: Mapping[str, object], *, at: str = "conditions") -> dict[str, object]:
    """Check a condition strictly; gives a copy. Raises: Invalid with the path of what is wrong."""
    if not isinstance(conditions, Mapping):
        raise Invalid(field=at, reason="应为对象")
    _check(conditions, at, depth=1)
    if sum(1 for _ in leaves_of(conditions)) > MAX_LEAVES:
        raise Invalid(field=at, reason=f"最多{MAX_LEAVES}个条件")
    return dict(conditions)


def leaves_of(condition: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Give every single condition of a checked one: a plain key with its value, or "leaf" with the whole leaf."""
    for key, value in condition.items():
        if key in PLAIN:
            yield key, value
    for part in (*condition.get("all", ()), *condition.get("any", ())):
        yield from leaves_of(part)
    if "not" in condition:
        yield from leaves_of(condition["not"])
    if is_leaf(condition):
        yield "leaf", leaf_in(condition)


def is_leaf(condition: Mapping[str, object]) -> bool:
    """Tell whether a leaf stands in it."""
    return any(key in condition for key in _LEAVES)


def leaf_in(condition: Mapping[str, Any]) -> dict[str, Any]:
    """Give the leaf without the plain keys beside it."""
    return {key: value for key, value in condition.items() if key not in PLAIN}


def uses(condition: Mapping[str, Any], key: str) -> bool:
    """Tell whether a plain key stands anywhere in it."""
    return any(name == key for name, _ in leaves_of(condition))


def _check(condition: Mapping[str, object], at: str, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise Invalid(field=at[:64], reason=f"最多嵌套{MAX_DEPTH}层")
    chosen = [key for key in _EXTRAS if key in condition]
    if len(chosen) > 1:
        raise Invalid(field=f"{at}.{chosen[1]}"[:64], reason=f"不能与 {chosen[0]} 写在同一个对象里")
    allowed = _LEAVES.get(chosen[0], {}) if chosen else {}
    for key, value in condition.items():
        check = PLAIN.get(key) or allowed.get(key)
        if check is None and key not in ("all", "any", "not"):
            raise Invalid(field=f"{at}.{key}"[:64], reason="没有这个条件")
        problem = check(value) if check else ""
        if problem:
            raise Invalid(field=f"{at}.{key}"[:64], reason=problem)
    if chosen and chosen[0] in _LEAVES:
        _check_whole(chosen[0], condition, at)
    elif chosen:
        _check_parts(chosen[0], condition[chosen[0]], f"{at}.{chosen[0]}", depth)
    elif depth > 1 and not condition:
        raise Invalid(field=at[:64], reason="条件不能为空")


def _check_parts(word: str, value: object, at: str, depth: int) -> None:
    if word == "not":
        parts: list[tuple[str, object]] = [(at, value)]
    elif isinstance(value, list) and 0 < len(value) <= MAX_LIST:
        parts = [(f"{at}[{number}]", part) for number, part in enumerate(value)]
    else:
        raise Invalid(field=at[:64], reason=f"应为1到{MAX_LIST}个条件")
    for place, part in parts:
        if not isinstance(part, Mapping):
            raise Invalid(field=place[:64], reason="应为对象")
        _check(part, place, depth + 1)


def _check_whole(word: str, leaf: Mapping[str, Any], at: str) -> None:
    """Check what only the keys of a leaf together tell."""
    if word in ("field", "custom"):
        _check_comparison(word, leaf, at)
    elif word == "did":
        single = leaf["did"] not in COUNTED
        for key, bad in (
            ("times", single),
            ("word", leaf["did"] != "wrote"),
            ("name", leaf["did"] != "event"),
        ):
            if key in leaf and bad:
                raise Invalid(field=f"{at}.{key}"[:64], reason="这个行为不能这样问")
        if leaf["did"] == "event" and "name" not in leaf:
            raise Invalid(field=f"{at}.name"[:64], reason="请写事件名")


def _check_comparison(word: str, leaf: Mapping[str, Any], at: str) -> None:
    value, operation = leaf.get("value"), leaf.get("is")
    form = FIELDS[leaf["field"]].form if word == "field" else form_of(value)
    allowed = ("present", "missing") if word == "field" and leaf[word] in HIDDEN else OPERATIONS[form]
    if operation not in allowed:
        raise Invalid(field=f"{at}.is"[:64], reason=f"应为{'、'.join(allowed)}")
    if operation in ("present", "missing"):
        problem = "不用写值" if "value" in leaf else ""
    else:
        problem = _VALUES[form](value, operation) if "value" in leaf else "请写值"
    if problem:
        raise Invalid(field=f"{at}.value"[:64], reason=problem)


def form_of(value: object) -> Form:
    """Tell by the value what an own field is compared as."""
    if value is None:
        return Form.TEXT
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return Form.NUMBER
    return Form.DAY if isinstance(value, str) and _day(value) else Form.TEXT


def _day(value: str) -> bool:
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _text(value: object) -> str:
    return "" if isinstance(value, str) and 0 < len(value.strip()) <= MAX_TEXT else f"应为1到{MAX_TEXT}个字"


def _texts(value: object) -> str:
    good = isinstance(value, list) and 0 < len(value) <= 20 and not any(_text(item) for item in value)
    return "" if good else "应为1到20个标签"


def _whole(least: int, most: int, what: str) -> Check:
    def check(value: object) -> str:
        good = isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
        return "" if good else f"应为{least}到{most}的{what}"

    return check


_days = _whole(1, MAX_DAYS, "天数")


def _one_of(*words: str) -> Check:
    return lambda value: "" if isinstance(value, str) and value in words else f"应为{'、'.join(words)}"


def _any(_: object) -> str:
    return ""


def _text_value(value: object, operation: str) -> str:
    if operation != "in":
        return _text(value)
    good = isinstance(value, list) and 0 < len(value) <= MAX_LIST and not any(_text(item) for item in value)
    return "" if good else f"应为1到{MAX_LIST}个词"


def _number_value(value: object, _: str) -> str:
    good = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e12
    return "" if good else "应为数字"


def _instant_value(value: object, _: str) -> str:
    return _days(value)


def _day_value(value: object, _: str) -> str:
    return "" if isinstance(value, str) and _day(value) else "应为日期，如 2026-01-31"


_VALUES = {
    Form.TEXT: _text_value,
    Form.NUMBER: _number_value,
    Form.INSTANT: _instant_value,
    Form.DAY: _day_value,
}
PLAIN: Mapping[str, Check] = {
    "tags": _texts,
    "region": _text,
    "stage": _one_of(*STAGES),
    "level": _one_of(*LEVELS),
    "kind": _one_of(*KINDS),
    "owner": _one_of("me"),
    "inactive_days": _days,
    "query": _text,
}
"""The keys of the contract's segment object."""
_is: Check = _text
_LEAVES: Mapping[str, Mapping[str, Check]] = {
    "field": {"field": _one_of(*FIELDS), "is": _is, "value": _any},
    "custom": {"custom": _text, "is": _is, "value": _any},
    "tag": {"tag": _text, "set_by": _one_of("hand", "rule")},
    "did": {
        "did": _one_of(*BEHAVIOURS),
        "within_days": _days,
        "times": _whole(1, MAX_TIMES, "次数"),
        "word": _text,
        "name": _text,
    },
    "reachable": {"reachable": _text, "within_hours": _whole(1, 24 * 366, "小时数")},
}
