"""The keys of names in the tables: made as the ORM writes a row, and for what was written otherwise a little later.

A row whose `name_key` is NULL is due: whoever changes a name or company in plain SQL sets it so. A partial index finds them.
"""

from functools import partial
from typing import Any

from crm_core.db import Entity
from crm_core.name_keys import KEYS
from crm_core.ports import Core, Program

PAGE = 500


class Keyed(Entity):
    """A record with a name: whenever the ORM writes the name, it writes the keys it is compared by."""

    class Meta:
        """Not a table itself."""

        abstract = True

    async def save(self, *args: Any, **kwargs: Any) -> None:
        """Write the row, its keys made anew where a name is written."""
        written = kwargs.get("update_fields")
        for key, (name, make) in KEYS[str(self._meta.db_table)].items():
            if written is None or name in written:
                setattr(self, key, make(getattr(self, name)))
                if written is not None:
                    kwargs["update_fields"] = written = [*written, key]
        await super().save(*args, **kwargs)


async def fill(core: Core) -> int:
    """Make every key that is due, a page to a transaction; tells how many rows."""
    done = 0
    for table in KEYS:
        while count := await core.db.run(partial(_page, table)) if await core.db.read(_due(table)) else 0:
            done += count
    return done


async def is_behind(core: Core) -> bool:
    """Tell whether keys are still to be made: until then a name that is there may not be found."""
    for table in KEYS:
        if await core.db.read(_due(table)):
            return True
    return False


def _due(table: str) -> Program[bool]:
    rows = yield f"SELECT 1 FROM {table} WHERE name_key IS NULL LIMIT 1", ()  # noqa: S608 - our own names
    return bool(rows)


def _page(table: str) -> Program[int]:
    keys = KEYS[table]
    names = [name for name, _ in keys.values()]
    rows = yield (
        f"SELECT id, {', '.join(names)} FROM {table} WHERE name_key IS NULL ORDER BY id LIMIT {PAGE}",  # noqa: S608
        (),
    )
    sets = ", ".join(f"{key} = ?" for key in keys)
    same = " AND ".join(f"{name} = ?" for name in names)
    for number, *words in rows:
        made = [make(word) for (_, make), word in zip(keys.values(), words, strict=True)]
        # A row renamed meanwhile stays due. No stamp: a key is no change of the record.
        yield f"UPDATE {table} SET {sets} WHERE id = ? AND {same}", (*made, number, *words)  # noqa: S608
    return len(rows)
