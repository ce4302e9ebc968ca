"""The figures of selling in chat: funnel, forecast with its error, targets and their rights."""

from datetime import timedelta

from crm_core.access import Role
from crm_core.employees import Employee, actor_of, ensure_department
from crm_core.forecasts import SalesForecast
from crm_core.ports import Core
from crm_core.sales_targets import SalesTarget
from crm_core.win_loss import lose, win
from handlers.pipeline import Pipeline
from tests.factories import make_deal
from tests.handlers.conftest import Staff, staff


async def a_team(core: Core, pipeline: Pipeline, chat: Staff) -> Staff:
    boss = await staff(core, pipeline, "老周", Role.MANAGER)
    await Employee.filter(id=chat.employee.id).update(manager_id=boss.employee.id)
    return boss


async def test_the_funnel_tells_counts_conversion_forecast_and_target(core: Core, pipeline: Pipeline, chat: Staff) -> None:
    boss = await a_team(core, pipeline, chat)
    actor = await actor_of(chat.employee)
    await make_deal(core, actor, amount="1000", expected_close_on="2026-11-30")
    await make_deal(core, actor, amount="2000", probability=60, stage="contract", expected_close_on="2026-11-28")
    core.clock.advance(timedelta(hours=1))  # type: ignore[attr-defined]
    await win(core, actor, (await make_deal(core, actor, amount="300000", stage="contract")).id)
    await lose(core, actor, (await make_deal(core, actor)).id, reason="贵", competitor="无")
    await SalesForecast.add(
        core,
        month="2026-10",
        owner_id=actor.employee_id,
        forecast_amount="120",
        won_amount="100",
        settled_at=core.clock.now(),
    )
    assert await boss.says("小王 本月目标 50万") == "已定：小王11月目标¥500,000.00"
    said = (await chat.says("本月的销售漏斗")).splitlines()
    assert said == [
        "我的本月销售漏斗：",
        "初步接触：1个，¥1,000.00，转化0%（1个离开，0个推进）",
        "需求确认：0个，¥0.00",
        "方案报价：0个，¥0.00",
        "商务谈判：0个，¥0.00",
        "合同签约：1个，¥2,000.00，转化100%（1个离开，1个推进），平均0天",
        "赢单1个，¥300,000.00；输单1个，赢单率50%",
        "目标¥500,000.00，已完成60%",
        "预测¥301,300.00（已赢金额＋预计本期成交的商机金额×把握（未填把握按阶段）；近1个月预测平均偏差20%）",
        "按预测能完成目标的60%",
    ]
    assert (await boss.says("小王本月的漏斗")).startswith("小王的本月销售漏斗")
    assert (await boss.says("本季度的销售漏斗")).startswith("团队本季度销售漏斗")


async def test_a_peer_may_not_ask_for_anothers_funnel(core: Core, pipeline: Pipeline, chat: Staff) -> None:
    peer = await staff(core, pipeline, "小李")
    boss = await a_team(core, pipeline, chat)
    assert await peer.says("小王本月的漏斗") == "没有找到，请核对后再试"
    assert (await boss.says("小王本月的漏斗")).startswith("小王的")


async def test_the_forecast_states_method_what_it_leaves_out_and_its_error(core: Core, chat: Staff) -> None:
    actor = await actor_of(chat.employee)
    await make_deal(core, actor, amount="1000", expected_close_on="2026-11-30")
    await make_deal(core, actor, amount="1000", expected_close_on="2026-11-01")
    await make_deal(core, actor, amount="1000")
    said = await chat.says("预测")
    assert said.splitlines() == [
        "本月预测：¥100.00",
        "已赢¥0.00，1个商机加权¥100.00",
        "算法：已赢金额＋预计本期成交的商机金额×把握（未填把握按阶段）",
        "没有算进去：1个预计日期已过，1个没填预计日期",
        "还没有往月预测可比，偏差未知",
    ]


async def test_targets_are_set_by_managers_asked_by_all_and_taken_back(core: Core, pipeline: Pipeline, chat: Staff) -> None:
    boss = await a_team(core, pipeline, chat)
    assert await chat.says("小王 本月目标 50万") == "没有权限，请联系管理员"
    assert "还没有定目标" in await chat.says("目标")
    assert await boss.says("小王 本月目标 50万") == "已定：小王11月目标¥500,000.00"
    assert await boss.says("小王12月目标60万") == "已定：小王12月目标¥600,000.00"
    assert await boss.says("定目标 小王 1月 3万") == "已定：小王2027年1月目标¥30,000.00"
    assert await boss.says("小王本月目标改成80万") == "已定：小王11月目标¥800,000.00"
    assert await chat.says("我本月目标") == "我的11月目标¥800,000.00，已赢¥0.00，完成0%"
    assert await boss.says("撤销") == "已撤销：目标恢复为原来的"
    assert await chat.says("本月目标") == "我的11月目标¥500,000.00，已赢¥0.00，完成0%"
    assert await boss.says("目标 小王") == "小王的11月目标¥500,000.00，已赢¥0.00，完成0%"


async def test_bad_targets_are_refused_in_one_sentence(core: Core, pipeline: Pipeline, chat: Staff) -> None:
    boss = await a_team(core, pipeline, chat)
    assert await boss.says("小王 13月目标 50万") == "月份：没有13月，请核对"
    assert await boss.says("小王 本月目标 很多") == "金额：没看懂，请写成 50万"
    assert await boss.says("小王 本月目标 -5万") == "金额：不能是负数，请核对"
    assert await boss.says("某某 本月目标 5万") == "没有叫「某某」的同事，请说全名"
    assert await boss.says("定目标 小王") == "目标：请写成：小王 本月目标 50万"
    assert await SalesTarget.all().count() == 0


async def test_a_department_has_a_target_of_its_own(core: Core, pipeline: Pipeline, chat: Staff) -> None:
    boss = await a_team(core, pipeline, chat)
    department = await ensure_department(core, "销售一部")
    await Employee.filter(id=chat.employee.id).update(department_id=department.id)
    assert await boss.says("销售一部 本月目标 100万") == "已定：销售一部11月目标¥1,000,000.00"
    assert "目标¥1,000,000.00" in await boss.says("本月的销售漏斗")
    assert "目标¥1,000,000.00" in await boss.says("目标 销售一部")


async def test_performance_ranks_the_team_and_tells_the_own(core: Core, pipeline: Pipeline, chat: Staff) -> None:
    boss = await a_team(core, pipeline, chat)
    actor = await actor_of(chat.employee)
    assert "还没有赢单" in await chat.says("我这个月业绩")
    await win(core, actor, (await make_deal(core, actor, amount="300000", stage="contract")).id)
    await boss.says("小王 本月目标 50万")
    assert await boss.says("谁业绩最好") == (
        "团队本月业绩（赢单共¥300,000.00）：\n1. 小王，赢单1个，¥300,000.00，目标¥500,000.00，完成60%"
    )
    assert await chat.says("我这个月业绩") == "我的本月业绩：赢单1个，¥300,000.00，目标¥500,000.00，完成60%"
    assert (await boss.says("小王上个月业绩")).startswith("小王的上月还没有赢单")


async def test_a_forecast_of_the_time_that_was_said(core: Core, chat: Staff) -> None:
    assert (await chat.says("销售预测 下个月")).startswith("下月预测：")
    assert (await chat.says("销售预测")).startswith("本月预测：")
    assert "没看懂「下辈子」" in await chat.says("销售预测 下辈子")
