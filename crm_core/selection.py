"""Whom a condition selects, as one portable SQL query over leads and contacts; no query per row.

Leads count until they are converted, discarded or merged; from conversion on the person is their contact.
Level (一条规则，三级): vip = tag VIP or grade A, key = tag 重点 or grade B, normal = neither.
What a condition may say stands in `conditions.py`, what it means in `condition_sql.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

import msgspec

from crm_core.calendar import is_birthday, solar_to_lunar
from crm_core.collaborators import own_or_shared_sql
from crm_core.condition_sql import CONTACT, LEAD, Asked, Branch, Clause, clause_of, marks
from crm_core.conditions import KINDS, STAGES, check_conditions

__all__ = [
    "KINDS",
    "STAGES",
    "Selection",
    "Sql",
    "birthday_words",
    "check_conditions",
    "count_sql",
    "people_sql",
]
Sql = tuple[str, Sequence[object]]


@dataclass(frozen=True, slots=True)
class Selection:
    """A condition made concrete: who "me" is, whose rows may be drawn (None: all), and, for birthdays, which day.

    `departments` are the units whose leads without an owner may be drawn (None: those of all), besides those of no unit;
    none from `closed_pools`.
    """

    conditions: Mapping[str, Any] = field(default_factory=dict)
    me: int | None = None
    owners: tuple[int, ...] | None = None
    birthday: date | None = None
    departments: tuple[int, ...] | None = None
    closed_pools: tuple[str, ...] = ()

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


def people_sql(
    selection: Selection,
    now: datetime,
    *,
    after: int = 0,
    until: int | None = None,
    limit: int | None = None,
    columns: Sequence[str] = (),
    among: Sequence[int] | None = None,
) -> Sql:
    """Select `person_id` (and these columns both tables have), in order of it, from `after` exclusive to `until` inclusive.

    `among`: only these people.
    """
    queries, values = [], []
    for branch in branches_of(selection):
        clauses = [f"{branch.alias}.person_id > ?"] if after else []
        more: list[object] = [after] if after else []
        if until is not None:
            clauses.append(f"{branch.alias}.person_id <= ?")
            more.append(until)
        if among is not None:
            clauses.append(f"{branch.alias}.person_id IN ({marks(among)})")
            more += among
        sql, parameters = where_sql(branch, selection, now)
        shown = "".join(f", {branch.alias}.{column}" for column in columns)
        where = " AND ".join([*clauses, sql])
        queries.append(f"SELECT {branch.alias}.person_id AS person_id{shown} FROM {branch.source} WHERE {where}")  # noqa: S608
        values += [*more, *parameters]
    sql = " UNION ALL ".join(queries)
    if limit is not None:
        sql += " ORDER BY person_id LIMIT ?"
        values.append(limit)
    return sql, values


def branches_of(selection: Selection) -> list[Branch]:
    """Tell which kinds of person a selection is drawn from."""
    kind = selection.conditions.get("kind")
    return [{"lead": LEAD, "customer": CONTACT}[kind]] if kind else [LEAD, CONTACT]


def where_sql(branch: Branch, selection: Selection, now: datetime) -> Clause:
    """Say who is selected among one kind of person."""
    parts: list[Clause] = [(branch.always, [])]
    if selection.conditions:
        parts.append(clause_of(branch, selection.conditions, Asked(now, selection.me)))
    parts += _allowed(branch, selection)
    if selection.birthday is not None:
        parts.append(_birthday(branch.alias, selection.birthday))
    return " AND ".join(sql for sql, _ in parts), [value for _, values in parts for value in values]


def count_sql(selection: Selection, now: datetime) -> Sql:
    """Count the people of a selection."""
    # One count a kind, added up: nobody stands in both, and no list of everybody is made.
    parts = [(branch, *where_sql(branch, selection, now)) for branch in branches_of(selection)]
    counts = [f"(SELECT count(*) FROM {branch.source} WHERE {sql})" for branch, sql, _ in parts]  # noqa: S608
    return f"SELECT {' + '.join(counts)}", [value for _, _, values in parts for value in values]


def _allowed(branch: Branch, selection: Selection) -> list[Clause]:
    """Say whose rows may be drawn: those of the owners and shared with them, and leads without one that no other unit has."""
    if selection.owners is None:
        return []
    if branch is not LEAD:
        return [own_or_shared_sql(selection.owners, "c.owner_id", "c.customer_id")]
    mine = f"l.owner_id IN ({marks(selection.owners)})"
    units = selection.departments or ()
    ours = f" OR l.department_id IN ({marks(units)})" if units else ""
    pool = "l.owner_id IS NULL" + (f" AND (l.department_id IS NULL{ours})" if selection.departments is not None else "")
    closed = selection.closed_pools
    pool += f" AND l.pool NOT IN ({marks(closed)})" if closed else ""
    return [(f"({mine} OR ({pool}))", [*selection.owners, *units, *closed])]


def _birthday(alias: str, day: date) -> Clause:
    words = birthday_words(day)
    solar = [word for word in words if not word.startswith("lunar:")]
    clause = f"{alias}.birthday IN ({marks(words)})"
    if not solar:
        return clause, list(words)
    # A birthday with a year is YYYY-MM-DD: the same words from the sixth character on.
    return f"({clause} OR substr({alias}.birthday, 6) IN ({marks(solar)}))", [*words, *solar]


def birthday_words(day: date) -> list[str]:
    """List the birthdays, as people's records hold them without a year, that are kept on this day."""
    lunar = solar_to_lunar(day)
    candidates = [f"{day:%m-%d}", "02-29"]
    candidates += [f"lunar:{lunar.month:02}{leap}-{number:02}" for leap in ("", "L") for number in (lunar.day, 30)]
    return [word for word in dict.fromkeys(candidates) if is_birthday(word, day)]
