"""Reminders in words: set, listed, ticked off, taken back."""

from crm_core.ports import Core
from scheduler.reminders import Reminder
from tests.handlers.conftest import Staff


async def test_reminder_is_set_listed_ticked_off_and_taken_back(core: Core, chat: Staff) -> None:
    assert await chat.says("明天上午10点提醒我寄样品") == "好的，明天 10:00提醒：寄样品"
    assert "1. 明天 10:00 寄样品" in await chat.says("我的待办")
    assert await chat.says("第1条完成了") == "已完成：寄样品"
    assert (await Reminder.get()).status == "done"
    assert await chat.says("撤销") == "已撤销：「寄样品」回到待办"
    assert (await Reminder.get()).status == "pending"


async def test_time_that_has_passed_is_refused_with_a_sentence(core: Core, chat: Staff) -> None:
    assert "已经过去了" in await chat.says("今天早上8点提醒我寄样品")
    assert await Reminder.all().count() == 0


async def test_reminder_is_put_off_and_back(core: Core, chat: Staff) -> None:
    await chat.says("明天上午10点提醒我寄样品")
    await chat.says("我的待办")
    assert await chat.says("第1条推到后天下午2点") == "好的，后天 14:00再提醒：寄样品"
    at = (await Reminder.get()).at
    assert "已撤销" in await chat.says("撤销")
    assert (await Reminder.get()).at < at


async def test_reminders_are_cancelled_from_a_list(core: Core, chat: Staff) -> None:
    assert await chat.says("取消提醒") == "现在没有待提醒的事。"
    await chat.says("明天上午10点提醒我寄样品")
    await chat.says("明天上午11点提醒我开会")
    assert "1. 明天 10:00 寄样品\n2. 明天 11:00 开会" in await chat.says("取消提醒")
    assert await chat.says("2") == "已取消提醒：开会"
    assert await chat.says("撤销") == "已撤销：「开会」回到待办"
    await chat.says("我的待办")
    assert await chat.says("取消第1条提醒") == "已取消提醒：寄样品"
    assert await Reminder.filter(status="cancelled").count() == 1


async def test_cancelling_the_reminder_just_asked_about_ends_the_question(core: Core, chat: Staff) -> None:
    await chat.says("提醒我给赵六打电话")
    assert await chat.says("取消提醒") == "好的，已取消。"


async def test_why_a_time_is_none_is_told(core: Core, chat: Staff) -> None:
    assert (await chat.says("昨天下午三点提醒我开会")).startswith("时间已过（昨天下午三点）")
    assert (await chat.says("前天上午十点")).startswith("时间已过（前天上午十点）")
    await chat.says("取消")
    assert (await chat.says("明天上午25点提醒我开会")).startswith("没有25点，请换个时间。")
    assert (await chat.says("2月30号")).startswith("没有2月30号")
    assert await Reminder.all().count() == 0


async def test_how_often_is_said_in_words(chat: Staff) -> None:
    assert (await chat.says("每周一上午9点提醒我交周报")).endswith("提醒：交周报，每周一都提醒")
