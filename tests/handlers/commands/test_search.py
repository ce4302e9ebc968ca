"""Finding, the timeline, the dashboard and its questions, in chat."""

from dataclasses import replace
from datetime import timedelta

import pytest

from crm_core import activities, customers
from crm_core.access import Role
from crm_core.activities import FollowUp, subject_of
from crm_core.leads import Lead
from crm_core.pool_rules import PoolSettings
from handlers.commands import all_commands
from handlers.pipeline import Pipeline
from handlers.router import Router
from tests.factories import SYSTEM, make_employee, make_lead
from tests.handlers.conftest import Staff, staff


async def test_several_conditions_in_one_sentence(core, chat, clock):
    await make_lead(core, "张伟", region="北京", need="制造设备", mobile="13800138000", owner_id=chat.employee.id)
    await make_lead(core, "李娜", region="上海", need="制造设备")
    clock.advance(timedelta(days=31))
    await make_lead(core, "王强", region="北京", need="制造设备")
    said = await chat.says("北京 制造业 30天没跟进")
    assert said.startswith("地区含北京、资料含「制造」、30天没跟进：共1位：\n1. 张伟（线索），北京，138****8000，小王")
    assert "王强" not in said
    assert "没有找到" in await chat.says("搜索 火星 制造业")
    assert "1. 张伟" in await chat.says("搜索 13800138000")


async def test_by_budget_and_source(core, chat):
    await make_lead(core, "张伟", amount="600000.00", source="展会")
    await make_lead(core, "李娜", amount="100000.00", source="展会")
    said = await chat.says("预算50万以上 展会来的")
    assert "张伟" in said
    assert "李娜" not in said


async def test_pages_of_a_list(core, chat):
    for number in range(23):
        await make_lead(core, f"客户{number:02}", region="上海")
    assert "共23位，第1-10位" in await chat.says("搜索 上海")
    assert "第11-20位" in await chat.says("更多")
    last = await chat.says("下一页")
    assert "第21-23位" in last
    assert "更多" not in last
    assert await chat.says("更多") == "没有更多了。"


async def test_only_what_one_may_see_is_found(core, chat, pipeline):
    other = await make_employee(core, "小李")
    await make_lead(core, "别人的", region="上海", owner_id=other.id)
    assert "没有找到" in await chat.says("搜索 上海")
    admin = await staff(core, pipeline, "管理", Role.ADMIN)
    assert "别人的" in await admin.says("搜索 上海")


async def test_the_timeline_of_somebody(core, chat, clock):
    lead = await make_lead(core, "张伟", owner_id=chat.employee.id)
    for number in range(12):
        clock.advance(60)
        await activities.add_follow_up(core, SYSTEM, subject_of(await Lead.get(id=lead.id)), summary=f"第{number}次")
    said = await chat.says("时间线 张伟")
    assert said.splitlines()[0] == "【张伟】时间线"
    assert "第11次" in said
    assert "录入线索" not in said
    assert "录入线索" in await chat.says("更多")
    assert await chat.says("时间线 没有这人") == "没有找到「没有这人」。"
    assert "请说是谁" in await chat.says("时间线")


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("哪些行业", "行业分布：制造业1"),
        ("地区分布", "地区分布：上海1"),
        ("线索哪来的", "线索来源：展会1"),
        ("有多少线索", "未转化线索1条，其中公海1条（新线索1）"),
    ],
)
async def test_each_question_in_one_line(core, chat, question, answer):
    await make_lead(core, source="展会")
    await customers.add_customer(core, SYSTEM, name="云帆", industry="制造业", region="上海", owner_id=chat.employee.id)
    assert await chat.says(question) == answer


async def test_the_dashboard_and_an_empty_house(core, chat):
    assert "0条未转化" in await chat.says("看板")
    assert await chat.says("哪些行业") == "行业分布：还没有数据"
    await make_lead(core, source="展会", owner_id=chat.employee.id)
    said = await chat.says("看板")
    assert "线索：1条未转化，公海0条，今天新增1条，近7天1条" in said
    assert "线索来源（含已转化）：展会1" in said
    assert "不按「本月」统计" in await chat.says("看板 本月")


@pytest.mark.parametrize("said", ["刚和张伟通了电话，预算20万", "张伟 是决策人 预算20万", "今天见了张伟，展会来的"])
async def test_what_tells_of_somebody_is_recorded_and_not_looked_for(core, chat, said):
    await make_lead(core, "张伟", owner_id=chat.employee.id)
    assert "已记" in await chat.says(said)
    assert await FollowUp.all().count() == 1


async def test_more_of_the_pool_than_the_day_allows_is_left_out_and_told(core, chat):
    core = replace(core, settings=replace(core.settings, pools=PoolSettings(views_a_day=3)))
    talker = Staff(core, Pipeline(core, Router(all_commands())), chat.address)
    for number in range(5):
        await make_lead(core, f"客户{number}", region="上海")
    await make_lead(core, "自己的", region="上海", owner_id=chat.employee.id)
    said = (await talker.says("搜索 上海")).splitlines()
    assert said[0].endswith("共6位，第1-4位：")
    assert said[-1] == "另有2条公海线索没有列出：今天的公海查看数已用完"
    assert "自己的" in said[4]
    assert await talker.says("公海") == "今天已查看3条公海线索，达到每日上限，请明天再看"
