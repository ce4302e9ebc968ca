"""Customers (organisations and persons) and the contacts at them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum

from tortoise import fields
from tortoise.expressions import Q

from crm_core import access, change_sets, hierarchies, transfers, validation
from crm_core.access import Actor, Role
from crm_core.changes import change_fields
from crm_core.collaborators import may_change, own_or_shared
from crm_core.db import UtcDatetimeField
from crm_core.employees import Employee
from crm_core.errors import Invalid, Refused
from crm_core.identity import Hang, new_person
from crm_core.keying import Keyed
from crm_core.leads import refuse_elsewhere
from crm_core.ports import Core


class CustomerKind(StrEnum):
    """Whom we sell to."""

    PERSON = "person"
    ORGANISATION = "organisation"


class CustomerStatus(StrEnum):
    """Where the customer stands."""

    POTENTIAL = "potential"
    ACTIVE = "active"
    DORMANT = "dormant"
    LOST = "lost"


NEVER = datetime(2999, 1, 1, tzinfo=UTC)
"""When what was merged or deleted is looked at again."""
UNATTENDED: Mapping[str, object] = {
    "life_due_at": NEVER,
    "value_due_at": NEVER,
    "next_contact_at": None,
    "churn_warned_at": None,
}
"""Of a customer nobody is to be reminded of any more."""


class Customer(Keyed):
    """An organisation or person we sell to (客户)."""

    name = fields.CharField(max_length=128, db_index=True)
    kind = fields.CharField(max_length=16, default=CustomerKind.ORGANISATION.value)
    parent_id = fields.BigIntField(null=True)
    industry = fields.CharField(max_length=64, default="")
    region = fields.CharField(max_length=64, default="")
    grade = fields.CharField(max_length=8, default="")
    status = fields.CharField(max_length=16, default=CustomerStatus.POTENTIAL.value)
    owner_id = fields.BigIntField(null=True, db_index=True)
    value_grade = fields.CharField(max_length=8, default="")
    last_follow_up_at = UtcDatetimeField(null=True)
    department_id = fields.BigIntField(null=True, db_index=True)
    merged_into_id = fields.BigIntField(null=True, db_index=True)
    credit_code = fields.CharField(max_length=18, null=True)
    """Of the register of companies (统一社会信用代码)."""
    region_code = fields.CharField(max_length=6, default="", db_default="")
    recorded_by = fields.CharField(max_length=64, default="", db_default="")
    name_key = fields.CharField(max_length=96, null=True)
    deleted_at = UtcDatetimeField(null=True)
    """A mark: the row stays (see deletion.py)."""
    life_cycle = fields.CharField(max_length=16, default="target", db_default="target")
    life_cycle_at = UtcDatetimeField(null=True)
    life_cycle_reason = fields.CharField(max_length=100, default="", db_default="")
    life_cycle_by_hand = fields.BooleanField(default=False, db_default=False)
    life_due_at = UtcDatetimeField(null=True)
    """When the life cycle is looked at next; NULL: now."""
    churn_warned_at = UtcDatetimeField(null=True)
    churn_told_at = UtcDatetimeField(null=True)
    next_contact_at = UtcDatetimeField(null=True)
    value_points = fields.IntField(null=True)
    value_due_at = UtcDatetimeField(null=True)
    """When the value is looked at next; NULL: now."""
    profit_cents = fields.BigIntField(default=0, db_default=0)

    hangs_on = (Hang("customers", "parent_id", "customer"),)

    @classmethod
    def visible_to(cls, actor: Actor) -> Q:
        """Select the team's own and those shared with it."""
        return own_or_shared(actor, "id")

    class Meta:
        """One row a customer."""

        table = "customers"


