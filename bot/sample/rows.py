"""Inserting one row of a table in plain SQL, with the defaults its model declares: fast, and durable in one commit."""

from datetime import datetime

from crm_core.db import Entity
from crm_core.ports import Program


def insert(model: type[Entity], made_at: datetime, /, **values: object) -> Program[int]:
    """Insert a row that was made at a moment of the past; gives its number."""
    made = model(**{"created_at": made_at, "updated_at": made_at, **values})
    columns = {name: column for name, column in model._meta.fields_db_projection.items() if name != "id"}
    cells = [model._meta.fields_map[name].to_db_value(getattr(made, name), made) for name in columns]
    names, marks = ", ".join(f'"{column}"' for column in columns.values()), ", ".join("?" * len(columns))
    rows = yield f'INSERT INTO "{model._meta.db_table}" ({names}) VALUES ({marks}) RETURNING id', cells  # noqa: S608 - our own names
    return int(rows[0][0])
