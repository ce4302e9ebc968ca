"""Deals in chat: opened, moved under conditions, asked about, found by name and number, taken back."""

from crm_core import activities, customers, opportunities
from crm_core.access import Role
from crm_core.activities import FollowUp
from crm_core.customers import Contact, Customer
from crm_core.employees import Employee, actor_of
from crm_core.opportunities import Opportunity
from crm_core.pipeline_rules import OpportunitySettings, PipelineSettings, StageSettings
from crm_core.ports import Core
from handlers.commands import all_commands
from handlers.pipeline import Pipeline
from handlers.router import Router
from tests.factories import make_deal, make_lead, with_opportunities
from tests.handlers.conftest import Staff, staff


async def a_customer(core: Core, chat: Staff, name: str = "云帆科技") -> Customer:
    return await customers.add_customer(core, await actor_of(chat.employee), name=name)


async def a_deal(core: Core, chat: Staff, name: str = "智能网关", **values: object) -> Opportunity:
    return await make_deal(core, await actor_of(chat.employee), name, **values)


async def test_one_sentence_opens_a_deal_and_undo_takes_it_back(core: Core, chat: Staff) -> None:
    await a_customer(core, chat)
    said = await chat.says("给云帆科技建个商机 智能网关 50万 六成把握 12月底成交")
    deal = await Opportunity.get()
    assert said == (
        f"已建商机 #{deal.id}：云帆科技智能网关\n客户：云帆科技\n阶段：初步接触\n"
        "金额：¥500,000.00\n把握：60%\n预计成交：2026年12月31日"
    )
    assert await chat.says("撤销") == "已撤销：商机「云帆科技智能网关」"
    assert await Opportunity.all().count() == 0


async def test_a_deal_of_nobody_known_makes_the_customer_after_a_yes(core: Core, chat: Staff) -> None:
    assert "要新建客户并建商机吗" in await chat.says("给云帆科技建个商机 智能网关")
    assert "客户：云帆科技" in await chat.says("是")
    assert (await Customer.get()).kind == "organisation"


async def test_a_deal_of_a_lead_converts_it_after_a_yes(core: Core, chat: Staff) -> None:
    await make_lead(core, "李娜", company="云帆科技", owner_id=chat.employee.id)
    assert "还是线索，先转为客户" in await chat.says("给云帆科技建个商机 智能网关")
    assert "已建商机" in await chat.says("是")
    assert (await Contact.get()).name == "李娜"


async def test_two_customers_of_a_name_are_told_apart_by_number(core: Core, chat: Staff) -> None:
    first, second = await a_customer(core, chat), await a_customer(core, chat)
    await second.change(core, region="上海")
    asked = await chat.says("给云帆科技建个商机 网关")
    assert "请回复序号" in asked
    number = next(line[0] for line in asked.splitlines() if "上海" in line)
    await chat.says(number)
    assert (await Opportunity.get()).customer_id == second.id != first.id


async def test_what_cannot_be_is_refused_in_one_sentence(core: Core, chat: Staff) -> None:
    await a_customer(core, chat)
    assert await chat.says("给云帆科技建个商机 网关 50万 2月30号成交") == "日期：没有2月30日这一天，请核对"
    assert await chat.says("给云帆科技建个商机 网关 -5万") == "金额：不能是负数，请核对"
    assert await chat.says("给云帆科技建个商机 网关 5万 150%把握") == "把握：最多100%，请核对"
    assert await Opportunity.all().count() == 0


async def test_moving_on_without_the_conditions_asks_why_and_notes_it(core: Core, chat: Staff) -> None:
    deal = await a_deal(core, chat)
    asked = await chat.says("云帆科技的商机推进到方案报价")
    assert asked == (
        "进入「方案报价」还缺：\n· 登记联系人\n· 有跟进记录\n· 填写产品\n· 填写预计金额\n"
        "补上后再推进；确要现在推进，请说明原因："
    )
    assert (await Opportunity.get()).stage == "initial"
    moved = await chat.says("客户点名要方案")
    assert moved.startswith("已推进：智能网关，初步接触（0天）→方案报价\n跳过的条件：登记联系人、有跟进记录")
    assert "原因：客户点名要方案，已记录" in moved
    assert (await Opportunity.get(id=deal.id)).stage == "proposal"
    assert await chat.says("撤销") == "已撤销：「智能网关」回到初步接触"
    assert (await Opportunity.get(id=deal.id)).stage == "initial"


