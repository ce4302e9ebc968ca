"""Pools over the API: which there are, what lies in them (masked), bare numbers; distribution, offers and exceptions."""

from typing import Any

from msgspec import Struct

from bot.api.bodies import Empty, Id, Line, Short
from bot.api.leads import LEADS
from bot.api.listing import show_row
from bot.api.resources import ID, STAMPS, Resource, counts, texts, times
from bot.api.routes import Call, Routes
from crm_core import assignment, distribution, lead_exceptions, overdue, pool_claims, pools
from crm_core.assignment_tables import Offer
from crm_core.errors import Invalid, NotFound

OFFERS = Resource(
    "offers",
    Offer,
    (
        *ID,
        *counts("lead_id", "employee_id", "department_id"),
        *texts("reason", "status", "answer"),
        *times("expires_at", "answered_at"),
        *STAMPS,
    ),
    owner="employee_id",
)
routes = Routes()


class Numbers(Struct):
    """Bare numbers, at most 500."""

    numbers: list[Short]
    source: Line = ""


class Unit(Struct):
    """Which leads go to which unit; none: back to headquarters."""

    lead_ids: list[Id]
    department_id: Id | None = None
    reason: Line = ""


class Owner(Struct):
    """Which leads go to whom."""

    lead_ids: list[Id]
    owner_id: Id


class Why(Struct):
    """Why not."""

    reason: Line = ""


@routes.get("/leads/pools", scope="leads:read")
async def list_pools(call: Call) -> Any:
    """List the pools one sees, with what lies in them."""
    settings = call.core.settings.pools
    names = ["", *(each.name for each in settings.kinds if each.name not in call.actor.closed_pools)]
    items = [
        {"name": name, "label": settings.label_of(name), "count": await pools.count_pool(call.actor, pool=name)}
        for name in names
    ]
    return {"items": items, "next": None}


@routes.lists("/leads/pool", scope="leads:read", filters={"pool": str, "region": str}, shows=LEADS)
async def list_pool(call: Call) -> Any:
    """List leads of the pool, masked; each counts towards the day's number."""
    left = await pool_claims.views_left(call.core, call.actor)
    size = call.limit if left is None else min(call.limit, left)
    if size == 0:
        raise pool_claims.ViewCapReached(cap=call.core.settings.pools.views_a_day)
    found = await pools.find_in_pool(
        call.actor,
        text=str(call.query.get("q", "")),
        region=str(call.query.get("region", "")),
        pool=call.query.get("pool"),
        after=call.cursor,
        limit=size,
    )
    async with call.core.db.transaction():
        await pool_claims.count_views(call.core, call.actor, len(found))
    items = [await show_row(call, LEADS, lead) for lead in found]
    return {"items": items, "next": str(found[-1].id) if len(found) == size else None}


@routes.post("/leads/pool", scope="leads:write")
async def add_numbers(call: Call, body: Numbers) -> Any:
    """Throw bare numbers into the pool."""
    done = await pools.add_numbers(call.core, call.actor, body.numbers, source=body.source)
    return {"lead_ids": list(done.lead_ids), "known_count": done.known, "wrong": list(done.wrong)}


@routes.post("/leads/distribute", scope="leads:write")
async def distribute(call: Call, body: Unit) -> Any:
    """Send leads nobody owns to a unit; taken back by its change set."""
    _some(body.lead_ids)
    changes = await distribution.distribute(call.core, call.actor, body.lead_ids, body.department_id, reason=body.reason)
    return {"change_set_id": changes.id, "summary": changes.summary}


@routes.post("/leads/assign", scope="leads:write")
async def assign_leads(call: Call, body: Owner) -> Any:
    """Give leads to an employee; taken back by its change set."""
    _some(body.lead_ids)
    changes = await assignment.assign(call.core, call.actor, body.lead_ids, body.owner_id)
    return {"change_set_id": changes.id, "summary": changes.summary}


def _some(lead_ids: list[int]) -> None:
    if not 1 <= len(lead_ids) <= assignment.MOST:
        raise Invalid(field="lead_ids", reason=f"一次1到{assignment.MOST}条")


@routes.get("/leads/{id}/assignments", scope="leads:read")
async def explain_assignment(call: Call) -> Any:
    """Tell how a lead came to where it is."""
    lead, steps = await assignment.explain(call.actor, call.number)
    await pool_claims.show_leads(call.core, call.actor, [lead])
    return {"items": [{"at": each.at.isoformat(), "what": each.what, "why": each.why} for each in steps], "next": None}


@routes.get("/leads/offers", scope="leads:read")
async def list_offers(call: Call) -> Any:
    """List the offers the caller has not answered."""
    return {"items": [await show_row(call, OFFERS, row) for row in await assignment.list_open(call.actor)], "next": None}


@routes.post("/leads/{id}/accept", scope="leads:write", shows=LEADS)
async def accept(call: Call, body: Empty) -> Any:
    """Take a lead one was offered."""
    return await show_row(call, LEADS, await assignment.accept(call.core, call.actor, await _offer(call)))


@routes.post("/leads/{id}/decline", scope="leads:write")
async def decline(call: Call, body: Why) -> Any:
    """Leave a lead one was offered to the next."""
    lead = await assignment.decline(call.core, call.actor, await _offer(call), reason=body.reason)
    return {"lead_id": lead.id}


async def _offer(call: Call) -> int:
    found = [row.id for row in await assignment.list_open(call.actor) if row.lead_id == call.number]
    if not found:
        raise NotFound
    return int(found[0])


@routes.get("/leads/exceptions", scope="leads:read")
async def list_exceptions(call: Call) -> Any:
    """List the leads nobody took."""
    found = await lead_exceptions.list_open(call.actor)
    items = [
        {"lead_id": lead.id, "name": lead.name, "department_id": row.department_id, "reason": row.reason, "status": row.status}
        for row, lead in found
    ]
    return {"items": items, "next": None}


@routes.lists("/leads/overdue", scope="leads:read")
async def list_overdue(call: Call) -> Any:
    """List owned leads nobody follows up in time."""
    found = await overdue.list_overdue(call.core, call.actor, limit=call.limit)
    now = call.core.clock.now()
    items = [{"lead_id": each.id, "name": each.name, "owner_id": each.owner_id, "days": each.days(now)} for each in found]
    return {"items": items, "next": None}


@routes.get("/leads/rules", scope="leads:read")
async def show_rules(call: Call) -> Any:
    """Show the rules of distribution, assignment and pools as they stand in the settings."""
    settings = call.core.settings
    rules = {
        "distribution": [_plain(each) for each in settings.distribution.rules],
        "assignment": [_plain(each) for each in settings.assignment.rules],
    }
    return {
        **rules,
        "pools": [{"name": each.name, "label": each.title, "when": each.when.say()} for each in settings.pools.kinds],
    }


def _plain(rule: Any) -> dict[str, Any]:
    told: dict[str, Any] = {"name": rule.name, "when": rule.when.say()}
    if hasattr(rule, "department"):
        return told | {"department": rule.department}
    minutes = int(rule.answer_within.total_seconds() // 60)
    told |= {"departments": list(rule.departments), "method": rule.method, "match": list(rule.match), "offer": rule.offer}
    return told | {"answer_minutes": minutes, "most_offers": rule.most_offers}
