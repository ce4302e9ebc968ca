"""What hangs on records that a change set made: whatever somebody built upon stays; what the house itself noted goes along."""

from collections.abc import Sequence

from crm_core.identity import TABLES, hanging
from crm_core.ports import Program

_NOTED_BY_ITSELF = frozenset({"life_cycle_changes", "customer_values"})
"""Tables in which the house notes what a record is, without anybody's doing."""
_DONE_BY_RULE = frozenset({"distributions", "lead_exceptions", "offers", "pool_claims", "quarantined_rows"})
"""Tables that tell how the house placed a new lead; whether a hand was in it, the condition for untouched rows asks."""
_SIDES = ("subject", "other")


def carries(table: str, row_id: int) -> Program[bool]:
    """Tell whether something hangs on a record; what the house itself noted of it goes, and does not count."""
    noun = next((noun for noun, name in TABLES.items() if name == table), None)
    if noun is None:
        return False
    for hang in hanging(noun):
        kind = f' AND "{hang.kind_column}" = ?' if hang.kind_column else ""
        values = (row_id, noun) if kind else (row_id,)
        if hang.table in _NOTED_BY_ITSELF:
            yield f'DELETE FROM "{hang.table}" WHERE "{hang.column}" = ?{kind}', values  # noqa: S608 - our own names
        elif (yield f'SELECT 1 FROM "{hang.table}" WHERE "{hang.column}" = ?{kind} LIMIT 1', values):  # noqa: S608
            return True
    for side in _SIDES:
        yield f"DELETE FROM cleaning_cases WHERE {side}_kind = ? AND {side}_id = ?", (noun, row_id)  # noqa: S608
    return False


def carries_deal(number: int) -> Program[bool]:
    """Tell whether something is about a deal: a follow-up, a document, a visit, a todo."""
    for hang in hanging("opportunity"):
        kind = f' AND "{hang.kind_column}" = ?' if hang.kind_column else ""
        values = (number, "opportunity") if kind else (number,)
        if (yield f'SELECT 1 FROM "{hang.table}" WHERE "{hang.column}" = ?{kind} LIMIT 1', values):  # noqa: S608 - our own names
            return True
    return False


def carrying(table: str, ids: Sequence[int], set_id: int, until: int) -> Program[set[int]]:
    """Tell on which of these records something hangs; neither what the house notes of them, nor what goes with the same set."""
    noun = next(noun for noun, name in TABLES.items() if name == table)
    found: set[int] = set()
    for hang in hanging(noun):
        if hang.table in _NOTED_BY_ITSELF | _DONE_BY_RULE:
            continue
        marks, values = ", ".join("?" * len(ids)), [*ids, *([noun] if hang.kind_column else [])]
        kind = f' AND "{hang.kind_column}" = ?' if hang.kind_column else ""
        if hang.table == table:
            kind += (
                " AND NOT EXISTS (SELECT 1 FROM changed_rows m WHERE m.table_name = ? AND m.row_id = h.id"
                " AND m.set_id = ? AND m.before IS NULL AND m.id <= ?)"
            )
            values += [table, set_id, until]
        sql = f'SELECT DISTINCT "{hang.column}" FROM "{hang.table}" h WHERE "{hang.column}" IN ({marks}){kind}'  # noqa: S608
        rows = yield sql, values
        found |= {int(number) for (number,) in rows}
    return found


def clear_away(table: str, ids: Sequence[int]) -> Program[None]:
    """Take away what the house itself noted of records that are gone, and what points at them as those above."""
    if not ids:
        return
    noun = next(noun for noun, name in TABLES.items() if name == table)
    marks = ", ".join("?" * len(ids))
    gone = f'{{column}} IN ({marks}) AND NOT EXISTS (SELECT 1 FROM "{table}" r WHERE r.id = {{column}})'  # noqa: S608
    for hang in hanging(noun):
        if hang.table in _NOTED_BY_ITSELF:
            yield f'DELETE FROM "{hang.table}" WHERE {gone.format(column=hang.column)}', ids  # noqa: S608 - our own names
        elif hang.table == table:
            yield f'UPDATE "{table}" SET "{hang.column}" = NULL WHERE {gone.format(column=f"{table}.{hang.column}")}', ids  # noqa: S608
    for side in _SIDES:
        yield f"DELETE FROM cleaning_cases WHERE {side}_kind = ? AND {gone.format(column=f'{side}_id')}", (noun, *ids)  # noqa: S608
