"""Files under a customer over the API: made, then sent as they are; fetched by a link that works once."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, Literal

from msgspec import Struct

from bot.api.bodies import Empty, Id, Line
from bot.api.listing import list_rows, show_row
from bot.api.resources import ID, STAMPS, Resource, counts, texts, times
from bot.api.routes import Call, Routes
from crm_core import activities, documents
from crm_core.documents import Document, DocumentNotReady, DocumentStatus

DOCUMENTS = Resource(
    "documents",
    Document,
    (
        *ID,
        *texts("subject_kind"),
        *counts("subject_id"),
        *texts("name"),
        *counts("size_bytes"),
        *texts("digest", "status"),
        *counts("author_id"),
        *times("removed_at"),
        *STAMPS,
    ),
    owner="author_id",
    search=("name",),
)
FILTERS: dict[str, Any] = {"subject_kind": str, "subject_id": int, "status": DocumentStatus, "author_id": int}
PREFIX = "/documents"
routes = Routes()


class NewDocument(Struct):
    """A file to come; its content is sent to `/documents/{id}/content`."""

    subject_kind: Literal["lead", "customer", "contact", "opportunity"]
    subject_id: Id
    name: Line


@routes.lists("/documents", scope="documents:read", filters=FILTERS, shows=DOCUMENTS)
async def list_documents(call: Call) -> Any:
    """List files; a customer's are those of everybody there too."""
    filters = dict(call.query)
    query = documents.listed(call.actor)
    if filters.get("subject_kind") == "customer" and "subject_id" in filters:
        subject = await activities.load_subject(call.actor, filters.pop("subject_kind"), filters.pop("subject_id"))
        rows = await documents.of_subject(call.actor, subject, limit=500)
        query = query.filter(id__in=[row.id for row in rows])
    return await list_rows(replace(call, query=filters), DOCUMENTS, query=query)


@routes.creates("/documents", scope="documents:write", shows=DOCUMENTS)
async def add_document(call: Call, body: NewDocument) -> Any:
    """Begin a file under a record."""
    subject = await activities.load_subject(call.actor, body.subject_kind, body.subject_id)
    return await show_row(call, DOCUMENTS, await documents.begin(call.core, call.actor, subject, body.name))


@routes.uploads("/documents/{id}/content", scope="documents:write", shows=DOCUMENTS)
async def send_document(call: Call, parts: AsyncIterator[bytes]) -> Any:
    """Send the content as it is, once."""
    row = await documents.load(call.actor, call.number)
    if row.status != DocumentStatus.WAITING.value or row.media or row.author_id != call.actor.employee_id:
        raise DocumentNotReady(name=row.name[:30])
    return await show_row(call, DOCUMENTS, await documents.store(call.core, row, parts))


@routes.get("/documents/{id}", scope="documents:read", shows=DOCUMENTS)
async def show_document(call: Call) -> Any:
    """Show what is known of a file."""
    return await show_row(call, DOCUMENTS, await documents.load(call.actor, call.number))


@routes.get("/documents/{id}/link", scope="documents:read")
async def make_link(call: Call) -> Any:
    """Make an address from which the content is fetched once within half an hour."""
    row = await documents.load(call.actor, call.number)
    if row.status != DocumentStatus.READY.value:
        raise DocumentNotReady(name=row.name[:30])
    ticket = await documents.make_ticket(call.core, call.actor, row)
    return {"path": f"{PREFIX}/{ticket}", "url": f"{call.core.public_url}{PREFIX}/{ticket}" if call.core.public_url else None}


@routes.post("/documents/{id}/remove", scope="documents:write", shows=DOCUMENTS)
async def remove_document(call: Call, body: Empty) -> Any:
    """Take a file off."""
    return await show_row(call, DOCUMENTS, await documents.remove(call.core, call.actor, call.number))


@routes.post("/documents/{id}/restore", scope="documents:write", shows=DOCUMENTS)
async def restore_document(call: Call, body: Empty) -> Any:
    """Put a removed file back."""
    return await show_row(call, DOCUMENTS, await documents.remove(call.core, call.actor, call.number, undo=True))
