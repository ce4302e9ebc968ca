"""Customers (organisations and persons) and the contacts at them."""

from enum import StrEnum

from tortoise import fields

from crm_core import access
from crm_core.access import Actor
from crm_core.db import Entity, UtcDatetimeField
from crm_core.errors import Invalid
from crm_core.identity import new_person
from crm_core.ports import Core
from crm_core.values import normalize_phone


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


class Customer(Entity):
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

    class Meta:
        """One row a customer."""

        table = "customers"


class Contact(Entity):
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
    last_follow_up_at = UtcDatetimeField(null=True)

    class Meta:
        """One row a person."""

        table = "contacts"


async def add_customer(core: Core, actor: Actor, *, name: str, **values: object) -> Customer:
    """Record a customer by hand (录入). Raises: Invalid."""
    access.require(actor, "customers:write")
    if not name.strip():
        raise Invalid(field="name", reason="请填写客户名称")
    values.setdefault("owner_id", actor.employee_id)
    async with core.db.transaction():
        customer: Customer = await Customer.add(core, name=name.strip(), **values)
        await access.record(core, actor, "customer.add", customer)
    return customer


async def add_contact(core: Core, actor: Actor, *, name: str, customer_id: int | None = None, **values: object) -> Contact:
    """Record a contact at a customer. Raises: Invalid; NotFound."""
    access.require(actor, "contacts:write")
    if not name.strip():
        raise Invalid(field="name", reason="请填写姓名")
    async with core.db.transaction():
        owner_id = actor.employee_id
        if customer_id is not None:
            owner_id = (await access.load(Customer, actor, customer_id)).owner_id
        contact: Contact = await Contact.add(
            core,
            person_id=await new_person(core),
            name=name.strip(),
            customer_id=customer_id,
            owner_id=owner_id,
            **checked(values),
        )
        await access.record(core, actor, "contact.add", contact)
    return contact


def checked(values: dict[str, object]) -> dict[str, object]:
    """Normalise the numbers among a person's fields. Raises: Invalid."""
    clean = dict(values)
    for name, label in (("mobile", "手机号"), ("landline", "座机")):
        if clean.get(name):
            number = normalize_phone(str(clean[name]))
            if number is None:
                raise Invalid(field=name, reason=f"{label}格式不对")
            clean[name] = number
    if clean.get("email") and "@" not in str(clean["email"]):
        raise Invalid(field="email", reason="邮箱格式不对")
    return clean
