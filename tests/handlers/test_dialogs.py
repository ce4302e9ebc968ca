"""Open questions: answered in any wording, closed by 取消, never answered elsewhere, never swallowing what comes next."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from crm_core.activities import FollowUp
from crm_core.employees import BindCode, make_bind_code
from crm_core.leads import Lead
from crm_core.ports import Core
from handlers.pipeline import Pipeline
from scheduler import reminders
from scheduler.reminders import Reminder
from tests.factories import SYSTEM, make_lead
from tests.handlers.conftest import Staff, staff


@pytest.mark.parametrize("answer", ["明天下午三点", "明天15:00", "明天三点"])
async def test_missing_time_is_read_from_the_answer(core: Core, chat: Staff, answer: str) -> None:
    assert await chat.says("提醒我给赵六打电话") == "什么时候？"
    assert (await chat.says(answer)).startswith("好的，明天 15:00提醒：")
    assert (await Reminder.get()).at == datetime(2026, 11, 26, 7, tzinfo=UTC)


async def test_answer_that_is_none_is_asked_again_and_can_be_left(core: Core, chat: Staff) -> None:
    await chat.says("提醒我给赵六打电话")
    assert "没看懂" in await chat.says("随便")
    assert await chat.says("取消") == "好的，已取消。"
    assert await Reminder.all().count() == 0
    assert "没有进行中的问题" in await chat.says("取消")


async def test_choice_by_number_does_not_become_the_text(core: Core, chat: Staff) -> None:
    for company in ("东风机械厂", "西湖贸易"):
        await make_lead(core, company=company, owner_id=chat.employee.id)
    await chat.says("刚跟张伟聊了 明天联系")
    assert "，1，" not in await chat.says("1")
    assert "张伟" in (await FollowUp.get()).summary


async def test_new_sentence_drops_the_question_and_says_so(core: Core, chat: Staff) -> None:
    await chat.says("刚和周小婷通了电话，嫌贵")
    answer = await chat.says("公海")
    assert "公海里暂时没有" in answer
    assert "刚才的问题已放下" in answer


async def test_undo_with_an_open_question_ends_the_question_alone(core: Core, chat: Staff) -> None:
    await chat.says("新线索 孙八 13800138000")
    await chat.says("刚和周小婷通了电话，嫌贵")
    assert await chat.says("撤销") == "好的，已取消。"
    assert (await Lead.get(name="孙八")).status == "new"
    assert "已撤销" in await chat.says("撤 销")


async def test_correction_at_a_confirmation_is_not_taken_for_a_yes(core: Core, chat: Staff) -> None:
    await chat.says("刚和周小婷通了电话，嫌贵")
    assert "请回复“是”或“否”" in await chat.says("改成下午三点")
    assert await FollowUp.all().count() == 0


async def test_question_of_a_group_is_not_answered_in_private(core: Core, chat: Staff) -> None:
    private = chat.address
    chat.address = replace(private, conversation="cidGroup")
    await chat.says("刚和周小婷通了电话，嫌贵")
    chat.address = private
    assert "没有等待确认" in await chat.says("是")
    assert await FollowUp.all().count() == 0


async def test_number_beyond_the_list_never_means_another_record(core: Core, chat: Staff, pipeline: Pipeline) -> None:
    boss = await staff(core, pipeline, "林经理")
    for number in range(3):
        await reminders.create(core, SYSTEM, text=f"别人的{number}", at=core.clock.now(), owner_id=boss.employee.id)
    await chat.says("明天上午10点提醒我寄样品")
    assert "没有第1条" in await chat.says("第1条完成了")
    assert "待办1条" in await chat.says("我的待办")
    assert "没有第3条" in await chat.says("第3条完成了")
    assert await Reminder.filter(status="done").count() == 0
    assert "已完成：寄样品" in await chat.says("第1条完成了")


@pytest.mark.parametrize("words", ["绑定 {code} 谢谢", "我要绑定 {code}", "绑定 {half}"])
async def test_code_spoken_in_a_group_is_void_however_written(core: Core, chat: Staff, words: str) -> None:
    code = await make_bind_code(core, SYSTEM, chat.employee.id)
    chat.address = replace(chat.address, conversation="cidGroup")
    answer = await chat.says(words.format(code=code, half=f"{code[:4]} {code[4:]}"))
    assert "已作废" in answer
    assert await BindCode.filter(used_at=None).count() == 0


async def test_numbers_are_masked_in_groups(core: Core, chat: Staff) -> None:
    await make_lead(core, mobile="13800138000")
    chat.address = replace(chat.address, conversation="cidGroup")
    assert "138****8000" in await chat.says("领取 张伟")
    assert "139****5678" in await chat.says("新线索 刘洋 13912345678")


async def test_a_number_said_in_a_group_is_not_said_again(core: Core, chat: Staff) -> None:
    await make_lead(core, owner_id=chat.employee.id, mobile="13800138000")
    chat.address = replace(chat.address, conversation="cidGroup")
    for words in ("13677991122", "查 13677991122", "电话 张伟 13677991122", "改手机 张伟 13677991122", "13677991122 是谁的"):
        assert "13677991122" not in await chat.says(words), words


async def test_very_long_answer_gets_a_sentence(core: Core, chat: Staff) -> None:
    assert "系统开小差" not in await chat.says("新线索 " + "张" * 500)


async def test_several_things_at_once_are_not_dropped_silently(core: Core, chat: Staff) -> None:
    for name in ("赵晓东", "孔云飞"):
        await make_lead(core, name)
    assert "一次只处理一项" in await chat.says("领取 赵晓东 和 孔云飞")
    assert "一次只处理一项" not in await chat.says("领取 孔云飞")


async def test_number_with_a_digit_missing_is_told(core: Core, chat: Staff) -> None:
    assert "1380013800 位数不对" in await chat.says("新线索 王五 1380013800")


async def test_question_replaced_by_another_of_its_kind_is_told(core: Core, chat: Staff) -> None:
    await chat.says("刚和周小婷通了电话，嫌贵")
    await make_lead(core, owner_id=chat.employee.id)
    assert "刚才的问题已放下" in await chat.says("刚和张伟通了电话，价格谈好了，明天签合同，预算20万")
    await chat.says("刚和周小婷通了电话，嫌贵")
    answer = await chat.says("明天上午10点提醒我给赵六打电话和寄样品")
    assert "刚才的问题已放下" in answer
    await chat.says("刚和周小婷通了电话，嫌贵")
    assert "刚才的问题已放下" in await chat.says("提醒我给赵六打电话")


async def test_record_is_no_answer_to_a_question_for_a_time(core: Core, chat: Staff) -> None:
    await make_lead(core, "汪国庆", owner_id=chat.employee.id)
    assert "什么时候" in await chat.says("2月30日提醒我")
    answer = await chat.says("刚和汪国庆通了电话，约了周末见面")
    assert "汪国庆" in answer
    assert "刚才的问题已放下" in answer
    assert await FollowUp.all().count() == 1


async def test_refused_command_puts_the_open_question_aside(core: Core, chat: Staff) -> None:
    for company in ("东风机械厂", "西湖贸易"):
        await make_lead(core, company=company, owner_id=chat.employee.id)
    assert "并入" in await chat.says("合并线索 张伟")
    assert "刚才的问题已放下" in await chat.says("转客户 孙权")
    assert "没有等待确认的问题" in await chat.says("是")
    assert await Lead.filter(status="merged").count() == 0
