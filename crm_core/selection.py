"""Whom a condition selects, as one portable SQL query over leads and contacts; no query per row.

Leads count until they are converted or discarded; from conversion on the person is their contact.
Level (一条规则，三级): vip = tag VIP or grade A, key = tag 重点 or grade B, normal = neither.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from crm_core.calendar import is_birthday, solar_to_lunar
from crm_core.errors import Invalid
from crm_core.rules import LEVEL_GRADES, LEVEL_TAGS, LEVELS

STAGES = ("initial", "qualified", "proposal", "negotiation", "contract", "won", "lost")
KINDS = ("lead", "customer")
MAX_TEXT = 64
MAX_DAYS = 3660

Sql = tuple[str, Sequence[object]]


@dataclass(frozen=True, slots=True)
class Selection:
    """A condition made concrete: who "me" is, whose rows may be drawn (None: all), and, for birthdays, which day."""

    conditions: Mapping[str, Any] = field(default_factory=dict)
    me: int | None = None
    owners: tuple[int, ...] | None = None
    birthday: date | None = None

    def to_json(self) -> str:
        """Write it down, to be frozen into a broadcast."""
        return msgspec.json.encode(self).decode()

    def with_conditions(self, conditions: str) -> "Selection":
        """Put another condition (JSON) in place, for the same people allowed."""
        return replace(self, conditions=msgspec.json.decode(conditions))

    def on_birthday(self, day: date) -> "Selection":
        """Narrow it to those whose birthday is kept on a day."""
        return replace(self, birthday=day)

    @classmethod
    def from_json(cls, text: str) -> "Selection":
        """Read what `to_json` wrote."""
        return msgspec.json.decode(text, type=cls)


def check_conditions(conditions: Mapping[str, object]) -> dict[str, object]:
    """Check a segment object strictly. Raises: Invalid with the key that is wrong."""
    if not isinstance(conditions, Mapping):
        raise Invalid(field="conditions", reason="应为对象")
    for key, value in conditions.items():
        check = _CHECKS.get(key)
        if check is None:
            raise Invalid(field=f"conditions.{key}"[:64], reason="没有这个条件")
        problem = check(value)
        if problem:
            raise Invalid(field=f"conditions.{key}", reason=problem)
    return dict(conditions)


def _text(value: object) -> str:
    return "" if isinstance(value, str) and 0 < len(value.strip()) <= MAX_TEXT else f"应为1到{MAX_TEXT}个字"


def _texts(value: object) -> str:
    good = isinstance(value, list) and 0 < len(value) <= 20 and not any(_text(item) for item in value)
    return "" if good else "应为1到20个标签"


def _days(value: object) -> str:
    good = isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MAX_DAYS
    return "" if good else f"应为1到{MAX_DAYS}的天数"


def _one_of(*words: str) -> Any:  # a check like the others
    return lambda value: "" if isinstance(value, str) and value in words else f"应为{'、'.join(words)}"


_CHECKS: Mapping[str, Any] = {
    "tags": _texts,
    "region": _text,
    "stage": _one_of(*STAGES),
    "level": _one_of(*LEVELS),
    "kind": _one_of(*KINDS),
    "owner": _one_of("me"),
    "inactive_days": _days,
    "query": _text,
}


@dataclass(frozen=True, slots=True)
class _Branch:
    """Where one kind of person stands: the tables and what a condition means there."""

    source: str
    alias: str
    always: str
    region: str
    grade: str
    texts: tuple[str, ...]
    subjects: str
    ownerless: str


_LEAD = _Branch(
    source="leads l",
    alias="l",
    always="l.status IN ('new', 'following')",
    region="l.region",
    grade="l.grade",
    texts=("l.name", "l.company", "l.title", "l.need", "l.source"),
    subjects="f.subject_kind = 'lead' AND f.subject_id = l.id",
    ownerless=" OR l.owner_id IS NULL",
)
_CONTACT = _Branch(
    source="contacts c LEFT JOIN customers u ON u.id = c.customer_id",
    alias="c",
    always="",
    region="u.region",
    grade="u.grade",
    texts=("c.name", "c.title", "u.name", "u.industry"),
    subjects=(
        "((f.subject_kind = 'contact' AND f.subject_id = c.id) OR (f.subject_kind = 'customer'"
        " AND f.subject_id = c.customer_id))"
    ),
    ownerless="",
)
_BRANCHES = {"lead": _LEAD, "customer": _CONTACT}


def people_sql(
    selection: Selection,
    now: datetime,
    *,
    after: int = 0,
    until: int | None = None,
    limit: int | None = None,
    columns: Sequence[str] = (),
) -> Sql:
    """Select `person_id` (and these columns both tables have), in order of it, from `after` exclusive to `until` inclusive."""
    kind = selection.conditions.get("kind")
    branches = [_BRANCHES[kind]] if kind else [_LEAD, _CONTACT]
    queries, values = [], []
    for branch in branches:
        sql, parameters = _branch_sql(branch, selection, now, after=after, until=until, columns=columns)
        queries.append(sql)
        values += parameters
    sql = " UNION ALL ".join(queries)
    if limit is not None:
        sql += " ORDER BY person_id LIMIT ?"
        values.append(limit)
    return sql, values


def count_sql(selection: Selection, now: datetime) -> Sql:
    """Count the people of a selection."""
    sql, values = people_sql(selection, now)
    return f"SELECT count(*) FROM ({sql}) p", values  # noqa: S608


def _branch_sql(
    branch: _Branch, selection: Selection, now: datetime, *, after: int, until: int | None, columns: Sequence[str]
) -> tuple[str, list[object]]:
    a = branch.alias
    clauses = [f"{a}.person_id > ?"]
    values: list[object] = [after]
    parts: list[tuple[str, list[Any]]] = [
        _CONDITIONS[key](branch, value, now) for key, value in selection.conditions.items() if key in _CONDITIONS
    ]
    if until is not None:
        parts.append((f"{a}.person_id <= ?", [until]))
    if branch.always:
        parts.append((branch.always, []))
    if "owner" in selection.conditions:
        parts.append((f"{a}.owner_id = ?", [selection.me]))
    if selection.owners is not None:
        parts.append((f"({a}.owner_id IN ({_marks(selection.owners)}){branch.ownerless})", list(selection.owners)))
    if selection.birthday is not None:
        parts.append(_birthday(a, selection.birthday))
    for clause, parameters in parts:
        clauses.append(clause)
        values += parameters
    shown = "".join(f", {a}.{column}" for column in columns)
    return f"SELECT {a}.person_id AS person_id{shown} FROM {branch.source} WHERE {' AND '.join(clauses)}", values  # noqa: S608


def _tags(branch: _Branch, names: list[str], _: datetime) -> tuple[str, list[Any]]:
    one = f"{branch.alias}.person_id IN (SELECT t.person_id FROM taggings t JOIN tags g ON g.id = t.tag_id WHERE g.name = ?)"  # noqa: S608
    return " AND ".join([one] * len(names)), list(names)


def _region(branch: _Branch, region: str, _: datetime) -> tuple[str, list[Any]]:
    return _contains(branch.region), [_like(region)]


def _stage(branch: _Branch, stage: str, _: datetime) -> tuple[str, list[Any]]:
    # Where a person stands is what the newest follow-up with a stage says.
    newest = (
        f"(SELECT f.stage FROM follow_ups f WHERE {branch.subjects} AND f.stage IS NOT NULL AND f.undone_at IS NULL"  # noqa: S608
        " ORDER BY f.at DESC LIMIT 1)"
    )
    return f"{newest} = ?", [stage]


def _level(branch: _Branch, level: str, _: datetime) -> tuple[str, list[Any]]:
    if level != "normal":
        return _in_level(branch, level)
    parts = [_in_level(branch, one) for one in LEVEL_TAGS]
    return " AND ".join(f"NOT {clause}" for clause, _ in parts), [value for _, values in parts for value in values]


def _in_level(branch: _Branch, level: str) -> tuple[str, list[Any]]:
    tags = LEVEL_TAGS[level]
    tagged = (
        f"{branch.alias}.person_id IN (SELECT t.person_id FROM taggings t JOIN tags g ON g.id = t.tag_id"  # noqa: S608
        f" WHERE g.name IN ({_marks(tags)}))"
    )
    return f"({tagged} OR coalesce({branch.grade}, '') = ?)", [*tags, LEVEL_GRADES[level]]


def _inactive(branch: _Branch, days: int, now: datetime) -> tuple[str, list[Any]]:
    a = branch.alias
    return f"coalesce({a}.last_follow_up_at, {a}.created_at) <= ?", [now - timedelta(days=days)]


def _query(branch: _Branch, text: str, _: datetime) -> tuple[str, list[Any]]:
    found = " OR ".join(_contains(column) for column in branch.texts)
    return f"({found})", [_like(text)] * len(branch.texts)


_CONDITIONS: Mapping[str, Any] = {
    "tags": _tags,
    "region": _region,
    "stage": _stage,
    "level": _level,
    "inactive_days": _inactive,
    "query": _query,
}


def _birthday(alias: str, day: date) -> tuple[str, list[Any]]:
    words = birthday_words(day)
    solar = [word for word in words if not word.startswith("lunar:")]
    clause = f"{alias}.birthday IN ({_marks(words)})"
    if not solar:
        return clause, list(words)
    # A birthday with a year is YYYY-MM-DD: the same words from the sixth character on.
    return f"({clause} OR substr({alias}.birthday, 6) IN ({_marks(solar)}))", [*words, *solar]


def birthday_words(day: date) -> list[str]:
    """List the birthdays, as people's records hold them without a year, that are kept on this day."""
    lunar = solar_to_lunar(day)
    candidates = [f"{day:%m-%d}", "02-29"]
    candidates += [f"lunar:{lunar.month:02}{leap}-{number:02}" for leap in ("", "L") for number in (lunar.day, 30)]
    return [word for word in dict.fromkeys(candidates) if is_birthday(word, day)]


def _contains(column: str) -> str:
    # LIKE alone tells upper from lower case on PostgreSQL and not on SQLite.
    return f"lower({column}) LIKE lower(?) ESCAPE '!'"


def _like(text: str) -> str:
    escaped = text.strip().replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return f"%{escaped}%"


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
