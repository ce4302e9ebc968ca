"""The tables: every index a class declares stands in the migrated database."""

from collections import defaultdict

from bot.models import all_models
from crm_core.ports import Core, Program
from tests.conftest import on_postgres


def _on_sqlite() -> Program[list[tuple[str, str, str]]]:
    return (
        yield (
            "SELECT t.name, i.name, c.name FROM sqlite_master t JOIN pragma_index_list(t.name) i"
            " JOIN pragma_index_info(i.name) c WHERE t.type = 'table' ORDER BY i.name, c.seqno",
            (),
        )
    )


def _on_postgres() -> Program[list[tuple[str, str, str]]]:
    return (
        yield (
            "SELECT t.relname, i.relname, a.attname FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid"
            " JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_attribute a ON a.attrelid = i.oid ORDER BY i.relname, a.attnum",
            (),
        )
    )


async def test_every_declared_index_was_made(core: Core) -> None:
    """Adding a column makes no index, and removing one may rebuild the table without its own."""
    columns: dict[tuple[str, str], list[str]] = defaultdict(list)
    for table, index, column in await core.db.read(_on_postgres() if on_postgres() else _on_sqlite()):
        columns[table, index].append(column)
    missing = []
    for model in all_models():
        table = str(model._meta.db_table)
        made = [found for (of, _), found in columns.items() if of == table]
        wanted = [[name] for name, field in model._meta.fields_map.items() if (field.index or field.unique) and name != "id"]
        wanted += [list(each.fields) if hasattr(each, "fields") else list(each) for each in model._meta.indexes]
        missing += [(table, names) for names in wanted if not any(found[: len(names)] == names for found in made)]
    assert missing == []
