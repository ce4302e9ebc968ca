"""Greetings and broadcasts in words: nothing starts without a yes."""

from dataclasses import replace
from datetime import timedelta

import pytest
import pytest_asyncio

from campaigns import audience, broadcasts, greetings
from campaigns.broadcasts import Broadcast
from campaigns.greetings import GreetingPlan
from campaigns.templates import change_template, create_template
from crm_core.access import Role
from crm_core.conversations import Message
from crm_core.customers import add_contact, add_customer
from crm_core.messages import PRESS, Kind, mark_of
from crm_core.ports import Core
from crm_core.reach import ReachRule, Window
from crm_core.segments import Segment
from handlers.pipeline import Pipeline
from tests.factories import SYSTEM, make_actor, make_customer_account, make_lead
from tests.handlers.conftest import Staff, staff


@pytest_asyncio.fixture
async def marketer(core: Core, pipeline: Pipeline) -> Staff:
    core = replace(core, reach={"wechat": ReachRule(message=Window(5, timedelta(hours=48))), "dingtalk": ReachRule.always()})
    core.outbox.bind(core)  # type: ignore[attr-defined]
    pipeline._core = core
    await create_template(core, SYSTEM, name="节日祝福", kind="text", body="{称呼}，节日快乐！")
    return await staff(core, pipeline, "周婷", Role.MARKETER)


async def test_greeting_is_planned_only_after_a_yes(core: Core, marketer: Staff) -> None:
    question = await marketer.says("中秋给所有VIP发祝福")
    assert "中秋节祝福给「VIP客户」（现有0人），09:00发，下一次 2027年9月15日（周三）09:00" in question
    assert (await GreetingPlan.get()).status == "draft"
    assert "已安排「中秋节祝福」" in await marketer.says("是")
    assert (await GreetingPlan.get()).status == "approved"


@pytest.mark.parametrize("no", ["不是", "否", "取消", "撤销"])
async def test_what_is_refused_is_cancelled(core: Core, marketer: Staff, no: str) -> None:
    await make_lead(core)
    await marketer.says("中秋给所有VIP发祝福")
    assert await marketer.says(no) == "已取消「中秋节祝福」。"
    await marketer.says("明天上午10点给所有线索群发节日祝福")
    assert "已取消群发#" in await marketer.says(no)
    assert [(await GreetingPlan.get()).status, (await Broadcast.get()).status] == ["cancelled", "cancelled"]


async def test_the_same_greeting_is_planned_once(core: Core, marketer: Staff) -> None:
    for _ in range(2):
        assert "确认安排吗？" in await marketer.says("元旦给所有VIP发祝福")
    assert "已安排「元旦祝福」" in await marketer.says("是")
    answer = await marketer.says("元旦给所有VIP发祝福")
    assert answer.startswith("已经安排过：元旦祝福给「VIP客户」，09:00发。")
    assert await GreetingPlan.all().count() == 1
    assert "确认安排吗？" in await marketer.says("元旦给所有客户发祝福")


async def test_a_greeting_is_taken_back_or_cancelled_by_its_festival(core: Core, marketer: Staff) -> None:
    await marketer.says("元旦给所有VIP发祝福")
    await marketer.says("是")
    assert await marketer.says("撤销") == "已撤销：「元旦祝福」不再发送"
    assert await marketer.says("取消元旦祝福") == "没有安排过元旦祝福。"
    for whom in ("VIP", "客户"):
        await marketer.says(f"元旦给所有{whom}发祝福")
        await marketer.says("是")
    question = await marketer.says("取消元旦祝福")
    assert "2. 元旦祝福（给「VIP客户」，09:00发）" in question
    assert await marketer.says("2") == "已取消「元旦祝福」。"
    assert await marketer.says("取消元旦祝福") == "已取消「元旦祝福」。"
    assert await GreetingPlan.filter(status="approved").count() == 0


async def test_a_draft_put_aside_is_approved_by_its_number(core: Core, marketer: Staff) -> None:
    await make_lead(core)
    await marketer.says("明天上午10点给所有线索群发节日祝福")
    number = (await Broadcast.get()).id
    assert f"草稿还在，批准请回复：批准群发#{number}" in await marketer.says("帮助")
    assert "明天 10:00开始发送" in await marketer.says(f"批准群发#{number}")
    assert (await Broadcast.get()).status == "scheduled"
    assert "已撤销：群发#" in await marketer.says("撤销")
    assert (await Broadcast.get()).status == "cancelled"


