"""Presses: what a button stands for, for whom, and once."""

from crm_core.conversations import Message
from crm_core.messages import PRESS, Address, Kind, mark_of
from crm_core.ports import Core
from handlers.pipeline import Pipeline
from scheduler.reminders import Reminder, fire_due
from tests.factories import make_lead
from tests.handlers.conftest import Staff, staff


async def fired(core: Core, chat: Staff, **values: object) -> Message:
    """A reminder somebody got, with its buttons."""
    await Reminder.add(core, owner_id=chat.employee.id, text="写日报", at=core.clock.now(), **values)
    await fire_due(core)
    return await Message.get(direction="out", topic="reminder")


async def press(who: Staff, row: Message, button: int = 1, **changes: object) -> str:
    data = {"card_message_id": row.id, "card_mark": mark_of(row.key), "button": button, **changes}
    return await who.sends(who.message("", kind=Kind.EVENT, event=PRESS, data=data))


async def test_a_repeating_reminder_is_done_once_however_often_it_is_pressed(core: Core, chat: Staff) -> None:
    row = await fired(core, chat, repeat="daily")
    assert "已完成：写日报" in await press(chat, row)
    before = (await Reminder.get()).done_at
    core.clock.advance(60)  # type: ignore[attr-defined]
    assert await press(chat, row) == ""
    assert await press(chat, row, 2) == ""
    assert (await Reminder.get()).done_at == before
    assert await Reminder.all().count() == 1


async def test_nobody_else_and_nothing_else_is_pressed(core: Core, pipeline: Pipeline, chat: Staff) -> None:
    row = await fired(core, chat)
    other = await staff(core, pipeline, "小李")
    stranger = Staff(core, pipeline, Address("dingtalk", "stranger"))
    for who in (other, stranger):
        assert await press(who, row) == ""
    for changes in ({"button": 0}, {"button": 3}, {"card_mark": "0" * 16}, {"card_message_id": row.id + 1}, {"button": "1"}):
        assert await press(chat, row, **{"button": 1, **changes}) == ""  # type: ignore[arg-type]
    assert (await Reminder.get()).status == "fired"
    assert await Message.filter(direction="in", status="open").count() == 0


async def test_a_press_leaves_an_open_question_alone(core: Core, chat: Staff) -> None:
    row = await fired(core, chat)
    for company in ("东风机械厂", "云帆科技"):
        await make_lead(core, "张伟", company=company, owner_id=chat.employee.id)
    assert "2. 张伟" in await chat.says("刚和张伟通了电话，嫌贵")
    await press(chat, row)
    assert "已记：张伟" in await chat.says("2")


async def test_a_refused_press_may_be_made_again(core: Core, chat: Staff) -> None:
    row = await fired(core, chat)
    await Reminder.all().update(status="cancelled")
    assert "已完成或已取消" in await press(chat, row)
    await Reminder.all().update(status="fired")
    assert "已完成" in await press(chat, row)
