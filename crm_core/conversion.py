"""Conversion (转化): a lead becomes a contact at a customer; accounts, number and history stay with the person.

Where identity says that the person or the company is there already, the lead is attached to it instead of a second one being
made. Reading order: `options`, `convert`; and `qualify`, the step before (转潜客).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from crm_core import access, change_sets, cleaning, matching, merging, opportunities
from crm_core.access import Actor
from crm_core.change_sets import ChangeSet
from crm_core.changes import change_fields
from crm_core.collaborators import may_change
from crm_core.customers import Contact, Customer, CustomerKind, CustomerStatus, require_change
from crm_core.errors import Invalid
from crm_core.leads import Lead, LeadAlreadyConverted, LeadStatus, Qualification, load_held, require_claimed
from crm_core.match_rules import SAME
from crm_core.matching import Duplicate
from crm_core.name_keys import company_key, plain_name
from crm_core.ports import Core, Program

MOST = 6
"""Customers offered when it is not sure."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a conversion would attach to: a known contact, else a known customer, else one of some, else a new one."""

    contact: Duplicate | None = None
    customer: Duplicate | None = None
    unsure: tuple[Duplicate, ...] = ()


@dataclass(frozen=True, slots=True)
class Converted:
    """What a conversion made or attached to; `set_id` takes it back as one."""

    customer: Customer
    contact: Contact
    set_id: int
    attached: bool = False
    opportunity_id: int | None = None


async def options(core: Core, actor: Actor, lead_id: int) -> Options:
    """Tell what identity knows of a lead's person and company among the customers the actor may see.

    Sure is a contact with the same hard id and no other one that contradicts, of the same owner; or the owner's own customer
    of exactly this company. Everything else that is alike is asked about. Raises: NotFound.
    """
    lead = await access.load(Lead, actor, lead_id)
    record = await core.db.read(matching.facts_of("lead", lead.id))
    if record is None:
        return Options()
    owner_id = lead.owner_id if lead.owner_id is not None else actor.employee_id
    found = await matching.compare(core, actor, record.facts, exclude=("lead", lead.id), limit=50)
    seen = [one for one in found if one.visible and one.kind != "lead" and await _may_join(actor, one)]
    own = [one for one in seen if one.owner_id == owner_id and one.verdict.action == SAME]
    contact = next((one for one in own if one.kind == "contact" and one.verdict.hard), None)
    customer = next((one for one in own if one.kind == "customer"), None)
    if contact is not None or customer is not None:
        return Options(contact, customer)
    return Options(unsure=tuple(seen[:MOST]))


async def _may_join(actor: Actor, one: Duplicate) -> bool:
    """Tell whether the actor may add somebody there: what is only shared for reading is not offered."""
    customer_id = one.id if one.kind == "customer" else (await Contact.get(id=one.id)).customer_id
    return await may_change(actor, customer_id, one.owner_id)


async def convert(core: Core, actor: Actor, lead_id: int) -> tuple[Customer, Contact]:
    """Make a lead a customer with a contact (转化); attaches to what is surely the same, and makes a new one else.

    Follow-ups and reminders about the lead are from now on about the contact; `activities.of_subject` finds the
    follow-ups under the lead's number too.

    Raises: NotFound; LeadNotOwned; LeadAlreadyConverted.
    """
    done = await convert_to(core, actor, lead_id)
    return done.customer, done.contact


async def convert_to(
    core: Core,
    actor: Actor,
    lead_id: int,
    *,
    customer_id: int | None = None,
    contact_id: int | None = None,
    anew: bool = False,
    opportunity: Mapping[str, object] | None = None,
) -> Converted:
    """Do the same with a choice: a customer or contact to attach to, or `anew`; `opportunity` opens a deal in the same step.

    Raises: NotFound; LeadNotOwned; LeadAlreadyConverted; what opening a deal raises.
    """
    for scope in ("leads:write", "customers:write", "contacts:write"):
        access.require(actor, scope)
    async with core.db.transaction():
        await core.db.serialize(f"merge:lead:{lead_id}")
        lead = await load_held(core, actor, lead_id)
        if lead.customer_id is not None:
            raise LeadAlreadyConverted(name=lead.name)
        require_claimed(actor, lead)
        # Two leads of one company, or with one number, become one customer: the second sees what the first has made.
        await core.db.serialize(f"convert:{company_key(lead.company) or plain_name(lead.name)}")
        await core.db.serialize(f"convert:{lead.mobile or lead.wechat_id or lead.id}")
        if customer_id is None and contact_id is None and not anew:
            known = await options(core, actor, lead.id)
            contact_id = known.contact.id if known.contact else None
            customer_id = known.customer.id if known.customer else None
        changes = await change_sets.begin(core, actor, "conversion", f"转客户：{lead.name}")
        if contact_id is not None:
            customer, contact = await _attach(core, actor, lead, contact_id, changes)
        else:
            customer, contact = await _make(core, actor, lead, customer_id, changes)
        await access.record(core, actor, "lead.convert", lead, after={"customer_id": customer.id, "contact_id": contact.id})
        attached = customer_id is not None or contact_id is not None
        if not attached:
            await cleaning.examine_company(core, customer.id)
        await core.db.run(_carry_fields(core, changes.id, contact, customer))
        deal_id = await _open_deal(core, actor, lead, customer, changes, opportunity)
    return Converted(customer, contact, changes.id, attached, deal_id)


