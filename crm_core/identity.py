"""The people table: one sequence of person_id for leads, contacts and employees, never reused; and what hangs on a record.

Nouns declare what hangs on a person or record; identity knows no noun. Most tables tell it by the names of their columns
(`person_id`, `lead_id`, `subject_kind` with `subject_id`); one that must be treated otherwise says so in `hangs_on`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tortoise import Tortoise, fields

from crm_core.db import APP, Entity
from crm_core.ports import Core, Program

NOUNS = ("lead", "contact", "customer")
"""What can be merged, by the word that stands in the columns for kinds."""
SUBJECTS = ("subject", "about")
"""Columns `..._kind` and `..._id` of these names say whom a row is about."""
TABLES = {"lead": "leads", "contact": "contacts", "customer": "customers"}


@dataclass(frozen=True, slots=True)
class Hang:
    """Rows of one table that hang on a record of a noun, or on a person: they go along when it is merged.

    `kind_column` names the column that says which noun a number is of; `stronger` the columns of yes and no of which the
    yes wins where both records have such a row.
    """

    table: str
    column: str
    noun: str
    kind_column: str = ""
    stronger: tuple[str, ...] = ()


class Person(Entity):
    """Somebody, whatever the house calls them. A merged one goes on answering with the surviving one."""

    merged_into_id = fields.BigIntField(null=True, db_index=True)

    class Meta:
        """Never deleted, so that numbers are never given twice."""

        table = "people"


async def new_person(core: Core) -> int:
    """Give out the next person number, in the open transaction."""
    person = await Person.add(core)
    return int(person.id)


def insert_person(core: Core) -> Program[int]:
    """Give out the next person number, as a plain-SQL program."""
    now = core.clock.now()
    rows = yield "INSERT INTO people (created_at, updated_at) VALUES (?, ?) RETURNING id", (now, now)
    return int(rows[0][0])


def surviving_person(person_id: int) -> Program[int]:
    """Tell who answers for a person number: the one it was merged into, or itself."""
    rows = yield "SELECT merged_into_id FROM people WHERE id = ?", (person_id,)
    return int(rows[0][0]) if rows and rows[0][0] is not None else person_id


def hanging(noun: str) -> list[Hang]:
    """List what hangs on records of a noun, or on a person ("person"), over all tables that are open."""
    found = [hang for model in _models() for hang in _hangs_of(model) if hang.noun in (noun, "")]
    return sorted(found, key=lambda hang: (hang.table, hang.column))


def unique_with(table: str, column: str) -> list[tuple[str, ...]]:
    """List the sets of columns of a table that are unique together and hold this column."""
    model = next(model for model in _models() if model._meta.db_table == table)
    together = [tuple(names) for names in model._meta.unique_together if column in names]
    return together + ([(column,)] if model._meta.fields_map[column].unique else [])


def _models() -> Iterable[type[Entity]]:
    models: Any = Tortoise.apps
    return list(models[APP].values()) if models else []


def _hangs_of(model: type[Entity]) -> tuple[Hang, ...]:
    declared: tuple[Hang, ...] | None = getattr(model, "hangs_on", None)
    table = str(model._meta.db_table)
    return _by_name(table, set(model._meta.fields_map)) if declared is None else declared


def _by_name(table: str, columns: set[str]) -> tuple[Hang, ...]:
    found = [Hang(table, f"{noun}_id", noun) for noun in ("person", *NOUNS) if f"{noun}_id" in columns]
    pairs = [word for word in SUBJECTS if {f"{word}_id", f"{word}_kind"} <= columns]
    return tuple(found + [Hang(table, f"{word}_id", "", f"{word}_kind") for word in pairs])
