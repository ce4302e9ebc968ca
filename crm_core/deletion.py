"""Deleting a customer (删除): a mark on it and its contacts; no row is lost, and it is taken back as one.

What hangs on it goes out of sight with it: its deals are neither listed nor counted, nobody is reminded of it or asked about
it. All of it stands in the change set. Reading order: `delete_customer`, `_mark`.
"""

from collections.abc import Mapping, Sequence

from crm_core import access, change_sets
from crm_core.access import Actor
from crm_core.change_sets import ChangeSet
from crm_core.customers import UNATTENDED, Customer
from crm_core.errors import NotFound, Refused
from crm_core.opportunities import Opportunity, OpportunityStatus
from crm_core.ports import Core, Program

_PUT_ASIDE = (
    ("opportunities", "customer_id = ? AND status <> 'deleted'", {"status": OpportunityStatus.DELETED.value}),
    ("purchase_proposals", "customer_id = ? AND status = 'open'", {"status": "needless"}),
)
"""Rows at the customer that are set to this with it, by table and condition."""
_CLOSED = (
    ("reminders", "status IN ('pending', 'fired')", ("about",), {"status": "cancelled", "reason": "deleted"}),
    ("cleaning_cases", "status IN ('open', 'skipped')", ("subject", "other"), {"status": "gone"}),
)
"""Rows about any of the records that are set to this: table, condition, and the columns that say about whom."""


async def delete_customer(core: Core, actor: Actor, customer_id: int) -> tuple[Customer, ChangeSet]:
    """Mark a customer and its contacts as deleted. Only its owner, their managers and admin may.

    Raises: NotFound; Refused.
    """
    access.require(actor, "customers:write")
    async with core.db.transaction():
        await core.db.serialize(f"merge:customer:{customer_id}")
        customer = await access.load(Customer, actor, customer_id)
        if customer.id != customer_id:
            raise NotFound  # merged meanwhile: nobody said that the surviving one is to go
        if not (actor.sees_all or customer.owner_id in (actor.team or {actor.employee_id})):
            raise Refused
        changes = await change_sets.begin(core, actor, "customer.delete", f"删除{customer.name}")
        await core.db.run(_mark(core, changes.id, customer.id))
        await access.record(core, actor, "customer.delete", customer, before={"name": customer.name})
    return customer, changes


async def count_deals(customer_id: int) -> int:
    """Tell how many deals would go out of sight with a customer."""
    return await Opportunity.filter(customer_id=customer_id).exclude(status=OpportunityStatus.DELETED.value).count()


def _mark(core: Core, set_id: int, customer_id: int) -> Program[None]:
    gone = {"deleted_at": core.clock.now()}
    yield from change_sets.change_row(core, set_id, "customers", customer_id, {**gone, **UNATTENDED})
    subjects = {"customer": [customer_id], "contact": []}
    rows = yield "SELECT id, person_id FROM contacts WHERE customer_id = ? AND deleted_at IS NULL ORDER BY id", (customer_id,)
    for number, person_id in rows:
        yield from change_sets.change_row(core, set_id, "contacts", number, gone, person_id=person_id)
        subjects["contact"].append(int(number))
    subjects["opportunity"] = yield from _numbers("opportunities", "customer_id = ?", (customer_id,))
    for table, where, values in _PUT_ASIDE:
        yield from _set(core, set_id, table, where, (customer_id,), values)
    planned = "customer_id = ? AND cancelled_at IS NULL AND checked_in_at IS NULL"
    yield from _set(core, set_id, "visits", planned, (customer_id,), {"cancelled_at": core.clock.now()})
    # A step of a deal that is not counted is not counted either.
    moves = "undone_at IS NULL AND opportunity_id IN (SELECT id FROM opportunities WHERE customer_id = ?)"
    yield from _set(core, set_id, "stage_moves", moves, (customer_id,), {"undone_at": core.clock.now()})
    for table, is_open, columns, change in _CLOSED:
        about, numbers = _about(columns, subjects)
        yield from _set(core, set_id, table, f"{is_open} AND ({about})", numbers, change)


def _about(columns: Sequence[str], subjects: Mapping[str, Sequence[int]]) -> tuple[str, list[object]]:
    """Say that rows are about one of these records, in one condition, so that a table is gone through once."""
    parts: list[str] = []
    values: list[object] = []
    for column in columns:
        for kind, numbers in subjects.items():
            if numbers:
                parts.append(f"({column}_kind = ? AND {column}_id IN ({', '.join('?' * len(numbers))}))")
                values += [kind, *numbers]
    return " OR ".join(parts), values


def _set(
    core: Core, set_id: int, table: str, where: str, values: Sequence[object], change: Mapping[str, object]
) -> Program[None]:
    for number in (yield from _numbers(table, where, values)):
        yield from change_sets.change_row(core, set_id, table, number, change)


def _numbers(table: str, where: str, values: Sequence[object]) -> Program[list[int]]:
    rows = yield f"SELECT id FROM {table} WHERE {where} ORDER BY id", values  # noqa: S608 - our own words
    return [int(number) for (number,) in rows]
