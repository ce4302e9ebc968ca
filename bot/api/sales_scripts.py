"""Sales scripts over the API: stored wording for a stage or an objection."""

from typing import Any

from msgspec import UNSET, Struct, UnsetType

from bot.api.bodies import Empty, Line, Long, Short, given
from bot.api.listing import list_rows, show_row
from bot.api.resources import ID, STAMPS, Resource, counts, texts, times
from bot.api.routes import Call, Routes
from crm_core import access, sales_scripts
from crm_core.sales_scripts import SalesScript

SCRIPTS = Resource(
    "sales-scripts",
    SalesScript,
    (*ID, *texts("title", "words", "stage", "text"), *counts("author_id"), *times("ended_at"), *STAMPS),
    owner="",
    search=("title", "words", "text"),
)
routes = Routes()


class NewScript(Struct):
    """Wording; `words` joined by commas, or a stage, or both."""

    title: Short
    text: Long
    words: Line = ""
    stage: Short = ""


class ScriptChanges(Struct):
    """The fields to change."""

    title: Short | UnsetType = UNSET
    text: Long | UnsetType = UNSET
    words: Line | UnsetType = UNSET
    stage: Short | UnsetType = UNSET


@routes.lists("/sales-scripts", scope="templates:read", filters={"stage": str}, shows=SCRIPTS)
async def list_scripts(call: Call) -> Any:
    """List the wording stored by the house."""
    return await list_rows(call, SCRIPTS)


@routes.lists("/sales-scripts/suggestions", scope="templates:read")
async def suggest(call: Call) -> Any:
    """Find wording for what somebody said (`q`), that of the settings too."""
    found = await sales_scripts.search(call.core, call.actor, str(call.query.get("q", "")))
    items = [
        {"id": each.id, "title": each.title, "text": each.text, "words": list(each.words), "stage": each.stage}
        for each in found
    ]
    return {"items": items, "next": None}


@routes.creates("/sales-scripts", scope="templates:write", shows=SCRIPTS)
async def add_script(call: Call, body: NewScript) -> Any:
    """Store wording."""
    return await show_row(call, SCRIPTS, await sales_scripts.add(call.core, call.actor, **given(body)))


@routes.get("/sales-scripts/{id}", scope="templates:read", shows=SCRIPTS)
async def show_script(call: Call) -> Any:
    """Show stored wording."""
    return await show_row(call, SCRIPTS, await access.load(SalesScript, call.actor, call.number))


@routes.patch("/sales-scripts/{id}", scope="templates:write", shows=SCRIPTS)
async def change_script(call: Call, body: ScriptChanges) -> Any:
    """Change stored wording."""
    return await show_row(call, SCRIPTS, await sales_scripts.change(call.core, call.actor, call.number, **given(body)))


@routes.post("/sales-scripts/{id}/end", scope="templates:write", shows=SCRIPTS)
async def end_script(call: Call, body: Empty) -> Any:
    """Offer wording no more."""
    return await show_row(call, SCRIPTS, await sales_scripts.end(call.core, call.actor, call.number))