async def test_moving_on_with_the_conditions_met_says_what_the_next_asks(core: Core, chat: Staff) -> None:
    deal = await a_deal(core, chat)
    actor = await actor_of(chat.employee)
    contact = await customers.add_contact(core, actor, name="李总", customer_id=deal.customer_id)
    await activities.add_follow_up(core, actor, activities.subject_of(contact), method="phone")
    said = await chat.says("云帆科技的商机推进到需求确认")
    assert said == "已推进：智能网关，初步接触（0天）→需求确认\n进入「方案报价」还缺：填写产品、填写预计金额"


async def test_a_move_back_needs_a_reason(core: Core, chat: Staff) -> None:
    deal = await a_deal(core, chat, stage="proposal")
    assert await chat.says("云帆科技的单退回到需求确认") == "退回「需求确认」，为什么？"
    assert (await chat.says("需求又变了")).startswith("已退回：智能网关，方案报价（0天）→需求确认")
    assert (await Opportunity.get(id=deal.id)).stage == "qualified"


async def test_fields_are_corrected_and_put_back(core: Core, chat: Staff) -> None:
    deal = await a_deal(core, chat, amount="500000")
    assert "¥600,000.00" in await chat.says("云帆科技的商机金额改成60万")
    assert "¥500,000.00" in await chat.says("撤销")
    assert str((await Opportunity.get(id=deal.id)).amount) == "500000.00"


async def test_several_deals_are_picked_by_number_or_by_name(core: Core, chat: Staff) -> None:
    first = await a_deal(core, chat, "一期网关", stage="contract")
    second = await a_deal(core, chat, "二期平台", customer_id=first.customer_id)
    assert "有2个商机，请回复序号" in await chat.says("云帆科技赢单了 50万")
    assert (await chat.says("二期")).startswith("赢单：二期平台")
    assert (await Opportunity.get(id=second.id)).status == "won"
    assert (await Opportunity.get(id=first.id)).status == "open"


async def test_where_it_stands_how_long_and_what_is_missing(core: Core, chat: Staff, clock) -> None:  # type: ignore[no-untyped-def]
    deal = await a_deal(core, chat, amount="500000")
    clock.advance(3 * 86400)
    told = "智能网关（初步接触，¥500,000.00）：在「初步接触」3天；进入「需求确认」还缺：登记联系人、有跟进记录"
    for words in ("云帆科技 到哪了", "云帆科技到哪一步了？", "云帆科技的商机进展到哪了", "云帆科技 缺什么", "到哪了", "缺什么"):
        assert await chat.says(words) == told, words
    await chat.says("我的商机")
    assert await chat.says("到哪了 1") == told
    assert await chat.says(f"到哪了 #{deal.id}") == told
    clock.advance(20 * 86400)
    assert "23天没动，已卡住" in await chat.says("云帆科技到哪了")


async def test_where_a_customer_without_a_deal_stands(core: Core, chat: Staff) -> None:
    await a_customer(core, chat)
    assert await chat.says("云帆科技 到哪了") == (
        "「云帆科技」：潜在客户，还没有跟进，没有进行中的商机。可以说：给云帆科技建个商机"
    )
    assert "没有找到「某某公司」的商机" in await chat.says("某某公司 到哪了")


async def test_teams_without_deals_run_the_customer_flow_alone(core: Core) -> None:
    alone = with_opportunities(core, OpportunitySettings(enabled=False))
    chat = await staff(alone, Pipeline(alone, Router(all_commands())), "小王")
    await a_customer(core, chat)
    assert await chat.says("给云帆科技建个商机 网关") == "本团队只走客户流程，不用商机"
    assert await chat.says("云帆科技 到哪了") == "「云帆科技」：潜在客户，还没有跟进，没有进行中的商机。"
    assert await chat.says("销售漏斗") == "我的客户流程：\n潜在客户：1家\n成交客户：0家\n休眠客户：0家\n流失客户：0家"


async def test_a_peer_finds_nothing_and_the_manager_does(core: Core, pipeline: Pipeline, chat: Staff) -> None:
    boss = await staff(core, pipeline, "老周", Role.MANAGER)
    await Employee.filter(id=chat.employee.id).update(manager_id=boss.employee.id)
    peer = await staff(core, pipeline, "小李")
    deal = await a_deal(core, chat)
    assert "没有找到" in await peer.says("云帆科技 到哪了")
    assert "没有找到「云帆科技」进行中的商机" in await peer.says("云帆科技赢单了")
    assert "还没有商机" in await peer.says("我的商机")
    assert await peer.says(f"到哪了 #{deal.id}") == "没有找到，请核对后再试"
    assert "智能网关" in await boss.says("云帆科技 到哪了")


