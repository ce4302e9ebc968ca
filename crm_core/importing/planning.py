"""What is found out about a page of rows before the writer is asked for: which are there already, and which may not be written.

Reads only. Reading order: `plan`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from crm_core import hierarchies
from crm_core.importing.finding import Row, customers_called, find, ids_of
from crm_core.importing.rows import FIELDS
from crm_core.importing.standing import Existing, Known, Sight, load, owners_of
from crm_core.name_keys import company_key
from crm_core.ports import Program

_ABOVE: Mapping[str, tuple[str, str]] = {"contacts": ("company", "客户"), "customers": ("parent", "上级单位")}
"""The column that names a customer which must be there, be made, or be the importer's."""
Reason = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Plan:
    """The rows of a page, each with the record it belongs to. `blocked`: by line, why a new row may not be written."""

    rows: Sequence[Row]
    existing: Sequence[Existing | None]
    owners: Mapping[int, str] = field(default_factory=dict)
    blocked: Mapping[int, Reason] = field(default_factory=dict)


def plan(kind: str, rows: Sequence[Row], sight: Sight) -> Program[Plan]:
    """Find out which rows are there already, and which refer to what is not the importer's."""
    found = yield from find(kind, rows)
    loaded = yield from load((known for each in found for known in each), sight)
    existing = [_chosen(each, loaded, sight) if each else None for each in found]
    blocked: Mapping[int, Reason] = {}
    if kind in _ABOVE:
        new = [row for row, known in zip(rows, existing, strict=True) if known is None]
        blocked = yield from _blocked(kind, new, sight)
    owners = (yield from owners_of(each for each in existing if each is not None)) if any(existing) else {}
    return Plan(rows, existing, owners, blocked)


def _chosen(known: Sequence[Known], loaded: Mapping[tuple[str, int], Existing], sight: Sight) -> Existing | None:
    fitting = [loaded[each.noun, each.id] for each in known if (each.noun, each.id) in loaded]
    if not fitting or not fitting[0].known.by_name:
        return fitting[0] if fitting else None
    return sight.nearest(fitting)


def split(kind: str, rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Part rows that repeat an id of an earlier row of the page from the others: they are looked up after those are there."""
    seen: set[tuple[str, str]] = set()
    first: list[Row] = []
    again: list[Row] = []
    for row in rows:
        by, known_by = ids_of(kind, row[1])
        (again if any(each in seen for each in by) else first).append(row)
        seen.update(known_by)
    return first, again


def companies(names: Sequence[str], sight: Sight) -> Program[dict[str, Existing]]:
    """Find customers by name, of several first the importer's own."""
    called = yield from customers_called({name: company_key(name) for name in names})
    loaded = yield from load((known for each in called.values() for known in each), sight)
    found: dict[str, Existing] = {}
    for name, each in called.items():
        nearest = sight.nearest(loaded[known.noun, known.id] for known in each if (known.noun, known.id) in loaded)
        if nearest is not None:
            found[name] = nearest
    return found


def _blocked(kind: str, rows: Sequence[Row], sight: Sight) -> Program[dict[int, Reason]]:
    """Tell which rows hang on a customer of somebody else, or on one another."""
    column, label = _ABOVE[kind]
    slot = FIELDS[kind].index(column)
    known = yield from companies(sorted({values[slot] for _, values in rows if values[slot]}), sight)
    foreign = {name: each for name, each in known.items() if not sight.may_change(each)}
    owners = yield from owners_of(foreign.values())
    found = {
        line: (label, sight.whose(foreign[values[slot]], owners.get(foreign[values[slot]].owner_id or 0, "")))
        for line, values in rows
        if values[slot] in foreign
    }
    if kind == "customers" and any(values[slot] for _, values in rows):
        found |= yield from _knotted(rows, slot, known)
    return found


def _knotted(rows: Sequence[Row], slot: int, known: Mapping[str, Existing]) -> Program[dict[int, Reason]]:
    """Tell which customers are above themselves, or too far down."""
    above = {company_key(values[0]): values[slot] for _, values in rows}
    depths = {}
    for said, each in known.items():
        depths[company_key(said)] = len((yield from hierarchies.line_above("customers", each.known.id)))
    found = {}
    for line, values in rows:
        name: str | None = values[slot]
        levels, seen = 1, {company_key(values[0])}
        while name and company_key(name) not in seen:
            key = company_key(name)
            seen.add(key)
            levels += depths.get(key, 1)
            name = None if key in depths else above.get(key)
        if name:
            found[line] = ("上级单位", "几行互为上级")
        elif levels > hierarchies.DEEPEST:
            found[line] = ("上级单位", f"最多{hierarchies.DEEPEST}级")
    return found
