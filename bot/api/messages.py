"""Messages and events over the API, in and out."""

from typing import Any

from bot.api.listing import list_rows, show_row
from bot.api.resources import ID, STAMPS, Resource, counts, texts, times
from bot.api.routes import Call, Routes
from crm_core.conversations import Message
from crm_core.errors import NotFound
from crm_core.messages import Direction, Kind
from crm_core.timelines import visible_messages

MESSAGES = Resource(
    "messages",
    Message,
    (
        *ID,
        *texts("channel"),
        *counts("account_id"),
        *texts("direction", "kind", "text"),
        *times("at"),
        *texts("external_id", "status", "outcome", "reason"),
        *counts("reply_to_id"),
        *times("sent_at"),
        *STAMPS,
    ),
    owner="",
    search=("text",),
)
FILTERS: dict[str, Any] = {
    "channel": str,
    "account_id": int,
    "direction": Direction,
    "kind": Kind,
    "status": str,
    "external_id": str,
    "reply_to_id": int,
    "outcome": str,
}
routes = Routes()


@routes.lists("/messages", scope="messages:read", filters=FILTERS, shows=MESSAGES)
async def list_messages(call: Call) -> Any:
    """List messages and events of people the asker may see, newest first."""
    return await list_rows(call, MESSAGES, query=visible_messages(call.actor))


@routes.get("/messages/{id}", scope="messages:read", shows=MESSAGES)
async def show_message(call: Call) -> Any:
    """Show a message."""
    row = await visible_messages(call.actor).get_or_none(id=call.number)
    if row is None:
        raise NotFound
    return await show_row(call, MESSAGES, row)
