"""Which rows of a page are there already (查重): by the ids that belong to one alone, then by whole names. Reads only."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from crm_core import matching
from crm_core.importing.rows import FIELDS
from crm_core.importing.standing import Known, pages
from crm_core.name_keys import company_name
from crm_core.ports import Program

HARD: Mapping[str, tuple[str, ...]] = {
    "leads": ("mobile", "email", "wechat_id"),
    "contacts": ("mobile", "email", "wechat_id"),
    "customers": ("credit_code",),
}
Row = tuple[int, list[Any]]
"""A line and its values."""


def said_of(kind: str, values: Sequence[Any]) -> dict[str, Any]:
    """Give a row's values by field."""
    return dict(zip(FIELDS[kind], values, strict=True))


def ids_of(kind: str, values: Sequence[Any]) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Give what a row can be recognised by, its hard ids, else its names; and all that later rows may recognise it by."""
    fields = FIELDS[kind]
    found = [(name, _plain(name, values[fields.index(name)])) for name in HARD[kind] if values[fields.index(name)]]
    if kind == "customers":
        names = [("name", company_name(values[0]).core or values[0])]
        return found + names, found + names
    company = values[fields.index("company")]
    names = [("name", f"{values[0]}\x1f{company}")] if company else []
    return found or names, found + names


def _plain(name: str, value: str) -> str:
    return value.lower() if name in ("email", "wechat_id") else value


def find(kind: str, rows: Sequence[Row]) -> Program[list[list[Known]]]:
    """Tell for each row of a page the records it may belong to: one by its ids, else all that have its names."""
    fields = FIELDS[kind]
    slots = [(name, fields.index(name)) for name in HARD[kind]]
    pairs = [(name, _plain(name, values[slot])) for _, values in rows for name, slot in slots if values[slot]]
    owners = yield from matching.hard_matches(pairs)
    found = [_owner_of(values, slots, owners) for _, values in rows]
    nameless = [number for number, known in enumerate(found) if not known]
    by_name = (yield from _NAMED[kind]([rows[number][1] for number in nameless], fields)) if nameless else []
    for number, known in zip(nameless, by_name, strict=True):
        found[number] = known
    return found


def _owner_of(
    values: Sequence[Any], slots: Sequence[tuple[str, int]], owners: Mapping[tuple[str, str], tuple[str, int, int | None]]
) -> list[Known]:
    hits = [(name, owners.get((name, _plain(name, values[slot])))) for name, slot in slots if values[slot]]
    first = next((hit for _, hit in hits if hit is not None), None)
    if first is None:
        return []
    # What is dialled decides; an id of somebody else is not written into this record.
    others = frozenset(name for name, hit in hits if hit is not None and hit[:2] != first[:2])
    return [Known(*first, others)]


def _leads_by_name(rows: Sequence[Sequence[Any]], fields: Sequence[str]) -> Program[list[list[Known]]]:
    company, hard = fields.index("company"), [fields.index(name) for name in HARD["leads"]]
    wanted = sorted({row[0] for row in rows if row[company] and not any(row[slot] for slot in hard)})
    found: dict[tuple[str, str], list[Known]] = defaultdict(list)
    for page in pages(wanted):
        marks = ", ".join("?" * len(page))
        known = yield (
            "SELECT name, company, id, person_id FROM leads WHERE merged_into_id IS NULL AND contact_id IS NULL"  # noqa: S608
            f" AND name IN ({marks}) ORDER BY id",
            page,
        )
        for name, other, number, person in known:
            found[name, other].append(Known("lead", number, person, by_name=True))
    return [
        [] if any(row[slot] for slot in hard) or not row[company] else found.get((row[0], row[company]), []) for row in rows
    ]


def _contacts_by_name(rows: Sequence[Sequence[Any]], fields: Sequence[str]) -> Program[list[list[Known]]]:
    company, hard = fields.index("company"), [fields.index(name) for name in HARD["contacts"]]
    wanted = sorted({row[0] for row in rows if row[company] and not any(row[slot] for slot in hard)})
    found: dict[str, list[tuple[str, Known]]] = defaultdict(list)
    for page in pages(wanted):
        marks = ", ".join("?" * len(page))
        known = yield (
            "SELECT c.name, u.name, c.id, c.person_id FROM contacts c JOIN customers u ON u.id = c.customer_id"  # noqa: S608
            f" WHERE c.merged_into_id IS NULL AND c.deleted_at IS NULL AND c.name IN ({marks}) ORDER BY c.id",
            page,
        )
        for name, customer, number, person in known:
            found[name].append((customer, Known("contact", number, person, by_name=True)))
    return [
        []
        if any(row[slot] for slot in hard) or not row[company]
        else [known for customer, known in found[row[0]] if same_company(customer, row[company])]
        for row in rows
    ]


def _customers_by_name(rows: Sequence[Sequence[Any]], fields: Sequence[str]) -> Program[list[list[Known]]]:
    found = yield from customers_called({row[0]: row[fields.index("name_key")] for row in rows})
    return [found.get(row[0], []) for row in rows]


def customers_called(names: Mapping[str, str]) -> Program[dict[str, list[Known]]]:
    """Find customers by name, whatever their legal form and width; `names` gives each name's key."""
    rows_by_key: dict[str, list[tuple[str, Known]]] = defaultdict(list)
    for page in pages(sorted(set(filter(None, names.values())))):
        marks = ", ".join("?" * len(page))
        rows = yield (
            "SELECT t.name_key, t.name, s.id FROM customers t JOIN customers s ON s.id = coalesce(t.merged_into_id, t.id)"  # noqa: S608
            f" AND s.deleted_at IS NULL WHERE t.name_key <> '' AND t.name_key IN ({marks}) ORDER BY t.id",
            page,
        )
        for key, name, number in rows:
            rows_by_key[key].append((name, Known("customer", number, None, by_name=True)))
    return {
        name: [known for other, known in rows_by_key.get(key, ()) if same_company(other, name)] for name, key in names.items()
    }


def same_company(one: str, two: str) -> bool:
    """Tell whether two names are one company's: the same core, and no two places."""
    mine, theirs = company_name(one), company_name(two)
    return mine.core == theirs.core and (not mine.region or not theirs.region or mine.region == theirs.region)


_NAMED = {"leads": _leads_by_name, "contacts": _contacts_by_name, "customers": _customers_by_name}
