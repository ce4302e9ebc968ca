"""Leads (线索) and the pool: record, claim, release, assign, convert."""

from collections.abc import Sequence
from enum import StrEnum

from tortoise import fields
from tortoise.expressions import Q
from tortoise.functions import Count
from tortoise.queryset import QuerySet

from crm_core import access, employees, identity
from crm_core.access import Actor, Role
from crm_core.accounts import Account, PersonKind
from crm_core.changes import change_fields
from crm_core.customers import Contact, Customer, CustomerKind, CustomerStatus, checked
from crm_core.db import Entity, UtcDatetimeField
from crm_core.employees import Employee
from crm_core.errors import Conflict, Invalid, NotFound, Refused
from crm_core.messages import Body, Guarantee
from crm_core.pool_notices import cancel_pool_notices
from crm_core.ports import Core, Program
from crm_core.values import normalize_phone


class LeadStatus(StrEnum):
    """How far a lead has come."""

    NEW = "new"
    FOLLOWING = "following"
    CONVERTED = "converted"
    DISCARDED = "discarded"


_OPEN = (LeadStatus.NEW, LeadStatus.FOLLOWING)
BY_HAND = (*_OPEN, LeadStatus.DISCARDED)
"""Converted is a lead only by a conversion, which makes the customer."""
LEAD_STATUS_LABELS = {
    LeadStatus.NEW: "新线索",
    LeadStatus.FOLLOWING: "跟进中",
    LeadStatus.CONVERTED: "已转化",
    LeadStatus.DISCARDED: "无效",
}


class LeadAlreadyClaimed(Conflict):
    """Somebody was faster."""

    code = "lead.already_claimed"
    text = "{lead}已被{owner}领取"


class ClaimNeedsEmployee(Refused):
    """A token of a role alone is nobody to whom a lead could belong."""

    code = "lead.claim_needs_employee"
    text = "这个令牌不是某位员工的，不能领取线索；请用员工的令牌，或把线索分配给员工"


class ClaimCapReached(Refused):
    """The employee owns enough open leads."""

    code = "lead.claim_cap_reached"
    text = "名下已有{count}条未转化线索，达到上限{cap}，请先跟进或退回"


class LeadNotOwned(Conflict):
    """A lead in the pool cannot be released; a salesperson claims it before working on it."""

    code = "lead.not_owned"
    text = "线索「{name}」还在公海，请先领取"


class LeadAlreadyConverted(Conflict):
    """A lead is converted once."""

    code = "lead.already_converted"
    text = "线索「{name}」已转化"


class Lead(Entity):
    """Somebody who may buy (线索). Without an owner it is in the pool (公海)."""

    ownerless_is_pool = True

    person_id = fields.BigIntField(unique=True)
    name = fields.CharField(max_length=64, db_index=True)
    company = fields.CharField(max_length=128, default="")
    title = fields.CharField(max_length=64, default="")
    mobile = fields.CharField(max_length=20, null=True, db_index=True)
    landline = fields.CharField(max_length=20, null=True)
    wechat_id = fields.CharField(max_length=64, null=True)
    email = fields.CharField(max_length=128, null=True)
    birthday = fields.CharField(max_length=20, null=True)
    source = fields.CharField(max_length=128, default="")
    channel = fields.CharField(max_length=64, default="")
    region = fields.CharField(max_length=64, default="")
    need = fields.TextField(default="")
    amount = fields.CharField(max_length=24, default="")
    raw_text = fields.TextField(default="")
    score = fields.IntField(default=0)
    grade = fields.CharField(max_length=8, default="")
    status = fields.CharField(max_length=16, default=LeadStatus.NEW.value)
    owner_id = fields.BigIntField(null=True, db_index=True)
    pool = fields.CharField(max_length=32, default="")
    intent_count = fields.IntField(default=1)
    claim_count = fields.IntField(default=0)
    claimed_at = UtcDatetimeField(null=True)
    last_follow_up_at = UtcDatetimeField(null=True)
    customer_id = fields.BigIntField(null=True)
    contact_id = fields.BigIntField(null=True)

    class Meta:
        """One row a lead."""

        table = "leads"


async def add(
    core: Core, actor: Actor, *, name: str = "", company: str = "", owner_id: int | None = None, **values: object
) -> Lead:
    """Record a lead (录入线索). A salesperson owns what they record.

    Raises: Invalid without a name and company, or for a bad number; NotFound for an unknown owner; AlreadyDeparted.
    """
    access.require(actor, "leads:write")
    if not (name.strip() or company.strip()):
        raise Invalid(field="name", reason="请填写姓名或公司")
    if owner_id is None and actor.role is Role.SALES:
        owner_id = actor.employee_id
    async with core.db.transaction():
        if owner_id is not None and owner_id != actor.employee_id:
            await _load_owner(actor, owner_id)
        lead: Lead = await Lead.add(
            core,
            person_id=await identity.new_person(core),
            name=name.strip() or company.strip(),
            company=company.strip(),
            owner_id=owner_id,
            claimed_at=core.clock.now() if owner_id else None,
            **checked(values),
        )
        await access.record(core, actor, "lead.add", lead)
    return lead


