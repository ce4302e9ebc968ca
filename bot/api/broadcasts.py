"""Broadcasts over the API: draft, preview, approve, pause, resume, cancel, and the people they go to."""

from typing import Any

from msgspec import UNSET, Struct, UnsetType

from bot.api.bodies import Empty, Id, Instant, Line, Short, given
from bot.api.listing import list_rows, show_row
from bot.api.resources import ID, STAMPS, Form, Resource, Shown, counts, texts, times
from bot.api.routes import Call, Routes
from campaigns import audience, broadcasts, results
from campaigns.broadcasts import Broadcast, BroadcastStatus, Recipient, RecipientStatus
from crm_core import access

BROADCASTS = Resource(
    "broadcasts",
    Broadcast,
    (
        *ID,
        *texts("name"),
        *counts("segment_id", "template_id"),
        *texts("channel"),
        *times("scheduled_at"),
        *texts("status"),
        Shown("counts", Form.MADE),
        *texts("author"),
        *counts("author_id"),
        *texts("approved_by", "pause_reason"),
        *times("approved_at", "started_at", "finished_at"),
        *counts("greeting_id"),
        *STAMPS,
    ),
    owner="author_id",
    search=("name",),
)
RECIPIENTS = Resource(
    "recipients",
    Recipient,
    (
        *ID,
        *counts("broadcast_id", "person_id", "account_id"),
        *texts("status", "reason"),
        *times("sent_at"),
        *texts("text"),
        *STAMPS,
    ),
    owner="",
)
FILTERS: dict[str, Any] = {
    "name": str,
    "segment_id": int,
    "template_id": int,
    "channel": str,
    "status": BroadcastStatus,
    "author_id": int,
    "greeting_id": int,
}
routes = Routes()


class NewBroadcast(Struct):
    """A draft; without `scheduled_at` it starts at once after approval."""

    name: Line
    segment_id: Id
    template_id: Id
    channel: Short
    scheduled_at: Instant | None = None


class BroadcastChanges(Struct):
    """The fields of a draft to change; `scheduled_at` null: at once after approval."""

    name: Line | UnsetType = UNSET
    segment_id: Id | UnsetType = UNSET
    template_id: Id | UnsetType = UNSET
    channel: Short | UnsetType = UNSET
    scheduled_at: Instant | UnsetType | None = UNSET


async def _add_counts(_call: Call, rows: list[dict[str, Any]], items: list[dict[str, Any]]) -> None:
    found = await results.counts_of(_call.core, [row["id"] for row in rows])
    for row, item in zip(rows, items, strict=True):
        item["counts"] = found.get(row["id"], {})


async def _show(call: Call, row: Broadcast) -> Any:
    return await show_row(call, BROADCASTS, row, complete=_add_counts)


@routes.lists("/broadcasts", scope="broadcasts:read", filters=FILTERS, shows=BROADCASTS)
async def list_broadcasts(call: Call) -> Any:
    """List broadcasts with their counts by outcome."""
    return await list_rows(call, BROADCASTS, complete=_add_counts)


@routes.creates("/broadcasts", scope="broadcasts:write", shows=BROADCASTS)
async def add_broadcast(call: Call, body: NewBroadcast) -> Any:
    """Draft a broadcast; nobody is chosen yet."""
    made = await broadcasts.create(
        call.core,
        call.actor,
        name=body.name,
        segment_id=body.segment_id,
        template_id=body.template_id,
        channel=body.channel,
        scheduled_at=body.scheduled_at,
    )
    return await _show(call, made)


@routes.get("/broadcasts/{id}", scope="broadcasts:read", shows=BROADCASTS)
async def show_broadcast(call: Call) -> Any:
    """Show a broadcast; `counts` equal the rows of its recipients."""
    return await _show(call, await access.load(Broadcast, call.actor, call.number))


@routes.patch("/broadcasts/{id}", scope="broadcasts:write", shows=BROADCASTS)
async def change_broadcast(call: Call, body: BroadcastChanges) -> Any:
    """Change a draft; its segment and template count as seen by whoever does."""
    return await _show(call, await broadcasts.update(call.core, call.actor, call.number, **given(body)))


@routes.post("/broadcasts/{id}/preview", scope="broadcasts:read")
async def preview(call: Call, body: Empty) -> Any:
    """Try a broadcast without sending anything; what a draft shows here may be approved."""
    found = await audience.preview(call.core, call.actor, call.number)
    return {
        "total": found.total,
        "samples": [{"person_id": sample.person_id, "text": sample.text} for sample in found.samples],
        "suppressed": dict(found.suppressed),
    }


@routes.post("/broadcasts/{id}/approve", scope="broadcasts:write", shows=BROADCASTS)
async def approve_broadcast(call: Call, body: Empty) -> Any:
    """Approve a draft as it was shown; it starts when its time has come. 409 when it says something else by now."""
    return await _show(call, await broadcasts.approve(call.core, call.actor, call.number))


@routes.post("/broadcasts/{id}/pause", scope="broadcasts:write", shows=BROADCASTS)
async def pause(call: Call, body: Empty) -> Any:
    """Stop sending until resumed."""
    return await _show(call, await broadcasts.pause(call.core, call.actor, call.number))


@routes.post("/broadcasts/{id}/resume", scope="broadcasts:write", shows=BROADCASTS)
async def resume(call: Call, body: Empty) -> Any:
    """Go on with a paused broadcast."""
    return await _show(call, await broadcasts.resume(call.core, call.actor, call.number))


@routes.post("/broadcasts/{id}/cancel", scope="broadcasts:write", shows=BROADCASTS)
async def cancel_broadcast(call: Call, body: Empty) -> Any:
    """End a broadcast for good."""
    return await _show(call, await broadcasts.cancel(call.core, call.actor, call.number))


@routes.lists(
    "/broadcasts/{id}/recipients",
    scope="recipients:read",
    filters={"person_id": int, "account_id": int, "status": RecipientStatus, "reason": str},
    shows=RECIPIENTS,
)
async def list_recipients(call: Call) -> Any:
    """List the people of a broadcast, those left out with the reason."""
    await access.load(Broadcast, call.actor, call.number)
    return await list_rows(call, RECIPIENTS, query=Recipient.filter(broadcast_id=call.number))
