"""Changes that can be taken back as one (撤销): imports, merges, overwrites, transfers.

Whoever changes rows within a set tells them one by one; `undo` puts back what each was before, newest first. A row that a
later set changed is taken back only after that one; a column changed by hand since stays as it is and is counted.
Reading order: `begin`, the programs that change rows, `undo`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec
from tortoise import fields

from crm_core import access, carrying, undo_rights
from crm_core.access import Actor
from crm_core.db import Entity, UtcDatetimeField
from crm_core.errors import Conflict, NotFound
from crm_core.identity import TABLES
from crm_core.ports import Core, Program

PAGE = 500
"""Rows put back in one transaction's breath."""
_OWN_STAMP = "updated_at"
WHOLE = frozenset({"conversion"})
"""Kinds of sets that are taken back whole or not at all."""


NOBODYS = "collect"
"""The kind of what came from outside: nobody could take it back first, so it stops nobody; what it changed stays."""


class ChangeSetUndone(Conflict):
    """A set is taken back once."""

    code = "change_set.undone"
    text = "「{summary}」已经撤销过了"


class LaterChangesFirst(Conflict):
    """What was built upon cannot be pulled out from under it."""

    code = "change_set.later_first"
    text = "之后还有「{later}」动过同样的记录，请先撤销它"


class LaterOfOthers(Conflict):
    """The same, where the later set is not the asker's to see: it is not named."""

    code = "change_set.later_of_others"
    text = "之后别人动过同样的记录，不能撤销"


class BuiltUpon(Conflict):
    """What was made has grown since: taking it away would leave what hangs on it without a record."""

    code = "change_set.built_upon"
    text = "「{summary}」之后又有新的记录，不能整个撤销"


class ChangeSet(Entity):
    """Changes made by one word of somebody."""

    owner_field = "employee_id"

    kind = fields.CharField(max_length=32)
    summary = fields.CharField(max_length=200, default="")
    actor = fields.CharField(max_length=64)
    employee_id = fields.BigIntField(null=True, db_index=True)
    undone_at = UtcDatetimeField(null=True)
    undone_count = fields.IntField(default=0)
    left_count = fields.IntField(default=0)
    """Columns that were changed by hand in between and stayed."""

    class Meta:
        """One row a set."""

        table = "change_sets"


class ChangedRow(Entity):
    """What one row was before and after, as JSON; nothing before: it was made, nothing after: it was taken away."""

    set_id = fields.BigIntField(db_index=True)
    table_name = fields.CharField(max_length=64)
    row_id = fields.BigIntField()
    person_id = fields.BigIntField(null=True, db_index=True)
    """Whose row it is, so that an erasure finds the words kept here."""
    hangs_on = ()
    before = fields.TextField(null=True)
    after = fields.TextField(null=True)

    class Meta:
        """Found by set, and by row for what came later."""

        table = "changed_rows"
        indexes = (("table_name", "row_id"),)


@dataclass(frozen=True, slots=True)
class Undone:
    """What an undo put back, and how many columns it left because somebody changed them since."""

    rows: int
    left: int
    stayed: int = 0
    """Rows the set had made that stay, because they were changed or something hangs on them."""


async def begin(core: Core, actor: Actor, kind: str, summary: str) -> ChangeSet:
    """Open a set in the open transaction; write rows into it with the programs below."""
    made: ChangeSet = await ChangeSet.add(
        core, kind=kind, summary=summary[:200], actor=actor.name, employee_id=actor.employee_id
    )
    return made


def change_row(
    core: Core, set_id: int, table: str, row_id: int, values: Mapping[str, object], *, person_id: int | None = None
) -> Program[bool]:
    """Set columns of a row and note what they were; tells whether anything differed."""
    names = _checked(core, table, values)
    columns = ", ".join(f'"{name}"' for name in names)
    rows = yield f'SELECT {columns} FROM "{table}" WHERE id = ?', (row_id,)  # noqa: S608 - our own names
    if not rows:
        raise NotFound
    before = dict(zip(names, rows[0], strict=True))
    now = core.clock.now()
    sets = ", ".join(f'"{name}" = ?' for name in names)
    yield f'UPDATE "{table}" SET {sets}, updated_at = ? WHERE id = ?', (*(values[n] for n in names), now, row_id)  # noqa: S608
    # Read back, so that undo compares with what the database holds and not with what was handed to it.
    rows = yield f'SELECT {columns} FROM "{table}" WHERE id = ?', (row_id,)  # noqa: S608 - our own names
    after = dict(zip(names, rows[0], strict=True))
    changed = [name for name in names if before[name] != after[name]]
    if changed:
        pair = ({name: before[name] for name in changed}, {name: after[name] for name in changed})
        yield from _note(core, set_id, table, row_id, person_id, *pair)
    return bool(changed)


def note_made(core: Core, set_id: int, table: str, row_id: int, *, person_id: int | None = None) -> Program[None]:
    """Note that a row was made; undo takes it away again, unless somebody has changed it since."""
    yield from note_all_made(core, set_id, table, [(row_id, person_id)])


