"""Why somebody is in a segment, or not (为什么他在这个人群): condition by condition, each with the fact behind it.

Asked of the database by the same clauses that select, so that the answer is the selection's own.
Reading order: `why`, `_shown` (a condition in words), `_fact` (what is known of the person).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from crm_core import access
from crm_core.access import Actor
from crm_core.clock import local_day
from crm_core.condition_fields import FIELDS, HIDDEN, OPERATION_LABELS, Field, Form
from crm_core.condition_sql import CONTACT, LEAD, Asked, Branch, clause_of, message_clause, place_of, single_clause
from crm_core.conditions import BEHAVIOURS, PLAIN, is_leaf, leaf_in, leaves_of
from crm_core.errors import NotFound
from crm_core.ports import Core, Program
from crm_core.rules import as_instant
from crm_core.segments import Segment, selection_of
from crm_core.selection import Selection, where_sql

STAGE_WORDS = {
    "initial": "初步接触",
    "qualified": "需求确认",
    "proposal": "方案报价",
    "negotiation": "商务谈判",
    "contract": "合同签约",
    "won": "赢单",
    "lost": "输单",
}
LEVEL_WORDS = {"vip": "VIP", "key": "重点", "normal": "普通"}


@dataclass(frozen=True, slots=True)
class Reason:
    """One condition: in words, whether it holds, and the fact behind it. `depth`: how deep it is nested."""

    condition: str
    holds: bool
    fact: str = ""
    depth: int = 0

    def line(self) -> str:
        """Say it in one line."""
        known = f"（{self.fact}）" if self.fact else ""
        return f"{'　' * self.depth}{'✓' if self.holds else '✗'} {self.condition}{known}"


@dataclass(frozen=True, slots=True)
class Why:
    """Whether somebody is in a segment, and why."""

    segment: str
    person: str
    selected: bool
    reasons: tuple[Reason, ...]


async def why(core: Core, actor: Actor, segment: Segment, person_id: int) -> Why:
    """Explain a segment for one person the actor may see. Raises: NotFound."""
    for noun in ("leads", "contacts", "customers"):
        access.require(actor, f"{noun}:read")
    selection = selection_of(segment, actor)
    found = await core.db.read(_explain(core, selection, person_id))
    if found is None:
        raise NotFound
    name, selected, reasons = found
    return Why(segment.name, name, selected, tuple(reasons))


def _explain(core: Core, selection: Selection, person_id: int) -> Program[tuple[str, bool, list[Reason]] | None]:
    rows = yield "SELECT person_id, merged_into_id FROM contacts WHERE person_id = ?", (person_id,)
    branch = CONTACT if rows else LEAD
    allowed = replace(selection, conditions={})
    sql, values = where_sql(branch, allowed, core.clock.now())
    here = f"{branch.source} WHERE {branch.alias}.person_id = ?"
    rows = yield f"SELECT {branch.alias}.name FROM {here} AND {sql}", (person_id, *values)  # noqa: S608 - our own words
    if not rows:
        return None
    asked = Asked(core.clock.now(), selection.me)
    whole, values = clause_of(branch, selection.conditions, asked)
    chosen = yield f"SELECT 1 FROM {here} AND {whole}", (person_id, *values)  # noqa: S608
    reasons = yield from _reasons(branch, selection.conditions, asked, person_id, 0)
    return str(rows[0][0]), bool(chosen), reasons


def _reasons(branch: Branch, condition: Mapping[str, Any], asked: Asked, person_id: int, depth: int) -> Program[list[Reason]]:
    found = []
    for key, value in condition.items():
        if key in PLAIN:
            found.append((yield from _single(branch, key, value, asked, person_id, depth)))
    for word, label in (("all", "同时满足"), ("any", "满足其一"), ("not", "不满足")):
        if word in condition:
            parts = [condition[word]] if word == "not" else condition[word]
            holds = yield from _holds(branch, {word: condition[word]}, asked, person_id)
            found.append(Reason(f"{label}：", holds, depth=depth))
            for part in parts:
                found += yield from _reasons(branch, part, asked, person_id, depth + 1)
    if is_leaf(condition):
        found.append((yield from _single(branch, "leaf", leaf_in(condition), asked, person_id, depth)))
    return found


def _single(branch: Branch, key: str, value: Any, asked: Asked, person_id: int, depth: int) -> Program[Reason]:
    sql, values = single_clause(branch, key, value, asked)
    rows = yield (
        f"SELECT CASE WHEN {sql} THEN 1 ELSE 0 END FROM {branch.source} WHERE {branch.alias}.person_id = ?",  # noqa: S608
        (*values, person_id),
    )
    fact = yield from _fact(branch, key, value, asked, person_id)
    return Reason(_shown(key, value), bool(rows and rows[0][0]), fact, depth)


def _holds(branch: Branch, condition: Mapping[str, Any], asked: Asked, person_id: int) -> Program[bool]:
    sql, values = clause_of(branch, condition, asked)
    rows = yield (
        f"SELECT 1 FROM {branch.source} WHERE {branch.alias}.person_id = ? AND {sql}",  # noqa: S608
        (person_id, *values),
    )
    return bool(rows)


def describe(conditions: Mapping[str, Any]) -> str:
    """Say a whole condition in words, its parts one after another."""
    return "、".join(_shown(key, value) for key, value in leaves_of(conditions)) or "全部"


def _shown(key: str, value: Any) -> str:
    if key != "leaf":
        words: dict[str, Callable[[], str]] = {
            "tags": lambda: f"标签有{'、'.join(value)}",
            "region": lambda: f"地区含{value}",
            "stage": lambda: f"阶段是{STAGE_WORDS[value]}",
            "level": lambda: f"{LEVEL_WORDS[value]}客户",
            "kind": lambda: "是线索" if value == "lead" else "是客户",
            "owner": lambda: "我负责的",
            "inactive_days": lambda: f"{value}天没跟进",
            "query": lambda: f"资料含「{value}」",
        }
        return words[key]()
    if "tag" in value:
        by = {"hand": "手动", "rule": "系统"}.get(value.get("set_by", ""), "")
        return f"有{by}标签{value['tag']}"
    if "reachable" in value:
        return f"{value['reachable']} 可触达" + (f"，{value['within_hours']}小时内来过消息" if "within_hours" in value else "")
    if "did" in value:
        return _behaviour(value)
    label = FIELDS[value["field"]].label if "field" in value else value["custom"]
    said = value.get("value", "")
    said = "、".join(said) if isinstance(said, list) else said
    if value["is"] in ("within_days", "older_days"):
        return f"{label}在{said}天内" if value["is"] == "within_days" else f"{label}早于{said}天前"
    return f"{label}{OPERATION_LABELS[value['is']]}{said}"


def _behaviour(leaf: Mapping[str, Any]) -> str:
    days = f"{leaf['within_days']}天内" if "within_days" in leaf else ""
    times = f"{leaf['times']}次以上" if leaf.get("times", 1) > 1 else ""
    more = f"「{leaf.get('word') or leaf.get('name')}」" if "word" in leaf or "name" in leaf else ""
    return f"{days}{BEHAVIOURS[leaf['did']]}{more}{times}"


def _fact(branch: Branch, key: str, value: Any, asked: Asked, person_id: int) -> Program[str]:
    """Tell what is known of the person where a condition asks; nothing where there is nothing to tell."""
    if key in ("tags", "level") or (key == "leaf" and "tag" in value):
        return (yield from _tag_fact(person_id))
    field = {"region": "region", "inactive_days": "last_follow_up"}.get(key) or (
        value.get("field", "") if key == "leaf" else ""
    )
    if field:
        return (yield from _field_fact(branch, FIELDS[field], asked, person_id))
    if key == "leaf" and "custom" in value:
        return (yield from _custom_fact(branch, value["custom"], person_id))
    if key == "leaf" and "did" in value:
        return (yield from _behaviour_fact(branch, value, person_id))
    if key == "leaf":
        return (yield from _reach_fact(value["reachable"], asked, person_id))
    return ""


def _tag_fact(person_id: int) -> Program[str]:
    rows = yield (
        "SELECT g.name, t.manual FROM taggings t JOIN tags g ON g.id = t.tag_id WHERE t.person_id = ? ORDER BY t.id",
        (person_id,),
    )
    return "、".join(f"{name}{'' if by_hand else '[系统]'}" for name, by_hand in rows) or "没有标签"


def _field_fact(branch: Branch, field: Field, asked: Asked, person_id: int) -> Program[str]:
    place, column = place_of(branch, field)
    source = {
        "own": branch.source,
        "customer": "contacts c JOIN customers u ON u.id = c.customer_id",
        "lead": "contacts c JOIN leads l ON l.contact_id = c.id",
    }
    if not place:
        return "没有这一项"
    rows = yield f"SELECT {column} FROM {source[place]} WHERE {branch.alias}.person_id = ?", (person_id,)  # noqa: S608
    known = rows[0][0] if rows else None
    if known in (None, ""):
        return "未填"
    if field.name in HIDDEN:
        return "已填"
    if field.form is Form.INSTANT:
        at = as_instant(known)
        return _ago(at, asked.now) if at else "未填"
    return _number(known) if field.form is Form.NUMBER else str(known)


def _custom_fact(branch: Branch, name: str, person_id: int) -> Program[str]:
    own, alias = ("contact", "c") if branch is CONTACT else ("lead", "l")
    theirs = " OR (v.subject_kind = 'customer' AND v.subject_id = c.customer_id)" if branch is CONTACT else ""
    rows = yield (
        f"SELECT v.text, v.number, v.on_date FROM {branch.source} JOIN field_values v ON"  # noqa: S608 - our own words
        f" ((v.subject_kind = '{own}' AND v.subject_id = {alias}.id){theirs}) WHERE {alias}.person_id = ? AND v.name = ?",
        (person_id, name),
    )
    said = [str(text or on_date or _number(number)) for text, number, on_date in rows]
    return "、".join(said) or "未填"


_COLUMNS = {
    "followed": "a.followed_at",
    "unfollowed": "a.unfollowed_at",
    "got_broadcast": "a.last_broadcast_at",
}


def _behaviour_fact(branch: Branch, leaf: Mapping[str, Any], person_id: int) -> Program[str]:
    behaviour = leaf["did"]
    if behaviour in _COLUMNS:
        sql = f"SELECT 1, max({_COLUMNS[behaviour]}) FROM accounts a WHERE a.person_id = ?"  # noqa: S608
        rows = yield sql, (person_id,)
        return _last(rows, counted=False)
    if behaviour == "followed_up":
        rows = yield (
            f"SELECT count(*), max(f.at) FROM {branch.source} JOIN follow_ups f ON {branch.subjects}"  # noqa: S608
            f" WHERE f.undone_at IS NULL AND {branch.alias}.person_id = ?",
            (person_id,),
        )
    elif behaviour == "bought":
        rows = yield (
            "SELECT count(*), max(o.won_at) FROM contacts c JOIN opportunities o ON o.customer_id = c.customer_id"
            " WHERE o.status = 'won' AND c.person_id = ?",
            (person_id,),
        )
    else:
        sql, values = message_clause(leaf, None)
        rows = yield (
            f"SELECT count(*), max(m.at) FROM accounts a JOIN messages m ON m.account_id = a.id"  # noqa: S608
            f" WHERE a.person_id = ? AND {sql}",
            (person_id, *values),
        )
    return _last(rows, counted=True)


def _reach_fact(channel: str, asked: Asked, person_id: int) -> Program[str]:
    rows = yield (
        "SELECT opted_out_at, unfollowed_at, last_inbound_at FROM accounts WHERE person_kind = 'customer' AND person_id = ?"
        " AND channel = ?",
        (person_id, channel),
    )
    if not rows:
        return "没有该渠道的账号"
    opted_out, unfollowed, wrote = rows[0]
    if opted_out or unfollowed:
        return "已退订" if opted_out else "已取消关注"
    at = as_instant(wrote)
    return f"最近来消息：{_ago(at, asked.now)}" if at else "没来过消息"


def _last(rows: Any, *, counted: bool) -> str:
    number, at = rows[0]
    when = as_instant(at)
    if not number or when is None:
        return "没有过"
    day = local_day(when)
    return f"共{number}次，最近{day.isoformat()}" if counted else f"最近{day.isoformat()}"


def _ago(at: datetime, now: datetime) -> str:
    days = (local_day(now) - local_day(at)).days
    return "今天" if days <= 0 else f"{days}天前"


def _number(value: Any) -> str:
    if value is None:
        return ""
    return f"{Decimal(str(value)).normalize():f}"


def conditions_of(segment: Segment) -> dict[str, Any]:
    """Read a segment's condition."""
    found: dict[str, Any] = msgspec.json.decode(segment.conditions)
    return found
