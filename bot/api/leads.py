"""Leads over the API: record, change, claim, release, assign, convert."""

from datetime import date
from typing import Any, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from bot.api.bodies import Empty, Id, Line, Long, Money, Phone, Short, given
from bot.api.listing import list_rows, open_row, show_row
from bot.api.own_fields import FILTER, narrowed
from bot.api.resources import ID, STAMPS, Form, Resource, Shown, counts, texts, times
from bot.api.routes import Call, Routes
from crm_core import access, assignment, conversion, leads, matching, pool_claims, pools
from crm_core.leads import Lead, LeadStatus, Qualification

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
        *texts("birthday", "source", "channel", "campaign", "region", "need", "amount"),
        *counts("score"),
        *texts("grade", "status", "qualification"),
        *counts("owner_id"),
        *texts("pool"),
        *counts("intent_count"),
        *times("last_follow_up_at"),
        *counts("customer_id", "contact_id", "department_id", "collected_by_department_id"),
        *texts("contract_ends_on"),
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
    "campaign": str,
    "qualification": Qualification,
    "region": str,
    "grade": str,
    "status": LeadStatus,
    "owner_id": int,
    "pool": str,
    "customer_id": int,
    "department_id": int,
    **FILTER,
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
    campaign: Short = ""
    region: Short = ""
    need: Long = ""
    amount: Short = ""
    grade: Short = ""
    pool: Short = ""
    owner_id: Id | None = None
    to_pool: bool = False
    """Whether it belongs to nobody, also when a salesperson records it."""
    contract_ends_on: date | None = None
    on_duplicate: Literal["allow", "refuse"] = "allow"
    """refuse: 409 where a number or id of it is known already; allow: it is compared afterwards."""


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
    campaign: Short | UnsetType = UNSET
    region: Short | UnsetType = UNSET
    need: Long | UnsetType = UNSET
    amount: Short | UnsetType = UNSET
    grade: Short | UnsetType = UNSET
    pool: Short | UnsetType = UNSET
    status: Literal["new", "following", "discarded"] | UnsetType = UNSET
    owner_id: Id | UnsetType = UNSET
    contract_ends_on: date | UnsetType | None = UNSET


class Deal(Struct):
    """An opportunity to open in the same step."""

    name: Line = ""
    amount: Money | None = None
    product: Line | None = None


class Conversion(Struct):
    """Where to attach a lead; nothing: to what is surely the same, else to a new customer. `anew`: always to a new one."""

    customer_id: Id | None = None
    contact_id: Id | None = None
    anew: bool = False
    opportunity: Deal | None = None


class Level(Struct):
    """potential: a potential customer (潜客)."""

    qualification: Qualification


class Reason(Struct):
    """Why."""

    reason: Line = ""


class NewOwner(Struct):
    """To whom, and why."""

    owner_id: Id
    reason: Line = ""


@routes.lists("/leads", scope="leads:read", filters=FILTERS, shows=LEADS)
async def list_leads(call: Call) -> Any:
    """List leads: the own ones and the pool, for those who see no more."""
    call, query = await narrowed(call, LEADS, "lead")
    return await list_rows(call, LEADS, query=query, complete=_count_views)


async def _count_views(call: Call, rows: list[dict[str, Any]], _items: list[dict[str, Any]]) -> None:
    """Count what lies in the pool towards the day's number of whoever has one."""
    if call.core.settings.pools.views_a_day:
        async with call.core.db.transaction():
            await pool_claims.count_views(call.core, call.actor, sum(row["owner_id"] is None for row in rows))


@routes.creates("/leads", scope="leads:write", shows=LEADS)
async def add_lead(call: Call, body: NewLead) -> Any:
    """Record a lead."""
    values = given(body)
    if values.pop("on_duplicate") == "refuse":
        await matching.refuse_known(call.core, call.actor, **values)
    return await show_row(call, LEADS, await leads.add(call.core, call.actor, **values))


@routes.get("/leads/{id}", scope="leads:read", shows=LEADS)
async def show_lead(call: Call) -> Any:
    """Show a lead."""
    lead = await access.load(Lead, call.actor, call.number)
    if lead.owner_id is None and call.core.settings.pools.views_a_day:
        async with call.core.db.transaction():
            await pool_claims.count_views(call.core, call.actor, 1)
    return await open_row(call, LEADS, lead)


@routes.patch("/leads/{id}", scope="leads:write", shows=LEADS)
async def change_lead(call: Call, body: LeadChanges) -> Any:
    """Change a lead; another owner is an assignment, which tells them."""
    values = given(body)
    owner_id = values.pop("owner_id", None)
    async with call.core.db.transaction():
        lead = await leads.update(call.core, call.actor, call.number, **values)
        if owner_id not in (None, lead.owner_id):
            await assignment.assign(call.core, call.actor, [lead.id], owner_id)
            lead = await Lead.get(id=lead.id)
    return await show_row(call, LEADS, lead)


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
    await assignment.assign(call.core, call.actor, [call.number], body.owner_id, reason=body.reason)
    return await show_row(call, LEADS, await Lead.get(id=call.number))


@routes.post("/leads/{id}/convert", scope="leads:write")
async def convert(call: Call, body: Conversion) -> Any:
    """Make a lead a customer with a contact, or attach it to those who are there."""
    deal = msgspec.structs.asdict(body.opportunity) if body.opportunity is not None else None
    done = await conversion.convert_to(
        call.core,
        call.actor,
        call.number,
        customer_id=body.customer_id,
        contact_id=body.contact_id,
        anew=body.anew,
        opportunity=deal,
    )
    made = {"customer_id": done.customer.id, "contact_id": done.contact.id}
    return made | ({"opportunity_id": done.opportunity_id} if done.opportunity_id is not None else {})


@routes.get("/leads/{id}/conversion", scope="leads:read")
async def show_options(call: Call) -> Any:
    """Show what a conversion would attach to, and what it is not sure about."""
    found = await conversion.options(call.core, call.actor, call.number)
    sure = found.contact or found.customer
    return {
        "sure": {"kind": sure.kind, "id": sure.id} if sure else None,
        "unsure": [{"kind": one.kind, "id": one.id, "reasons": list(one.reasons), "score": one.score} for one in found.unsure],
    }


@routes.post("/leads/{id}/qualify", scope="leads:write", shows=LEADS)
async def qualify(call: Call, body: Level) -> Any:
    """Raise a lead to a potential customer, or lower it again."""
    potential = body.qualification is Qualification.POTENTIAL
    return await show_row(call, LEADS, await conversion.qualify(call.core, call.actor, call.number, potential=potential))
