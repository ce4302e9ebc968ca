"""The card: complete for the owner, masked for others and in groups, with what may be sent to whom."""

from dataclasses import replace
from datetime import timedelta

from crm_core import activities, conversion, customers
from crm_core.access import Role
from crm_core.activities import FollowUp
from crm_core.audit import AuditEntry
from crm_core.employees import actor_of
from crm_core.field_rules import FieldSettings, OwnFields
from crm_core.leads import Lead
from crm_core.ports import Core
from crm_core.reach import ReachRule, Window
from crm_core.win_loss import win
from handlers.commands import all_commands
from handlers.pipeline import Pipeline
from handlers.router import Router
from tests.factories import SYSTEM, make_customer_account, make_deal, make_lead
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
    await conversion.convert(core, await actor_of(chat.employee), lead.id)
    assert "跟进：今天 10:00 电话" in await chat.says("看下张伟的资料")


FIELDS = OwnFields((FieldSettings("customer", "budget_level", "预算等级", "choice", ("高", "低")),))


async def test_own_fields_are_said_at_once_and_checked(core: Core) -> None:
    core = replace(core, settings=replace(core.settings, fields=FIELDS))
    chat = await staff(core, Pipeline(core, Router(all_commands())), "小王")
    await customers.add_customer(core, await actor_of(chat.employee), name="云帆科技")
    assert await chat.says("云帆科技 预算等级 高") == "已更新：云帆科技 预算等级：高"
    assert "预算等级：高" in await chat.says("看下云帆科技的资料")
    assert await chat.says("云帆科技 预算等级 特高") == "预算等级：只能是高、低"
    assert await chat.says("把云帆科技的预算等级改成低") == "已更新：云帆科技 预算等级：低"
    assert await chat.says("撤销") == "已撤销，改回原来的内容"
    assert "预算等级：高" in await chat.says("看下云帆科技的资料")


async def test_columns_are_corrected_and_the_five_questions_answered(core: Core, chat: Staff) -> None:
    assert "还没有客户" in await chat.says("我有多少客户")
    await customers.add_customer(core, await actor_of(chat.employee), name="云帆科技")
    assert await chat.says("把云帆科技的行业改成制造业") == "已更新：云帆科技 行业：制造业"
    assert await chat.says("云帆科技是什么行业") == "云帆科技，行业：制造业"
    assert await chat.says("云帆科技在哪里") == "云帆科技，地区：未填"
    assert await chat.says("云帆科技买过什么") == "云帆科技，买过：还没有记录"
    assert await chat.says("云帆科技欠多少") == "云帆科技，欠款：未填，可以说：把客户名的欠款改成1万"
    await chat.says("把云帆科技的欠款改成1.5万")
    assert await chat.says("云帆科技欠多少钱？") == "云帆科技，欠款：¥15,000.00"
    assert await chat.says("我有多少客户") == "能看到的客户共1家：单位1家，个人0家；自己名下1家。"


async def test_shared_in_words_shown_and_revoked(core: Core, pipeline: Pipeline, chat: Staff) -> None:
    await customers.add_customer(core, await actor_of(chat.employee), name="云帆科技")
    peer = await staff(core, pipeline, "小李")
    assert await chat.says("共享 云帆科技 给 小李") == "已共享：云帆科技 → 小李（可查看和跟进）"
    assert "协作人：小李（只看和跟进）" in await peer.says("看下云帆科技的资料")
    assert "权限" in await peer.says("把云帆科技的行业改成软件")
    assert await AuditEntry.filter(action="chat.refused").count() == 1
    assert await chat.says("把云帆科技共享给小李 可改") == "已共享：云帆科技 → 小李（可查看、跟进和修改）"
    assert "已更新" in await peer.says("把云帆科技的行业改成软件")
    assert "小李（可改）" in await chat.says("协作人 云帆科技")
    assert await chat.says("取消共享 云帆科技 小李") == "已取消共享：云帆科技，小李不再可见"
    assert "没有找到" in await peer.says("看下云帆科技的资料")


async def test_deleting_asks_first_and_comes_back(core: Core, chat: Staff) -> None:
    await customers.add_customer(core, await actor_of(chat.employee), name="云帆科技")
    await chat.says("建商机 云帆科技 网关项目 50万")
    asked = await chat.says("删除客户 云帆科技")
    assert asked.startswith("删除客户「云帆科技」和它的联系人、1个商机？")
    assert "24小时内可撤销" in asked
    assert await chat.says("是") == "已删除：云帆科技。回复“撤销”可恢复。"
    assert "没有找到" in await chat.says("看下云帆科技的资料")
    assert "恢复原样" in await chat.says("撤销")
    assert "【云帆科技】客户，单位" in await chat.says("看下云帆科技的资料")


async def test_a_contact_of_a_colleague_is_not_told_of(core: Core, pipeline: Pipeline, chat: Staff) -> None:
    lead = await make_lead(core, owner_id=chat.employee.id, mobile="13800138000")
    await conversion.convert(core, await actor_of(chat.employee), lead.id)
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


async def test_a_lead_s_budget_is_corrected_and_what_only_customers_have_is_told(core: Core, chat: Staff) -> None:
    lead = await make_lead(core, "赵丽颖", company="东吴集团", amount="300000.00", owner_id=chat.employee.id)
    assert "已更新：赵丽颖 预算：40万" in await chat.says("赵丽颖的预算改成40万")
    assert (await Lead.get(id=lead.id)).amount == "400000.00"
    await chat.says("撤销")
    assert (await Lead.get(id=lead.id)).amount == "300000.00"
    assert "还是线索，请先转客户" in await chat.says("把东吴集团的欠款改成1万元")
    assert await FollowUp.all().count() == 0


async def test_the_card_of_a_lead_of_the_pool_hides_how_to_reach_it(core: Core, chat: Staff) -> None:
    lead = await make_lead(core, "张伟", need="微信zw123", mobile="13800138000")
    await activities.add_follow_up(core, SYSTEM, activities.subject_of(lead), summary="电话13800138000，微信zw123")
    said = await chat.says("看下张伟的资料")
    assert "电话138****8000，微信z***" in said
    assert "13800138000" not in said
    assert "zw123" not in said


async def test_the_card_and_the_file_tell_the_same_of_purchases_and_worth(core: Core, chat: Staff) -> None:
    actor = await actor_of(chat.employee)
    row = await customers.add_customer(core, actor, name="云帆科技")
    deal = await make_deal(core, actor, customer_id=row.id, amount="300000", product="智能网关")
    await win(core, actor, deal.id)
    card, file, worth = [await chat.says(words) for words in ("看下云帆科技的资料", "客户档案 云帆科技", "价值 云帆科技")]
    bought = next(line for line in file.splitlines() if line.startswith("买过："))
    assert "智能网关 ¥300,000.00" in bought
    assert bought in card
    grade = worth.splitlines()[0].removeprefix("云帆科技：价值").replace("级", "")
    assert f"价值：{grade}" in card