def note_all_made(core: Core, set_id: int, table: str, rows: Sequence[tuple[int, int | None]]) -> Program[None]:
    """Note many rows that were made, as (row id, person id), in few statements."""
    now = core.clock.now()
    for first in range(0, len(rows), PAGE):
        page = rows[first : first + PAGE]
        marks = ", ".join(["(?, ?, ?, ?, ?, ?)"] * len(page))
        values = [value for row_id, person in page for value in (set_id, table, row_id, person, now, now)]
        yield (
            f"INSERT INTO changed_rows (set_id, table_name, row_id, person_id, created_at, updated_at) VALUES {marks}",  # noqa: S608
            values,
        )


def take_row(core: Core, set_id: int, table: str, row_id: int, *, person_id: int | None = None) -> Program[None]:
    """Delete a row and note the whole of it; undo puts it back under its number."""
    names = core.db.columns_of(table)
    columns = ", ".join(f'"{name}"' for name in names)
    rows = yield f'SELECT {columns} FROM "{table}" WHERE id = ?', (row_id,)  # noqa: S608 - our own names
    if not rows:
        return
    yield f'DELETE FROM "{table}" WHERE id = ?', (row_id,)  # noqa: S608 - our own names
    yield from _note(core, set_id, table, row_id, person_id, dict(zip(names, rows[0], strict=True)), None)


async def undo(core: Core, actor: Actor, set_id: int) -> Undone:
    """Take a set back as one (撤销), in one transaction.

    Raises: NotFound; ChangeSetUndone; GivenAway; TakenUp; LaterChangesFirst; LaterOfOthers; BuiltUpon.
    """
    access.require(actor, "change-sets:write")
    async with core.db.transaction():
        changes = await access.load(ChangeSet, actor, set_id)
        now = core.clock.now()
        if not await ChangeSet.filter(id=changes.id, undone_at=None).update(undone_at=now, updated_at=now):
            raise ChangeSetUndone(summary=changes.summary)
        await undo_rights.require_scopes(core, actor, changes.id)
        await undo_rights.require_changeable(core, actor, changes.id, changes.summary, changes.created_at)
        later = await core.db.run(_later(set_id))
        if later is not None:
            shown = await access.visible(ChangeSet, actor).get_or_none(id=later)
            raise LaterChangesFirst(later=shown.summary) if shown is not None else LaterOfOthers
        done = await core.db.run(_put_back(core, set_id))
        if done.stayed and changes.kind in WHOLE:
            raise BuiltUpon(summary=changes.summary)
        await changes.change(core, undone_at=now, undone_count=done.rows, left_count=done.left)
        await access.record(core, actor, "change_set.undo", changes, after={"kind": changes.kind, "rows": done.rows})
    return done


def _later(set_id: int) -> Program[int | None]:
    rows = yield (
        "SELECT s.id FROM changed_rows mine JOIN changed_rows theirs ON theirs.table_name = mine.table_name"
        " AND theirs.row_id = mine.row_id AND theirs.set_id > mine.set_id JOIN change_sets s ON s.id = theirs.set_id"
        " WHERE mine.set_id = ? AND s.undone_at IS NULL AND s.kind <> ? ORDER BY theirs.set_id DESC LIMIT 1",
        (set_id, NOBODYS),
    )
    return int(rows[0][0]) if rows else None


def _put_back(core: Core, set_id: int) -> Program[Undone]:
    rows_done = left = stayed_rows = 0
    last = None
    while True:
        bound = "" if last is None else " AND id < ?"
        page = yield (
            f"SELECT id, table_name, row_id, before, after, created_at FROM changed_rows WHERE set_id = ?{bound}"  # noqa: S608
            f" ORDER BY id DESC LIMIT {PAGE}",
            (set_id,) if last is None else (set_id, last),
        )
        for change in page:
            done, stayed = yield from _put_one_back(core, change, guarded=True)
            rows_done += done
            left += stayed
            stayed_rows += stayed if change[3] is None else 0
        if len(page) < PAGE:
            return Undone(rows_done, left, stayed_rows)
        last = page[-1][0]


def put_back_page(core: Core, set_id: int, limit: int, untouched: Mapping[str, str] | None = None) -> Program[Undone | None]:
    """Put back the newest changes of a big set, and strike them from it; None when none is left.

    For sets that would hold the writer too long as one: whoever calls it again and again marks the set undone at the end.
    `untouched`: by table, the condition under which a row that was made is taken away although it was changed since.
    """
    page = yield (
        "SELECT id, table_name, row_id, before, after, created_at FROM changed_rows WHERE set_id = ? ORDER BY id DESC LIMIT ?",
        (set_id, limit),
    )
    if not page:
        return None
    rows_done = left = 0
    asked, held = "", set[int]()
    for change in page:
        number, table, row_id, before = change[:4]
        if before is None and table != asked and table in TABLES.values():
            # What hangs on them and was made by the same set is gone by now, or stays: asked anew at each change of tables.
            asked = table
            held = yield from carrying.carrying(table, _made(page, table, number), set_id, number)
        if before is None and table == asked and row_id in held:
            left += 1
            continue
        done, stayed = yield from _put_one_back(core, change, (untouched or {}).get(table, ""))
        rows_done += done
        left += stayed
    for table in TABLES.values():
        yield from carrying.clear_away(table, _made(page, table, page[0][0]))
    yield "DELETE FROM changed_rows WHERE set_id = ? AND id >= ?", (set_id, page[-1][0])
    return Undone(rows_done, left)


