"""Announcements in words: to chosen people, with who has read them."""

from crm_core.access import Role
from crm_core.conversations import Message
from crm_core.errors import Refused
from crm_core.ports import Core
from handlers.pipeline import Pipeline
from tests.handlers.conftest import staff


async def test_a_notice_reaches_the_chosen_people_with_read_state(core: Core, pipeline: Pipeline) -> None:
    boss = await staff(core, pipeline, "老周", Role.MANAGER)
    wang, chen = [await staff(core, pipeline, name) for name in ("小王", "小陈")]
    marketer = await staff(core, pipeline, "小林", Role.MARKETER)
    answer = await boss.says("发公告 销售：明天下午三点开会")
    number = answer.split("#")[1].split(" ")[0]
    assert f"已发公告 #{number} 给2人（销售）" in answer
    told = {row.external_account for row in await Message.filter(topic="announcement")}
    assert told == {"staff-小王", "staff-小陈"}
    assert f"已读公告 #{number}" in await wang.says(f"已读 #{number}")
    assert f"之前已读公告 #{number}" in await wang.says(f"已读 #{number}")
    state = await boss.says(f"公告 #{number}")
    assert "已读1人：小王" in state
    assert "未读1人：小陈" in state
    assert f"#{number} 明天下午三点开会（未读）" in await chen.says("公告")
    assert f"已读公告 #{number}" in await chen.says("已读")
    assert "没有找到" in await marketer.says(f"已读 #{number}")
    assert "没有公告" in await marketer.says("公告")


async def test_who_may_not_publish_is_refused_and_a_wrong_word_is_named(core: Core, pipeline: Pipeline) -> None:
    boss, wang = await staff(core, pipeline, "老周", Role.MANAGER), await staff(core, pipeline, "小王")
    assert await wang.says("发公告 全体：放假") == Refused().sentence()
    assert "没有叫「火星部」的同事、角色或部门" in await boss.says("发公告 火星部：放假")
    assert "请写成" in await boss.says("发公告 放假")
    assert await Message.filter(topic="announcement").count() == 0


async def test_an_announcement_is_taken_back(core: Core, pipeline: Pipeline) -> None:
    boss, wang = await staff(core, pipeline, "老周", Role.MANAGER), await staff(core, pipeline, "小王")
    await boss.says("发公告 小王：明天放假")
    assert "已撤回公告" in await boss.says("撤销")
    assert (await Message.get(topic="announcement")).status == "cancelled"
    assert await wang.says("公告") == "没有公告。"
