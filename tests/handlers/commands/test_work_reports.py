"""Reports of work and the staff centre in words: asked on Friday, pre-filled, kept for the manager."""

from datetime import timedelta

import pytest_asyncio

from crm_core.access import Role
from crm_core.conversations import Message
from crm_core.errors import Refused
from crm_core.ports import Core
from crm_core.work_reports import WorkReport
from handlers.pipeline import Pipeline
from scheduler.jobs import work_reports as job
from tests.factories import make_lead
from tests.fakes import FakeClock
from tests.handlers.conftest import Staff, staff


@pytest_asyncio.fixture
async def boss(core: Core, pipeline: Pipeline) -> Staff:
    return await staff(core, pipeline, "老周", Role.MANAGER)


@pytest_asyncio.fixture
async def seller(core: Core, pipeline: Pipeline, boss: Staff) -> Staff:
    made = await staff(core, pipeline, "小王", manager_id=boss.employee.id)
    await make_lead(core, owner_id=made.employee.id)
    return made


async def test_the_bot_asks_on_friday_and_keeps_the_answer(core: Core, clock: FakeClock, boss: Staff, seller: Staff) -> None:
    await seller.says("刚和张伟通了电话，嫌贵")
    await seller.says("刚拜访了张伟，对方嫌贵")
    assert not await job.run(core)
    clock.advance(timedelta(days=2, hours=7))
    assert await job.run(core)
    asked = await Message.get(topic="work_report", external_account="staff-小王")
    assert "该交周报了。本周按记录：\n拜访0次\n跟进2条（" in asked.text
    assert "电话1" in asked.text
    assert "建议：" in asked.text
    assert not await job.run(core)
    assert "周报草稿（按记录）" in await seller.says("周报")
    assert "已交周报（11月23日至11月29日）" in await seller.says("周报：按草稿")
    assert "跟进2条" in (await WorkReport.get()).text
    again = await seller.says("周报：本周拜访1家，下周签张伟的合同")
    assert "替换了之前交的" in again
    shown = await boss.says("看周报")
    assert "1. 小王：本周拜访1家，下周签张伟的合同" in shown
    assert await seller.says("撤销") == "已撤销：周报恢复成之前交的"
    assert "跟进2条" in (await WorkReport.get()).text


async def test_who_has_not_handed_in_is_named_to_the_manager(core: Core, boss: Staff, seller: Staff) -> None:
    assert await boss.says("看日报") == "还没有人交日报。\n还没交：小王"
    await seller.says("日报：今天拜访3家")
    assert "1. 小王：今天拜访3家" in await boss.says("看日报")
    assert await seller.says("撤销") == "已撤销日报"
    assert "还没交：小王" in await boss.says("看日报")


async def test_the_staff_centre_shows_the_week(
    core: Core, clock: FakeClock, boss: Staff, seller: Staff, pipeline: Pipeline
) -> None:
    await seller.says("刚和张伟通了电话，嫌贵，今天下午3点再联系")
    await seller.says("今天下午去张伟那边")
    clock.advance(timedelta(hours=8))
    for words in ("小王 本周", "员工中心 小王 本周"):
        shown = await boss.says(words)
        assert shown.startswith("小王 本周：\n拜访0次（登记外出1次）\n跟进1条（电话1），涉及1位客户\n推进商机0次")
        assert "逾期待办1条：张伟：" in shown
        assert "外出未记录1次" in shown
    assert (await seller.says("我 今天")).startswith("小王 今天：")
    peer = await staff(core, pipeline, "小陈")
    assert await peer.says("小王 本周") == Refused().sentence()
