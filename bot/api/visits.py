"""Outings over the API: register one or a week of them, check in, move, call off."""

from dataclasses import replace
from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

from bot.api.bodies import Empty, Id, Instant, Line, Long, given
from bot.api.listing import list_rows, open_row, show_row
from bot.api.resources import ID, STAMPS, Resource, counts, texts, times
from bot.api.routes import Call, Routes
from crm_core import access, outings
from crm_core.activities import load_subject
from crm_core.errors import Invalid
from crm_core.field_visits import FieldVisit
from crm_core.outings import Stop

VISITS = Resource(
    "visits",
    FieldVisit,
    (
        *ID,
        *counts("employee_id"),
        *texts("subject_kind"),
        *counts("subject_id", "customer_id"),
        *texts("name"),
        *times("planned_at"),
        *texts("place", "purpose"),
        *times("checked_in_at"),
        *texts("check_in_place", "position"),
        *counts("follow_up_id", "rhythm_days"),
        *times("cancelled_at"),
        *STAMPS,
    ),
    owner="employee_id",
    search=("name", "place", "purpose"),
)
FILTERS: dict[str, Any] = {
    "employee_id": int,
    "subject_kind": str,
    "subject_id": int,
    "customer_id": int,
    "follow_up_id": int,
    "from": Instant,
    "until": Instant,
}
routes = Routes()


class NewVisit(Struct):
    """One outing to come: to a record, or to a name alone."""

    planned_at: Instant
    subject_kind: Literal["", "lead", "customer", "contact"] = ""
    subject_id: Id | None = None
    customer_id: Id | None = None
    name: Line = ""
    place: Line = ""
    purpose: Long = ""


class NewWeek(Struct):
    """Several outings, all or none."""

    visits: list[NewVisit]


class CheckIn(Struct):
    """Where and when; now without a time."""

    at: Instant | UnsetType = UNSET
    place: Line = ""
    position: Line = ""


class VisitChanges(Struct):
    """Another time."""

    planned_at: Instant


async def _stop(call: Call, body: NewVisit) -> Stop:
    kind, number = ("customer", body.customer_id) if body.customer_id is not None else (body.subject_kind, body.subject_id)
    if not kind or number is None:
        return Stop(body.name, body.planned_at, None, body.place, body.purpose)
    subject = await load_subject(call.actor, kind, number)
    return Stop(subject.name, body.planned_at, subject, body.place, body.purpose)


@routes.lists("/visits", scope="visits:read", filters=FILTERS, shows=VISITS)
async def list_visits(call: Call) -> Any:
    """List outings; `from` and `until` bound the planned time."""
    return await _page(call, access.visible(FieldVisit, call.actor).filter(cancelled_at=None))


@routes.lists("/visits/unrecorded", scope="visits:read", filters=FILTERS, shows=VISITS)
async def list_unrecorded(call: Call) -> Any:
    """List outings that are over and about which nothing was written."""
    query = access.visible(FieldVisit, call.actor).filter(cancelled_at=None, follow_up_id=None)
    return await _page(call, query.filter(planned_at__lt=call.core.clock.now()))


async def _page(call: Call, query: Any) -> Any:
    filters = dict(call.query)
    if "from" in filters:
        query = query.filter(planned_at__gte=filters.pop("from"))
    if "until" in filters:
        query = query.filter(planned_at__lt=filters.pop("until"))
    return await list_rows(replace(call, query=filters), VISITS, query=query)


@routes.creates("/visits", scope="visits:write", shows=VISITS)
async def add_visit(call: Call, body: NewVisit) -> Any:
    """Register an outing."""
    return await show_row(call, VISITS, await outings.register(call.core, call.actor, await _stop(call, body)))


@routes.creates("/visits/week", scope="visits:write")
async def add_week(call: Call, body: NewWeek) -> Any:
    """Plan several outings, all or none."""
    if not 1 <= len(body.visits) <= 50:
        raise Invalid(field="visits", reason="需要1到50次外出")
    made = await outings.register_all(call.core, call.actor, [await _stop(call, each) for each in body.visits])
    return {"items": [await show_row(call, VISITS, row) for row in made]}


@routes.get("/visits/{id}", scope="visits:read", shows=VISITS)
async def show_visit(call: Call) -> Any:
    """Show an outing."""
    return await open_row(call, VISITS, await access.load(FieldVisit, call.actor, call.number))


@routes.patch("/visits/{id}", scope="visits:write", shows=VISITS)
async def change_visit(call: Call, body: VisitChanges) -> Any:
    """Put an outing to another time."""
    return await show_row(call, VISITS, await outings.move(call.core, call.actor, call.number, body.planned_at))


@routes.post("/visits/{id}/check-in", scope="visits:write", shows=VISITS)
async def check_in(call: Call, body: CheckIn) -> Any:
    """Check in on an outing."""
    values = given(body)
    return await show_row(call, VISITS, await outings.check_in(call.core, call.actor, call.number, **values))


@routes.post("/visits/{id}/cancel", scope="visits:write", shows=VISITS)
async def cancel_visit(call: Call, body: Empty) -> Any:
    """Call an outing off."""
    return await show_row(call, VISITS, await outings.cancel(call.core, call.actor, call.number))


@routes.post("/visits/{id}/undo", scope="visits:write", shows=VISITS)
async def undo_visit(call: Call, body: Empty) -> Any:
    """Take the last step back: a calling off, else a check-in."""
    row = await access.load(FieldVisit, call.actor, call.number)
    undo = outings.cancel(call.core, call.actor, row.id, undo=True) if row.cancelled_at else None
    return await show_row(call, VISITS, await (undo or outings.undo_check_in(call.core, call.actor, row.id)))
