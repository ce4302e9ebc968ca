"""The card: complete for the owner, masked for others and in groups, with what may be sent to whom."""

from dataclasses import replace
from datetime import timedelta

from crm_core import leads
from crm_core.access import Role
from crm_core.employees import actor_of
from crm_core.leads import Lead
from crm_core.ports import Core
from crm_core.reach import ReachRule, Window
from handlers.pipeline import Pipeline
from tests.factories import make_customer_account, make_lead
from tests.handlers.conftest import Staff, staff


async def test_card_shows_numbers_to_the_owner_and_masks_them_for_others(core: Core, pipeline: Pipeline, chat: Staff) -> None:
    await make_lead(core, owner_id=chat.employee.id, mobile="13800138000", company="东风机械厂")
    assert "手机：13800138000" in await chat.says("看下张伟的资料")
    viewer = await staff(core, pipeline, "访客", Role.VIEWER)
    assert "手机：138****8000" in await viewer.says("看下张伟的资料")
    peer = await staff(core, pipeline, "小陈")
    for name in ("张伟", "小王", "张伟伟"):  # a colleague's customer is answered like nobody's
        assert await peer.says(f"看下{name}的资料") == f"没有找到「{name}」，请核对姓名或公司后再试"


async def test_card_is_masked_in_a_group(core: Core, chat: Staff) -> None:
    await make_lead(core, owner_id=chat.employee.id, mobile="13800138000")
    chat.address = replace(chat.address, conversation="cidGroup")
    assert "手机：138****8000" in await chat.says("看下张伟的资料")


async def test_card_tells_what_may_still_be_sent(core: Core, pipeline: Pipeline, chat: Staff) -> None:
    pipeline._core = replace(
        core, reach={"wechat": ReachRule(message=Window(5, timedelta(hours=48)))}, channel_labels={"wechat": "公众号"}
    )
    lead = await make_lead(core, owner_id=chat.employee.id)
    account = await make_customer_account(core, lead, message_window_at=core.clock.now(), message_window_used=2)
    assert "渠道：公众号，还可发3条" in await chat.says("看下张伟的资料")
    await account.change(core, message_window_used=5, opted_out_at=core.clock.now())
    assert "渠道：公众号，暂不能主动发，客户再发一条消息后可以，已退订群发" in await chat.says("看下张伟的资料")


async def test_card_ends_with_the_last_follow_ups(core: Core, chat: Staff) -> None:
    await make_lead(core, owner_id=chat.employee.id)
    await chat.says("刚和张伟通了电话，嫌贵")
    assert "跟进：今天 10:00 电话" in await chat.says("看下张伟的资料")


async def test_card_keeps_the_history_after_conversion(core: Core, chat: Staff) -> None:
    lead = await make_lead(core, owner_id=chat.employee.id, company="东风机械厂")
    await chat.says("刚和张伟通了电话，嫌贵")
    await leads.convert(core, await actor_of(chat.employee), lead.id)
    assert "跟进：今天 10:00 电话" in await chat.says("看下张伟的资料")


async def test_a_contact_of_a_colleague_is_not_told_of(core: Core, pipeline: Pipeline, chat: Staff) -> None:
    lead = await make_lead(core, owner_id=chat.employee.id, mobile="13800138000")
    await leads.convert(core, await actor_of(chat.employee), lead.id)
    peer = await staff(core, pipeline, "小陈")
    assert await peer.says("看下张伟的资料") == "没有找到「张伟」，请核对姓名或公司后再试"


async def test_a_look_never_makes_anything(core: Core, chat: Staff) -> None:
    assert await chat.says("看下新线索的资料") == "是哪位客户？"
    assert "没有找到「微信访客115」" in await chat.says("看下微信访客115的资料")
    await chat.says("新线索")
    assert "没有找到「微信访客115」" in await chat.says("看下微信访客115的资料")
    assert await Lead.all().count() == 0
    await make_lead(core, "微信访客115")
    assert "【微信访客115】线索" in await chat.says("看下微信访客115的资料")


async def test_a_name_of_the_pool_hides_its_number(core: Core, chat: Staff) -> None:
    await make_lead(core, "李姐13700137000", need="打13800138000找我")
    card = await chat.says("看下李姐的资料")
    assert card.startswith("【李姐137****7000】线索")
    assert "需求：打138****8000找我" in card
