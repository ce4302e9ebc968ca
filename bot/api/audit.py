"""The audit trail over the API: read only."""

import json
from typing import Any

from bot.api.listing import list_rows, show_row
from bot.api.resources import ID, STAMPS, Form, Resource, Shown, counts, texts
from bot.api.routes import Call, Routes
from crm_core import access, audit
from crm_core.audit import AuditEntry

AUDIT = Resource(
    "audit",
    AuditEntry,
    (
        *ID,
        *texts("actor"),
        *counts("employee_id"),
        *texts("action"),
        Shown("object", Form.MADE),
        *texts("object_kind"),
        *counts("object_id"),
        Shown("before", Form.MADE),
        Shown("after", Form.MADE),
        Shown("at", Form.TIME, "created_at"),
        *STAMPS,
    ),
    owner="",
    search=("actor", "action"),
)
FILTERS: dict[str, Any] = {"actor": str, "employee_id": int, "action": str, "object_kind": str, "object_id": int}
routes = Routes()


async def _complete(_call: Call, rows: list[dict[str, Any]], items: list[dict[str, Any]]) -> None:
    values = await audit.values_of([row["id"] for row in rows])
    for row, item in zip(rows, items, strict=True):
        words = values.get(row["id"])
        item["before"], item["after"] = (_object(words.before), _object(words.after)) if words else (None, None)
        item["object"] = row["object_kind"] if row["object_id"] is None else f"{row['object_kind']}/{row['object_id']}"


def _object(words: str) -> Any:
    return json.loads(words) if words else None


@routes.lists("/audit", scope="audit:read", filters=FILTERS, shows=AUDIT)
async def list_audit(call: Call) -> Any:
    """List who changed what, newest first."""
    access.require(call.actor, "audit:read")
    return await list_rows(call, AUDIT, query=AuditEntry.all(), complete=_complete)


@routes.get("/audit/{id}", scope="audit:read", shows=AUDIT)
async def show_audit_entry(call: Call) -> Any:
    """Show one entry."""
    return await show_row(call, AUDIT, await access.load(AuditEntry, call.actor, call.number), complete=_complete)