def insert_from_channel(core: Core, *, channel: str, name: str, source: str, raw_text: str) -> Program[tuple[int, int]]:
    """Make the lead of somebody a channel brought, in plain SQL; gives (lead id, person id)."""
    now = core.clock.now()
    person_id = yield from identity.insert_person(core)
    rows = yield (
        "INSERT INTO leads (person_id, name, company, title, source, channel, region, need, amount, raw_text, score, grade,"
        " status, pool, intent_count, claim_count, created_at, updated_at)"
        " VALUES (?, ?, '', '', ?, ?, '', '', '', ?, 0, '', 'new', '', 1, 0, ?, ?) RETURNING id",
        (person_id, name[:64], source[:128], channel, raw_text, now, now),
    )
    return int(rows[0][0]), person_id


async def claim(core: Core, actor: Actor, lead_id: int) -> Lead:
    """Give a lead from the pool to the acting employee (领取).

    Writes the lead, one audit entry and a notice to the manager, in one transaction; waiting notices to all end with it.
    Raises: NotFound; ClaimNeedsEmployee for whoever acts as no employee; LeadAlreadyClaimed; ClaimCapReached.
    """
    access.require(actor, "leads:write")
    if actor.employee_id is None:
        raise ClaimNeedsEmployee
    async with core.db.transaction():
        lead = await Lead.get_or_none(id=lead_id)
        if lead is None or lead.status in (LeadStatus.CONVERTED, LeadStatus.DISCARDED):
            raise NotFound
        await _check_claim_cap(core, actor.employee_id)
        now = core.clock.now()
        # The condition is in the update itself: of a hundred takers exactly one changes a row.
        won = await Lead.filter(id=lead.id, owner_id=None).update(
            owner_id=actor.employee_id, claimed_at=now, claim_count=lead.claim_count + 1, updated_at=now
        )
        if not won:
            # Numbers are counted up easily: a foreign lead may tell whose it is, and not who it is.
            shown = await access.visible(Lead, actor).filter(id=lead.id).exists()
            raise LeadAlreadyClaimed(lead=f"线索「{lead.name}」" if shown else "这条线索", owner=await owner_name(lead.id))
        await core.db.run(cancel_pool_notices(core, lead.person_id))
        await access.record(core, actor, "lead.claim", lead)
        await _tell_manager(core, actor, lead)
        return await Lead.get(id=lead.id)


async def release(core: Core, actor: Actor, lead_id: int, *, reason: str = "") -> Lead:
    """Put an own lead back into the pool (退回公海). Raises: NotFound; LeadNotOwned."""
    access.require(actor, "leads:write")
    async with core.db.transaction():
        lead = await access.load(Lead, actor, lead_id)
        now = core.clock.now()
        if lead.owner_id is None or not await Lead.filter(id=lead.id, owner_id=lead.owner_id, customer_id=None).update(
            owner_id=None, claimed_at=None, updated_at=now
        ):
            raise LeadNotOwned(name=lead.name)
        await access.record(core, actor, "lead.release", lead, before={"owner_id": lead.owner_id}, after={"reason": reason})
        return await Lead.get(id=lead.id)


async def update(core: Core, actor: Actor, lead_id: int, **values: object) -> Lead:
    """Change a lead's fields by hand; a new owner is an assignment. Raises: NotFound; LeadNotOwned; Invalid; Refused."""
    access.require(actor, "leads:write")
    clean = checked(values)
    if clean.get("status", LeadStatus.NEW) not in BY_HAND:
        raise Invalid(field="status", reason=f"只能是 {'、'.join(BY_HAND)}")
    owner_id = clean.pop("owner_id", None)
    async with core.db.transaction():
        lead = await access.load(Lead, actor, lead_id)
        require_claimed(actor, lead)
        if "status" in clean and lead.customer_id is not None:
            raise LeadAlreadyConverted(name=lead.name)
        if isinstance(owner_id, int) and owner_id != lead.owner_id:
            lead = await assign(core, actor, lead_id, owner_id)
        if lead.owner_id is not None and lead.status == LeadStatus.DISCARDED and clean.get("status") in _OPEN:
            await _check_claim_cap(core, lead.owner_id)
        await change_fields(core, actor, "lead.update", lead, clean)
    return lead


async def discard(core: Core, actor: Actor, lead_id: int, *, reason: str) -> Lead:
    """Mark a lead as of no use (无效线索); it stays as history. Raises: NotFound; LeadNotOwned; LeadAlreadyConverted."""
    access.require(actor, "leads:write")
    async with core.db.transaction():
        lead = await access.load(Lead, actor, lead_id)
        require_claimed(actor, lead)
        if lead.customer_id is not None:
            raise LeadAlreadyConverted(name=lead.name)
        await lead.change(core, status=LeadStatus.DISCARDED.value)
        await access.record(core, actor, "lead.discard", lead, after={"reason": reason})
    return lead


