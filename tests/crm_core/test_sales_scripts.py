"""Sales scripts: from the settings and the house, found by keyword or stage."""

from dataclasses import replace

import pytest

from crm_core import sales_scripts
from crm_core.access import Role
from crm_core.distribution_rules import ScriptSettings, ScriptText
from crm_core.errors import Invalid, Refused
from crm_core.ports import Core
from tests.factories import make_actor


async def test_wording_is_stored_found_and_ended(core: Core) -> None:
    items = (ScriptText("初次联系", "先介绍自己", stage="初步接触"), ScriptText("贵", "贵有贵的道理", words=("贵",)))
    core = replace(core, settings=replace(core.settings, sales_scripts=ScriptSettings(items=items)))
    boss, seller = await make_actor(core, "林经理", Role.MANAGER), await make_actor(core)
    made = await sales_scripts.add(core, boss, title="嫌贵", words="贵、价格高", text="先谈价值")
    with pytest.raises(Refused):
        await sales_scripts.add(core, seller, title="嫌贵", words="贵", text="先谈价值")
    assert [each.title for each in await sales_scripts.search(core, seller, "客户嫌贵")] == ["嫌贵", "贵"]
    assert [each.title for each in await sales_scripts.search(core, seller, "初步接触")] == ["初次联系"]
    assert [each.title for each in await sales_scripts.search(core, seller, "价值")] == ["嫌贵"]
    assert (await sales_scripts.for_follow_up(core, "聊过，价格高了点")) == sales_scripts.Script(
        "嫌贵", "先谈价值", ("贵", "价格高"), "", made.id
    )
    assert await sales_scripts.for_follow_up(core, "聊过") is None
    await sales_scripts.change(core, boss, made.id, words="预算")
    await sales_scripts.end(core, boss, made.id)
    found = await sales_scripts.for_follow_up(core, "预算不够，嫌贵")
    assert found is not None
    assert found.title == "贵"


@pytest.mark.parametrize("wrong", [{"title": ""}, {"text": " "}, {"words": ""}, {"words": "长" * 201}])
async def test_what_cannot_be_used_is_refused(core: Core, wrong: dict[str, str]) -> None:
    boss = await make_actor(core, "林经理", Role.MANAGER)
    with pytest.raises(Invalid):
        await sales_scripts.add(core, boss, **({"title": "嫌贵", "words": "贵", "text": "先谈价值"} | wrong))
