"""Tags and segments: saved conditions that select people, page by page.

Reading order: the tables, `check_conditions`, `Selection` and `people_sql`, then the use cases.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from tortoise import fields

from crm_core import access
from crm_core.access import Actor
from crm_core.changes import change_fields
from crm_core.conditions import uses
from crm_core.customers import Contact, require_change
from crm_core.db import Entity
from crm_core.errors import Invalid, NotFound
from crm_core.identity import Hang
from crm_core.leads import Lead, require_claimed
from crm_core.ports import Core, Program
from crm_core.selection import Selection, check_conditions, count_sql, people_sql


class Tag(Entity):
    """A word set on people by hand or by rule (标签)."""

    owner_field = None

    name = fields.CharField(max_length=64, unique=True)
    group = fields.CharField(max_length=64, default="")
    manual = fields.BooleanField(default=True)

    class Meta:
        """One row a word."""

        table = "tags"


class Tagging(Entity):
    """A tag on a person; `manual` ones are never taken off by a rule."""

    tag_id = fields.BigIntField(db_index=True)
    person_id = fields.BigIntField(db_index=True)
    manual = fields.BooleanField(default=True)

    hangs_on = (Hang("taggings", "person_id", "person", stronger=("manual",)),)

    class Meta:
        """Once a person."""

        table = "taggings"
        unique_together = (("tag_id", "person_id"),)


class Segment(Entity):
    """A saved condition (客户分群). `conditions` is the segment object of understanding.md as JSON."""

    owner_field = None

    name = fields.CharField(max_length=128)
    conditions = fields.TextField()
    author_id = fields.BigIntField(null=True)

    class Meta:
        """Its condition is frozen into a broadcast or greeting plan at approval."""

        table = "segments"


async def add_tags(core: Core, actor: Actor, person_id: int, names: Sequence[str], *, manual: bool = True) -> list[str]:
    """Put tags on a person (打标签); gives all the tags they have now. A hand-set tag stays hand-set.

    Raises: Invalid; NotFound for somebody the actor may not see; LeadNotOwned for a salesperson who has not claimed them.
    """
    access.require(actor, "tags:write")
    words = _words(names)
    async with core.db.transaction():
        await _require_person(actor, person_id)
        for word in words:
            tag = await Tag.get_or_none(name=word) or await Tag.add(core, name=word, manual=manual)
            known = await Tagging.get_or_none(tag_id=tag.id, person_id=person_id)
            if known is None:
                await Tagging.add(core, tag_id=tag.id, person_id=person_id, manual=manual)
            elif manual and not known.manual:
                await known.change(core, manual=True)
        await access.record(core, actor, "tag.add", ("people", person_id), after={"tags": words})
    return await tags_of(person_id)


async def remove_tags(core: Core, actor: Actor, person_id: int, names: Sequence[str], *, manual: bool = True) -> list[str]:
    """Take tags off a person; a rule (`manual` False) never takes off what a hand put on. Gives what is left.

    Raises: Invalid; NotFound; LeadNotOwned.
    """
    access.require(actor, "tags:write")
    words = _words(names)
    async with core.db.transaction():
        await _require_person(actor, person_id)
        tags = await Tag.filter(name__in=words).values_list("id", flat=True)
        taken = Tagging.filter(person_id=person_id, tag_id__in=list(tags))
        await (taken if manual else taken.filter(manual=False)).delete()
        await access.record(core, actor, "tag.remove", ("people", person_id), before={"tags": words})
    return await tags_of(person_id)


async def tags_of(person_id: int) -> list[str]:
    """List a person's tags, oldest first."""
    numbers = await Tagging.filter(person_id=person_id).order_by("id").values_list("tag_id", flat=True)
    names = dict(await Tag.filter(id__in=list(numbers)).values_list("id", "name"))
    return [str(names[number]) for number in numbers if number in names]