async def test_stages_of_the_configuration_are_said_by_their_own_words(core: Core) -> None:
    own = PipelineSettings("channel", "渠道", (StageSettings("visit", "上门看货"), StageSettings("sample", "寄样试用", 40)))
    other = with_opportunities(core, OpportunitySettings(pipelines=(own,)))
    chat = await staff(other, Pipeline(other, Router(all_commands())), "小王")
    await a_customer(core, chat)
    assert "阶段：上门看货" in await chat.says("给云帆科技建个商机 网关")
    assert (await chat.says("云帆科技的商机推进到寄样试用阶段")).startswith("已推进：云帆科技网关，上门看货（0天）→寄样试用")
    assert await chat.says("云帆科技的商机推进到商务谈判") == "没有「negotiation」这个阶段，可选：上门看货、寄样试用"


async def test_a_quote_is_noted_in_a_word_and_taken_back(core: Core, chat: Staff) -> None:
    deal = await a_deal(core, chat)
    assert await chat.says("已报价 云帆科技") == "已记：智能网关已报价"
    assert (await Opportunity.get(id=deal.id)).quoted_at is not None
    await chat.says("撤销")
    assert (await Opportunity.get(id=deal.id)).quoted_at is None


async def test_a_follow_up_may_be_about_the_deal_itself(core: Core, chat: Staff) -> None:
    deal = await a_deal(core, chat)
    actor = await actor_of(chat.employee)
    subject = await activities.load_subject(actor, "opportunity", deal.id)
    await activities.add_follow_up(core, actor, subject, method="visit", summary="看了现场")
    assert (await FollowUp.get()).subject_kind == "opportunity"
    assert (await Opportunity.get(id=deal.id)).last_follow_up_at == core.clock.now()
    assert (await Customer.get(id=deal.customer_id)).last_follow_up_at == core.clock.now()


async def test_the_list_is_numbered_and_empty_ones_say_what_to_do(core: Core, chat: Staff) -> None:
    assert "还没有商机。可以说" in await chat.says("商机")
    deal = await a_deal(core, chat, amount="1000", probability=30)
    said = await chat.says("商机 云帆科技")
    assert f"1. #{deal.id} 智能网关，初步接触，¥1,000.00，把握30%" in said
    assert await opportunities.find(await actor_of(chat.employee)) != []


async def test_help_names_every_way_to_speak_of_deals(chat: Staff) -> None:
    shown = await chat.says("帮助 商机")
    for intent in ("create_opportunity", "advance_opportunity", "show_opportunity", "list_stuck", "leave_next_step"):
        assert all_commands()[intent].usage in shown
    assert "帮助 商机" in await chat.says("帮助")
    assert "复购建议" in await chat.says("帮助 复购")
    assert "小王 本月目标 50万" not in await chat.says("帮助 目标")


async def test_a_deal_nobody_named_is_the_own_one_or_asked_for(core: Core, chat: Staff) -> None:
    assert await chat.says("商机推进到需求确认") == "没有进行中的商机，可以说：给客户名建个商机"
    await a_customer(core, chat)
    await chat.says("给云帆科技建个商机 智能网关 50万")
    assert "进入「需求确认」还缺" in await chat.says("商机推进到需求确认")
    await chat.says("取消")
    await chat.says("给云帆科技建个商机 老化柜 20万")
    assert (await chat.says("商机推进到需求确认")).startswith("哪个商机？请回复序号，或者说出客户名：")


async def test_a_deal_is_corrected_by_what_it_sells_and_by_its_day(core: Core, chat: Staff) -> None:
    deal = await a_deal(core, chat, product="智能网关", amount="500000.00")
    assert "¥600,000.00" in await chat.says("云帆科技的智能网关改成60万")
    assert "2027年1月31日" in await chat.says("云帆科技 预计1月底成交")
    deal = await Opportunity.get(id=deal.id)
    assert (deal.amount, deal.expected_close_on.isoformat()) == (600000, "2027-01-31")
    assert await FollowUp.all().count() == 0


async def test_several_deals_are_told_with_numbers(core: Core, chat: Staff) -> None:
    for name in ("一期", "二期"):
        await make_deal(core, await actor_of(chat.employee), name)
    answer = (await chat.says("云帆科技 到哪了")).splitlines()
    assert answer[0] == "商机2个："
    assert [line[:3] for line in answer[1:]] == ["1. ", "2. "]
    assert "到" not in answer[0]
    assert (await chat.says("到哪了 2")) == answer[2].removeprefix("2. ")
