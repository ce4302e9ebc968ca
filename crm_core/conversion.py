"""Conversion (转化): a lead becomes a contact at a customer; accounts, number and history stay with the person."""

from crm_core import access
from crm_core.access import Actor
from crm_core.customers import Contact, Customer, CustomerKind, CustomerStatus
from crm_core.leads import Lead, LeadAlreadyConverted, LeadStatus, require_claimed
from crm_core.ports import Core, Program


async def convert(core: Core, actor: Actor, lead_id: int) -> tuple[Customer, Contact]:
    """Make a lead a customer with a contact (转化); accounts, person number and history stay with the person.

    Follow-ups and reminders about the lead are from now on about the contact; `activities.of_subject` finds the
    follow-ups under the lead's number too.

    Raises: NotFound; LeadNotOwned; LeadAlreadyConverted.
    """
    for scope in ("leads:write", "customers:write", "contacts:write"):
        access.require(actor, scope)
    async with core.db.transaction():
        lead = await access.load(Lead, actor, lead_id)
        if lead.customer_id is not None:
            raise LeadAlreadyConverted(name=lead.name)
        require_claimed(actor, lead)
        customer = await _customer_for(core, actor, lead)
        contact: Contact = await Contact.add(
            core,
            person_id=lead.person_id,
            customer_id=customer.id,
            owner_id=customer.owner_id,
            name=lead.name,
            title=lead.title,
            mobile=lead.mobile,
            landline=lead.landline,
            wechat_id=lead.wechat_id,
            email=lead.email,
            birthday=lead.birthday,
            last_follow_up_at=lead.last_follow_up_at,
        )
        await core.db.run(_move_history(core, lead.id, contact.id))
        await lead.change(core, status=LeadStatus.CONVERTED.value, customer_id=customer.id, contact_id=contact.id)
        await access.record(core, actor, "lead.convert", lead, after={"customer_id": customer.id, "contact_id": contact.id})
    return customer, contact


def _move_history(core: Core, lead_id: int, contact_id: int) -> Program[None]:
    # Both tables belong to modules above this one, which it must not import: hence plain SQL.
    now = core.clock.now()
    for table, subject in (("follow_ups", "subject"), ("reminders", "about")):
        yield (
            f"UPDATE {table} SET {subject}_kind = 'contact', {subject}_id = ?, updated_at = ?"  # noqa: S608 - fixed names
            f" WHERE {subject}_kind = 'lead' AND {subject}_id = ?",
            (contact_id, now, lead_id),
        )


async def _customer_for(core: Core, actor: Actor, lead: Lead) -> Customer:
    owner_id = lead.owner_id or actor.employee_id
    if lead.company:
        # Only the owner's own: else the person would go to somebody else's customer, and to that one's owner.
        known = await access.visible(Customer, actor).filter(name=lead.company, owner_id=owner_id).order_by("id").first()
        if known:
            if lead.last_follow_up_at and (known.last_follow_up_at is None or known.last_follow_up_at < lead.last_follow_up_at):
                await known.change(core, last_follow_up_at=lead.last_follow_up_at)
            return known
    customer: Customer = await Customer.add(
        core,
        name=lead.company or lead.name,
        kind=(CustomerKind.ORGANISATION if lead.company else CustomerKind.PERSON).value,
        region=lead.region,
        status=CustomerStatus.ACTIVE.value,
        owner_id=owner_id,
        last_follow_up_at=lead.last_follow_up_at,
    )
    return customer