async def create_segment(core: Core, actor: Actor, *, name: str, conditions: Mapping[str, object]) -> Segment:
    """Save a condition under a name (客户分群). Raises: Invalid."""
    access.require(actor, "segments:write")
    if not name.strip():
        raise Invalid(field="name", reason="请填写分群名称")
    clean = check_conditions(conditions)
    if uses(clean, "owner") and actor.employee_id is None:
        raise Invalid(field="owner", reason="只有员工才能用“我的客户”")
    async with core.db.transaction():
        segment: Segment = await Segment.add(
            core, name=name.strip()[:128], conditions=msgspec.json.encode(clean).decode(), author_id=actor.employee_id
        )
        await access.record(core, actor, "segment.create", segment)
    return segment


async def update_segment(core: Core, actor: Actor, segment_id: int, **values: object) -> Segment:
    """Rename a segment or change its condition; what is approved keeps the old one. Raises: NotFound; Invalid."""
    access.require(actor, "segments:write")
    clean = dict(values)
    if "name" in clean and not str(clean["name"]).strip():
        raise Invalid(field="name", reason="请填写分群名称")
    conditions = clean.get("conditions")
    async with core.db.transaction():
        segment = await access.load(Segment, actor, segment_id)
        if isinstance(conditions, Mapping):
            checked = check_conditions(conditions)
            if uses(checked, "owner") and segment.author_id is None:
                raise Invalid(field="owner", reason="只有员工才能用“我的客户”")
            clean["conditions"] = msgspec.json.encode(checked).decode()
        await change_fields(core, actor, "segment.update", segment, clean)
    return segment


def selection_of(segment: Segment, actor: Actor) -> Selection:
    """Describe whom a segment selects for this actor: nobody they may not see."""
    conditions: dict[str, Any] = msgspec.json.decode(segment.conditions)
    return allowed_to(actor, conditions, me=segment.author_id)


def allowed_to(actor: Actor, conditions: Mapping[str, Any], *, me: int | None = None) -> Selection:
    """Make a selection that draws nobody whom the actor may not see."""
    if actor.sees_all:
        return Selection(conditions=conditions, me=me)
    return Selection(
        conditions=conditions,
        me=me,
        owners=tuple(sorted(actor.team or {actor.employee_id or 0})),
        departments=tuple(sorted(actor.departments)),
        closed_pools=tuple(sorted(actor.closed_pools)),
    )


async def count_segment(core: Core, actor: Actor, segment: Segment) -> int:
    """Count the people a segment selects now."""
    return await count_people(core, selection_of(segment, actor))


async def count_people(core: Core, selection: Selection) -> int:
    """Count the people of a selection, beside the writer."""

    def program() -> Program[int]:
        rows = yield count_sql(selection, core.clock.now())
        return int(rows[0][0])

    return await core.db.read(program())


async def list_people(core: Core, actor: Actor, segment: Segment, *, after: int, limit: int) -> list[int]:
    """List one more person id than asked for of those a segment selects, in order, so that it shows whether more follow."""

    def program() -> Program[list[int]]:
        rows = yield people_sql(selection_of(segment, actor), core.clock.now(), after=after, limit=limit + 1)
        return [int(number) for (number,) in rows]

    return await core.db.read(program())


def _words(names: Sequence[str]) -> list[str]:
    words = list(dict.fromkeys(name.strip() for name in names if name.strip()))
    if not words:
        raise Invalid(field="tags", reason="请填写标签")
    if any(len(word) > 64 for word in words):
        raise Invalid(field="tags", reason="标签不能超过64个字")
    return words


async def _require_person(actor: Actor, person_id: int) -> None:
    contact = await access.visible(Contact, actor).get_or_none(person_id=person_id)
    if contact is not None:
        await require_change(actor, contact)
        return
    lead = await access.visible(Lead, actor).get_or_none(person_id=person_id)
    if lead is None:
        raise NotFound
    require_claimed(actor, lead)
