"""Whose a number or id is, for what must be known before anything is recorded: the units that keep its record to themselves."""

from collections.abc import Mapping
from typing import Any

from crm_core.ports import Program

WAYS = ("mobile", "landline", "wechat_id", "email")
"""Fields of a person that are theirs alone."""
_FOLDED = ("wechat_id", "email")
_PHONES = ("mobile", "landline")
_LEADS = (
    "SELECT s.department_id, s.owner_id FROM leads t JOIN leads s ON s.id = coalesce(t.merged_into_id, t.id)"
    " WHERE s.department_id IS NOT NULL AND "
)
_CONTACTS = (
    "SELECT l.department_id, s.owner_id FROM contacts t JOIN contacts s ON s.id = coalesce(t.merged_into_id, t.id)"
    " JOIN leads l ON l.contact_id = s.id WHERE s.deleted_at IS NULL AND l.department_id IS NOT NULL AND "
)


def units_of(values: Mapping[str, Any]) -> Program[list[tuple[int, int | None]]]:
    """Tell in which units somebody with one of these numbers or ids lies, each with who owns that record there.

    A telephone number is looked for as a mobile and as a landline; values as stored (E.164), ids in any case.
    """
    found: list[tuple[int, int | None]] = []
    for name in WAYS:
        said = values.get(name)
        for column in _PHONES if name in _PHONES else (name,):
            if not said:
                continue
            folded = column in _FOLDED
            # The second half lets the index over the rows that have one be used.
            where = f"{f'lower(t.{column})' if folded else f't.{column}'} = ? AND t.{column} IS NOT NULL"
            for select in (_LEADS, _CONTACTS):
                rows = yield select + where, (str(said).lower() if folded else str(said),)
                found += [(int(unit), owner_id) for unit, owner_id in rows]
    return found
