"""A lead becomes a customer in words: made, attached, asked about, with a deal, and taken back."""

from crm_core import activities, customers, opportunities, sharing
from crm_core.activities import subject_of
from crm_core.customers import Contact, Customer
from crm_core.employees import actor_of
from crm_core.leads import Lead
from crm_core.ports import Core
from tests.factories import SYSTEM, make_actor, make_lead
from tests.fakes import FakeClock
from tests.handlers.conftest import Staff


async def test_a_lead_becomes_a_customer_and_a_lead_again(core: Core, chat: Staff) -> None:
    lead = await make_lead(core, "张伟", owner_id=chat.employee.id, company="东风机械", mobile="13800138000")
    await activities.add_follow_up(core, SYSTEM, subject_of(lead), summary="电话")
    answer = await chat.says("转客户 张伟")
    customer = await Customer.get(name="东风机械")
    assert answer == f"已转为客户 #{customer.id}：东风机械\n联系人：张伟\n电话：13800138000"
    contact = await Contact.get(customer_id=customer.id)
    assert [row.summary for row in await activities.history(subject_of(contact))] == ["电话"]
    assert await chat.says("撤销") == "已撤销：恢复为线索"
    assert await Customer.all().count() == await Contact.all().count() == 0
    back = await Lead.get(id=lead.id)
    assert (back.status, back.customer_id) == ("following", None)
    assert [row.summary for row in await activities.history(subject_of(back))] == ["电话"]


async def test_a_known_contact_takes_the_lead_in(core: Core, chat: Staff) -> None:
    actor = await actor_of(chat.employee)
    customer = await customers.add_customer(core, actor, name="东风机械有限公司")
    contact = await customers.add_contact(core, actor, name="张伟", customer_id=customer.id, mobile="13800138000")
    await make_lead(core, "老张", owner_id=chat.employee.id, mobile="13800138000")
    assert (await chat.says("转客户 老张")).startswith(f"已并入客户 #{customer.id}：东风机械有限公司\n联系人：张伟")
    assert await Contact.all().count() == 1
    assert (await Lead.get(name="老张")).contact_id == contact.id


async def test_what_is_not_sure_is_asked(core: Core, chat: Staff) -> None:
    actor = await actor_of(chat.employee)
    customer = await customers.add_customer(core, actor, name="上海东风机械有限公司")
    for word, count in (("1", 1), ("2", 2)):
        await make_lead(core, f"张{word}", owner_id=chat.employee.id, company="东风机械")
        question = await chat.says(f"转客户 张{word}")
        assert question.startswith("可能已有这位客户，「东风机械」转到哪一个？")
        assert "1. 客户 上海东风机械有限公司（公司名称相同，地区只写了一边）" in question
        answer = await chat.says(word if word == "1" else "新建客户")
        assert answer.startswith("已并入客户" if word == "1" else "已转为客户")
        assert await Customer.all().count() == count
    assert await Contact.filter(customer_id=customer.id).count() == 1


async def test_a_deal_is_opened_in_the_same_step_and_goes_with_the_undo(core: Core, chat: Staff) -> None:
    await make_lead(core, "张伟", owner_id=chat.employee.id, company="东风机械")
    answer = await chat.says("转客户 张伟 商机 网关项目 50万")
    deal = await opportunities.Opportunity.get()
    assert (deal.name, str(deal.amount)) == ("网关项目", "500000.00")
    assert f"商机：#{deal.id} 网关项目" in answer
    assert "已撤销" in await chat.says("撤销")
    assert await Customer.all().count() == 0


async def test_a_potential_customer_is_a_level_of_the_lead(core: Core, chat: Staff) -> None:
    lead = await make_lead(core, "张伟", owner_id=chat.employee.id)
    assert await chat.says("转潜客 张伟") == "已升为潜客：张伟，跟进记录不变"
    assert (await Lead.get(id=lead.id)).qualification == "potential"
    assert await chat.says("撤销") == "已撤销：张伟恢复为线索"
    assert (await Lead.get(id=lead.id)).qualification == "lead"
    assert "例如" in await chat.says("转潜客")
    assert "例如" in await chat.says("转客户")
    assert await chat.says("转潜客 没有这人") == "没有找到线索「没有这人」，请核对后再试"


async def test_a_pool_lead_is_claimed_first(core: Core, chat: Staff) -> None:
    await make_lead(core, "张伟")
    for words in ("转客户 张伟", "转潜客 张伟"):
        assert await chat.says(words) == "这条线索还在公海，请先领取"


async def test_it_is_taken_back_for_a_day_unless_it_has_grown(core: Core, chat: Staff, clock: FakeClock) -> None:
    lead = await make_lead(core, "张伟", owner_id=chat.employee.id, company="东风机械")
    await chat.says("转客户 张伟")
    clock.advance(23 * 3600)
    assert await chat.says("撤销") == "已撤销：恢复为线索"
    await chat.says("转客户 张伟")
    clock.advance(25 * 3600)
    assert "已撤销" not in await chat.says("撤销")
    assert (await Lead.get(id=lead.id)).status == "converted"
    other = await make_lead(core, "李娜", owner_id=chat.employee.id, company="云帆科技")
    await chat.says("转客户 李娜 商机 网关项目")
    contact = await Contact.get(name="李娜")
    await activities.add_follow_up(core, SYSTEM, subject_of(contact), summary="拜访")
    assert await chat.says("撤销") == "「转客户：李娜」之后又有新的记录，不能整个撤销"
    assert (await Lead.get(id=other.id)).contact_id == contact.id
    assert await opportunities.Opportunity.all().count() == 1


async def test_a_customer_shared_for_reading_is_not_offered(core: Core, chat: Staff) -> None:
    owner = await make_actor(core, "小李")
    customer = await customers.add_customer(core, owner, name="上海东风机械有限公司")
    await make_lead(core, "张伟", owner_id=chat.employee.id, company="东风机械")
    await sharing.share(core, owner, customer.id, chat.employee.id)
    assert (await chat.says("转客户 张伟")).startswith("已转为客户")
    await chat.says("撤销")
    await sharing.share(core, owner, customer.id, chat.employee.id, may_write=True)
    assert "1. 客户 上海东风机械有限公司" in await chat.says("转客户 张伟")


async def test_the_name_may_follow_without_a_blank(core: Core, chat: Staff) -> None:
    await make_lead(core, "孙权", owner_id=chat.employee.id, company="东吴机械")
    assert (await chat.says("转客户孙权")).startswith("已转为客户")
    assert await Customer.filter(name="东吴机械").exists()


async def test_a_lead_is_converted_with_a_deal_as_people_say_it(core: Core, chat: Staff) -> None:
    await make_lead(core, "赵丽颖", company="云帆科技", owner_id=chat.employee.id)
    answer = await chat.says("转客户 赵丽颖 建商机 网关 30万")
    assert answer.startswith("已转为客户 #")
    assert "商机：#" in answer
    assert "没有找到线索「苏涛」" in await chat.says("转客户 苏涛")
