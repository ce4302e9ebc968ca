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
