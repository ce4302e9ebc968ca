"""Data changed in a sentence: of a lead, of a contact, taken back, hidden where others read along."""

from dataclasses import replace

from crm_core import customers
from crm_core.customers import Contact
from crm_core.employees import actor_of
from crm_core.leads import Lead
from crm_core.ports import Core
from tests.factories import make_lead
from tests.handlers.conftest import Staff


async def test_a_lead_gets_a_new_number_and_the_old_one_back(core: Core, chat: Staff) -> None:
    lead = await make_lead(core, "孙权", company="东吴集团", owner_id=chat.employee.id, mobile="13800138001")
    assert await chat.says("孙权手机改成13800139124") == "已更新：孙权\n电话：13800139124"
    assert (await Lead.get(id=lead.id)).mobile == "+8613800139124"
    assert await chat.says("撤销") == "已撤销，改回原来的内容"
    assert (await Lead.get(id=lead.id)).mobile == "+8613800138001"
    assert "电话：13800139124" in await chat.says("给孙权加个手机13800139124")
    assert await chat.says("把孙权的职务改成副总") == "已更新：孙权 职务：副总"
    await chat.says("把孙权的生日改成5月6日")
    assert (await Lead.get(id=lead.id)).birthday == "05-06"
    assert "没有「地址」这个字段" in await chat.says("孙权搬到苏州工业园区星湖街8号了")


async def test_any_column_of_a_lead_is_corrected(core: Core, chat: Staff) -> None:
    lead = await make_lead(core, "赵丽颖", company="云帆科技", owner_id=chat.employee.id)
    assert await chat.says("把赵丽颖的电话改成13800138032") == "已更新：赵丽颖 电话：13800138032"
    assert await chat.says("改资料 赵丽颖 地区 杭州") == "已更新：赵丽颖 地区：杭州"
    assert await chat.says("撤销") == "已撤销，改回原来的内容"
    changed = await Lead.get(id=lead.id)
    assert (changed.mobile, changed.region) == ("+8613800138032", "")


async def test_a_contact_goes_to_another_customer(core: Core, chat: Staff) -> None:
    actor = await actor_of(chat.employee)
    first, second = [await customers.add_customer(core, actor, name=name) for name in ("东吴集团", "云帆科技")]
    person = await customers.add_contact(core, actor, name="孙权", customer_id=first.id)
    assert "公司：云帆科技" in await chat.says("孙权跳槽到云帆科技了")
    assert (await Contact.get(id=person.id)).customer_id == second.id
    await chat.says("撤销")
    assert (await Contact.get(id=person.id)).customer_id == first.id


async def test_nobody_of_that_name_and_a_group(core: Core, chat: Staff) -> None:
    assert "没有找到" in await chat.says("张伟换号了，新电话13800000000")
    await make_lead(core, "孙权", owner_id=chat.employee.id)
    chat.address = replace(chat.address, conversation="cidGroup")
    assert "138****9124" in await chat.says("孙权手机改成13800139124")
