"""Own fields (自定义字段) on the resources that have them: shown and set as `fields`, asked by `field=name:value`."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec
from msgspec import Struct
from tortoise.expressions import Subquery
from tortoise.queryset import QuerySet

from bot.api.bodies import Short
from bot.api.listing import Complete, list_rows, open_row, show_row
from bot.api.resources import Form, Resource, Shown
from bot.api.routes import Call, Routes
from crm_core import access, custom_fields
from crm_core.db import Entity
from crm_core.leads import Lead

FIELDS = Shown("fields", Form.MADE)
FILTER: dict[str, Any] = {"field": str}
Given = dict[Short, str | int | float | None]
"""Values by name or label; null or "" empties one."""
routes = Routes()


def completes(kind: str) -> Complete:
    """Make what puts the own fields of leads, customers or contacts into the rows."""

    async def complete(call: Call, rows: list[dict[str, Any]], items: list[dict[str, Any]]) -> None:
        known = await custom_fields.fields_of(call.core, kind, [int(row["id"]) for row in rows])
        for row, item in zip(rows, items, strict=True):
            item["fields"] = known[int(row["id"])]

    return complete


async def list_with_fields(call: Call, resource: Resource, kind: str) -> dict[str, Any]:
    """Answer one page, narrowed by an own field where one is asked for."""
    call, query = await narrowed(call, resource, kind)
    return await list_rows(call, resource, query=query, complete=completes(kind))


async def narrowed(call: Call, resource: Resource, kind: str) -> tuple[Call, "QuerySet[Any]"]:
    """Take the filter by an own field out of a call: gives the rest, and the visible rows it leaves. Raises: Invalid."""
    query = access.visible(resource.model, call.actor)
    said = call.query.get("field")
    if said is None:
        return call, query
    found: Any = Subquery(await custom_fields.ids_with(call.core, kind, said))
    rest = {name: value for name, value in call.query.items() if name != "field"}
    return replace(call, query=rest), query.filter(id__in=found)


class LeadFields(Struct):
    """The own fields to set."""

    fields: Given


@routes.get("/fields", scope="customers:read")
async def list_fields(call: Call) -> Any:
    """List the own fields of the house."""
    return {"items": [msgspec.to_builtins(each) for each in call.core.settings.fields.every]}


@routes.get("/leads/{id}/fields", scope="leads:read")
async def show_lead_fields(call: Call) -> Any:
    """Show the own fields of a lead."""
    lead = await access.load(Lead, call.actor, call.number)
    return {"fields": (await custom_fields.fields_of(call.core, "lead", [lead.id]))[lead.id]}


@routes.patch("/leads/{id}/fields", scope="leads:write")
async def set_lead_fields(call: Call, body: LeadFields) -> Any:
    """Set own fields of a lead."""
    set_id = await custom_fields.set_fields(call.core, call.actor, "lead", call.number, body.fields)
    return {**await show_lead_fields(call), "change_set_id": set_id}


async def open_with_fields(call: Call, resource: Resource, kind: str, row: Entity) -> dict[str, Any]:
    """Answer one record that was looked up."""
    return await open_row(call, resource, row, complete=completes(kind))


async def show_with_fields(call: Call, resource: Resource, kind: str, row: Entity) -> dict[str, Any]:
    """Answer one record that was written."""
    return await show_row(call, resource, row, complete=completes(kind))


async def set_given(call: Call, kind: str, row_id: int, fields: Mapping[str, object] | None) -> None:
    """Set the own fields of a body, if it has some."""
    if fields:
        await custom_fields.set_fields(call.core, call.actor, kind, row_id, fields)