async def qualify(core: Core, actor: Actor, lead_id: int, *, potential: bool = True) -> Lead:
    """Raise a lead to a potential customer (转潜客), or lower it again; its number and history stay.

    Raises: NotFound; LeadNotOwned; LeadAlreadyConverted.
    """
    access.require(actor, "leads:write")
    async with core.db.transaction():
        lead = await load_held(core, actor, lead_id)
        require_claimed(actor, lead)
        if lead.customer_id is not None:
            raise LeadAlreadyConverted(name=lead.name)
        level = Qualification.POTENTIAL if potential else Qualification.LEAD
        await change_fields(core, actor, "lead.qualify", lead, {"qualification": level.value})
    return lead


async def undo(core: Core, actor: Actor, set_id: int) -> None:
    """Take a conversion back as one, the deal it opened included.

    Raises: NotFound; ChangeSetUndone; LaterChangesFirst; BuiltUpon once there is something new at what it made.
    """
    await change_sets.undo(core, actor, set_id)


async def _attach(core: Core, actor: Actor, lead: Lead, contact_id: int, changes: ChangeSet) -> tuple[Customer, Contact]:
    contact = await access.load(Contact, actor, contact_id)
    if contact.customer_id is None:
        customer = await _new_customer(core, actor, lead, changes)
        values = {"customer_id": customer.id, "owner_id": customer.owner_id}
        await core.db.run(change_sets.change_row(core, changes.id, "contacts", contact.id, values, person_id=contact.person_id))
    await merging.absorb(core, actor, lead.id, contact_id, changes=changes)
    contact = await Contact.get(id=contact_id)
    return await Customer.get(id=contact.customer_id), contact


async def _make(core: Core, actor: Actor, lead: Lead, customer_id: int | None, changes: ChangeSet) -> tuple[Customer, Contact]:
    if customer_id is None:
        customer = await _new_customer(core, actor, lead, changes)
    else:
        await core.db.serialize(f"merge:customer:{customer_id}")
        customer = await access.load(Customer, actor, customer_id)
        await require_change(actor, customer)
        await core.db.run(_touch(core, changes.id, lead, customer))
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
        recorded_by=lead.recorded_by,
        **{name: getattr(lead, name) for name in ("score", "grade", "score_grade", "hand_grade", "score_due_day")},
    )
    await core.db.run(_close(core, changes.id, lead, customer, contact))
    return await Customer.get(id=customer.id), contact


def _close(core: Core, set_id: int, lead: Lead, customer: Customer, contact: Contact) -> Program[None]:
    yield from change_sets.note_made(core, set_id, "contacts", contact.id, person_id=contact.person_id)
    done = {"status": LeadStatus.CONVERTED.value, "customer_id": customer.id, "contact_id": contact.id}
    yield from change_sets.change_row(core, set_id, "leads", lead.id, done, person_id=lead.person_id)
    yield from merging.move_subject(core, set_id, lead.id, contact.id, contact.person_id)


def _touch(core: Core, set_id: int, lead: Lead, customer: Customer) -> Program[None]:
    at, known = lead.last_follow_up_at, customer.last_follow_up_at
    if at is not None and (known is None or known < at):
        yield from change_sets.change_row(core, set_id, "customers", customer.id, {"last_follow_up_at": at})


async def _new_customer(core: Core, actor: Actor, lead: Lead, changes: ChangeSet) -> Customer:
    customer: Customer = await Customer.add(
        core,
        name=lead.company or lead.name,
        kind=(CustomerKind.ORGANISATION if lead.company else CustomerKind.PERSON).value,
        region=lead.region,
        region_code=lead.region_code,
        department_id=lead.department_id,
        grade=lead.grade,
        recorded_by=lead.recorded_by,
        status=CustomerStatus.ACTIVE.value,
        owner_id=lead.owner_id or actor.employee_id,
        last_follow_up_at=lead.last_follow_up_at,
    )
    await core.db.run(change_sets.note_made(core, changes.id, "customers", customer.id, person_id=lead.person_id))
    return customer


def _carry_fields(core: Core, set_id: int, contact: Contact, customer: Customer) -> Program[None]:
    """Put own fields of the lead, which are the contact's now, at the customer where they are fields of customers alone."""
    own = core.settings.fields
    about = "subject_kind = ? AND subject_id = ?"
    rows = yield f"SELECT id, name FROM field_values WHERE {about} ORDER BY id", ("contact", contact.id)  # noqa: S608
    known = {name for (name,) in (yield f"SELECT name FROM field_values WHERE {about}", ("customer", customer.id))}  # noqa: S608
    for number, name in rows:
        if own.find("contact", name) is None and own.find("customer", name) is not None and name not in known:
            goes = {"subject_kind": "customer", "subject_id": customer.id}
            yield from change_sets.change_row(core, set_id, "field_values", number, goes)


async def _open_deal(
    core: Core, actor: Actor, lead: Lead, customer: Customer, changes: ChangeSet, wanted: Mapping[str, object] | None
) -> int | None:
    if wanted is None:
        return None
    origin = {"source": lead.source, "lead_id": lead.id}
    wanted = {**origin, **{name: value for name, value in wanted.items() if value is not None}}
    values = {name: value for name, value in wanted.items() if name != "name" and value is not None}
    name = str(wanted.get("name") or lead.need[:60] or customer.name).strip()
    if not name:
        raise Invalid(field="name", reason="请填写商机名称")
    deal = await opportunities.create(core, actor, customer_id=customer.id, name=name, **values)  # type: ignore[arg-type]
    await core.db.run(change_sets.note_made(core, changes.id, "opportunities", deal.id))
    for move in await opportunities.StageMove.filter(opportunity_id=deal.id):
        await core.db.run(change_sets.note_made(core, changes.id, "stage_moves", move.id))
    return int(deal.id)
