"""Message templates over the API."""

from typing import Any

from msgspec import UNSET, Struct, UnsetType

from bot.api.bodies import Line, Long, given
from bot.api.listing import list_rows, show_row
from bot.api.resources import ID, STAMPS, Form, Resource, Shown, counts, texts
from bot.api.routes import Call, Routes
from campaigns import templates
from campaigns.templates import Template, TemplateKind, placeholders_of
from crm_core import access

TEMPLATES = Resource(
    "templates",
    Template,
    (*ID, *texts("name", "kind", "body"), Shown("placeholders", Form.MADE), *counts("version", "author_id"), *STAMPS),
    owner="author_id",
    search=("name", "body"),
)
routes = Routes()


class NewTemplate(Struct):
    """A text with placeholders."""

    name: Line
    kind: TemplateKind
    body: Long


class TemplateChanges(Struct):
    """The fields to change; a new version is made."""

    name: Line | UnsetType = UNSET
    body: Long | UnsetType = UNSET


async def _add_placeholders(_call: Call, rows: list[dict[str, Any]], items: list[dict[str, Any]]) -> None:
    for row, item in zip(rows, items, strict=True):
        item["placeholders"] = placeholders_of(row["body"])


@routes.lists("/templates", scope="templates:read", filters={"name": str, "kind": TemplateKind}, shows=TEMPLATES)
async def list_templates(call: Call) -> Any:
    """List templates."""
    return await list_rows(call, TEMPLATES, complete=_add_placeholders)


@routes.creates("/templates", scope="templates:write", shows=TEMPLATES)
async def add_template(call: Call, body: NewTemplate) -> Any:
    """Save a template; an unknown placeholder is refused."""
    made = await templates.create_template(call.core, call.actor, name=body.name, kind=body.kind.value, body=body.body)
    return await show_row(call, TEMPLATES, made, complete=_add_placeholders)


@routes.get("/templates/{id}", scope="templates:read", shows=TEMPLATES)
async def show_template(call: Call) -> Any:
    """Show a template."""
    row = await access.load(Template, call.actor, call.number)
    return await show_row(call, TEMPLATES, row, complete=_add_placeholders)


@routes.patch("/templates/{id}", scope="templates:write", shows=TEMPLATES)
async def change_template(call: Call, body: TemplateChanges) -> Any:
    """Save a new version; what is approved already keeps the old one."""
    made = await templates.change_template(call.core, call.actor, call.number, **given(body))
    return await show_row(call, TEMPLATES, made, complete=_add_placeholders)
