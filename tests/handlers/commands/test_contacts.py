"""Contacts in chat: added one after another, with role, number and superior; units above and below."""

from crm_core import customers
from crm_core.customers import Contact
from crm_core.employees import actor_of
from crm_core.ports import Core
from handlers.pipeline import Pipeline
from tests.handlers.conftest import Staff, staff


async def test_a_second_contact_is_added_beside_the_first(core: Core, chat: Staff) -> None:
    await customers.add_customer(core, await actor_of(chat.employee), name="云帆科技")
    said = await chat.says("给云帆科技加联系人 王五 决策人 13900139000")
    assert said == "已添加联系人：王五（决策人）\n客户：云帆科技，现有联系人1位\n电话：13900139000"
    said = await chat.says("给云帆科技 加联系人 李四 财务 13800138000 上级王五 权重60")
    assert said == "已添加联系人：李四（财务，上级王五，权重60）\n客户：云帆科技，现有联系人2位\n电话：13800138000"
    first, second = await Contact.all().order_by("id")
    assert (first.name, first.mobile, first.role, first.decision_maker) == ("王五", "+8613900139000", "决策人", True)
    assert (second.role, second.reports_to_id, second.decision_weight) == ("财务", first.id, 60)
    assert await chat.says("联系人 云帆科技") == "云帆科技的联系人2位：\n1. 王五（决策人）\n2. 李四（财务，上级王五，权重60）"
    assert await chat.says("撤销") == "已撤销：联系人「李四」"
    assert "联系人1位" in await chat.says("联系人 云帆科技")


async def test_what_cannot_be_is_one_sentence(core: Core, chat: Staff) -> None:
    await customers.add_customer(core, await actor_of(chat.employee), name="云帆科技")
    assert "没有联系人王五" in await chat.says("给云帆科技加联系人 李四 上级王五")
    assert "没有找到客户「某某」" in await chat.says("给某某加联系人 李四")
    assert "请写成：给A公司加联系人" in await chat.says("加联系人")
    assert await Contact.all().count() == 0
    assert "还没有联系人" in await chat.says("联系人 云帆科技")


async def test_superiors_and_units_make_no_circle_and_are_taken_back(core: Core, chat: Staff) -> None:
    actor = await actor_of(chat.employee)
    for name in ("东风集团", "云帆科技", "云帆上海"):
        await customers.add_customer(core, actor, name=name)
    assert await chat.says("云帆科技的上级单位是东风集团") == "已设：云帆科技的上级单位是东风集团"
    assert await chat.says("把云帆上海归到云帆科技下面") == "已设：云帆上海的上级单位是云帆科技"
    assert await chat.says("东风集团的上级单位是云帆上海") == "上级单位：会成环：它在下级里"
    assert await chat.says("组织架构 云帆科技") == "东风集团\n　云帆科技（当前）\n　　云帆上海"
    assert await chat.says("撤销") == "已撤销，恢复原来的上级"
    assert await chat.says("组织架构 云帆科技") == "东风集团\n　云帆科技（当前）"
    assert "没有上下级单位" in await chat.says("组织架构 云帆上海")
    row = await customers.Customer.get(name="云帆科技")
    for name in ("李四", "王五"):
        await customers.add_contact(core, actor, name=name, customer_id=row.id)
    assert await chat.says("李四的上级是王五") == "已设：李四的上级是王五"
    assert await chat.says("王五的上级是李四") == "上级：会成环：它在下级里"


async def test_a_peer_does_not_see(core: Core, chat: Staff, pipeline: Pipeline) -> None:
    await customers.add_customer(core, await actor_of(chat.employee), name="云帆科技")
    peer = await staff(core, pipeline, "小李")
    assert "没有找到" in await peer.says("联系人 云帆科技")
    assert "没有找到" in await peer.says("给云帆科技加联系人 李四")
