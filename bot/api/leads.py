"""Leads over the API: record, change, claim, release, assign, convert."""

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

from bot.api.bodies import Empty, Id, Line, Long, Phone, Short, given
from bot.api.listing import list_rows, open_row, show_row
from bot.api.resources import ID, STAMPS, Form, Resource, Shown, counts, texts, times
from bot.api.routes import Call, Routes
from crm_core import access, conversion, leads, pools
from crm_core.leads import Lead, LeadStatus

LEADS = Resource(
    "leads",
    Lead,
    (
        *ID,
        *counts("person_id"),
        *texts("name", "company", "title"),
        Shown("mobile", Form.PHONE),
        Shown("landline", Form.PHONE),
        Shown("wechat_id", Form.PERSONAL),
        Shown("email", Form.PERSONAL),
        *texts("birthday", "source", "channel", "region", "need", "amount"),
        *counts("score"),
        *texts("grade", "status"),
        *counts("owner_id"),
        *texts("pool"),
        *counts("intent_count"),
        *times("last_follow_up_at"),
        *counts("customer_id", "contact_id"),
        *STAMPS,
    ),
    search=("name", "company", "need", "source"),
)
FILTERS: dict[str, Any] = {
    "person_id": int,
    "name": str,
    "company": str,
    "mobile": str,
    "landline": str,
    "wechat_id": str,
    "email": str,
    "source": str,
    "channel": str,
    "region": str,
    "grade": str,
    "status": LeadStatus,
    "owner_id": int,
    "pool": str,
    "customer_id": int,
}
routes = Routes()


class NewLead(Struct):
    """A name or a company at least."""

    name: Short = ""
    company: Line = ""
    title: Short = ""
    mobile: Phone | None = None
    landline: Phone | None = None
    wechat_id: Short | None = None
    email: Line | None = None
    birthday: Short | None = None
    source: Line = ""
    channel: Short = ""
    region: Short = ""
    need: Long = ""
    amount: Short = ""
    grade: Short = ""
    pool: Short = ""
    owner_id: Id | None = None


class LeadChanges(Struct):
    """The fields to change; what is absent stays."""

    name: Short | UnsetType = UNSET
    company: Line | UnsetType = UNSET
    title: Short | UnsetType = UNSET
    mobile: Phone | UnsetType | None = UNSET
    landline: Phone | UnsetType | None = UNSET
    wechat_id: Short | UnsetType | None = UNSET
    email: Line | UnsetType | None = UNSET
    birthday: Short | UnsetType | None = UNSET
    source: Line | UnsetType = UNSET
    region: Short | UnsetType = UNSET
    need: Long | UnsetType = UNSET
    amount: Short | UnsetType = UNSET
    grade: Short | UnsetType = UNSET
    pool: Short | UnsetType = UNSET
    status: Literal["new", "following", "discarded"] | UnsetType = UNSET
    owner_id: Id | UnsetType = UNSET


class Reason(Struct):
    """Why."""

    reason: Line = ""


class NewOwner(Struct):
    """To whom."""

    owner_id: Id


@routes.lists("/leads", scope="leads:read", filters=FILTERS, shows=LEADS)
async def list_leads(call: Call) -> Any:
    """List leads: the own ones and the pool, for those who see no more."""
    return await list_rows(call, LEADS)


@routes.creates("/leads", scope="leads:write", shows=LEADS)
async def add_lead(call: Call, body: NewLead) -> Any:
    """Record a lead."""
    return await show_row(call, LEADS, await leads.add(call.core, call.actor, **given(body)))


@routes.get("/leads/{id}", scope="leads:read", shows=LEADS)
async def show_lead(call: Call) -> Any:
    """Show a lead."""
    return await open_row(call, LEADS, await access.load(Lead, call.actor, call.number))


@routes.patch("/leads/{id}", scope="leads:write", shows=LEADS)
async def change_lead(call: Call, body: LeadChanges) -> Any:
    """Change a lead."""
    return await show_row(call, LEADS, await leads.update(call.core, call.actor, call.number, **given(body)))


@routes.post("/leads/{id}/claim", scope="leads:write", shows=LEADS)
async def claim(call: Call, body: Empty) -> Any:
    """Take a lead from the pool."""
    return await show_row(call, LEADS, await pools.claim(call.core, call.actor, call.number))


@routes.post("/leads/{id}/release", scope="leads:write", shows=LEADS)
async def release(call: Call, body: Reason) -> Any:
    """Put a lead back into the pool."""
    return await show_row(call, LEADS, await pools.release(call.core, call.actor, call.number, reason=body.reason))


@routes.post("/leads/{id}/assign", scope="leads:write", shows=LEADS)
async def assign(call: Call, body: NewOwner) -> Any:
    """Give a lead to an employee."""
    return await show_row(call, LEADS, await leads.assign(call.core, call.actor, call.number, body.owner_id))


@routes.post("/leads/{id}/convert", scope="leads:write")
async def convert(call: Call, body: Empty) -> Any:
    """Make a lead a customer with a contact."""
    customer, contact = await conversion.convert(call.core, call.actor, call.number)
    return {"customer_id": customer.id, "contact_id": contact.id}
