"""Outings in words: registered, a week in one message, checked in by word and by place, compared with the records."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from crm_core import customers, visit_plans
from crm_core.access import Role
from crm_core.activities import FollowUp
from crm_core.conversations import Message
from crm_core.daily_work_rules import AlarmRule, DailyWorkSettings, VisitRhythm
from crm_core.employees import actor_of
from crm_core.field_visits import FieldVisit
from crm_core.messages import Kind
from crm_core.ports import Core
from handlers.commands import all_commands
from handlers.pipeline import Pipeline
from handlers.router import Router
from scheduler.jobs import unrecorded_visits
from tests.factories import make_lead
from tests.fakes import FakeClock
from tests.handlers.conftest import Staff, staff


async def make_customer(chat: Staff, name: str = "A公司") -> int:
    return int((await customers.add_customer(chat.core, await actor_of(chat.employee), name=name)).id)


async def test_a_sentence_registers_an_outing_with_time_and_place(core: Core, chat: Staff) -> None:
    customer_id = await make_customer(chat)
    answer = await chat.says("明天下午去A公司")
    visit = await FieldVisit.get()
    assert (visit.customer_id, visit.employee_id) == (customer_id, chat.employee.id)
    assert visit.planned_at == datetime(2026, 11, 26, 6, 0, tzinfo=UTC)
    assert answer.startswith("已登记外出：明天 14:00 A公司")
    await chat.says("外出登记 明天下午4点 A公司 张江路88号")
    assert (await FieldVisit.filter(place="张江路88号").get()).planned_at == datetime(2026, 11, 26, 8, 0, tzinfo=UTC)
    assert await chat.says("撤销") == "已撤销：A公司的外出登记"
    assert await FieldVisit.filter(cancelled_at=None).count() == 1


async def test_an_outing_to_nobody_known_is_registered_by_its_name(core: Core, chat: Staff) -> None:
    assert "还不是客户" in await chat.says("外出登记 明天下午2点 华兴贸易公司")
    visit = await FieldVisit.get()
    assert (visit.name, visit.subject_id) == ("华兴贸易公司", None)


async def test_a_place_sent_while_out_is_the_check_in(core: Core, chat: Staff, clock: FakeClock) -> None:
    await make_customer(chat)
    place = {"latitude": 31.2304, "longitude": 121.4737}
    assert "今天没有待签到的外出" in await chat.says("张江路88号", kind=Kind.LOCATION, data=place)
    await chat.says("今天下午2点去A公司")
    clock.advance(timedelta(hours=4))
    assert (await chat.says("张江路88号", kind=Kind.LOCATION, data=place)).startswith("已签到：A公司，位置：张江路88号")
    visit = await FieldVisit.get()
    assert (visit.checked_in_at, visit.position) == (core.clock.now(), "31.2304,121.4737")
    assert "签到，外出登记还在" in await chat.says("撤销")
    assert (await FieldVisit.get()).checked_in_at is None
    assert (await chat.says("打卡 A公司")).startswith("已打卡：今天 14:00 A公司")
    assert (await FieldVisit.get()).checked_in_at is not None


async def test_of_two_outings_the_place_asks_which(core: Core, chat: Staff, clock: FakeClock) -> None:
    for name in ("A公司", "B公司"):
        await make_customer(chat, name)
        await chat.says(f"今天下午3点去{name}")
    question = await chat.says("某路1号", kind=Kind.LOCATION, data={})
    assert "在哪家签到" in question
    assert "已签到：B公司，位置：某路1号" in await chat.says("2")


async def test_a_weeks_visits_are_planned_in_one_message(core: Core, chat: Staff) -> None:
    await make_customer(chat, "云帆科技")
    answer = await chat.says("周计划 周四上午 云帆科技，周五下午3点 东风机械厂 演示，华兴贸易公司")
    assert answer.split("\n")[:4] == [
        "已排3次拜访：",
        "1. 明天 09:00 云帆科技",
        "2. 后天 09:00 华兴贸易公司",
        "3. 后天 15:00 东风机械厂，演示",
    ]
    assert "本周外出3次" in await chat.says("周计划")
    assert "已取消去华兴贸易公司的外出" in await chat.says("取消外出 2")
    assert "外出还在" in await chat.says("撤销")
    next_week = await chat.says("下周计划：周一 云帆科技\n周三下午 东风机械厂")
    assert "1. 11月30日（周一）09:00 云帆科技" in next_week
    assert "2. 12月2日（周三）14:00 东风机械厂" in next_week
    assert "云帆科技、东风机械厂的外出登记" in await chat.says("撤销")
    assert "下周没有登记外出" in await chat.says("下周计划")


async def test_nonsense_in_a_plan_writes_nothing(core: Core, chat: Staff) -> None:
    for words in ("周计划 云帆科技", "周计划 昨天 云帆科技", "周计划 周五", "周计划 周一 云帆科技，周二"):
        assert "周计划：" in await chat.says(words)
    assert await FieldVisit.all().count() == 0


async def test_outings_without_a_record_are_listed_that_evening(core: Core, clock: FakeClock, pipeline: Pipeline) -> None:
    boss = await staff(core, pipeline, "老周", Role.MANAGER)
    chat = await staff(core, pipeline, "小王", manager_id=boss.employee.id)
    for name in ("A公司", "B公司"):
        await make_customer(chat, name)
        await chat.says(f"今天上午11点去{name}")
    clock.advance(timedelta(hours=3))
    await chat.says("刚拜访了A公司，对方嫌贵")
    assert (await FollowUp.get()).id == (await FieldVisit.get(name="A公司")).follow_up_id
    assert "1. 今天 11:00 B公司" in await chat.says("外出对照")
    assert not await unrecorded_visits.run(core)
    clock.advance(timedelta(hours=6))
    assert await unrecorded_visits.run(core)
    told = {row.external_account: row.text for row in await Message.filter(topic="unrecorded_visits")}
    assert "今天有1次外出还没有联系记录：\n· 11:00 B公司（没有签到）" in told["staff-小王"]
    assert "小王，11:00 B公司" in told["staff-老周"]
    assert not await unrecorded_visits.run(core)
    await chat.says("今天拜访了B公司，没谈成")
    assert await chat.says("外出对照") == "今天去过的外出都有联系记录。"
    await chat.says("撤销")
    assert "B公司" in await chat.says("外出对照")


async def test_a_peer_does_not_see_a_colleagues_outings(core: Core, chat: Staff, pipeline: Pipeline) -> None:
    await chat.says("外出登记 明天下午2点 华兴贸易公司")
    peer = await staff(core, pipeline, "小陈")
    assert "没有登记外出" in await peer.says("外出安排")
    admin = await staff(core, pipeline, "老板", Role.ADMIN)
    assert "华兴贸易公司" in await admin.says("外出安排")


async def test_recurring_visits_are_shown_with_their_rhythm(core: Core, clock: FakeClock) -> None:
    assert "没有设置定期拜访" in await (await staff(core, Pipeline(core, Router(all_commands())), "小陈")).says("定期拜访")
    daily = DailyWorkSettings(rhythms=(VisitRhythm(("A",), 14),), alarms=(AlarmRule("待办堆积", "overdue_todos", 5),))
    made = replace(core, settings=replace(core.settings, daily_work=daily))
    chat = await staff(made, Pipeline(made, Router(all_commands())), "小王")
    await customers.Customer.filter(id=await make_customer(chat)).update(grade="A")
    assert await chat.says("定期拜访") == "定期拜访：A级每14天。后面还没有排到的客户。"
    await visit_plans.make(made)
    shown = await chat.says("定期拜访")
    assert shown.startswith("定期拜访：A级每14天。后面1次：\n1. 明天 10:00 A公司，定期拜访")
    await chat.says("刚拜访了A公司，对方嫌贵")
    assert "1. 12月9日（周三）10:00 A公司" in await chat.says("定期拜访")
    assert "1. 待办堆积：逾期待办超过5条，告诉主管" in await chat.says("预警规则")


async def test_outings_still_to_come_are_not_called_recorded(core: Core, chat: Staff) -> None:
    assert "今天没有登记外出" in await chat.says("外出对照")
    await make_lead(core, owner_id=chat.employee.id)
    await chat.says("今天下午5点去拜访张伟")
    assert await chat.says("外出对照") == "还有1次没到时间。"
