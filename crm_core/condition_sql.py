"""Conditions as portable SQL: each one clause over a lead `l` or a contact `c`, never a query per row.

Whatever is unknown (NULL) does not hold; `negated` says so to the database, where a bare NOT would not.
What stands in another table is asked for as a set (`IN (SELECT ...)`), which a database makes once. A `+` before the column
keeps SQLite from walking a large set through an index one by one (two of them multiply); tags and events are small sets.
Reading order: `Branch`, `clause_of`, the plain keys, the leaves.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from crm_core.condition_fields import FIELDS, Field, Form
from crm_core.conditions import PLAIN, form_of, is_leaf, leaf_in
from crm_core.rules import LEVEL_GRADES, LEVEL_TAGS

_NEVER = datetime(2000, 1, 1, tzinfo=UTC)
"""Where a comparison asks for no time."""
Clause = tuple[str, list[Any]]
"""A clause with question marks, and its values."""


@dataclass(frozen=True, slots=True)
class Branch:
    """Where one kind of person stands: the table, and whom its follow-ups and own fields are about."""

    kind: str
    source: str
    alias: str
    always: str
    subjects: str


LEAD = Branch(
    "lead",
    "leads l",
    "l",
    "l.status IN ('new', 'following')",
    "f.subject_kind = 'lead' AND f.subject_id = l.id",
)
CONTACT = Branch(
    "customer",
    "contacts c",
    "c",
    "c.merged_into_id IS NULL AND c.deleted_at IS NULL",
    "((f.subject_kind = 'contact' AND f.subject_id = c.id) OR (f.subject_kind = 'customer' AND f.subject_id = c.customer_id))",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """For whom and when a condition is asked."""

    now: datetime
    me: int | None = None


def clause_of(branch: Branch, condition: Mapping[str, Any], asked: Asked) -> Clause:
    """Compile a checked condition."""
    parts = [_plain(branch, key, value, asked) for key, value in condition.items() if key in PLAIN]
    if "all" in condition:
        parts += [clause_of(branch, part, asked) for part in condition["all"]]
    if "any" in condition:
        parts.append(_joined(" OR ", [clause_of(branch, part, asked) for part in condition["any"]]))
    if "not" in condition:
        parts.append(negated(clause_of(branch, condition["not"], asked)))
    if is_leaf(condition):
        parts.append(leaf_clause(branch, leaf_in(condition), asked))
    return _joined(" AND ", parts)


def single_clause(branch: Branch, key: str, value: Any, asked: Asked) -> Clause:
    """Compile one of `leaves_of`."""
    return leaf_clause(branch, value, asked) if key == "leaf" else _plain(branch, key, value, asked)


def negated(clause: Clause) -> Clause:
    """Say no; what is unknown does not hold, so its opposite does."""
    return f"CASE WHEN {clause[0]} THEN 0 ELSE 1 END = 1", clause[1]


def _joined(word: str, parts: Sequence[Clause]) -> Clause:
    if not parts:
        return "1 = 1", []
    return "(" + word.join(sql for sql, _ in parts) + ")", [value for _, values in parts for value in values]


def _plain(branch: Branch, key: str, value: Any, asked: Asked) -> Clause:
    if key == "kind":
        return ("1 = 1" if value == branch.kind else "1 = 0"), []
    if key == "owner":
        return f"{branch.alias}.owner_id = ?", [asked.me]
    compiled: Clause = _PLAIN[key](branch, value, asked.now)
    return compiled


def _tags(branch: Branch, names: list[str], _: datetime) -> Clause:
    one = f"{branch.alias}.person_id IN (SELECT t.person_id FROM taggings t JOIN tags g ON g.id = t.tag_id WHERE g.name = ?)"  # noqa: S608
    return " AND ".join([one] * len(names)), list(names)


def _region(branch: Branch, region: str, now: datetime) -> Clause:
    return _field(branch, FIELDS["region"], "contains", region, now)


def _stage(branch: Branch, stage: str, _: datetime) -> Clause:
    # Where a person stands is what the newest follow-up with a stage says.
    newest = (
        f"(SELECT f.stage FROM follow_ups f WHERE {branch.subjects} AND f.stage IS NOT NULL AND f.undone_at IS NULL"  # noqa: S608
        " ORDER BY f.at DESC LIMIT 1)"
    )
    return f"{newest} = ?", [stage]


def _level(branch: Branch, level: str, _: datetime) -> Clause:
    if level != "normal":
        return _in_level(branch, level)
    return _joined(" AND ", [negated(_in_level(branch, one)) for one in LEVEL_TAGS])


def _in_level(branch: Branch, level: str) -> Clause:
    names = LEVEL_TAGS[level]
    tagged = (
        f"{branch.alias}.person_id IN (SELECT t.person_id FROM taggings t JOIN tags g ON g.id = t.tag_id"  # noqa: S608
        f" WHERE g.name IN ({marks(names)}))"
    )
    graded, grades = _field(branch, FIELDS["grade"], "=", LEVEL_GRADES[level], _NEVER)
    return f"({tagged} OR {graded})", [*names, *grades]


def _inactive(branch: Branch, days: int, now: datetime) -> Clause:
    a = branch.alias
    return f"coalesce({a}.last_follow_up_at, {a}.created_at) <= ?", [now - timedelta(days=days)]


def _query(branch: Branch, text: str, now: datetime) -> Clause:
    names = ("name", "company", "title") + (("need", "source") if branch is LEAD else ("industry",))
    return _joined(" OR ", [_field(branch, FIELDS[name], "contains", text, now) for name in names])


_PLAIN: Mapping[str, Callable[[Branch, Any, datetime], Clause]] = {
    "tags": _tags,
    "region": _region,
    "stage": _stage,
    "level": _level,
    "inactive_days": _inactive,
    "query": _query,
}


def leaf_clause(branch: Branch, leaf: Mapping[str, Any], asked: Asked) -> Clause:
    """Compile one leaf."""
    if "field" in leaf:
        return _field(branch, FIELDS[leaf["field"]], leaf["is"], leaf.get("value"), asked.now)
    if "custom" in leaf:
        return _custom(branch, leaf["custom"], leaf["is"], leaf.get("value"))
    if "tag" in leaf:
        return _tag(branch, leaf)
    if "reachable" in leaf:
        return _reachable(branch, leaf, asked.now)
    return _did(branch, leaf, asked.now)


def place_of(branch: Branch, field: Field) -> tuple[str, str]:
    """Tell where a field of this kind of person stands: (its own, customer or lead, the SQL); ("", "") for nowhere."""
    if branch is LEAD:
        return ("own", field.lead) if field.lead else ("", "")
    if field.contact:
        return "own", field.contact
    if field.customer:
        return "customer", field.customer
    return ("lead", field.lead) if field.lead else ("", "")


def _field(branch: Branch, field: Field, operation: str, value: Any, now: datetime) -> Clause:
    if operation == "missing":
        return negated(_field(branch, field, "present", None, now))
    if operation == "!=":
        different = negated(_field(branch, field, "=", value, now))
        if field.form is Form.TEXT:
            return different
        return _joined(" AND ", [_field(branch, field, "present", None, now), different])
    place, column = place_of(branch, field)
    if not place:
        return "1 = 0", []
    sql, values = _compared(column, field.form, operation, value, now)
    if place == "customer":
        return f"+c.customer_id IN (SELECT u.id FROM customers u WHERE {sql})", values  # noqa: S608 - our own words
    if place == "lead":
        return f"+c.id IN (SELECT l.contact_id FROM leads l WHERE l.contact_id IS NOT NULL AND {sql})", values  # noqa: S608
    return sql, values


def _compared(column: str, form: Form, operation: str, value: Any, now: datetime) -> Clause:
    if operation == "present":
        return (f"{column} <> ''" if form is Form.TEXT else f"{column} IS NOT NULL"), []
    if form is Form.INSTANT:
        return f"{column} {'>=' if operation == 'within_days' else '<='} ?", [now - timedelta(days=value)]
    if operation == "in":
        return f"{column} IN ({marks(value)})", list(value)
    if operation == "contains":
        return contains(column), [like(value)]
    if form is Form.NUMBER:
        # A number of JSON may be a fraction; bound as text it is one on both databases, exactly.
        return f"{column} {operation} CAST(? AS DECIMAL(18, 4))", [str(value)]
    return f"{column} {operation} ?", [value]


def _custom(branch: Branch, name: str, operation: str, value: Any) -> Clause:
    if operation == "missing":
        return negated(_custom(branch, name, "present", None))
    if operation == "!=":
        different = negated(_custom(branch, name, "=", value))
        return (
            different if form_of(value) is Form.TEXT else _joined(" AND ", [_custom(branch, name, "present", None), different])
        )
    form = form_of(value)
    column = {Form.NUMBER: "CAST(v.number AS DECIMAL(18, 4))", Form.DAY: "v.on_date"}.get(form, "v.text")
    sql: str
    values: list[Any]
    if operation == "present":
        sql, values = "(v.text <> '' OR v.number IS NOT NULL OR v.on_date IS NOT NULL)", []
    else:
        bound = date.fromisoformat(value) if form is Form.DAY else value
        sql, values = _compared(column, form, operation, bound, _NEVER)
    found = f"SELECT v.subject_id FROM field_values v WHERE v.subject_kind = '{{}}' AND v.name = ? AND {sql}"  # noqa: S608
    kinds = [("lead", "l.id")] if branch is LEAD else [("contact", "c.id"), ("customer", "c.customer_id")]
    parts = [(f"+{key} IN ({found.format(kind)})", [name, *values]) for kind, key in kinds]
    return _joined(" OR ", parts)


def _tag(branch: Branch, leaf: Mapping[str, Any]) -> Clause:
    by = {"hand": " AND t.manual = TRUE", "rule": " AND t.manual = FALSE"}.get(leaf.get("set_by", ""), "")
    return (
        f"{branch.alias}.person_id IN (SELECT t.person_id FROM taggings t JOIN tags g ON g.id = t.tag_id"  # noqa: S608
        f" WHERE g.name = ?{by})",
        [leaf["tag"]],
    )


def _reachable(branch: Branch, leaf: Mapping[str, Any], now: datetime) -> Clause:
    """Say that somebody follows on a channel, has not opted out, and, if asked, wrote of late, so that a window is open."""
    window = " AND a.last_inbound_at >= ?" if "within_hours" in leaf else ""
    since = [now - timedelta(hours=leaf["within_hours"])] if window else []
    return (
        f"+{branch.alias}.person_id IN (SELECT a.person_id FROM accounts a WHERE a.person_kind = 'customer' AND a.channel = ?"  # noqa: S608
        f" AND a.opted_out_at IS NULL AND a.unfollowed_at IS NULL{window})",
        [leaf["reachable"], *since],
    )


_ACCOUNT_TIMES = {
    "wrote": "a.last_inbound_at",
    "followed": "a.followed_at",
    "unfollowed": "a.unfollowed_at",
    "got_broadcast": "a.last_broadcast_at",
}
"""What the account itself remembers: when it was last."""
_IN = "m.direction = 'in' AND m.kind <> 'event'"
EVENTS = {
    "clicked": " OR ".join(f'm.payload LIKE \'{{"event":"{name}"%\'' for name in ("click", "view", "menu_click")),
    "scanned": (
        'm.payload LIKE \'{"event":"scan"%\' OR (m.payload LIKE \'{"event":"subscribe"%\' AND m.payload LIKE \'%"scene":"%\')'
    ),
}
"""A stored payload begins with its event, as `inbox.py` writes it."""


def _did(branch: Branch, leaf: Mapping[str, Any], now: datetime) -> Clause:
    behaviour = leaf["did"]
    since = now - timedelta(days=leaf["within_days"]) if "within_days" in leaf else None
    times = leaf.get("times", 1)
    if behaviour == "followed_up":
        return _followed_up(branch, since, times)
    if behaviour == "bought":
        return _bought(branch, since, times)
    if behaviour in _ACCOUNT_TIMES and times == 1 and "word" not in leaf:
        column = _ACCOUNT_TIMES[behaviour]
        bound = f"{column} >= ?" if since else f"{column} IS NOT NULL"
        return (
            f"+{branch.alias}.person_id IN (SELECT a.person_id FROM accounts a WHERE a.person_kind = 'customer' AND {bound})",  # noqa: S608
            [since] if since else [],
        )
    return _messages(branch, leaf, since, times)


def message_clause(leaf: Mapping[str, Any], since: datetime | None) -> Clause:
    """Say which messages `m` count for a behaviour."""
    behaviour = leaf["did"]
    clauses = [_IN if behaviour == "wrote" else "m.kind = 'event'"]
    values: list[Any] = []
    if behaviour in EVENTS:
        clauses.append(f"({EVENTS[behaviour]})")
    if behaviour == "event":
        clauses.append("m.payload LIKE ? ESCAPE '!'")
        values.append('{"event":"' + like(leaf["name"])[1:-1] + '"%')
    if since is not None:
        clauses.append("m.at >= ?")
        values.append(since)
    if "word" in leaf:
        clauses.append(contains("m.text"))
        values.append(like(leaf["word"]))
    return " AND ".join(clauses), values


def _messages(branch: Branch, leaf: Mapping[str, Any], since: datetime | None, times: int) -> Clause:
    sql, values = message_clause(leaf, since)
    return (
        f"{branch.alias}.person_id IN (SELECT a.person_id FROM messages m JOIN accounts a ON a.id = m.account_id"  # noqa: S608
        f" AND a.person_kind = 'customer' WHERE {sql}{_often('a.person_id', times)})",
        [*values, *([times] if times > 1 else [])],
    )


def _followed_up(branch: Branch, since: datetime | None, times: int) -> Clause:
    bound, values = (" AND f.at >= ?", [since]) if since else ("", [])
    kinds = [("lead", "l.id")] if branch is LEAD else [("contact", "c.id"), ("customer", "c.customer_id")]
    parts: list[Clause] = []
    for kind, key in kinds:
        found = (
            f"SELECT f.subject_id FROM follow_ups f WHERE f.subject_kind = '{kind}' AND f.undone_at IS NULL"  # noqa: S608
            f"{bound}{_often('f.subject_id', times)}"
        )
        parts.append((f"+{key} IN ({found})", [*values, *([times] if times > 1 else [])]))
    return _joined(" OR ", parts)


def _bought(branch: Branch, since: datetime | None, times: int) -> Clause:
    if branch is LEAD:
        return "1 = 0", []
    bound, values = (" AND o.won_at >= ?", [since]) if since else ("", [])
    found = f"SELECT o.customer_id FROM opportunities o WHERE o.status = 'won'{bound}{_often('o.customer_id', times)}"  # noqa: S608
    return f"+c.customer_id IN ({found})", [*values, *([times] if times > 1 else [])]


def _often(key: str, times: int) -> str:
    return f" GROUP BY {key} HAVING count(*) >= ?" if times > 1 else ""


def contains(column: str) -> str:
    """Say that a column contains a text, in either case."""
    # LIKE alone tells upper from lower case on PostgreSQL and not on SQLite.
    return f"lower({column}) LIKE lower(?) ESCAPE '!'"


def like(text: str) -> str:
    """Make the pattern for `contains`."""
    escaped = text.strip().replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return f"%{escaped}%"


def marks(values: Sequence[object]) -> str:
    """Give so many question marks."""
    return ", ".join("?" * len(values))