class Contact(Keyed):
    """A person at a customer (联系人). `owner_id` follows the customer's."""

    person_id = fields.BigIntField(unique=True)
    customer_id = fields.BigIntField(null=True, db_index=True)
    owner_id = fields.BigIntField(null=True, db_index=True)
    name = fields.CharField(max_length=64, db_index=True)
    title = fields.CharField(max_length=64, default="")
    mobile = fields.CharField(max_length=20, null=True, db_index=True)
    landline = fields.CharField(max_length=20, null=True)
    wechat_id = fields.CharField(max_length=64, null=True)
    email = fields.CharField(max_length=128, null=True)
    birthday = fields.CharField(max_length=20, null=True)
    """MM-DD, YYYY-MM-DD, or lunar:MM-DD, lunar:04L-15."""
    decision_maker = fields.BooleanField(default=False)
    reports_to_id = fields.BigIntField(null=True)
    recorded_by = fields.CharField(max_length=64, default="", db_default="")
    last_follow_up_at = UtcDatetimeField(null=True)
    merged_into_id = fields.BigIntField(null=True, db_index=True)
    name_key = fields.CharField(max_length=96, null=True)
    deleted_at = UtcDatetimeField(null=True)
    score = fields.IntField(default=0, db_default=0)
    grade = fields.CharField(max_length=8, default="", db_default="")
    score_grade = fields.CharField(max_length=8, default="", db_default="")
    """By the rules; `grade` is this one, unless a hand has set `hand_grade`."""
    hand_grade = fields.CharField(max_length=8, default="", db_default="")
    score_due_day = fields.IntField(null=True)
    role = fields.CharField(max_length=32, default="", db_default="")
    """What they are in a deal: 采购, 技术, 财务, 决策人 ..."""
    decision_weight = fields.IntField(null=True)
    """How much their word counts, 0-100."""

    hangs_on = (Hang("contacts", "customer_id", "customer"), Hang("contacts", "reports_to_id", "contact"))

    @classmethod
    def visible_to(cls, actor: Actor) -> Q:
        """Select the team's own and those at a customer shared with it."""
        return own_or_shared(actor, "customer_id")

    class Meta:
        """One row a person."""

        table = "contacts"


async def add_customer(core: Core, actor: Actor, *, name: str, **values: object) -> Customer:
    """Record a customer by hand (录入), for oneself or, by a manager's word, for somebody else.

    Raises: Invalid; NotFound for a parent one does not see; Refused for a salesperson who gives it away.
    """
    access.require(actor, "customers:write")
    if not name.strip():
        raise Invalid(field="name", reason="请填写客户名称")
    values = validation.cleaned_company({**values, "name": name})
    owner_id = values.setdefault("owner_id", actor.employee_id)
    async with core.db.transaction():
        if owner_id is not None and owner_id != actor.employee_id:
            await _check_new_owner(actor, owner_id)
        await _check_seen(actor, values)
        if isinstance(values.get("parent_id"), int):
            await hierarchies.check_above(core, "customers", None, int(str(values["parent_id"])))
        customer: Customer = await Customer.add(core, **values)
        await access.record(core, actor, "customer.add", customer)
    return customer


async def add_contact(core: Core, actor: Actor, *, name: str, customer_id: int | None = None, **values: object) -> Contact:
    """Record a contact at a customer. Raises: Invalid; NotFound; Refused; LeadElsewhere."""
    access.require(actor, "contacts:write")
    if not name.strip():
        raise Invalid(field="name", reason="请填写姓名")
    async with core.db.transaction():
        owner_id = actor.employee_id
        if customer_id is not None:
            # Not while it is merged or deleted: a contact must not be left behind at what is gone.
            await core.db.serialize(f"merge:customer:{customer_id}")
            customer = await access.load(Customer, actor, customer_id)
            customer_id, owner_id = customer.id, customer.owner_id
            await require_change(actor, customer)
        await _check_seen(actor, values)
        if isinstance(values.get("reports_to_id"), int):
            await hierarchies.check_above(core, "contacts", None, int(str(values["reports_to_id"])))
        clean = checked({**values, "name": name.strip()})
        await refuse_elsewhere(core, actor, clean)
        contact: Contact = await Contact.add(
            core, person_id=await new_person(core), customer_id=customer_id, owner_id=owner_id, **clean
        )
        await access.record(core, actor, "contact.add", contact)
    return contact


async def update_customer(core: Core, actor: Actor, customer_id: int, **values: object) -> Customer:
    """Change a customer's fields by hand; contacts, deals and open reminders go with a new owner, in a change set.

    Raises: NotFound; Invalid; Refused for a salesperson who gives the customer away.
    """
    return (await _update(core, actor, customer_id, values))[0]


async def give(core: Core, actor: Actor, customer_id: int, owner_id: int) -> tuple[Customer, int | None]:
    """Give a customer to another owner with all of it (转给); gives the change set that takes it back, None: it was theirs.

    Raises: NotFound; Invalid; Refused for a salesperson.
    """
    return await _update(core, actor, customer_id, {"owner_id": owner_id})


