"""A question gets the stored answer with its source, or an honest no."""

from crm_core.access import Role
from crm_core.errors import Refused
from crm_core.ports import Core
from handlers.pipeline import Pipeline
from tests.handlers.conftest import Staff, staff


async def test_a_question_gets_the_stored_answer_with_its_source(core: Core, chat: Staff, pipeline: Pipeline) -> None:
    boss = await staff(core, pipeline, "老周", Role.MANAGER)
    assert "没有这个问题的答案" in await chat.says("知识 网关保修多久")
    made = await boss.says("加知识 网关保修期｜整机保修两年，人为损坏除外｜售后手册第3页")
    assert "出处：售后手册第3页" in made
    answer = await chat.says("知识 网关保修多久？")
    assert answer.startswith("网关保修期：整机保修两年，人为损坏除外\n出处：售后手册第3页（#")
    assert "没有这个问题的答案" in await chat.says("知识 食堂几点开门")
    number = answer.split("#")[1].rstrip("）")
    assert "已停用" in await boss.says(f"删知识 #{number}")
    assert "没有这个问题的答案" in await chat.says("知识 网关保修多久")
    assert "还在" in await boss.says("撤销")
    assert "整机保修两年" in await chat.says("知识库 网关保修多久")


async def test_who_may_not_write_is_refused_and_a_half_article_is_nothing(core: Core, chat: Staff, pipeline: Pipeline) -> None:
    assert await chat.says("加知识 保修期｜两年") == Refused().sentence()
    boss = await staff(core, pipeline, "老周", Role.MANAGER)
    assert "请写成" in await boss.says("加知识 保修期")
    assert "出处：老周录入" in await boss.says("加知识 保修期｜两年")
    assert "已撤销" in await boss.says("撤销")
    assert "没有这个问题的答案" in await chat.says("知识 保修期")
