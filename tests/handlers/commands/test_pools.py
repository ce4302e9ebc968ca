"""The pool in words: pages, giving back, bare numbers, the end of a contract."""

from dataclasses import replace
from datetime import date

from crm_core import customers
from crm_core.employees import actor_of
from crm_core.leads import Lead
from crm_core.pool_rules import PoolKind, PoolSettings
from crm_core.ports import Core
from handlers.commands import all_commands
from handlers.pipeline import Pipeline
from handlers.router import Router
from tests.factories import make_lead
from tests.handlers.conftest import Staff


async def test_pages_follow_each_other_and_claiming_takes_the_number_shown(core: Core, chat: Staff) -> None:
    for n in range(12):
        await make_lead(core, f"客户{n}")
    assert (await chat.says("公海")).startswith("公海共12条，最新10条：\n1. 客户11")
    assert await chat.says("公海下一页") == "公海共12条，第11到12条：\n11. 客户1\n12. 客户0\n回复“领取 序号”或“领取 姓名”领取"
    assert await chat.says("领 12") == "已领取：客户0"
    assert await chat.says("领 2") == "已领取：客户10"
    assert await chat.says("公海下一页") == "没有更多了。"


async def test_the_day_s_number_of_leads_shown_is_told(core: Core, chat: Staff) -> None:
    settings = PoolSettings(views_a_day=3, kinds=(PoolKind("fair", "展会公海"),))
    core = replace(core, settings=replace(core.settings, pools=settings))
    talker = Staff(core, Pipeline(core, Router(all_commands())), chat.address)
    for n in range(4):
        await make_lead(core, f"客户{n}", pool="fair" if n else "")
    assert (await talker.says("公海 展会公海")).startswith("展会公海共3条，最新3条：")
    assert await talker.says("公海") == "今天已查看3条公海线索，达到每日上限，请明天再看"
    assert await talker.says("看下客户0的资料") == "今天已查看3条公海线索，达到每日上限，请明天再看"


async def test_a_lead_goes_back_with_a_reason_and_comes_again(core: Core, chat: Staff) -> None:
    lead = await make_lead(core, owner_id=chat.employee.id)
    assert await chat.says("退回 张伟 一直联系不上") == "已退回公海：张伟（一直联系不上）。说错了回复「撤销」"
    assert (await Lead.get(id=lead.id)).owner_id is None
    assert await chat.says("撤销") == "已撤销：张伟还在名下"
    assert (await Lead.get(id=lead.id)).owner_id == chat.employee.id
    assert (await chat.says("把张伟放回公海，一直联系不上")).startswith("已退回公海：张伟")


async def test_bare_numbers_are_thrown_in_and_taken_out(core: Core, chat: Staff) -> None:
    assert await chat.says("入公海 13800138000\n13900139000，12345") == "已放进公海2个号码，不是号码：12345。"
    assert "客户9000，139****9000" in await chat.says("公海")
    assert await chat.says("入公海 13800138000") == "已放进公海0个号码，已有1个，没有重复放入。"
    assert await chat.says("撤销") == "已撤销：2个号码从公海取出"
    assert await chat.says("公海") == "公海里暂时没有符合的线索。"


async def test_the_end_of_a_contract_is_noted(core: Core, chat: Staff) -> None:
    lead = await make_lead(core, owner_id=chat.employee.id)
    assert await chat.says("合同到期 张伟 2027年6月30日") == "已记：张伟的合同2027年6月30日到期。说错了回复「撤销」"
    assert (await Lead.get(id=lead.id)).contract_ends_on == date(2027, 6, 30)
    assert await chat.says("撤销") == "已撤销：张伟的合同到期日"
    assert (await Lead.get(id=lead.id)).contract_ends_on is None


async def test_of_two_namesakes_it_is_asked_whose_contract_ends(core: Core, chat: Staff) -> None:
    actor = await actor_of(chat.employee)
    await make_lead(core, "张伟", company="东风机械厂", owner_id=chat.employee.id)
    row = await customers.add_customer(core, actor, name="云帆科技")
    await customers.add_contact(core, actor, name="张伟", customer_id=row.id)
    question = await chat.says("合同到期 张伟 2027年6月30日")
    assert "张伟（东风机械厂）" in question
    assert "张伟（云帆科技）" in question
    assert "张伟（东风机械厂）的合同2027年6月30日到期" in await chat.says("东风机械厂")
