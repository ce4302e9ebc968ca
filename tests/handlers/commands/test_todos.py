"""A todo given to a colleague in chat: accepted or declined, done, and told each time; reminders answered in a word."""

from datetime import UTC, datetime, timedelta

from crm_core.conversations import Message
from crm_core.employees import actor_of
from crm_core.ports import Core
from handlers.pipeline import Pipeline
from scheduler import reminders
from scheduler.reminders import Reminder
from tests.factories import make_lead
from tests.fakes import FakeClock
from tests.handlers.conftest import Staff, staff


async def told(name: str) -> str:
    row = await Message.filter(topic="todo", external_account=f"staff-{name}").order_by("-id").first()
    return row.text if row else ""


async def test_a_todo_is_given_accepted_and_done(core: Core, chat: Staff, pipeline: Pipeline, clock: FakeClock) -> None:
    colleague = await staff(core, pipeline, "小李")
    await make_lead(core, owner_id=chat.employee.id)
    answer = await chat.says("交办 小李 明天下午3点 把报价发给张伟")
    assert answer.startswith("已交办给小李：把报价发给张伟，明天 15:00到期")
    row = await Reminder.get()
    assert (row.owner_id, row.given_by_id, row.about) == (colleague.employee.id, chat.employee.id, "张伟")
    assert row.at == datetime(2026, 11, 26, 7, 0, tzinfo=UTC)
    assert f"小王交办：把报价发给张伟（11月26日 15:00前）\n回复：接受交办 #{row.id}" in await told("小李")
    assert "小李（未答复）" in await chat.says("我交办的")
    clock.advance(60)
    assert "已接受：把报价发给张伟" in await colleague.says(f"接受交办 #{row.id}")
    assert await told("小王") == "小李接受交办：把报价发给张伟"
    assert "还等答复" in await colleague.says("撤销")
    assert "还没有定下" in await told("小王")
    clock.advance(60)
    await colleague.says("接受交办")
    assert "已答复" not in await chat.says("我交办的")
    await colleague.says("待办")
    assert "已完成：把报价发给张伟" in await colleague.says("第1条完成了")
    assert await told("小王") == "小李完成了交办：把报价发给张伟"
    assert "没有交办中的事" in await chat.says("我交办的")


async def test_a_sentence_gives_a_todo_only_to_a_colleague(core: Core, chat: Staff, pipeline: Pipeline) -> None:
    await staff(core, pipeline, "小李")
    assert "已交办给小李" in await chat.says("让小李明天下午3点把报价发出去")
    assert "已撤销" in await chat.says("撤销")
    assert (await Reminder.get()).status == "cancelled"
    assert "收回了交办" in await told("小李")
    await chat.says("让小明明天下午3点把报价发出去")
    assert await Reminder.filter(given_by_id=chat.employee.id).count() == 1
    assert "小明" in await chat.says("交办 小明 明天下午3点 发报价")


async def test_a_declined_todo_goes_back(core: Core, chat: Staff, pipeline: Pipeline) -> None:
    colleague = await staff(core, pipeline, "小李")
    await chat.says("交办 小李 明天下午3点 把报价发出去")
    assert "已告诉对方" in await colleague.says("拒绝交办 在出差")
    assert "小李没有接受交办：把报价发出去（在出差）。已放回自己的待办" in await told("小王")
    assert (await Reminder.get()).owner_id == chat.employee.id
    assert "没有等待答复的交办" in await colleague.says("接受交办")


async def test_a_fired_reminder_is_answered_in_a_word(core: Core, chat: Staff, pipeline: Pipeline, clock: FakeClock) -> None:
    colleague = await staff(core, pipeline, "小李")
    for minutes, action in ((1, "给张三回电"), (90, "寄样品"), (180, "催合同")):
        at = core.clock.now() + timedelta(minutes=minutes)
        await reminders.create(core, await actor_of(chat.employee), text=action, at=at)
    assert "先回复「待办」" in await chat.says("完成了")
    await chat.says("取消")
    clock.advance(timedelta(minutes=2))
    assert await reminders.fire_due(core) == 1
    assert await chat.says("完成了") == "已完成：给张三回电"
    clock.advance(timedelta(minutes=90))
    await reminders.fire_due(core)
    assert await chat.says("推迟到周五") == "好的，后天 09:00再提醒：寄样品"
    clock.advance(timedelta(minutes=90))
    await reminders.fire_due(core)
    assert "已转给小李：催合同" in await chat.says("转给小李")
    assert "小王转来一条待办：催合同" in await told("小李")
    assert "回到自己的待办" in await chat.says("撤销")
    assert (await Reminder.get(text="催合同")).owner_id == chat.employee.id
    await chat.says("待办")
    assert "已转给小李：催合同" in await chat.says("第1条转给小李")
    assert "催合同" in await colleague.says("待办")


async def test_a_nickname_and_the_end_of_the_working_day(core: Core, chat: Staff, pipeline: Pipeline) -> None:
    colleague = await staff(core, pipeline, "陈晨")
    answer = await chat.says("交办小陈 后天下班前 整理展会名单")
    assert answer.startswith("已交办给陈晨：整理展会名单，后天 18:00到期")
    row = await Reminder.get()
    assert (row.owner_id, row.text) == (colleague.employee.id, "整理展会名单")
    assert "18:00前" in await told("陈晨")
    assert (await chat.says("让小陈明天把报价发给云帆科技")).startswith("已交办给陈晨")
