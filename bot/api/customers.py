"""Customers and contacts over the API."""

from typing import Any

from msgspec import UNSET, Struct, UnsetType

from bot.api.bodies import Id, Line, Phone, Short, given
from bot.api.listing import list_rows, open_row, show_row
from bot.api.resources import ID, STAMPS, Form, Resource, Shown, counts, texts, times
from bot.api.routes import Call, Routes
from crm_core import access, customers
from crm_core.customers import Contact, Customer, CustomerKind, CustomerStatus

CUSTOMERS = Resource(
    "customers",
    Customer,
    (
        *ID,
        *texts("name", "kind"),
        *counts("parent_id"),
        *texts("industry", "region", "grade", "status"),
        *counts("owner_id"),
        *texts("value_grade"),
        *times("last_follow_up_at"),
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
        *counts("reports_to_id"),
        *times("last_follow_up_at"),
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
}
routes = Routes()


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
    value_grade: Short | UnsetType = UNSET


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


@routes.lists("/customers", scope="customers:read", filters=CUSTOMER_FILTERS, shows=CUSTOMERS)
async def list_customers(call: Call) -> Any:
    """List customers."""
    return await list_rows(call, CUSTOMERS)


@routes.creates("/customers", scope="customers:write", shows=CUSTOMERS)
async def add_customer(call: Call, body: NewCustomer) -> Any:
    """Record a customer."""
    return await show_row(call, CUSTOMERS, await customers.add_customer(call.core, call.actor, **given(body)))


@routes.get("/customers/{id}", scope="customers:read", shows=CUSTOMERS)
async def show_customer(call: Call) -> Any:
    """Show a customer."""
    return await open_row(call, CUSTOMERS, await access.load(Customer, call.actor, call.number))


@routes.patch("/customers/{id}", scope="customers:write", shows=CUSTOMERS)
async def change_customer(call: Call, body: CustomerChanges) -> Any:
    """Change a customer; its contacts go with a new owner."""
    return await show_row(call, CUSTOMERS, await customers.update_customer(call.core, call.actor, call.number, **given(body)))


@routes.lists("/contacts", scope="contacts:read", filters=CONTACT_FILTERS, shows=CONTACTS)
async def list_contacts(call: Call) -> Any:
    """List contacts."""
    return await list_rows(call, CONTACTS)


@routes.creates("/contacts", scope="contacts:write", shows=CONTACTS)
async def add_contact(call: Call, body: NewContact) -> Any:
    """Record a contact."""
    return await show_row(call, CONTACTS, await customers.add_contact(call.core, call.actor, **given(body)))


@routes.get("/contacts/{id}", scope="contacts:read", shows=CONTACTS)
async def show_contact(call: Call) -> Any:
    """Show a contact."""
    return await open_row(call, CONTACTS, await access.load(Contact, call.actor, call.number))


@routes.patch("/contacts/{id}", scope="contacts:write", shows=CONTACTS)
async def change_contact(call: Call, body: ContactChanges) -> Any:
    """Change a contact."""
    return await show_row(call, CONTACTS, await customers.update_contact(call.core, call.actor, call.number, **given(body)))
