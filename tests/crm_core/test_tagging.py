"""Tags made by hand."""

import pytest

from crm_core import tagging
from crm_core.access import Role
from crm_core.errors import Invalid, Refused
from crm_core.ports import Core
from crm_core.tagging import TagNameTaken
from tests.factories import SYSTEM, make_actor


async def test_a_name_is_taken_once(core: Core) -> None:
    tag = await tagging.add_tag(core, SYSTEM, name=" VIP ", group="级别")
    assert (tag.name, tag.group, tag.manual) == ("VIP", "级别", True)
    with pytest.raises(TagNameTaken) as taken:
        await tagging.add_tag(core, SYSTEM, name="VIP")
    assert taken.value.sentence() == "已有标签「VIP」"
    other = await tagging.add_tag(core, SYSTEM, name="展会")
    with pytest.raises(TagNameTaken):
        await tagging.update_tag(core, SYSTEM, other.id, name="VIP")
    assert (await tagging.update_tag(core, SYSTEM, other.id, name="展会", group="来源")).group == "来源"
    with pytest.raises(Invalid):
        await tagging.update_tag(core, SYSTEM, other.id, name=" ")


async def test_salespeople_make_tags_and_rename_none(core: Core) -> None:
    seller = await make_actor(core)
    tag = await tagging.add_tag(core, seller, name="展会")
    with pytest.raises(Refused):
        await tagging.update_tag(core, seller, tag.id, name="官网")
    for role in (Role.MARKETER, Role.MANAGER, Role.ADMIN):
        changed = await tagging.update_tag(core, await make_actor(core, f"员工{role}", role), tag.id, name=f"来源{role}")
        assert changed.name == f"来源{role}"
