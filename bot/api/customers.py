"""Customers and contacts over the API."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from bot.api.bodies import Id, Line, Phone, Short, given
from bot.api.own_fields import FIELDS, FILTER, Given, list_with_fields, open_with_fields, set_given, show_with_fields
from bot.api.resources import ID, STAMPS, Form, Resource, Shown, counts, texts, times
from bot.api.routes import Call, Routes
from crm_core import access, cleaning, custom_fields, customers, matching
from crm_core.customers import Contact, Customer, CustomerKind, CustomerStatus
from crm_core.life_cycle_rules import LifeCycle

Role = Annotated[str, Meta(max_length=32)]
Weight = Annotated[int, Meta(ge=0, le=100)]

CUSTOMERS = Resource(
    "customers",
    Customer,
    (
        *ID,
        *texts("name", "kind"),
        *counts("parent_id"),
        *texts("industry", "region", "grade", "status", "credit_code"),
        *counts("owner_id"),
        *texts("value_grade"),
        *counts("value_points"),
        *texts("life_cycle", "life_cycle_reason"),
        *times("life_cycle_at", "churn_warned_at", "next_contact_at", "last_follow_up_at"),
        FIELDS,
        *STAMPS,
    ),
    search=("name", "industry", "region"),
)
CONTACTS = Resource(
    "contacts",
    Contact,
    (
        *ID,
        *counts("person_id", "customer_id", "owner_id"),
        *texts("name", "title"),
        Shown("mobile", Form.PHONE),
        Shown("landline", Form.PHONE),
        Shown("wechat_id", Form.PERSONAL),
        Shown("email", Form.PERSONAL),
        *texts("birthday"),
        Shown("decision_maker", Form.TRUTH),
        *counts("reports_to_id", "decision_weight"),
        *texts("role"),
        *times("last_follow_up_at"),
        FIELDS,
        *STAMPS,
    ),
    search=("name", "title"),
)
CUSTOMER_FILTERS: dict[str, Any] = {
    "name": str,
    "kind": CustomerKind,
    "parent_id": int,
    "industry": str,
    "region": str,
    "grade": str,
    "status": CustomerStatus,
    "owner_id": int,
    "value_grade": str,
    "credit_code": str,
    "life_cycle": LifeCycle,
    **FILTER,
}
CONTACT_FILTERS: dict[str, Any] = {
    "person_id": int,
    "customer_id": int,
    "owner_id": int,
    "name": str,
    "title": str,
    "mobile": str,
    "landline": str,
    "wechat_id": str,
    "email": str,
    "birthday": str,
    "decision_maker": bool,
    "reports_to_id": int,
    "role": str,
    **FILTER,
}
routes = Routes()


CreditCode = Annotated[str, Meta(pattern=r"^[0-9A-HJ-NPQRTUWXY]{18}$", description="统一社会信用代码")]


class NewCustomer(Struct):
    """An organisation or person we sell to."""

    name: Line
    kind: CustomerKind = CustomerKind.ORGANISATION
    parent_id: Id | None = None
    industry: Short = ""
    region: Short = ""
    grade: Short = ""
    status: CustomerStatus = CustomerStatus.POTENTIAL
    owner_id: Id | UnsetType = UNSET
    fields: Given | UnsetType = UNSET
    credit_code: CreditCode | None = None
    on_duplicate: Literal["allow", "refuse"] = "allow"
    """refuse: 409 where the company is a customer already; allow: the pair waits in the cleaning queue."""


class CustomerChanges(Struct):
    """The fields to change."""

    name: Line | UnsetType = UNSET
    kind: CustomerKind | UnsetType = UNSET
    parent_id: Id | UnsetType | None = UNSET
    industry: Short | UnsetType = UNSET
    region: Short | UnsetType = UNSET
    grade: Short | UnsetType = UNSET
    status: CustomerStatus | UnsetType = UNSET
    owner_id: Id | UnsetType = UNSET
    fields: Given | UnsetType = UNSET
    credit_code: CreditCode | UnsetType | None = UNSET


class NewContact(Struct):
    """A person, at a customer or alone."""

    name: Short
    customer_id: Id | None = None
    title: Short = ""
    mobile: Phone | None = None
    landline: Phone | None = None
    wechat_id: Short | None = None
    email: Line | None = None
    birthday: Short | None = None
    decision_maker: bool = False
    reports_to_id: Id | None = None
    role: Role = ""
    decision_weight: Weight | None = None
    fields: Given | UnsetType = UNSET


class ContactChanges(Struct):
    """The fields to change."""

    name: Short | UnsetType = UNSET
    customer_id: Id | UnsetType | None = UNSET
    title: Short | UnsetType = UNSET
    mobile: Phone | UnsetType | None = UNSET
    landline: Phone | UnsetType | None = UNSET
    wechat_id: Short | UnsetType | None = UNSET
    email: Line | UnsetType | None = UNSET
    birthday: Short | UnsetType | None = UNSET
    decision_maker: bool | UnsetType = UNSET
    reports_to_id: Id | UnsetType | None = UNSET
    role: Role | UnsetType = UNSET
    decision_weight: Weight | UnsetType | None = UNSET
    fields: Given | UnsetType = UNSET


@routes.lists("/customers", scope="customers:read", filters=CUSTOMER_FILTERS, shows=CUSTOMERS)
async def list_customers(call: Call) -> Any:
    """List customers."""
    return await list_with_fields(call, CUSTOMERS, "customer")


@routes.creates("/customers", scope="customers:write", shows=CUSTOMERS)
async def add_customer(call: Call, body: NewCustomer) -> Any:
    """Record a customer, with its own fields where the house has some."""
    values, own = _split(body)
    custom_fields.require_filled(call.core, "customer", own)
    if values.pop("on_duplicate") == "refuse":
        await matching.refuse_same_company(call.core, call.actor, body.name, credit_code=body.credit_code)
    async with call.core.db.transaction():
        row = await customers.add_customer(call.core, call.actor, **values)
        await set_given(call, "customer", row.id, own)
        await cleaning.examine_company(call.core, row.id)
    return await show_with_fields(call, CUSTOMERS, "customer", row)


@routes.get("/customers/{id}", scope="customers:read", shows=CUSTOMERS)
async def show_customer(call: Call) -> Any:
    """Show a customer."""
    return await open_with_fields(call, CUSTOMERS, "customer", await access.load(Customer, call.actor, call.number))


@routes.patch("/customers/{id}", scope="customers:write", shows=CUSTOMERS)
async def change_customer(call: Call, body: CustomerChanges) -> Any:
    """Change a customer; contacts, deals and open reminders go with a new owner, taken back as one (change sets)."""
    values, own = _split(body)
    async with call.core.db.transaction():
        row = await customers.update_customer(call.core, call.actor, call.number, **values)
        await set_given(call, "customer", row.id, own)
    return await show_with_fields(call, CUSTOMERS, "customer", row)


@routes.lists("/contacts", scope="contacts:read", filters=CONTACT_FILTERS, shows=CONTACTS)
async def list_contacts(call: Call) -> Any:
    """List contacts."""
    return await list_with_fields(call, CONTACTS, "contact")


@routes.creates("/contacts", scope="contacts:write", shows=CONTACTS)
async def add_contact(call: Call, body: NewContact) -> Any:
    """Record a contact, with its own fields where the house has some."""
    values, own = _split(body)
    custom_fields.require_filled(call.core, "contact", own)
    async with call.core.db.transaction():
        row = await customers.add_contact(call.core, call.actor, **values)
        await set_given(call, "contact", row.id, own)
    return await show_with_fields(call, CONTACTS, "contact", row)


@routes.get("/contacts/{id}", scope="contacts:read", shows=CONTACTS)
async def show_contact(call: Call) -> Any:
    """Show a contact."""
    return await open_with_fields(call, CONTACTS, "contact", await access.load(Contact, call.actor, call.number))


@routes.patch("/contacts/{id}", scope="contacts:write", shows=CONTACTS)
async def change_contact(call: Call, body: ContactChanges) -> Any:
    """Change a contact."""
    values, own = _split(body)
    async with call.core.db.transaction():
        row = await customers.update_contact(call.core, call.actor, call.number, **values)
        await set_given(call, "contact", row.id, own)
    return await show_with_fields(call, CONTACTS, "contact", row)


def _split(body: Struct) -> tuple[dict[str, Any], dict[str, object]]:
    """Part a body into columns and own fields."""
    values = given(body)
    return values, dict(values.pop("fields", None) or {})
