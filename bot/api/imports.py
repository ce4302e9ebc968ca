"""Imports over the API: make one, send its file, look at the counts, start it, take it back; templates and the quarantine."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct

from bot.api.bodies import Empty, Line, Short
from bot.api.listing import list_rows, show_row
from bot.api.resources import ID, STAMPS, Form, Resource, Shown, counts, texts, times
from bot.api.routes import Call, Routes
from crm_core import access, quarantine
from crm_core.errors import Invalid
from crm_core.importing import imports, template
from crm_core.importing.columns import KINDS
from crm_core.importing.imports import FileTooLarge, Import, ImportStatus, NotConfirmable
from crm_core.importing.refused import as_csv
from crm_core.ports import Core
from crm_core.quarantine import QuarantinedRow, QuarantineStatus
from crm_core.validation import LABELS

Rule = Literal["merge", "skip", "overwrite", "ask"]
IMPORTS = Resource(
    "imports",
    Import,
    (
        *ID,
        *texts("kind", "file_name", "on_duplicate", "source", "status", "columns", "unknown_columns", "problem"),
        *counts(
            "line_count",
            "cursor",
            "new_count",
            "changed_count",
            "duplicate_count",
            "bad_count",
            "kept_count",
            "set_id",
            "employee_id",
        ),
        *times("finished_at"),
        *STAMPS,
    ),
    owner="employee_id",
    search=("file_name",),
)
QUARANTINE = Resource(
    "quarantine",
    QuarantinedRow,
    (
        *ID,
        *texts("kind", "source", "status"),
        Shown("reasons", Form.JSON, column="reason"),
        Shown("values", Form.MADE),
        *counts("import_id", "line", "lead_id"),
        *times("at", "settled_at"),
        *STAMPS,
    ),
    owner="employee_id",
)
routes = Routes()
MOST_REFUSED = 20_000
"""Refused rows in one answer."""


class NewImport(Struct):
    """A table to come; its file is sent to `/imports/{id}/content`."""

    kind: Short
    file_name: Line = ""
    on_duplicate: Rule | None = None
    source: Line = ""


class Confirmation(Struct):
    """By which rule, if not by the one it was made with."""

    on_duplicate: Rule | None = None


class Corrections(Struct):
    """The fields that are different, by name."""

    values: dict[str, str] = {}


@routes.lists("/imports", scope="imports:read", filters={"kind": str, "status": ImportStatus}, shows=IMPORTS)
async def list_imports(call: Call) -> Any:
    """List imports, newest first."""
    return await list_rows(call, IMPORTS)


@routes.creates("/imports", scope="imports:write", shows=IMPORTS)
async def make_import(call: Call, body: NewImport) -> Any:
    """Begin an import."""
    made = await imports.create(
        call.core,
        call.actor,
        body.kind,
        file_name=body.file_name,
        on_duplicate=body.on_duplicate or "",
        source=body.source,
    )
    return await show_row(call, IMPORTS, made)


@routes.get("/imports/{id}", scope="imports:read", shows=IMPORTS)
async def show_import(call: Call) -> Any:
    """Show an import: where it stands and its counts."""
    return await show_row(call, IMPORTS, await access.load(Import, call.actor, call.number))


@routes.uploads("/imports/{id}/content", scope="imports:write", shows=IMPORTS)
async def send_content(call: Call, parts: AsyncIterator[bytes]) -> Any:
    """Send the file (CSV or xlsx) as it is; it is checked next."""
    row = await access.load(Import, call.actor, call.number)
    if row.status != ImportStatus.WAITING.value or row.media:
        raise NotConfirmable(number=row.id, status=imports.IMPORT_LABELS[ImportStatus(row.status)])
    await keep_parts(call.core, row, parts)
    return await show_row(call, IMPORTS, row)


async def keep_parts(core: Core, row: Import, parts: AsyncIterator[bytes]) -> None:
    """Keep a table that comes in parts, for an import that waits for it. Raises: FileTooLarge; EmptyFile."""
    path = imports.folder(core) / f"{row.id}.upload"
    try:
        await _store(core, path, parts)
        with path.open("rb") as stream:
            kept, digest = await asyncio.to_thread(imports.keep_file, core, row.id, stream)
    finally:
        path.unlink(missing_ok=True)
    await imports.take_file(core, row, kept, digest)


async def _store(core: Core, path: Path, parts: AsyncIterator[bytes]) -> None:
    most, size = core.settings.imports.max_file_mib << 20, 0
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
        async for part in parts:
            size += len(part)
            if size > most:
                raise FileTooLarge(field="file", reason="size", most=core.settings.imports.max_file_mib)
            await asyncio.to_thread(stream.write, part)


@routes.get("/imports/{id}/refused", scope="imports:read")
async def show_refused(call: Call) -> Any:
    """Show the rows an import did not let in, with the reasons, as CSV: mended, they can be imported as they are."""
    row = await access.load(Import, call.actor, call.number)
    rows = await quarantine.refused_of(row.id, most=MOST_REFUSED)
    return {"count": len(rows), "csv": await asyncio.to_thread(as_csv, row.kind, rows)}


@routes.post("/imports/{id}/confirm", scope="imports:write", shows=IMPORTS)
async def confirm(call: Call, body: Confirmation) -> Any:
    """Start an import that was checked."""
    row = await imports.confirm(call.core, call.actor, call.number, on_duplicate=body.on_duplicate or "")
    return await show_row(call, IMPORTS, row)


@routes.post("/imports/{id}/cancel", scope="imports:write", shows=IMPORTS)
async def cancel(call: Call, body: Empty) -> Any:
    """Give up an import that has not begun."""
    return await show_row(call, IMPORTS, await imports.cancel(call.core, call.actor, call.number))


@routes.post("/imports/{id}/undo", scope="imports:write", shows=IMPORTS)
async def undo(call: Call, body: Empty) -> Any:
    """Take a whole import back."""
    return await show_row(call, IMPORTS, await imports.ask_undo(call.core, call.actor, call.number))


@routes.get("/imports/templates", scope="imports:read")
async def show_templates(call: Call) -> Any:
    """Show what a table may hold, by kind, and each template as CSV."""
    return {
        kind.name: {
            "label": kind.label,
            "columns": [
                {"field": each.field, "label": each.label, "also": each.also.split(), "example": each.example}
                for each in kind.columns
            ],
            "csv": template.as_csv(kind.name).decode("utf-8-sig"),
        }
        for kind in KINDS.values()
    }


@routes.lists(
    "/imports/quarantine", scope="imports:read", filters={"status": QuarantineStatus, "import_id": int}, shows=QUARANTINE
)
async def list_quarantine(call: Call) -> Any:
    """List what was not let in, with the reasons."""
    return await list_rows(call, QUARANTINE, complete=_with_values)


async def _with_values(call: Call, rows: list[dict[str, Any]], items: list[dict[str, Any]]) -> None:
    found = {row.id: row for row in await QuarantinedRow.filter(id__in=[row["id"] for row in rows])}
    for item in items:
        item["values"] = found[item["id"]].values


@routes.post("/imports/quarantine/{id}/release", scope="imports:write")
async def release_quarantined(call: Call, body: Corrections) -> Any:
    """Let a row in, corrected."""
    unknown = [name for name in body.values if name not in LABELS]
    if unknown:
        raise Invalid(field=unknown[0][:64], reason="没有这个字段")
    made = await quarantine.release(call.core, call.actor, call.number, body.values)
    return {"noun": made.noun, "id": made.id, "made": made.made}


@routes.post("/imports/quarantine/{id}/drop", scope="imports:write", shows=QUARANTINE)
async def drop(call: Call, body: Empty) -> Any:
    """Decide that a row is of no use."""
    return await show_row(call, QUARANTINE, await quarantine.drop(call.core, call.actor, call.number), complete=_with_values)
