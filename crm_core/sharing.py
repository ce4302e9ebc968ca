"""Sharing a customer with colleagues (共享): shown, revocable, taken back as one."""

from dataclasses import dataclass

from crm_core import access, change_sets
from crm_core.access import Actor
from crm_core.collaborators import Collaborator
from crm_core.customers import Customer
from crm_core.employees import Employee
from crm_core.errors import Invalid, NotFound, Refused
from crm_core.ports import Core


@dataclass(frozen=True, slots=True)
class Shared:
    """One collaborator as shown."""

    employee_id: int
    name: str
    may_write: bool

    @property
    def label(self) -> str:
        """Write it: 小李（可改）."""
        return f"{self.name}（{'可改' if self.may_write else '只看和跟进'}）"


async def share(
    core: Core, actor: Actor, customer_id: int, employee_id: int, *, may_write: bool = False
) -> tuple[Collaborator, int]:
    """Let a colleague see and follow up a customer, and change it with `may_write`; gives the change set that takes it back.

    Only its owner, their managers and admin share. Raises: NotFound; Refused; Invalid.
    """
    access.require(actor, "customers:write")
    async with core.db.transaction():
        customer = await _own(actor, customer_id)
        employee = await Employee.get_or_none(id=employee_id, departed_at=None)
        if employee is None:
            raise Invalid(field="employee_id", reason="没有这名在职员工")
        if employee.id == customer.owner_id:
            raise Invalid(field="employee_id", reason="已经是负责人")
        await core.db.serialize(f"collaborators:{customer.id}")
        changes = await change_sets.begin(core, actor, "customer.share", f"{customer.name}共享给{employee.name}")
        row = await Collaborator.get_or_none(customer_id=customer.id, employee_id=employee.id)
        if row is None:
            row = await Collaborator.add(
                core, customer_id=customer.id, employee_id=employee.id, may_write=may_write, granted_by=actor.employee_id
            )
            await core.db.run(change_sets.note_made(core, changes.id, "collaborators", row.id))
        else:
            await core.db.run(change_sets.change_row(core, changes.id, "collaborators", row.id, {"may_write": may_write}))
            await row.refresh_from_db()
        after = {"employee_id": employee.id, "may_write": may_write}
        await access.record(core, actor, "customer.share", customer, after=after)
    return row, changes.id


async def unshare(core: Core, actor: Actor, customer_id: int, employee_id: int) -> int:
    """Revoke it; gives the change set that takes that back. Raises: NotFound; Refused."""
    access.require(actor, "customers:write")
    async with core.db.transaction():
        customer = await _own(actor, customer_id)
        row = await Collaborator.get_or_none(customer_id=customer.id, employee_id=employee_id)
        if row is None:
            raise NotFound
        changes = await change_sets.begin(core, actor, "customer.unshare", f"{customer.name}取消共享")
        await core.db.run(change_sets.take_row(core, changes.id, "collaborators", row.id))
        await access.record(core, actor, "customer.unshare", customer, before={"employee_id": employee_id})
    return int(changes.id)


async def list_shared(actor: Actor, customer_id: int) -> list[Shared]:
    """List the collaborators of a customer the actor sees. Raises: NotFound."""
    customer = await access.load(Customer, actor, customer_id)
    rows = await Collaborator.filter(customer_id=customer.id).order_by("id")
    names = {one.id: one.name for one in await Employee.filter(id__in=[row.employee_id for row in rows])}
    return [Shared(row.employee_id, names.get(row.employee_id, ""), row.may_write) for row in rows]


async def _own(actor: Actor, customer_id: int) -> Customer:
    """Load a customer the actor decides about. Raises: NotFound; Refused for a mere collaborator."""
    customer = await access.load(Customer, actor, customer_id)
    if not (actor.sees_all or customer.owner_id in (actor.team or {actor.employee_id})):
        raise Refused
    return customer
