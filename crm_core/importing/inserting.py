"""Many new records in few statements, every one of them noted in the import's change set. Plain SQL, portable."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from crm_core import change_sets
from crm_core.customers import Contact, Customer
from crm_core.db import Entity
from crm_core.leads import Lead, ring_for_chain
from crm_core.ports import Core, Program

ROWS = 100
"""Of one statement: their values must stay under what a driver takes."""
_PEOPLE = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
    " INSERT INTO people (created_at, updated_at) SELECT ?, ? FROM n RETURNING id"
)
_MODELS: Mapping[str, type[Entity]] = {"leads": Lead, "customers": Customer, "contacts": Contact}


def new_people(now: datetime, count: int) -> Program[list[int]]:
    """Give out person numbers."""
    rows = yield _PEOPLE, (count, now, now)
    return sorted(int(number) for (number,) in rows)


def insert(core: Core, set_id: int, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Program[list[int]]:
    """Insert rows of these columns, the others as a new record has them; gives their numbers, in no order.

    The last two columns must be `created_at` and `updated_at`.
    """
    head, tail = _statement(table, tuple(columns))
    made: list[int] = []
    people = columns.index("person_id") if "person_id" in columns else None
    for page in _pages(rows):
        values = [value for row in page for value in row]
        found = yield f"{head}{', '.join([tail] * len(page))} RETURNING id{', person_id' if people is not None else ''}", values
        if people is None:
            yield from change_sets.note_all_made(core, set_id, table, [(number, None) for (number,) in found])
        made += [int(row[0]) for row in found]
    if people is not None and rows:
        yield from _note_people(core, set_id, table, [row[people] for row in rows])
    if table == "leads" and made:
        ring_for_chain(core)
    return made


def _note_people(core: Core, set_id: int, table: str, people: Sequence[int]) -> Program[None]:
    """Note rows by their person numbers, in one statement when those follow each other."""
    now = core.clock.now()
    first, last = min(people), max(people)
    if last - first + 1 == len(people):
        yield _NOTE.format(table=table, where="person_id >= ? AND person_id <= ?"), (set_id, now, now, first, last)
        return
    for page in _pages(people):
        marks = ", ".join("?" * len(page))
        yield _NOTE.format(table=table, where=f"person_id IN ({marks})"), (set_id, now, now, *page)


_NOTE = (
    "INSERT INTO changed_rows (set_id, table_name, row_id, person_id, created_at, updated_at)"
    " SELECT ?, '{table}', id, person_id, ?, ? FROM {table} WHERE {where}"
)


@cache
def _statement(table: str, columns: tuple[str, ...]) -> tuple[str, str]:
    """Write the beginning of the statement, and one row of it with what a new record has in its other columns."""
    names, marks = list(columns), ["?"] * len(columns)
    for name, field in _MODELS[table]._meta.fields_map.items():
        if name in columns or name == "id" or field.null:
            continue
        names.append(name)
        marks.append(_literal(field.default))
    quoted = ", ".join(f'"{name}"' for name in names)
    return f'INSERT INTO "{table}" ({quoted}) VALUES ', f"({', '.join(marks)})"  # noqa: S608 - our own names


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str) and "'" not in value:
        return f"'{value}'"
    raise TypeError(f"no default to write down: {value!r}")


def _pages(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (rows[first : first + ROWS] for first in range(0, len(rows), ROWS))