def _made(page: Sequence[Any], table: str, until: int) -> list[int]:
    return [change[2] for change in page if change[3] is None and change[1] == table and change[0] <= until]


def _put_one_back(core: Core, change: Sequence[Any], untouched: str = "", *, guarded: bool = False) -> Program[tuple[int, int]]:
    _, table, row_id, before, after, noted_at = change
    if before is None and guarded and (yield from carrying.carries(table, row_id)):
        return 0, 1
    if before is None:
        return (yield from _take_away(table, row_id, noted_at, untouched))
    if after is None:
        return (yield from _bring_back(core, table, before))
    return (yield from _set_back(core, table, row_id, before, after))


def _take_away(table: str, row_id: int, noted_at: Any, untouched: str) -> Program[tuple[int, int]]:
    # Who made the row noted it at once; a later hand moved its second time. An import may set the first one far back.
    since = f"(updated_at <= ? OR ({untouched}))" if untouched else "updated_at <= ?"
    count = yield f'DELETE FROM "{table}" WHERE id = ? AND {since}', (row_id, noted_at)  # noqa: S608 - our own names
    if count:
        return 1, 0
    rows = yield f'SELECT 1 FROM "{table}" WHERE id = ?', (row_id,)  # noqa: S608 - our own names
    return 0, len(rows)


def _bring_back(core: Core, table: str, before: str) -> Program[tuple[int, int]]:
    values = _loads(before)
    names = [name for name in values if name in core.db.columns_of(table)]
    columns = ", ".join(f'"{name}"' for name in names)
    marks = ", ".join("?" * len(names))
    count = yield (
        f'INSERT INTO "{table}" ({columns}) VALUES ({marks}) ON CONFLICT DO NOTHING',  # noqa: S608 - our own names
        [values[name] for name in names],
    )
    return int(count), 1 - int(count)


def _set_back(core: Core, table: str, row_id: int, before: str, after: str) -> Program[tuple[int, int]]:
    was, became = _loads(before), _loads(after)
    names = [name for name in was if name in core.db.columns_of(table)]
    columns = ", ".join(f'"{name}"' for name in names)
    rows = yield f'SELECT {columns} FROM "{table}" WHERE id = ?', (row_id,)  # noqa: S608 - our own names
    if not rows:
        return 0, 1
    same = [name for name, value in zip(names, rows[0], strict=True) if _plain(value) == _plain(became[name])]
    if same:
        sets = ", ".join(f'"{name}" = ?' for name in same)
        now = core.clock.now()
        yield f'UPDATE "{table}" SET {sets}, updated_at = ? WHERE id = ?', (*(was[name] for name in same), now, row_id)  # noqa: S608
    return int(bool(same)), len(names) - len(same)


def _note(
    core: Core,
    set_id: int,
    table: str,
    row_id: int,
    person_id: int | None,
    before: Mapping[str, Any],
    after: Mapping[str, Any] | None,
) -> Program[None]:
    now = core.clock.now()
    yield (
        "INSERT INTO changed_rows (set_id, table_name, row_id, person_id, before, after, created_at, updated_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (set_id, table, row_id, person_id, _dumps(before), None if after is None else _dumps(after), now, now),
    )


def _checked(core: Core, table: str, values: Mapping[str, object]) -> list[str]:
    known = core.db.columns_of(table)
    unknown = [name for name in values if name not in known or name in ("id", _OWN_STAMP)]
    if unknown or not values:
        raise ValueError(f"no such columns of {table}: {unknown}")
    return list(values)


def _dumps(values: Mapping[str, Any]) -> str:
    return msgspec.json.encode({name: _marked(value) for name, value in values.items()}).decode()


def _loads(text: str) -> dict[str, Any]:
    return {name: _unmarked(value) for name, value in msgspec.json.decode(text).items()}


def _marked(value: Any) -> Any:
    """Write down what JSON has no word for, so that it comes back as what it was."""
    if isinstance(value, datetime):
        return {"at": value.isoformat()}
    if isinstance(value, date):
        return {"on": value.isoformat()}
    return {"number": str(value)} if isinstance(value, Decimal) else value


def _unmarked(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if "at" in value:
        return datetime.fromisoformat(value["at"])
    return date.fromisoformat(value["on"]) if "on" in value else Decimal(value["number"])


def _plain(value: Any) -> Any:
    return _marked(value)
