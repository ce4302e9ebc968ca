"""Which rows of a page are there already (查重): by the ids that belong to one alone, then by whole names. Reads only."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crm_core import matching, overwriting
from crm_core.identity import TABLES
from crm_core.importing.rows import FIELDS
from crm_core.name_keys import company_name
from crm_core.ports import Program

HARD: Mapping[str, tuple[str, ...]] = {
    "leads": ("mobile", "email", "wechat_id"),
    "contacts": ("mobile", "email", "wechat_id"),
    "customers": ("credit_code",),
}
_AT_ONCE = 400
Row = tuple[int, list[Any]]
"""A line and its values."""


@dataclass(frozen=True, slots=True)
class Known:
    """The record a row belongs to; `others` are fields of the row that belong to somebody else."""

    noun: str
    id: int
    person_id: int | None
    others: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Existing:
    """What stands in a record now."""

    known: Known
    owner_id: int | None
    values: dict[str, Any]


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


def find(kind: str, rows: Sequence[Row]) -> Program[list[Known | None]]:
    """Tell for each row of a page the record it belongs to."""
    fields = FIELDS[kind]
    slots = [(name, fields.index(name)) for name in HARD[kind]]
    pairs = [(name, _plain(name, values[slot])) for _, values in rows for name, slot in slots if values[slot]]
    owners = yield from matching.hard_matches(pairs)
    found = [_owner_of(values, slots, owners) for _, values in rows]
    nameless = [number for number, known in enumerate(found) if known is None]
    by_name = (yield from _NAMED[kind]([rows[number][1] for number in nameless], fields)) if nameless else []
    for number, known in zip(nameless, by_name, strict=True):
        found[number] = known
    return found


def _owner_of(
    values: Sequence[Any], slots: Sequence[tuple[str, int]], owners: Mapping[tuple[str, str], tuple[str, int, int | None]]
) -> Known | None:
    hits = [(name, owners.get((name, _plain(name, values[slot])))) for name, slot in slots if values[slot]]
    first = next((hit for _, hit in hits if hit is not None), None)
    if first is None:
        return None
    # What is dialled decides; an id of somebody else is not written into this record.
    others = frozenset(name for name, hit in hits if hit is not None and hit[:2] != first[:2])
    return Known(*first, others)


def _leads_by_name(rows: Sequence[Sequence[Any]], fields: Sequence[str]) -> Program[list[Known | None]]:
    company, hard = fields.index("company"), [fields.index(name) for name in HARD["leads"]]
    wanted = sorted({row[0] for row in rows if row[company] and not any(row[slot] for slot in hard)})
    found: dict[tuple[str, str], Known] = {}
    for page in _pages(wanted):
        marks = ", ".join("?" * len(page))
        known = yield (
            "SELECT name, company, id, person_id FROM leads WHERE merged_into_id IS NULL AND contact_id IS NULL"  # noqa: S608
            f" AND name IN ({marks}) ORDER BY id DESC",
            page,
        )
        found |= {(name, other): Known("lead", number, person) for name, other, number, person in known}
    return [None if any(row[slot] for slot in hard) or not row[company] else found.get((row[0], row[company])) for row in rows]


def _contacts_by_name(rows: Sequence[Sequence[Any]], fields: Sequence[str]) -> Program[list[Known | None]]:
    company, hard = fields.index("company"), [fields.index(name) for name in HARD["contacts"]]
    wanted = sorted({row[0] for row in rows if row[company] and not any(row[slot] for slot in hard)})
    found: dict[str, list[tuple[str, Known]]] = defaultdict(list)
    for page in _pages(wanted):
        marks = ", ".join("?" * len(page))
        known = yield (
            "SELECT c.name, u.name, c.id, c.person_id FROM contacts c JOIN customers u ON u.id = c.customer_id"  # noqa: S608
            f" WHERE c.merged_into_id IS NULL AND c.name IN ({marks}) ORDER BY c.id",
            page,
        )
        for name, customer, number, person in known:
            found[name].append((customer, Known("contact", number, person)))
    return [
        None
        if any(row[slot] for slot in hard) or not row[company]
        else next((known for customer, known in found[row[0]] if same_company(customer, row[company])), None)
        for row in rows
    ]


def _customers_by_name(rows: Sequence[Sequence[Any]], fields: Sequence[str]) -> Program[list[Known | None]]:
    found = yield from customers_called({row[0]: row[fields.index("name_key")] for row in rows})
    return [found.get(row[0]) for row in rows]


def customers_called(names: Mapping[str, str]) -> Program[dict[str, Known]]:
    """Find customers by name, whatever their legal form and width; `names` gives each name's key."""
    rows_by_key: dict[str, list[tuple[str, Known]]] = defaultdict(list)
    for page in _pages(sorted(set(filter(None, names.values())))):
        marks = ", ".join("?" * len(page))
        rows = yield (
            "SELECT name_key, name, coalesce(merged_into_id, id) FROM customers"  # noqa: S608 - marks alone
            f" WHERE name_key <> '' AND name_key IN ({marks}) ORDER BY id",
            page,
        )
        for key, name, number in rows:
            rows_by_key[key].append((name, Known("customer", number, None)))
    found: dict[str, Known] = {}
    for name, key in names.items():
        fitting = [known for other, known in rows_by_key.get(key, ()) if same_company(other, name)]
        if fitting:
            found[name] = fitting[0]
    return found


def same_company(one: str, two: str) -> bool:
    """Tell whether two names are one company's: the same core, and no two places."""
    mine, theirs = company_name(one), company_name(two)
    return mine.core == theirs.core and (not mine.region or not theirs.region or mine.region == theirs.region)


def load(known: Sequence[Known]) -> Program[dict[tuple[str, int], Existing]]:
    """Read the records rows belong to."""
    found: dict[tuple[str, int], Existing] = {}
    for noun in sorted({each.noun for each in known}):
        by_id = {each.id: each for each in known if each.noun == noun}
        names = overwriting.FIELDS[noun]
        for page in _pages(sorted(by_id)):
            marks = ", ".join("?" * len(page))
            rows = yield (
                f"SELECT id, owner_id, {', '.join(names)} FROM {TABLES[noun]} WHERE id IN ({marks})",  # noqa: S608
                page,
            )
            for number, owner_id, *values in rows:
                found[noun, number] = Existing(by_id[number], owner_id, dict(zip(names, values, strict=True)))
    return found


def _pages(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (values[first : first + _AT_ONCE] for first in range(0, len(values), _AT_ONCE))


_NAMED = {"leads": _leads_by_name, "contacts": _contacts_by_name, "customers": _customers_by_name}
