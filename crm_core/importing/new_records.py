"""New leads, customers and contacts of a page of rows: what each gets that a record made by hand gets too. Plain SQL."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crm_core import change_sets
from crm_core.access import Actor, Role
from crm_core.accounts import PersonKind, ensure_account
from crm_core.importing import inserting
from crm_core.importing.finding import Row, same_company
from crm_core.importing.planning import companies
from crm_core.importing.rows import FIELDS
from crm_core.importing.standing import Existing, Known, Sight
from crm_core.messages import Address
from crm_core.name_keys import company_key
from crm_core.ports import Core, Program

_NOT_STORED = {
    "leads": ("openid", "created_at"),
    "customers": ("parent", "created_at"),
    "contacts": ("company", "company_key", "created_at"),
}
"""Fields that lead somewhere else than a column of the record, or are written otherwise."""
_NULLABLE = frozenset(
    {"mobile", "landline", "wechat_id", "email", "birthday", "owner_id", "name_key", "company_key", "credit_code"}
)


@dataclass(frozen=True, slots=True)
class Batch:
    """For whom, and into which change set, records are made. `unit_id`: the unit that won them."""

    core: Core
    actor: Actor
    set_id: int
    sight: Sight
    unit_id: int | None = None


def _slots(kind: str) -> list[tuple[str, int]]:
    return [(name, slot) for slot, name in enumerate(FIELDS[kind]) if name not in _NOT_STORED[kind]]


def _text(name: str, value: Any) -> Any:
    return "" if value is None and name not in _NULLABLE else value


def _insert_leads(batch: Batch, rows: Sequence[Row]) -> Program[int]:
    now, fields = batch.core.clock.now(), FIELDS["leads"]
    stored = _slots("leads")
    at, owner = fields.index("created_at"), fields.index("owner_id")
    # A salesperson owns what they bring; the one who brings it and their unit won it, whoever recorded it first elsewhere.
    own = batch.actor.employee_id if batch.actor.role is Role.SALES else None
    won = (batch.actor.employee_id, batch.unit_id)
    people = yield from inserting.new_people(now, len(rows))
    made = []
    for person, (_, values) in zip(people, rows, strict=True):
        if values[owner] is None and own is not None:
            values[owner] = own
        claimed = now if values[owner] is not None else None
        made.append((*[_text(name, values[slot]) for name, slot in stored], claimed, *won, person, values[at] or now, now))
    columns = (
        *(name for name, _ in stored),
        *("claimed_at", "collected_by_id", "collected_by_department_id", "person_id", "created_at", "updated_at"),
    )
    yield from inserting.insert(batch.core, batch.set_id, "leads", columns, made)
    yield from _add_accounts(batch, people, rows)
    return len(rows)


def _add_accounts(batch: Batch, people: Sequence[int], rows: Sequence[Row]) -> Program[None]:
    openid, channel = FIELDS["leads"].index("openid"), FIELDS["leads"].index("channel")
    for person, (_, values) in zip(people, rows, strict=True):
        if not values[openid]:
            continue
        account = yield from ensure_account(batch.core, Address(values[channel], values[openid]))
        if account.person_id is None:
            bound = {"person_kind": PersonKind.CUSTOMER.value, "person_id": person}
            yield from change_sets.change_row(batch.core, batch.set_id, "accounts", account.id, bound, person_id=person)


def _insert_customers(batch: Batch, rows: Sequence[Row]) -> Program[int]:
    now, fields = batch.core.clock.now(), FIELDS["customers"]
    at, owner, parent = fields.index("created_at"), fields.index("owner_id"), fields.index("parent")
    stored = _slots("customers")
    made = []
    for _, values in rows:
        values[owner] = values[owner] if values[owner] is not None else batch.actor.employee_id
        row = {name: _text(name, values[slot]) for name, slot in stored}
        row["kind"] = row["kind"] or "organisation"
        made.append((*row.values(), values[at] or now, now))
    columns = (*(name for name, _ in stored), "created_at", "updated_at")
    numbers = yield from inserting.insert(batch.core, batch.set_id, "customers", columns, made)
    # Afterwards, because a parent may stand in the same table.
    above = {values[0]: values[parent] for _, values in rows if values[parent]}
    parents = yield from _companies(batch, sorted(set(above.values())))
    mine = yield from _named(numbers)
    for name, over in above.items():
        if over in parents:
            yield "UPDATE customers SET parent_id = ? WHERE id = ?", (parents[over].known.id, mine[name])
    return len(rows)


def _named(numbers: Sequence[int]) -> Program[dict[str, int]]:
    found: dict[str, int] = {}
    for first in range(0, len(numbers), 400):
        page = numbers[first : first + 400]
        marks = ", ".join("?" * len(page))
        rows = yield f"SELECT name, id FROM customers WHERE id IN ({marks})", page  # noqa: S608 - marks alone
        found |= {str(name): int(number) for name, number in rows}
    return found


def _companies(batch: Batch, names: Sequence[str]) -> Program[dict[str, Existing]]:
    """Find customers by name, and make those that are missing when the rule says so."""
    found = yield from companies(names, batch.sight)
    if not batch.core.settings.imports.make_customers:
        return found
    now, owner_id = batch.core.clock.now(), batch.actor.employee_id
    firsts: dict[str, list[str]] = {}
    same: dict[str, str] = {}
    for name in (each for each in names if each not in found):
        alike = firsts.setdefault(company_key(name), [])
        same[name] = next((one for one in alike if same_company(one, name)), name)
        if same[name] == name:
            alike.append(name)
    rows = [(name, company_key(name), owner_id, now, now) for name in dict.fromkeys(same.values())]
    if rows:
        columns = ("name", "name_key", "owner_id", "created_at", "updated_at")
        made = yield from _named((yield from inserting.insert(batch.core, batch.set_id, "customers", columns, rows)))
        found |= {name: Existing(Known("customer", made[first], None), owner_id, {}) for name, first in same.items()}
    return found


def _insert_contacts(batch: Batch, rows: Sequence[Row]) -> Program[int]:
    now, fields = batch.core.clock.now(), FIELDS["contacts"]
    company, at = fields.index("company"), fields.index("created_at")
    known = yield from _companies(batch, sorted({values[company] for _, values in rows if values[company]}))
    stored = _slots("contacts")
    people = yield from inserting.new_people(now, len(rows))
    made = []
    for person, (_, values) in zip(people, rows, strict=True):
        customer = known.get(values[company]) if values[company] else None
        row = {name: _text(name, values[slot]) for name, slot in stored}
        row["decision_maker"] = bool(row["decision_maker"])
        owner_id = customer.owner_id if customer else batch.actor.employee_id
        made.append((*row.values(), customer.known.id if customer else None, owner_id, person, values[at] or now, now))
    columns = (*(name for name, _ in stored), "customer_id", "owner_id", "person_id", "created_at", "updated_at")
    yield from inserting.insert(batch.core, batch.set_id, "contacts", columns, made)
    return len(rows)


INSERT: Mapping[str, Callable[[Batch, Sequence[Row]], Program[int]]] = {
    "leads": _insert_leads,
    "customers": _insert_customers,
    "contacts": _insert_contacts,
}
"""How new records are made, by kind; each gives how many."""
