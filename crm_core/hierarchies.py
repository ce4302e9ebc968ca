"""Trees over records (上级/下级): customers with their parent, contacts with their superior. No cycles, depth bounded."""

from collections.abc import Sequence

from crm_core.errors import Invalid
from crm_core.ports import Core, Program

DEEPEST = 10
"""Levels of a tree at most."""
MOST = 200
"""Records of one tree that are shown at most."""
_LINKS = {"customers": "parent_id", "contacts": "reports_to_id"}


async def check_above(core: Core, table: str, row_id: int | None, above_id: int, *, said: str = "") -> None:
    """Refuse a parent that would make a cycle or a tree too deep. Raises: Invalid."""
    field = said or _LINKS[table]
    line = await core.db.read(line_above(table, above_id))
    if row_id is not None and row_id in line:
        raise Invalid(field=field, reason="会成环：它在下级里")
    below = 0 if row_id is None else await core.db.read(_height(table, row_id))
    if len(line) + below + 1 > DEEPEST:
        raise Invalid(field=field, reason=f"最多{DEEPEST}级")


def line_above(table: str, row_id: int) -> Program[list[int]]:
    """List a record and those above it, the nearest first."""
    found: list[int] = []
    number: int | None = row_id
    while number is not None and number not in found and len(found) <= DEEPEST:
        found.append(number)
        rows = yield f"SELECT {_LINKS[table]} FROM {table} WHERE id = ?", (number,)  # noqa: S608 - our own names
        number = int(rows[0][0]) if rows and rows[0][0] is not None else None
    return found


def all_below(table: str, row_id: int) -> Program[list[tuple[int, int]]]:
    """List what is below a record as (level, id), top down, at most `MOST`."""
    found: list[tuple[int, int]] = []
    border, seen = [row_id], {row_id}
    for level in range(1, DEEPEST + 1):
        border = [number for number in (yield from _children(table, border)) if number not in seen]
        seen |= set(border)
        found += [(level, number) for number in border]
        if not border or len(found) >= MOST:
            break
    return found[:MOST]


def _children(table: str, above: Sequence[int]) -> Program[list[int]]:
    if not above:
        return []
    marks = ", ".join("?" * len(above))
    here = f"{_LINKS[table]} IN ({marks}) AND merged_into_id IS NULL AND deleted_at IS NULL"
    rows = yield f"SELECT id FROM {table} WHERE {here} ORDER BY id LIMIT {MOST}", list(above)  # noqa: S608 - our own names
    return [int(number) for (number,) in rows]


def _height(table: str, row_id: int) -> Program[int]:
    found = yield from all_below(table, row_id)
    return max((level for level, _ in found), default=0)
