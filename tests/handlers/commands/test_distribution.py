"""Distribution and assignment in words."""

from dataclasses import replace
from datetime import timedelta

from crm_core import departments, distribution
from crm_core.access import Role
from crm_core.conversations import Message
from crm_core.distribution_rules import AssignmentRule, AssignmentSettings, DistributionRule, DistributionSettings
from crm_core.leads import Lead
from crm_core.messages import PRESS, Kind, mark_of
from crm_core.pool_rules import Condition
from crm_core.ports import Core
from handlers.commands import all_commands
from handlers.pipeline import Pipeline
from handlers.router import Router
from tests.factories import SYSTEM, make_lead
from tests.handlers.conftest import Staff, staff


def asking(core: Core) -> Core:
    rules = DistributionSettings(rules=(DistributionRule("华东", "华东部", Condition(regions=("上海",))),))
    settings = replace(core.settings, assignment=AssignmentSettings(rules=(AssignmentRule("轮流"),)), distribution=rules)
    return replace(core, settings=settings)


async def owner_of(lead: Lead) -> int | None:
    return (await Lead.get(id=lead.id)).owner_id


async def test_a_manager_distributes_by_the_number_of_the_list_and_takes_it_back(core: Core, pipeline: Pipeline) -> None:
    boss = await staff(core, pipeline, "总监", Role.MANAGER)
    east = await departments.add(core, SYSTEM, name="华东部")
    old, new = await make_lead(core, "张伟"), await make_lead(core, "李娜")
    await boss.says("公海")
    assert await boss.says("把 1 分发给 华东部") == "已分发：李娜分发给华东部。说错了回复「撤销」"
    assert (await Lead.get(id=new.id)).department_id == east.id
    assert await boss.says("撤销") == "已撤销"
    assert (await Lead.get(id=new.id)).department_id is None
    assert await boss.says("分发 张伟 华东") == "已分发：张伟分发给华东部。说错了回复「撤销」"
    assert (await Lead.get(id=old.id)).department_id == east.id
    assert (await boss.says("分发 1")).startswith("分发：请写成：分发 3 华东部")
    seller = await staff(core, pipeline, "小王")
    assert await seller.says("把 1 分发给 华东部") == "没有权限，请联系管理员"


async def test_an_offer_is_answered_in_words_and_by_button(core: Core, chat: Staff) -> None:
    core = asking(core)
    chat.core, chat.pipeline = core, Pipeline(core, Router(all_commands()))
    assert await chat.says("待接受") == "没有等着答复的线索。"
    first, second = await make_lead(core, company="东风", mobile="13800138000"), await make_lead(core, "李娜")
    await distribution.place(core, first.id)
    await distribution.place(core, second.id)
    assert (await chat.says("待接受")).startswith("等着答复的线索2条：\n1. #")
    told = await chat.says(f"接受 #{first.id}")
    assert told == "已接受：张伟\n公司：东风\n电话：13800138000"
    assert await owner_of(first) == chat.employee.id
    row = await Message.filter(topic="assignment").order_by("-id").first()
    press = {"card_message_id": row.id, "card_mark": mark_of(row.key), "button": 2}
    pressed = chat.message("", kind=Kind.EVENT, event=PRESS, data=press)
    assert await chat.sends(pressed) == "好的，李娜转给下一位。"
    again = f"已撤销：李娜还在等答复，回复“接受 #{second.id}”或“拒绝 #{second.id}”"
    assert await chat.says("撤销") == again
    assert await chat.says("接受") == "已接受：李娜"
    assert await chat.says("接受") == "没有找到，请核对后再试"
    assert "小王：已接受（规则「轮流」，轮流）" in await chat.says("为什么给我 张伟")
    assert await chat.says("撤销") == "已撤销：李娜回到公海"


async def test_exceptions_are_given_out_by_a_word(core: Core, pipeline: Pipeline, chat: Staff) -> None:
    core = asking(core)
    boss = await staff(core, Pipeline(core, Router(all_commands())), "管理员", Role.ADMIN)
    assert await boss.says("待分配") == "没有待分配的线索。"
    lead = await make_lead(core, region="上海")
    await distribution.place(core, lead.id)
    shown = f"待分配的线索1条：\n1. #{lead.id} 张伟，上海，规则「华东」要分给的单位「华东部」不存在\n回复“分给 姓名 序号”"
    assert await boss.says("待分配") == shown
    assert await boss.says("分给 小王") == "已分配：张伟分给小王。说错了回复「撤销」"
    assert await owner_of(lead) == chat.employee.id
    assert await boss.says("撤销") == "已撤销"
    assert await owner_of(lead) is None
    assert await boss.says(f"把 #{lead.id} 分给 小王") == "已分配：张伟分给小王。说错了回复「撤销」"
    assert (await chat.says("为什么给我")).endswith("小王：直接分配（管理员指定）")
    assert await boss.says("分给 小赵 张伟") == "没有叫「小赵」的同事，请说全名"


async def test_rules_and_overdue_leads_are_listed(core: Core, chat: Staff) -> None:
    assert await chat.says("分发规则") == "还没有分发和分配规则，请在 config.toml 里设置。"
    assert await chat.says("逾期线索") == "没有跟进不及时的线索。"
    lead = await make_lead(core, owner_id=chat.employee.id)
    core.clock.advance(core.settings.pools.soonest)  # type: ignore[attr-defined]
    assert await chat.says("逾期线索") == (
        f"跟进不及时的线索1条：\n1. #{lead.id} 张伟，小王，27天没跟进\n记一条跟进，或“退回 序号 原因”"
    )
    talker = Staff(asking(core), Pipeline(asking(core), Router(all_commands())), chat.address)
    assert await talker.says("分发规则") == (
        "依次判断，先符合的生效：\n· 分发「华东」：地区上海 → 华东部\n"
        "· 分配「轮流」：各单位，全部线索，轮流，先问，30分钟不答转下一位"
    )


async def test_overdue_leads_are_counted_and_go_on(core: Core, chat: Staff) -> None:
    for n in range(23):
        await make_lead(core, f"客户{n}", owner_id=chat.employee.id)
    core.clock.advance(timedelta(days=30))  # type: ignore[attr-defined]
    first = await chat.says("逾期线索")
    assert first.startswith("跟进不及时的线索23条，第1到20条：\n1. ")
    assert "更多" in first
    second = await chat.says("更多")
    assert second.startswith("跟进不及时的线索23条，第21到23条：\n21. ")
    assert len(second.splitlines()) == 5
    assert await chat.says("更多") == "没有更多了。"
