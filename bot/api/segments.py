"""Tags and segments over the API."""

from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from bot.api.bodies import Line, Short, given
from bot.api.listing import list_rows, open_row, show_row
from bot.api.resources import ID, STAMPS, Form, Resource, Shown, counts, texts
from bot.api.routes import Call, Routes
from crm_core import access, segments, tagging
from crm_core.segments import Segment, Tag

TAGS = Resource(
    "tags", Tag, (*ID, *texts("name", "group"), Shown("manual", Form.TRUTH), *STAMPS), owner="", search=("name", "group")
)
SEGMENTS = Resource(
    "segments",
    Segment,
    (*ID, *texts("name"), Shown("conditions", Form.JSON), Shown("count", Form.MADE), *counts("author_id"), *STAMPS),
    owner="author_id",
    search=("name",),
)
routes = Routes()


class NewTag(Struct):
    """A word to set on people."""

    name: Short
    group: Short = ""


class TagChanges(Struct):
    """The fields to change."""

    name: Short | UnsetType = UNSET
    group: Short | UnsetType = UNSET


class Tagged(Struct):
    """Tags to put on a person and to take off."""

    add: list[Short] = msgspec.field(default_factory=list)
    remove: list[Short] = msgspec.field(default_factory=list)


class NewSegment(Struct):
    """A saved condition: the segment object of the contract."""

    name: Line
    conditions: dict[str, Any]


class SegmentChanges(Struct):
    """The fields to change."""

    name: Line | UnsetType = UNSET
    conditions: dict[str, Any] | UnsetType = UNSET


@routes.lists("/tags", scope="tags:read", filters={"name": str, "group": str, "manual": bool}, shows=TAGS)
async def list_tags(call: Call) -> Any:
    """List tags."""
    return await list_rows(call, TAGS)


@routes.creates("/tags", scope="tags:write", shows=TAGS)
async def add_tag(call: Call, body: NewTag) -> Any:
    """Make a tag."""
    return await show_row(call, TAGS, await tagging.add_tag(call.core, call.actor, **given(body)))


@routes.get("/tags/{id}", scope="tags:read", shows=TAGS)
async def show_tag(call: Call) -> Any:
    """Show a tag."""
    return await show_row(call, TAGS, await access.load(Tag, call.actor, call.number))


@routes.patch("/tags/{id}", scope="tags:write", shows=TAGS)
async def change_tag(call: Call, body: TagChanges) -> Any:
    """Rename a tag or move it to another group."""
    return await show_row(call, TAGS, await tagging.update_tag(call.core, call.actor, call.number, **given(body)))


@routes.post("/people/{id}/tags", scope="tags:write")
async def tag_person(call: Call, body: Tagged) -> Any:
    """Put tags on a person and take others off; `id` is the person_id. Gives the tags they have now."""
    core, actor = call.core, call.actor
    async with core.db.transaction():
        if body.remove:
            await segments.remove_tags(core, actor, call.number, body.remove)
        if body.add or not body.remove:
            await segments.add_tags(core, actor, call.number, body.add)
    return {"person_id": call.number, "tags": await segments.tags_of(call.number)}


async def _count(call: Call, rows: list[dict[str, Any]], items: list[dict[str, Any]]) -> None:
    for row, item in zip(rows, items, strict=True):
        segment = Segment(id=row["id"], conditions=row["conditions"], author_id=row["author_id"])
        item["count"] = await segments.count_segment(call.core, call.actor, segment)


@routes.lists("/segments", scope="segments:read", filters={"name": str, "author_id": int}, shows=SEGMENTS)
async def list_segments(call: Call) -> Any:
    """List segments; `count` stands on the record only, because each is a query of its own."""
    return await list_rows(call, SEGMENTS)


@routes.creates("/segments", scope="segments:write", shows=SEGMENTS)
async def add_segment(call: Call, body: NewSegment) -> Any:
    """Save a condition under a name."""
    made = await segments.create_segment(call.core, call.actor, name=body.name, conditions=body.conditions)
    return await show_row(call, SEGMENTS, made, complete=_count)


@routes.get("/segments/{id}", scope="segments:read", shows=SEGMENTS)
async def show_segment(call: Call) -> Any:
    """Show a segment and how many it selects now."""
    return await open_row(call, SEGMENTS, await access.load(Segment, call.actor, call.number), complete=_count)


@routes.patch("/segments/{id}", scope="segments:write", shows=SEGMENTS)
async def change_segment(call: Call, body: SegmentChanges) -> Any:
    """Change a segment; broadcasts that are approved keep theirs."""
    made = await segments.update_segment(call.core, call.actor, call.number, **given(body))
    return await show_row(call, SEGMENTS, made, complete=_count)
