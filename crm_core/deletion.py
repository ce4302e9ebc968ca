"""Deleting a customer (删除): a mark on it and its contacts; no row is lost, and it is taken back as one."""

from crm_core import access, change_sets
from crm_core.access import Actor
from crm_core.change_sets import ChangeSet
from crm_core.customers import Customer
from crm_core.errors import Refused
from crm_core.ports import Core, Program


async def delete_customer(core: Core, actor: Actor, customer_id: int) -> tuple[Customer, ChangeSet]:
    """Mark a customer and its contacts as deleted. Only its owner, their managers and admin may.

    Raises: NotFound; Refused.
    """
    access.require(actor, "customers:write")
    async with core.db.transaction():
        customer = await access.load(Customer, actor, customer_id)
        if not (actor.sees_all or customer.owner_id in (actor.team or {actor.employee_id})):
            raise Refused
        changes = await change_sets.begin(core, actor, "customer.delete", f"删除{customer.name}")
        await core.db.run(_mark(core, changes.id, customer.id))
        await access.record(core, actor, "customer.delete", customer, before={"name": customer.name})
    return customer, changes


def _mark(core: Core, set_id: int, customer_id: int) -> Program[None]:
    gone = {"deleted_at": core.clock.now()}
    yield from change_sets.change_row(core, set_id, "customers", customer_id, gone)
    rows = yield "SELECT id, person_id FROM contacts WHERE customer_id = ? AND deleted_at IS NULL ORDER BY id", (customer_id,)
    for number, person_id in rows:
        yield from change_sets.change_row(core, set_id, "contacts", number, gone, person_id=person_id)
