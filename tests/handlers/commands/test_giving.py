"""Giving a lead or a customer to a colleague in a sentence: rights, notice, undo."""

import pytest

from crm_core import customers
from crm_core.access import Role
from crm_core.assignment_tables import Offer
from crm_core.audit import AuditEntry
from crm_core.conversations import Message
from crm_core.customers import Contact, Customer
from crm_core.employees import Employee
from crm_core.leads import Lead
from crm_core.pool_claims import PoolClaim
from crm_core.ports import Core
from handlers.pipeline import Pipeline
from tests.factories import SYSTEM, make_lead
from tests.handlers.conftest import Staff, staff


async def owner_of(lead: Lead) -> int | None:
    return (await Lead.get(id=lead.id)).owner_id


@pytest.mark.parametrize("words", ["把张伟这条线索转给李娜", "把张伟转给李娜", "张伟以后由李娜跟进", "把张伟的线索交给李娜"])
async def test_an_own_lead_is_given_told_and_taken_back(core: Core, chat: Staff, pipeline: Pipeline, words: str) -> None:
    taker = await staff(core, pipeline, "李娜")
    lead = await make_lead(core, owner_id=chat.employee.id)
    assert await chat.says(words) == "已分配：张伟分给李娜。说错了回复「撤销」"
    assert await owner_of(lead) == taker.employee.id
    told = await Message.get(topic="assignment")
    assert (told.external_account, told.text) == ("staff-李娜", f"小王分来线索：张伟（#{lead.id}）")
    assert await AuditEntry.filter(action="lead.assign", object_id=lead.id).count() == 1
    assert await chat.says("撤销") == "已撤销"
    assert await owner_of(lead) == chat.employee.id
    assert not await PoolClaim.filter(employee_id=taker.employee.id).exists()


async def test_whoever_had_it_hears_of_it_and_both_of_the_undo(core: Core, pipeline: Pipeline) -> None:
    boss = await staff(core, pipeline, "老周", Role.MANAGER)
    had, taker = await staff(core, pipeline, "陈晨"), await staff(core, pipeline, "王磊")
    await Employee.filter(id=had.employee.id).update(manager_id=boss.employee.id)
    lead = await make_lead(core, "张伟", owner_id=had.employee.id)
    assert "已分配：张伟分给王磊" in await boss.says(f"把#{lead.id}指派给王磊")
    assert await owner_of(lead) == taker.employee.id

    async def told(who: str) -> list[str]:
        rows = Message.filter(topic="assignment", external_account=f"staff-{who}").order_by("id")
        return [row.text for row in await rows]

    assert await told("陈晨") == [f"老周把你的线索张伟（#{lead.id}）分给了王磊"]
    await boss.says("撤销")
    assert (await told("陈晨"))[1:] == ["老周撤销了：张伟分给王磊"]
    assert (await told("王磊"))[1:] == ["老周撤销了：张伟分给王磊"]


async def test_the_reason_goes_with_it(core: Core, chat: Staff, pipeline: Pipeline) -> None:
    await staff(core, pipeline, "李娜")
    await make_lead(core, owner_id=chat.employee.id)
    await chat.says("把张伟转给李娜 我要休假")
    assert (await Message.get(topic="assignment")).text.endswith("\n原因：我要休假")
    assert (await Offer.get()).reason == "小王指定：我要休假"


async def test_a_lead_is_named_by_its_number_and_by_its_place_in_the_list(core: Core, pipeline: Pipeline) -> None:
    boss, taker = await staff(core, pipeline, "老周", Role.MANAGER), await staff(core, pipeline, "林小舟")
    first, second = await make_lead(core, "张伟"), await make_lead(core, "李娜")
    assert "已分配：张伟分给林小舟" in await boss.says(f"把#{first.id}指派给林小舟")
    await boss.says("公海")
    assert "已分配：李娜分给林小舟" in await boss.says("第1条转给林小舟")
    assert [await owner_of(first), await owner_of(second)] == [taker.employee.id] * 2


async def test_nobody_gives_away_what_is_not_theirs(core: Core, chat: Staff, pipeline: Pipeline) -> None:
    other = await staff(core, pipeline, "李娜")
    hers = await make_lead(core, "陈思远", owner_id=other.employee.id)
    pooled = await make_lead(core, "张伟")
    assert (await chat.says("把陈思远转给小王")).startswith("没有")
    assert await chat.says("把张伟转给李娜") == "没有权限，请联系管理员"
    assert [await owner_of(hers), await owner_of(pooled)] == [other.employee.id, None]
    viewer = await staff(core, pipeline, "看", Role.VIEWER)
    assert await viewer.says("把张伟转给李娜") == "没有权限，请联系管理员"


async def test_a_manager_gives_a_customer_with_its_contacts(core: Core, pipeline: Pipeline) -> None:
    boss = await staff(core, pipeline, "老周", Role.ADMIN)
    one, two = await staff(core, pipeline, "小王"), await staff(core, pipeline, "李娜")
    customer = await customers.add_customer(core, SYSTEM, name="恒信集团", owner_id=one.employee.id)
    contact = await customers.add_contact(core, SYSTEM, name="王建国", customer_id=customer.id)
    told = await boss.says("恒信集团转给李娜跟进 原来的人离职了")
    assert told == "已转给李娜：客户「恒信集团」和它的联系人、商机、待办。说错了回复「撤销」"
    assert (await Customer.get(id=customer.id)).owner_id == (await Contact.get(id=contact.id)).owner_id == two.employee.id
    assert (await Message.get(topic="assignment")).text.startswith("老周把客户「恒信集团」转给了你\n原因：")
    assert await boss.says("撤销") == "已撤销：客户「恒信集团」转给李娜"
    assert (await Customer.get(id=customer.id)).owner_id == (await Contact.get(id=contact.id)).owner_id == one.employee.id
    assert await one.says("把恒信集团转给李娜") == "没有权限，请联系管理员"
