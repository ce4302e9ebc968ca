"""A manager's remark reaches the writer, who says that it was read."""

import pytest_asyncio

from crm_core.access import Role
from crm_core.activities import ReviewComment
from crm_core.conversations import Message
from crm_core.ports import Core
from handlers.pipeline import Pipeline
from tests.factories import make_lead
from tests.handlers.conftest import Staff, staff


@pytest_asyncio.fixture
async def boss(core: Core, pipeline: Pipeline) -> Staff:
    return await staff(core, pipeline, "老周", Role.MANAGER)


@pytest_asyncio.fixture
async def seller(core: Core, pipeline: Pipeline, boss: Staff) -> Staff:
    made = await staff(core, pipeline, "小王", manager_id=boss.employee.id)
    await make_lead(core, owner_id=made.employee.id)
    await made.says("刚和张伟通了电话，嫌贵")
    return made


async def told(name: str) -> str:
    row = await Message.filter(topic="review", external_account=f"staff-{name}").order_by("-id").first()
    return row.text if row else ""


async def test_a_remark_reaches_the_writer_and_is_read(core: Core, boss: Staff, seller: Staff) -> None:
    assert "1. 小王，今天 10:00，张伟，电话" in await boss.says("最近跟进 小王")
    answer = await boss.says("批复第1条：价格先别让，约他来工厂")
    assert answer.startswith("已批复张伟的跟进")
    assert "已通知小王" in answer
    assert "老周批复了张伟的跟进" in await told("小王")
    assert "价格先别让，约他来工厂" in await told("小王")
    assert "（未读）" in await boss.says("最近跟进 小王")
    assert "老周（张伟）：价格先别让" in await seller.says("我的批复")
    assert await seller.says("已读批复") == "已读1条批复。"
    assert await told("老周") == "小王已读批复：价格先别让，约他来工厂"
    assert "（已读）" in await boss.says("最近跟进 小王")
    assert await seller.says("我的批复") == "没有未读的批复。"


async def test_a_remark_by_name_is_on_the_newest_record(core: Core, boss: Staff, seller: Staff) -> None:
    assert "已批复张伟的跟进" in await boss.says("点评张伟：抓紧")
    assert "已批复张伟的跟进" in await boss.says("批复 小王：下次带上样品")
    assert await ReviewComment.all().count() == 2


async def test_a_remark_is_taken_back_before_it_is_sent(core: Core, boss: Staff, seller: Staff) -> None:
    await boss.says("点评张伟：抓紧")
    assert "已撤销批复：抓紧" in await boss.says("撤销")
    assert (await Message.get(topic="review")).status == "cancelled"
    assert await seller.says("已读批复") == "没有未读的批复。"


async def test_a_peer_cannot_remark_on_what_they_do_not_see(core: Core, seller: Staff, pipeline: Pipeline) -> None:
    peer = await staff(core, pipeline, "小陈")
    assert "已批复" not in await peer.says("点评张伟：抓紧")
    await peer.says("取消")
    assert await ReviewComment.all().count() == 0
    assert await peer.says("最近跟进 小王") == "没有联系记录。说一句就能记，例如：刚和张伟通了电话，嫌贵"


async def test_a_colleague_by_the_name_they_are_called(core: Core, pipeline: Pipeline) -> None:
    writer, boss = await staff(core, pipeline, "王磊"), await staff(core, pipeline, "老周", Role.ADMIN)
    await make_lead(core, owner_id=writer.employee.id)
    await writer.says("刚和张伟通了电话，嫌贵")
    for words in ("最近跟进 小王", "看小王的跟进", "小王最近跟进了谁"):
        assert "1. 王磊，" in await boss.says(words)
    assert "本周" in await boss.says("小王最近在干什么")
    assert (await boss.says("小王 本周")).startswith("王磊 本周：")
    assert "给1人" in await boss.says("发公告 小王：测试一下")
    await staff(core, pipeline, "王芳")
    assert "说全名" in await boss.says("发公告 小王：测试一下")