@pytest.mark.parametrize("words", ["确认群发#{}", "发送群发#{}", "批准群发 {}"])
async def test_a_draft_is_approved_while_its_question_is_open(core: Core, marketer: Staff, words: str) -> None:
    await make_lead(core)
    await marketer.says("明天上午10点给所有线索群发节日祝福")
    answer = await marketer.says(words.format((await Broadcast.get()).id))
    assert "明天 10:00开始发送" in answer
    assert "已放下" not in answer
    assert "没有等待确认" in await marketer.says("是")


async def test_who_may_not_approve_is_refused(core: Core, pipeline: Pipeline, marketer: Staff) -> None:
    await make_lead(core)
    await marketer.says("明天上午10点给所有线索群发节日祝福")
    peer = await staff(core, pipeline, "小陈")
    assert await peer.says(f"批准群发#{(await Broadcast.get()).id}") == "没有权限，请联系管理员"
    assert (await Broadcast.get()).status == "draft"


async def test_nobody_to_send_to_is_told(core: Core, marketer: Staff) -> None:
    assert "没有符合条件的人：火星。" in await marketer.says("给火星的客户群发节日祝福 明天上午10点")
    assert await Broadcast.all().count() == 0


async def test_a_greeting_without_a_day_tells_which_there_are(core: Core, marketer: Staff) -> None:
    question = await marketer.says("给所有VIP发祝福")
    assert "元旦" in question
    assert "中秋节祝福给「VIP客户」" in await marketer.says("中秋")


async def test_a_shopping_day_is_a_date(core: Core, marketer: Staff) -> None:
    await make_lead(core)
    assert "2027年11月11日（周四）09:00开始发送" in await marketer.says("双十一给所有线索发祝福")


async def test_broadcast_shows_who_gets_what_and_why_not(core: Core, marketer: Staff) -> None:
    await make_customer_account(core, await make_lead(core, "张伟"), message_window_at=core.clock.now())
    await make_lead(core, "李娜")
    question = await marketer.says("明天上午10点给所有线索群发节日祝福")
    assert "共2人，可发1人" in question
    assert "示例：" in question
    assert "明天 10:00开始发送，确认吗？" in question
    assert (await Broadcast.get()).status == "draft"
    assert "明天 10:00开始发送" in await marketer.says("是")
    assert (await Broadcast.get()).status == "scheduled"
    assert "状态：" in await marketer.says(f"群发#{(await Broadcast.get()).id}发得咋样了")
    assert "已取消群发" in await marketer.says(f"取消群发#{(await Broadcast.get()).id}")
    assert (await Broadcast.get()).status == "cancelled"


async def test_salesperson_is_refused_and_the_try_is_kept(core: Core, chat: Staff) -> None:
    assert await chat.says("中秋给所有VIP发祝福") == "没有权限，请联系管理员"
    assert await GreetingPlan.all().count() == 0


async def test_unsigned_channel_drafts_and_does_not_approve(core: Core, pipeline: Pipeline, marketer: Staff) -> None:
    pipeline._core = replace(pipeline._core, unsigned_channels=frozenset({"dingtalk"}))
    assert "已存为祝福草稿" in await marketer.says("中秋给所有VIP发祝福")
    assert "没有等待确认" in await marketer.says("是")
    assert (await GreetingPlan.get()).status == "draft"
    campaigns = replace(core.settings.campaigns, unsigned_approvals=True)
    pipeline._core = replace(pipeline._core, settings=replace(core.settings, campaigns=campaigns))
    assert "确认安排吗？" in await marketer.says("中秋给所有VIP发祝福")


async def test_quiet_hours_are_told_before_the_yes(core: Core, marketer: Staff) -> None:
    await make_lead(core)
    question = await marketer.says("明天晚上10点给所有线索群发节日祝福")
    assert "那时是免打扰时段，后天 08:30开始发送" in question


async def test_birthday_asks_for_a_template_instead_of_a_festivals_words(core: Core, marketer: Staff) -> None:
    assert "用哪个模板？" in await marketer.says("生日当天早上9点自动发生日祝福 给标签是老会员的")


async def test_same_people_are_one_segment(core: Core, marketer: Staff) -> None:
    for _ in range(2):
        await marketer.says("中秋给所有VIP发祝福")
        await marketer.says("取消")
    assert await Segment.filter(name="VIP客户").count() == 1


async def test_a_yes_to_what_changed_since_the_question_starts_nothing(core: Core, marketer: Staff) -> None:
    await make_customer_account(core, await make_lead(core, "张伟"), message_window_at=core.clock.now())
    assert "确认吗？" in await marketer.says("明天上午10点给所有线索群发节日祝福")
    draft = await Broadcast.get()
    await change_template(core, SYSTEM, draft.template_id, body="{称呼}，没人看过的话")
    assert await marketer.says("是") == "群发「节日祝福」的分群或模板在预览后改过，请重新预览再批准"
    assert (await Broadcast.get()).status == "draft"