async def find_by_mobile(number: str) -> Lead | None:
    """Find an open lead by phone number, whoever owns it."""
    phone = normalize_phone(number)
    return await Lead.filter(mobile=phone, status__in=["new", "following"]).first() if phone else None


async def assign(core: Core, actor: Actor, lead_id: int, owner_id: int) -> Lead:
    """Give a lead to an employee by a manager's word (分配). Raises: NotFound; AlreadyDeparted; Refused."""
    access.require(actor, "leads:write")
    async with core.db.transaction():
        lead = await access.load(Lead, actor, lead_id)
        owner = await _load_owner(actor, owner_id)
        if actor.role is Role.SALES and lead.owner_id != actor.employee_id:
            raise Refused
        await lead.change(core, owner_id=owner.id, claimed_at=core.clock.now())
        await core.db.run(cancel_pool_notices(core, lead.person_id))
        await access.record(core, actor, "lead.assign", lead, after={"owner_id": owner.id})
    return lead


async def _load_owner(actor: Actor, owner_id: int) -> Employee:
    owner = await access.load(Employee, actor, owner_id)
    if owner.departed_at:
        raise employees.AlreadyDeparted(name=owner.name)
    return owner


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


def require_claimed(actor: Actor, lead: Lead) -> None:
    """Let a salesperson work on a lead only when it has left the pool. Raises: LeadNotOwned."""
    if lead.owner_id is None and actor.role is Role.SALES:
        raise LeadNotOwned(name=lead.name)


def _move_history(core: Core, lead_id: int, contact_id: int) -> Program[None]:
    # Both tables belong to modules above this one, which it must not import: hence plain SQL.
    now = core.clock.now()
    for table, subject in (("follow_ups", "subject"), ("reminders", "about")):
        yield (
            f"UPDATE {table} SET {subject}_kind = 'contact', {subject}_id = ?, updated_at = ?"  # noqa: S608 - fixed names
            f" WHERE {subject}_kind = 'lead' AND {subject}_id = ?",
            (contact_id, now, lead_id),
        )


async def find_in_pool(actor: Actor, *, text: str = "", region: str = "", limit: int = 10) -> list[Lead]:
    """List leads in the pool (公海), newest first."""
    return await _in_pool(actor, text, region).order_by("-id").limit(limit)


async def count_pool(actor: Actor, *, text: str = "", region: str = "") -> int:
    """Count the leads in the pool that fit."""
    return await _in_pool(actor, text, region).count()


def _in_pool(actor: Actor, text: str, region: str) -> QuerySet[Lead]:
    query = access.visible(Lead, actor).filter(owner_id=None, status__in=[LeadStatus.NEW.value, LeadStatus.FOLLOWING.value])
    if region:
        query = query.filter(region__icontains=region)
    if text:
        query = query.filter(
            Q(name__icontains=text) | Q(company__icontains=text) | Q(need__icontains=text) | Q(source__icontains=text)
        )
    return query


async def count_owned(employee_id: int) -> int:
    """Count an employee's open leads."""
    return await Lead.filter(owner_id=employee_id, status__in=["new", "following"]).count()


async def sources(actor: Actor) -> Sequence[tuple[str, int]]:
    """Count visible leads by source."""
    rows = await access.visible(Lead, actor).annotate(n=Count("id")).group_by("source").values_list("source", "n")
    return [(str(source), int(number)) for source, number in rows]


async def _check_claim_cap(core: Core, employee_id: int) -> None:
    cap = core.settings.pools.claim_cap
    # One claim of a person at a time: counting and taking are two steps.
    await core.db.serialize(f"claim_cap:{employee_id}")
    owned = await count_owned(employee_id)
    if owned >= cap:
        raise ClaimCapReached(count=owned, cap=cap)


async def owner_name(lead_id: int) -> str:
    """Tell who owns a lead, for a sentence."""
    lead = await Lead.get(id=lead_id)
    owner = await Employee.get_or_none(id=lead.owner_id)
    return owner.name if owner else "同事"


async def _tell_manager(core: Core, actor: Actor, lead: Lead) -> None:
    employee = await Employee.get(id=actor.employee_id)
    if employee.manager_id is None:
        return
    address = await employees.staff_address(core, employee.manager_id)
    if address:
        await core.outbox.put(
            address,
            Body(text=f"{employee.name}领取了线索「{lead.name}」"),
            key=f"lead.claim:{lead.id}:{lead.claim_count + 1}",
            guarantee=Guarantee.AT_LEAST_ONCE,
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


async def accounts_of(person_id: int) -> list[Account]:
    """List the channel accounts of a customer or lead."""
    return await Account.filter(person_kind=PersonKind.CUSTOMER.value, person_id=person_id).order_by("id")
