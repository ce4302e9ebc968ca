"""Festival and birthday greetings over the API."""

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from bot.api.bodies import Empty, Id, Line, Short, given
from bot.api.listing import list_rows, show_row
from bot.api.resources import ID, STAMPS, Form, Resource, Shown, counts, texts, times
from bot.api.routes import Call, Routes
from campaigns import audience, greetings
from campaigns.greetings import GreetingPlan, GreetingStatus
from crm_core import access

GREETINGS = Resource(
    "greetings",
    GreetingPlan,
    (
        *ID,
        *texts("name"),
        *counts("segment_id", "template_id"),
        *texts("channel", "time", "festival"),
        Shown("birthday", Form.TRUTH),
        *texts("status", "author"),
        *counts("author_id"),
        *texts("approved_by"),
        *times("approved_at"),
        *STAMPS,
    ),
    owner="author_id",
    search=("name", "festival"),
)
FILTERS: dict[str, Any] = {
    "name": str,
    "segment_id": int,
    "template_id": int,
    "channel": str,
    "festival": str,
    "birthday": bool,
    "status": GreetingStatus,
    "author_id": int,
}
TimeOfDay = Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", description="in Shanghai")]
routes = Routes()


class NewGreeting(Struct):
    """A plan for a festival (`festival`) or for birthdays (`birthday`: true)."""

    name: Line
    segment_id: Id
    template_id: Id
    channel: Short
    time: TimeOfDay
    festival: Short = ""
    birthday: bool = False


class GreetingChanges(Struct):
    """The fields of a draft to change; from a festival to birthdays with `festival` "" and `birthday` true."""

    name: Line | UnsetType = UNSET
    segment_id: Id | UnsetType = UNSET
    template_id: Id | UnsetType = UNSET
    channel: Short | UnsetType = UNSET
    time: TimeOfDay | UnsetType = UNSET
    festival: Short | UnsetType = UNSET
    birthday: bool | UnsetType = UNSET


@routes.lists("/greetings", scope="greetings:read", filters=FILTERS, shows=GREETINGS)
async def list_greetings(call: Call) -> Any:
    """List plans of greetings."""
    return await list_rows(call, GREETINGS)


@routes.creates("/greetings", scope="greetings:write", shows=GREETINGS)
async def add_greeting(call: Call, body: NewGreeting) -> Any:
    """Draft a plan."""
    made = await greetings.create(
        call.core,
        call.actor,
        name=body.name,
        segment_id=body.segment_id,
        template_id=body.template_id,
        channel=body.channel,
        time=body.time,
        festival=body.festival,
        birthday=body.birthday,
    )
    return await show_row(call, GREETINGS, made)


@routes.get("/greetings/{id}", scope="greetings:read", shows=GREETINGS)
async def show_greeting(call: Call) -> Any:
    """Show a plan."""
    return await show_row(call, GREETINGS, await access.load(GreetingPlan, call.actor, call.number))


@routes.get("/greetings/{id}/preview", scope="greetings:read")
async def preview_greeting(call: Call) -> Any:
    """Show how many a plan greets, who is left out and why, and what some would get; nothing is sent."""
    found = await audience.preview_plan(call.core, call.actor, call.number)
    return {
        "total": found.total,
        "suppressed": dict(found.suppressed),
        "samples": [{"person_id": each.person_id, "text": each.text} for each in found.samples],
    }


@routes.patch("/greetings/{id}", scope="greetings:write", shows=GREETINGS)
async def change_greeting(call: Call, body: GreetingChanges) -> Any:
    """Change a draft."""
    return await show_row(call, GREETINGS, await greetings.update(call.core, call.actor, call.number, **given(body)))


@routes.post("/greetings/{id}/approve", scope="greetings:write", shows=GREETINGS)
async def approve_greeting(call: Call, body: Empty) -> Any:
    """Approve a plan: it runs every year from now on."""
    return await show_row(call, GREETINGS, await greetings.approve(call.core, call.actor, call.number))


@routes.post("/greetings/{id}/cancel", scope="greetings:write", shows=GREETINGS)
async def cancel_greeting(call: Call, body: Empty) -> Any:
    """End a plan."""
    return await show_row(call, GREETINGS, await greetings.cancel(call.core, call.actor, call.number))
