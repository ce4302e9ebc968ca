"""Articles and the question they answer."""

import pytest

from crm_core import knowledge
from crm_core.access import Role
from crm_core.errors import Invalid, Refused
from crm_core.ports import Core
from tests.factories import make_actor


async def test_the_best_article_answers_and_an_ended_one_does_not(core: Core) -> None:
    boss = await make_actor(core, "老周", Role.MANAGER)
    repair = await knowledge.add(core, boss, title="网关保修期", text="两年", source="手册", words="质保")
    await knowledge.add(core, boss, title="开票信息", text="抬头和税号发给财务", source="财务制度")
    for question in ("网关保修多久", "请问网关的质保是多久？", "保修期"):
        assert [each.article.id for each in await knowledge.ask(core, boss, question)] == [repair.id], question
    for question in ("", "？", "食堂几点开门", "年会在哪里"):
        assert await knowledge.ask(core, boss, question) == []
    await knowledge.end(core, boss, repair.id)
    assert await knowledge.ask(core, boss, "网关保修多久") == []


async def test_articles_are_checked_and_changed(core: Core) -> None:
    boss, seller = await make_actor(core, "老周", Role.MANAGER), await make_actor(core)
    with pytest.raises(Refused):
        await knowledge.add(core, seller, title="保修期", text="两年")
    with pytest.raises(Invalid):
        await knowledge.add(core, boss, title=" ", text="两年")
    row = await knowledge.add(core, boss, title="保修期", text="两年")
    assert row.source == "老周录入"
    assert (await knowledge.change(core, boss, row.id, text="三年")).text == "三年"
    assert [each.article.text for each in await knowledge.ask(core, seller, "保修期多久")] == ["三年"]
