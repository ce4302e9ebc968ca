"""Greetings and broadcasts in words: nothing starts without a yes."""

from dataclasses import replace
from datetime import timedelta

import pytest_asyncio

from campaigns.broadcasts import Broadcast
from campaigns.greetings import GreetingPlan
from campaigns.templates import create_template
from crm_core.access import Role
from crm_core.ports import Core
from crm_core.reach import ReachRule, Window
from crm_core.segments import Segment
from handlers.pipeline import Pipeline
from tests.factories import SYSTEM, make_customer_account, make_lead
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


async def test_greeting_refused_stays_a_draft(core: Core, marketer: Staff) -> None:
    await marketer.says("中秋给所有VIP发祝福")
    assert await marketer.says("不是") == "好的，已取消。"
    assert (await GreetingPlan.get()).status == "draft"


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
    question = await marketer.says("明天晚上10点给所有线索群发节日祝福")
    assert "那时是免打扰时段，后天 08:30开始发送" in question


async def test_birthday_asks_for_a_template_instead_of_a_festivals_words(core: Core, marketer: Staff) -> None:
    assert "用哪个模板？" in await marketer.says("生日当天早上9点自动发生日祝福 给标签是老会员的")


async def test_same_people_are_one_segment(core: Core, marketer: Staff) -> None:
    for _ in range(2):
        await marketer.says("中秋给所有VIP发祝福")
        await marketer.says("取消")
    assert await Segment.filter(name="VIP客户").count() == 1
