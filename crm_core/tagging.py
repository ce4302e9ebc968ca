"""Tags made by hand before anybody carries them (标签)."""

from collections.abc import Sequence
from typing import Any

from crm_core import access, rule_tagging, segments
from crm_core.access import Actor, Role
from crm_core.changes import change_fields
from crm_core.errors import Conflict, Invalid, Refused
from crm_core.ports import Core
from crm_core.segments import Tag


class TagNameTaken(Conflict):
    """Names of tags are unique."""

    code = "tag.name_taken"
    text = "已有标签「{name}」"


class TagSetByRule(Conflict):
    """The rule would put it on again at once."""

    code = "tag.set_by_rule"
    text = "标签「{name}」由规则打上，取下后还会再打上；请改规则或资料"


async def take_off(core: Core, actor: Actor, person_id: int, names: Sequence[str]) -> list[str]:
    """Take tags off a person by hand (去标签). Gives what is left.

    Raises: Invalid; NotFound; LeadNotOwned; TagSetByRule for one that a rule would set again.
    """
    again = await rule_tagging.would_set(core, person_id, [name.strip() for name in names])
    if again:
        raise TagSetByRule(name="、".join(again))
    return await segments.remove_tags(core, actor, person_id, names)


async def grouped(actor: Actor) -> list[tuple[str, str, bool]]:
    """List the tags as (group, name, whether by hand), by group; those of none last."""
    access.require(actor, "tags:read")
    rows: Any = await Tag.all().values_list("group", "name", "manual")
    return sorted(rows, key=lambda row: (not row[0], row[0], row[1]))


async def add_tag(core: Core, actor: Actor, *, name: str, group: str = "") -> Tag:
    """Make a tag. Raises: Invalid; TagNameTaken."""
    access.require(actor, "tags:write")
    word = _word(name)
    async with core.db.transaction():
        await _refuse_taken(word)
        tag: Tag = await Tag.add(core, name=word, group=group.strip())
        await access.record(core, actor, "tag.create", tag)
    return tag


async def update_tag(core: Core, actor: Actor, tag_id: int, **values: str) -> Tag:
    """Rename a tag or move it to another group; every segment that asks for it is touched.

    Raises: NotFound; Invalid; TagNameTaken; Refused for a salesperson.
    """
    access.require(actor, "tags:write")
    if actor.role is Role.SALES:
        raise Refused
    async with core.db.transaction():
        tag = await access.load(Tag, actor, tag_id)
        if "name" in values:
            values["name"] = _word(values["name"])
            if values["name"] != tag.name:
                await _refuse_taken(values["name"])
        await change_fields(core, actor, "tag.update", tag, values)
    return tag


def _word(name: str) -> str:
    if not name.strip():
        raise Invalid(field="name", reason="请填写标签名称")
    return name.strip()


async def _refuse_taken(name: str) -> None:
    if await Tag.exists(name=name):
        raise TagNameTaken(name=name)
