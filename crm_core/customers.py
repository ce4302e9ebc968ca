"""Customers (organisations and persons) and the contacts at them."""

import re
from collections.abc import Mapping
from enum import StrEnum

from tortoise import fields

from crm_core import access
from crm_core.access import Actor, Role
from crm_core.calendar import birthday_in_year
from crm_core.changes import change_fields
from crm_core.db import Entity, UtcDatetimeField
from crm_core.employees import Employee
from crm_core.errors import Invalid, Refused
from crm_core.identity import new_person
from crm_core.ports import Core
from crm_core.values import normalize_phone

_BIRTHDAY = re.compile(r"(?:\d{4}-)?\d\d-\d\d|lunar:\d\d-\d\d|lunar:\d\dL-\d\d")
_LEAP_YEAR = 2024
"""29 February is a birthday."""


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
    department_id = fields.BigIntField(null=True, db_index=True)
    merged_into_id = fields.BigIntField(null=True, db_index=True)

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
    merged_into_id = fields.BigIntField(null=True, db_index=True)

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
    owner_id = values.setdefault("owner_id", actor.employee_id)
    async with core.db.transaction():
        if owner_id is not None and owner_id != actor.employee_id:
            await _check_new_owner(actor, owner_id)
        await _check_seen(actor, values)
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
        await _check_seen(actor, values)
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


async def update_customer(core: Core, actor: Actor, customer_id: int, **values: object) -> Customer:
    """Change a customer's fields by hand; contacts go with a new owner.

    Raises: NotFound; Invalid; Refused for a salesperson who gives the customer away.
    """
    access.require(actor, "customers:write")
    async with core.db.transaction():
        customer = await access.load(Customer, actor, customer_id)
        await _check_names(values, customer.id)
        await _check_seen(actor, values)
        if values.get("owner_id") not in (None, customer.owner_id):
            await _check_new_owner(actor, values["owner_id"])
            await Contact.filter(customer_id=customer.id).update(owner_id=values["owner_id"], updated_at=core.clock.now())
        await change_fields(core, actor, "customer.update", customer, values)
    return customer


async def update_contact(core: Core, actor: Actor, contact_id: int, **values: object) -> Contact:
    """Change a contact's fields by hand; the owner of a new customer gets them. Raises: NotFound; Invalid."""
    access.require(actor, "contacts:write")
    clean = checked(values)
    if "name" in clean and not str(clean["name"]).strip():
        raise Invalid(field="name", reason="请填写姓名")
    async with core.db.transaction():
        contact = await access.load(Contact, actor, contact_id)
        await _check_seen(actor, clean)
        if clean.get("reports_to_id") == contact.id:
            raise Invalid(field="reports_to_id", reason="不能是本人")
        if clean.get("customer_id") not in (None, contact.customer_id):
            clean["owner_id"] = (await Customer.get(id=clean["customer_id"])).owner_id
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


async def _check_new_owner(actor: Actor, owner_id: object) -> None:
    if actor.role is Role.SALES:
        raise Refused
    employee = await Employee.get_or_none(id=owner_id, departed_at=None)
    if employee is None:
        raise Invalid(field="owner_id", reason="没有这名在职员工")


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
    if clean.get("birthday"):
        clean["birthday"] = _birthday(str(clean["birthday"]))
    return clean


def _birthday(text: str) -> str:
    found = _BIRTHDAY.fullmatch(text.strip())
    try:
        if found:
            birthday_in_year(found[0], _LEAP_YEAR)
            return found[0]
    except ValueError:
        pass
    raise Invalid(field="birthday", reason="写成 01-15、1980-01-15 或 lunar:01-15，闰月 lunar:04L-15")
