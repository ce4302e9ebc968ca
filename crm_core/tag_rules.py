"""`[tags]`: tags that rules set (系统标签), as settings; pure."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec

from crm_core.conditions import check_conditions, uses
from crm_core.errors import Invalid


@dataclass(frozen=True, slots=True)
class TagRule:
    """One tag set by rule: on whom its conditions hold, and taken off them when they no longer do."""

    name: str
    conditions: str
    """A condition of the segment language, as JSON."""
    group: str = ""

    @property
    def condition(self) -> Mapping[str, Any]:
        """Read the condition."""
        found: Mapping[str, Any] = msgspec.json.decode(self.conditions)
        return found

    @property
    def digest(self) -> str:
        """Tell one state of the rule from another: a changed one is run over everybody."""
        return hashlib.sha256(f"{self.name}\n{self.conditions}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class TagSettings:
    """`[tags]`: the rules, and how often each is run over everybody, because days pass by themselves."""

    rules: tuple[TagRule, ...] = ()
    """The rules that set tags; tags set by hand are never taken off by them."""
    whole_every: timedelta = timedelta(hours=6)
    """How often each rule is run over everybody."""

    def problems(self) -> list[tuple[str, str]]:
        """List what is wrong, as pairs of key and sentence."""
        found = [(f"rules[{number}].{key}", text) for number, rule in enumerate(self.rules) for key, text in _wrong(rule)]
        names = [rule.name for rule in self.rules]
        found += [("rules", f"标签「{name}」有两条规则") for name in dict.fromkeys(names) if names.count(name) > 1]
        if self.whole_every < timedelta(minutes=1):
            found.append(("whole_every", "至少一分钟"))
        return found


def _wrong(rule: TagRule) -> list[tuple[str, str]]:
    if not 0 < len(rule.name.strip()) <= 64:
        return [("name", "应为1到64个字")]
    if len(rule.group) > 64:
        return [("group", "不能超过64个字")]
    try:
        condition = check_conditions(msgspec.json.decode(rule.conditions))
    except msgspec.DecodeError:
        return [("conditions", "不是有效的 JSON")]
    except Invalid as error:
        return [("conditions", f"{error.fields['field']}：{error.fields['reason']}")]
    if uses(condition, "owner"):
        return [("conditions", "规则里不能用“我的客户”")]
    if any(name == rule.name for name in _tags_in(condition)):
        return [("conditions", "不能以自己设置的标签为条件")]
    return []


def _tags_in(condition: Mapping[str, Any]) -> list[str]:
    found = [*condition.get("tags", []), *([condition["tag"]] if "tag" in condition else [])]
    parts = [*condition.get("all", []), *condition.get("any", []), *([condition["not"]] if "not" in condition else [])]
    return found + [name for part in parts for name in _tags_in(part)]