async def _update(core: Core, actor: Actor, customer_id: int, values: dict[str, object]) -> tuple[Customer, int | None]:
    access.require(actor, "customers:write")
    values = validation.cleaned_company(values)
    set_id: int | None = None
    async with core.db.transaction():
        customer = await access.load(Customer, actor, customer_id)
        await require_change(actor, customer)
        await _check_names(values, customer.id)
        await _check_seen(actor, values)
        if isinstance(values.get("parent_id"), int):
            await hierarchies.check_above(core, "customers", customer.id, int(str(values["parent_id"])))
        if values.keys() & {"status", "grade", "industry", "region"}:
            # Looked at again soon: what was changed is part of where the customer stands and what it is worth.
            await Customer.filter(id=customer.id).update(life_due_at=None, value_due_at=None)
        if values.get("owner_id") not in (None, customer.owner_id):
            set_id = await _hand_over(core, actor, customer, values["owner_id"])
        await change_fields(core, actor, "customer.update", customer, values)
    return customer, set_id


async def _hand_over(core: Core, actor: Actor, customer: Customer, owner_id: object) -> int:
    owner = await _check_new_owner(actor, owner_id)
    changes = await change_sets.begin(core, actor, "customer.give", f"客户「{customer.name}」转给{owner.name}")
    await core.db.run(transfers.give_customer(core, changes.id, customer.id, customer.owner_id, owner.id))
    return int(changes.id)


async def update_contact(core: Core, actor: Actor, contact_id: int, **values: object) -> Contact:
    """Change a contact's fields by hand; the owner of a new customer gets them.

    Raises: NotFound; Invalid; Refused; LeadElsewhere.
    """
    access.require(actor, "contacts:write")
    clean = checked(values)
    if "name" in clean and not str(clean["name"]).strip():
        raise Invalid(field="name", reason="请填写姓名")
    async with core.db.transaction():
        contact = await access.load(Contact, actor, contact_id)
        await require_change(actor, contact)
        await _check_seen(actor, clean)
        await refuse_elsewhere(core, actor, {each: new for each, new in clean.items() if getattr(contact, each) != new})
        if clean.get("reports_to_id") == contact.id:
            raise Invalid(field="reports_to_id", reason="不能是本人")
        if isinstance(clean.get("reports_to_id"), int):
            await hierarchies.check_above(core, "contacts", contact.id, int(str(clean["reports_to_id"])))
        if clean.get("customer_id") not in (None, contact.customer_id):
            goes_to = await Customer.get(id=clean["customer_id"])
            await require_change(actor, goes_to)
            clean["owner_id"] = goes_to.owner_id
        await change_fields(core, actor, "contact.update", contact, clean)
    return contact


async def _check_names(values: Mapping[str, object], customer_id: int) -> None:
    if "name" in values and not str(values["name"]).strip():
        raise Invalid(field="name", reason="请填写客户名称")
    if values.get("parent_id") == customer_id:
        raise Invalid(field="parent_id", reason="不能是客户自己")


async def _check_seen(actor: Actor, values: Mapping[str, object]) -> None:
    """Load what the values refer to: it must be there and visible. Raises: NotFound."""
    for name, model in (("customer_id", Customer), ("parent_id", Customer), ("reports_to_id", Contact)):
        number = values.get(name)
        if isinstance(number, int):
            await access.load(model, actor, number)


async def touch_contacts(core: Core, customer_id: int) -> None:
    """Leave the stamp of a change on a customer's people: what was taken back counts in their scores no more."""
    await Contact.filter(customer_id=customer_id, deleted_at=None).update(updated_at=core.clock.now())


async def require_change(actor: Actor, row: Customer | Contact) -> None:
    """Refuse a collaborator who may only see and follow up. Raises: Refused."""
    customer_id = row.id if isinstance(row, Customer) else row.customer_id
    if not await may_change(actor, customer_id, row.owner_id):
        raise Refused


async def _check_new_owner(actor: Actor, owner_id: object) -> Employee:
    if actor.role is Role.SALES:
        raise Refused
    employee = await Employee.get_or_none(id=owner_id, departed_at=None)
    if employee is None:
        raise Invalid(field="owner_id", reason="没有这名在职员工")
    return employee


def checked(values: dict[str, object]) -> dict[str, object]:
    """Normalise what is known of a person or company. Raises: Invalid."""
    weight = values.get("decision_weight")
    if weight is not None and not (isinstance(weight, int) and 0 <= weight <= 100):
        raise Invalid(field="decision_weight", reason="决策权重需要在 0 到 100 之间")
    return validation.cleaned(values)
