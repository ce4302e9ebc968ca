"""Who may still take a change set back: whoever may change each record it touched as things are now (撤销的权限).

A record one gave away oneself can be taken back while its new owner has done nothing with it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from crm_core.access import Actor, Role, require
from crm_core.collaborators import may_change
from crm_core.errors import Conflict, Refused
from crm_core.identity import TABLES
from crm_core.ports import HOLD, Core, Program

_OWNED = {**TABLES, "opportunity": "opportunities"}
"""Tables of records with an owner, by noun."""
_SCOPES = {
    **{table: table for table in _OWNED.values()},
    **{"offers": "leads", "pool_claims": "leads", "distributions": "leads"},
    **{"collaborators": "customers", "stage_moves": "opportunities", "sales_targets": "targets"},
}
"""By table, what one must be allowed to write; what merely hangs on a record goes by the right to that record."""
_PAGE = 500


class GivenAway(Refused):
    """A record of the set is somebody else's by now."""

    code = "change_set.given_away"
    text = "「{summary}」动过的记录现在归别人，不能撤销"


class TakenUp(Conflict):
    """Who was given the record has worked on it."""

    code = "change_set.taken_up"
    text = "「{summary}」的新负责人已经跟进，不能撤销"


@dataclass(slots=True)
class _Touched:
    """What a set did to the ownership of a record."""

    gave: bool = False
    owner_id: int | None = None


async def require_scopes(core: Core, actor: Actor, set_id: int) -> None:
    """Refuse an undo that would write what the asker, or their token, may not write at all. Raises: Refused."""
    touched = await core.db.run(_touched(set_id))
    tables = {table for table, _ in touched} | await core.db.run(_tables(set_id))
    for scope in sorted({_SCOPES[table] for table in tables if table in _SCOPES}):
        require(actor, f"{scope}:write")


def _tables(set_id: int) -> Program[set[str]]:
    rows = yield "SELECT DISTINCT table_name FROM changed_rows WHERE set_id = ?", (set_id,)
    return {str(table) for (table,) in rows}


async def require_changeable(core: Core, actor: Actor, set_id: int, summary: str, since: datetime) -> None:
    """Refuse an undo that would change records of others. Raises: GivenAway; TakenUp."""
    if actor.system or actor.role is Role.ADMIN or actor.employee_id is None:
        return
    touched = await core.db.run(_touched(set_id))
    for table in _OWNED.values():
        numbers = sorted(number for name, number in touched if name == table)
        for first in range(0, len(numbers), _PAGE):
            for row in await core.db.run(_owners(table, numbers[first : first + _PAGE])):
                did = touched[table, row[0]]
                if did.gave and did.owner_id is not None and did.owner_id == row[1] != actor.employee_id:
                    if await core.db.run(_taken_up(table, row[0], row[1], since)):
                        raise TakenUp(summary=summary[:30])
                elif not await _may_change(actor, table, row, did):
                    raise GivenAway(summary=summary[:30])


async def _may_change(actor: Actor, table: str, row: Sequence[Any], did: _Touched) -> bool:
    _, owner_id, customer_id = row
    if owner_id is not None and owner_id in (actor.team or {actor.employee_id}):
        return True
    if table == TABLES["lead"]:
        # Nobody's: a salesperson claims it first; what the set itself made nobody's goes back to whose it was.
        return owner_id is None and (actor.role is not Role.SALES or did.gave)
    return customer_id is not None and await may_change(actor, int(customer_id), owner_id)


def _touched(set_id: int) -> Program[dict[tuple[str, int], _Touched]]:
    """Gather the records with an owner a set changed, or on which a row hangs that it changed."""
    found: dict[tuple[str, int], _Touched] = {}
    last = 0
    while True:
        page = yield (
            "SELECT id, table_name, row_id, before, after FROM changed_rows WHERE set_id = ? AND id > ? ORDER BY id LIMIT ?",
            (set_id, last, _PAGE),
        )
        for _, table, number, before, after in page:
            values = msgspec.json.decode(after) if after else {}
            if table in _OWNED.values():
                did = found.setdefault((table, int(number)), _Touched())
                if "owner_id" in values:
                    did.gave, did.owner_id = True, values["owner_id"]
            elif (on := (yield from _hangs_on(table, number, before))) is not None:
                found.setdefault(on, _Touched())
        if len(page) < _PAGE:
            return found
        last = page[-1][0]


def _hangs_on(table: str, number: int, before: str | None) -> Program[tuple[str, int] | None]:
    if table == "collaborators":
        columns: tuple[str, ...] = ("customer_id",)
    elif table == "field_values":
        columns = ("subject_kind", "subject_id")
    else:
        return None
    was: Mapping[str, Any] = msgspec.json.decode(before) if before else {}
    if set(columns) <= set(was):
        values: Sequence[Any] = [was[name] for name in columns]
    else:
        rows = yield f'SELECT {", ".join(columns)} FROM "{table}" WHERE id = ?', (number,)  # noqa: S608 - our own names
        values = rows[0] if rows else ()
    if not values:
        return None
    noun, on = ("customer", values[0]) if len(values) == 1 else values
    return (_OWNED[str(noun)], int(on)) if noun in _OWNED else None


def _owners(table: str, numbers: Sequence[int]) -> Program[list[tuple[int, int | None, int | None]]]:
    customer = "id" if table == TABLES["customer"] else "customer_id"
    marks = ", ".join("?" * len(numbers))
    rows = yield f'SELECT id, owner_id, {customer} FROM "{table}" WHERE id IN ({marks}) ORDER BY id{HOLD}', numbers  # noqa: S608 - our own names
    return [(int(number), owner, customer_id) for number, owner, customer_id in rows]


def _taken_up(table: str, number: int, owner_id: int, since: datetime) -> Program[bool]:
    noun = next(noun for noun, name in _OWNED.items() if name == table)
    deeds = yield (
        "SELECT 1 FROM audit_entries WHERE object_id = ? AND object_kind = ? AND employee_id = ? AND created_at >= ?"
        " UNION ALL SELECT 1 FROM follow_ups WHERE subject_id = ? AND subject_kind = ? AND author_id = ? AND created_at >= ?"
        " AND undone_at IS NULL LIMIT 1",
        (number, table, owner_id, since, number, noun, owner_id, since),
    )
    return bool(deeds)
