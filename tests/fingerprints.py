"""All rows of the business as they stand, for comparing before and after; notes of what happened are left out."""

from typing import Any

from bot.models import all_models
from crm_core.ports import Core, Program

NOTES = {"change_sets", "changed_rows", "audit_entries", "audit_values", "audit_blocks", "messages", "state_entries"}
STAMPS = {"updated_at"}


async def fingerprint(core: Core) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table by its number; `updated_at` aside."""
    found = {}
    for table in _tables():
        columns = [name for name in sorted(core.db.columns_of(table)) if name not in STAMPS]
        found[table] = await core.db.read(_rows(table, columns))
    return found


async def counts() -> dict[str, int]:
    """How many rows each table holds."""
    return {str(model._meta.db_table): await model.all().count() for model in all_models()}


def _tables() -> list[str]:
    return [str(model._meta.db_table) for model in all_models() if model._meta.db_table not in NOTES]


def _rows(table: str, columns: list[str]) -> Program[list[tuple[Any, ...]]]:
    names = ", ".join(f'"{name}"' for name in columns)
    rows = yield f'SELECT {names} FROM "{table}" ORDER BY id', ()
    return [tuple(row) for row in rows]
