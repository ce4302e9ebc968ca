"""Tags and segments over the API."""

from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from bot.api.bodies import Line, Short, given, wrong_fields
from bot.api.listing import list_rows, open_row, show_row
from bot.api.resources import ID, STAMPS, Form, Resource, Shown, counts, texts
from bot.api.routes import Call, Routes
from crm_core import access, explaining, rule_tagging, segments, tagging
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


class RuleName(Struct):
    """Which rule."""

    name: Short


@routes.get("/tags/rules", scope="tags:read")
async def list_tag_rules(call: Call) -> Any:
    """List the rules that set tags, on how many people each has, and when it was last run over everybody."""
    states = await rule_tagging.rule_states(call.core)
    return {
        "items": [
            {
                "name": rule.name,
                "group": rule.group,
                "conditions": rule.condition,
                "count": count,
                "whole_at": at.isoformat() if at else None,
            }
            for rule, count, at in states
        ]
    }


@routes.post("/tags/rules/run", scope="tags:write")
async def run_tag_rule(call: Call, body: RuleName) -> Any:
    """Run a rule over everybody now; what a hand has set stays."""
    done = await rule_tagging.run_rule(call.core, call.actor, body.name)
    return {"name": done.name, "set": done.set_count, "taken": done.taken_count}


@routes.post("/people/{id}/tags", scope="tags:write")
async def tag_person(call: Call, body: Tagged) -> Any:
    """Put tags on a person and take others off; `id` is the person_id. Gives the tags they have now."""
    core, actor = call.core, call.actor
    async with core.db.transaction():
        if body.remove:
            await tagging.take_off(core, actor, call.number, body.remove)
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


@routes.lists("/segments/{id}/people", scope="segments:read")
async def list_people(call: Call) -> Any:
    """List whom a segment selects now, by person_id."""
    segment = await access.load(Segment, call.actor, call.number)
    page = await segments.list_people(call.core, call.actor, segment, after=call.cursor or 0, limit=call.limit)
    more = len(page) > call.limit
    return {
        "items": [{"person_id": number} for number in page[: call.limit]],
        "next": str(page[call.limit - 1]) if more else None,
    }


@routes.lists("/segments/{id}/why", scope="segments:read", filters={"person_id": int})
async def explain_membership(call: Call) -> Any:
    """Tell condition by condition why `person_id` is in a segment or not, with the fact behind each."""
    segment = await access.load(Segment, call.actor, call.number)
    if "person_id" not in call.query:
        raise wrong_fields({"person_id": "请写 person_id"})
    told = await explaining.why(call.core, call.actor, segment, call.query["person_id"])
    reasons = [{"condition": r.condition, "holds": r.holds, "fact": r.fact, "depth": r.depth} for r in told.reasons]
    return {"name": told.person, "selected": told.selected, "items": reasons, "next": None}