async def test_a_yes_to_a_greeting_that_changed_since_the_question_starts_nothing(core: Core, marketer: Staff) -> None:
    await marketer.says("中秋给所有VIP发祝福")
    plan = await GreetingPlan.get()
    await change_template(core, SYSTEM, plan.template_id, body="{称呼}，没人看过的话")
    assert await marketer.says("是") == "祝福计划「中秋节祝福」的分群或模板在起草后改过，请核对后重新保存再批准"
    assert (await GreetingPlan.get()).status == "draft"


@pytest.mark.parametrize("no", ["否", "取消", "撤销", "不用"])
async def test_a_late_no_leaves_what_somebody_else_approved(core: Core, marketer: Staff, no: str) -> None:
    await make_lead(core)
    boss = await make_actor(core, "老板", Role.ADMIN)
    await marketer.says("明天上午10点给所有线索群发节日祝福")
    draft = await Broadcast.get()
    await audience.preview(marketer.pipeline._core, boss, draft.id)
    await broadcasts.approve(marketer.pipeline._core, boss, draft.id)
    answer = await marketer.says(no)
    assert answer.startswith(f"群发#{draft.id}「节日祝福」已被批准（")
    assert answer.endswith(f"没有取消，刚才的问题已关闭。要取消请回复：取消群发#{draft.id}")
    assert (await Broadcast.get()).status == "scheduled"
    assert "没有等待确认" in await marketer.says("是")
    assert "已取消群发#" in await marketer.says(f"取消群发#{draft.id}")


@pytest.mark.parametrize("no", ["否", "取消", "撤销"])
async def test_a_late_no_leaves_a_greeting_somebody_else_approved(core: Core, marketer: Staff, no: str) -> None:
    await marketer.says("中秋给所有VIP发祝福")
    plan = await GreetingPlan.get()
    await greetings.approve(marketer.pipeline._core, await make_actor(core, "老板", Role.ADMIN), plan.id)
    answer = await marketer.says(no)
    assert answer.startswith("祝福「中秋节祝福」已被批准（")
    assert answer.endswith("没有取消，刚才的问题已关闭。要取消请回复：取消中秋节祝福")
    assert (await GreetingPlan.get()).status == "approved"
    assert await marketer.says("取消中秋节祝福") == "已取消「中秋节祝福」。"


async def test_a_late_press_of_the_no_leaves_what_was_approved(core: Core, pipeline: Pipeline, marketer: Staff) -> None:
    await make_lead(core)
    await marketer.says("明天上午10点给所有线索群发节日祝福")
    card = await Message.filter(direction="out").order_by("-id").first()
    assert card is not None
    boss = await staff(pipeline._core, pipeline, "老板", Role.ADMIN)
    await boss.says(f"批准群发#{(await Broadcast.get()).id}")
    data: dict[str, object] = {"card_message_id": card.id, "card_mark": mark_of(card.key), "button": 2}
    await marketer.says("", kind=Kind.EVENT, event=PRESS, data=data)
    assert (await Broadcast.get()).status == "scheduled"


async def test_a_greeting_tells_how_many_the_grid_leaves_out(core: Core, marketer: Staff) -> None:
    await create_template(core, SYSTEM, name="生日祝福", kind="text", body="{称呼}，生日快乐！")
    for number, state in enumerate(("user", "lost")):
        customer = await add_customer(core, SYSTEM, name=f"公司{number}", grade="A")
        await customer.change(core, life_cycle=state)
        contact = await add_contact(core, SYSTEM, name=f"李{number}", customer_id=customer.id)
        await make_customer_account(core, contact, f"o{number}")
    question = await marketer.says("给所有VIP安排生日祝福")
    assert "生日祝福给「VIP客户」（现有2人，其中1人按客户阶段不问候），09:00发" in question


@pytest.mark.parametrize("said", ["元旦祝福有谁", "元旦祝福发给谁？", "元旦给谁发祝福"])
async def test_a_question_about_a_greeting_schedules_none(core: Core, marketer: Staff, said: str) -> None:
    assert await marketer.says(said) == "还没有安排元旦祝福。可以说：元旦给所有VIP发祝福"
    assert await GreetingPlan.all().count() == 0
    customer = await make_lead(core, "张伟")
    await make_customer_account(core, customer, last_inbound_at=core.clock.now())
    await marketer.says("元旦给所有线索发祝福")
    await marketer.says("是")
    told = await marketer.says(said)
    assert "「元旦祝福」" in told
    assert "发给1人：张伟" in told or "不发1人" in told
    assert await GreetingPlan.all().count() == 1
