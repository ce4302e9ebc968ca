"""Scores in words: line by line, by hand, and tried before they count."""

from dataclasses import replace
from datetime import timedelta

from crm_core import score_runs
from crm_core.access import Role
from crm_core.leads import Lead
from crm_core.ports import Core
from crm_core.score_rules import ScoreRule, ScoringSettings
from handlers.commands import all_commands
from handlers.pipeline import Pipeline
from handlers.router import Router
from tests.crm_core.test_score_runs import say
from tests.factories import make_customer_account, make_lead
from tests.fakes import FakeClock
from tests.handlers.conftest import Staff, staff


async def test_a_score_is_told_line_by_line(core: Core, chat: Staff, clock: FakeClock) -> None:
    lead = await make_lead(core, "张三", owner_id=chat.employee.id, company="东风机械", amount="200000")
    account = await make_customer_account(core, lead)
    await say(core, account, "报价多少")
    clock.advance(timedelta(days=2))
    await say(core, account, "价格再说说")
    told = await chat.says("评分 张三")
    assert told.splitlines()[0] == "张三：45分，B级"
    assert "基本资料 +5" in told
    assert "  +5 有公司" in told
    assert "  +12 有预算" in told
    assert "  +23 问过价格（2天，最近11月27日，每14天减半，11月28日起变少）" in told
    assert await chat.says("张三的评分") == told


async def test_same_names_are_asked_and_nobody_is_said_so(core: Core, chat: Staff) -> None:
    for company in ("东风机械", "云帆科技"):
        await make_lead(core, "张三", owner_id=chat.employee.id, company=company)
    assert "请回复序号" in await chat.says("评分 张三")
    assert (await chat.says("2")).startswith("张三：5分")
    assert "没有" in await chat.says("评分 李不在")


async def test_a_colleagues_lead_is_not_told(core: Core, pipeline: Pipeline, chat: Staff) -> None:
    other = await staff(core, pipeline, "小李")
    await make_lead(core, "王五", owner_id=other.employee.id, company="东风")
    assert "5分" not in await chat.says("评分 王五")
    assert (await other.says("评分 王五")).startswith("王五：5分")


async def test_the_best_leads_are_listed_and_opened_by_number(core: Core, chat: Staff) -> None:
    assert "还没有" in await chat.says("高分线索")
    await make_lead(core, "张三", owner_id=chat.employee.id, company="东风机械")
    await make_lead(core, "李四", owner_id=chat.employee.id, company="云帆", amount="100000")
    await score_runs.catch_up(core)
    told = await chat.says("高分线索")
    assert told.index("李四 17分 D级，云帆") < told.index("张三 5分")
    assert (await chat.says("评分 2")).startswith("张三：5分")


async def test_a_grade_by_hand_wins_and_is_taken_back(core: Core, chat: Staff) -> None:
    lead = await make_lead(core, "张三", owner_id=chat.employee.id, company="东风机械")
    await score_runs.catch_up(core)
    assert "已定为A级" in await chat.says("定级 张三 A")
    assert (await chat.says("评分 张三")).startswith("张三：5分，手工定级A，按规则D级")
    assert (await Lead.get(id=lead.id)).grade == "A"
    assert "已撤销" in await chat.says("撤销")
    assert (await Lead.get(id=lead.id)).grade == "D"
    assert "请写成" in await chat.says("定级 张三 优秀")


async def test_rules_are_shown_with_their_bounds(core: Core, chat: Staff) -> None:
    told = await chat.says("评分规则")
    assert "A≥70" in told
    assert "+12 问过价格，每14天减半，封顶24" in told
    assert "-10 取消关注" in told


async def test_a_manager_tries_rules_and_nothing_is_written(core: Core, pipeline: Pipeline, chat: Staff) -> None:
    boss = await staff(core, pipeline, "老陈", Role.ADMIN)
    lead = await make_lead(core, "张三", owner_id=chat.employee.id, company="东风机械")
    await score_runs.catch_up(core)
    assert "没有权限" in await chat.says("试算评分 有公司 50分") or "无权" in await chat.says("试算评分 有公司 50分")
    told = await boss.says("试算评分 有公司 50分，A级 80")
    assert told.splitlines()[0] == "试算1条线索，1条等级会变（没有写入）"
    assert "D→B：1条" in told
    assert f"例 张三 #{lead.id}：5分D → 50分B" in told
    assert (await Lead.get(id=lead.id)).score == 5
    assert "请写规则名" in await boss.says("试算评分 没这条 50分")


async def test_the_candidate_of_the_settings_is_tried(core: Core) -> None:
    candidate = (ScoreRule("有公司", "profile", "filled", 80, "company"),)
    mine = replace(core, settings=replace(core.settings, scoring=ScoringSettings(candidate=candidate)))
    boss = await staff(mine, Pipeline(mine, Router(all_commands())), "老陈", Role.ADMIN)
    await make_lead(mine, "张三", company="东风机械")
    assert "D→A：1条" in await boss.says("试算评分")


async def test_the_whole_name_comes_first_and_another_is_said(core: Core, chat: Staff) -> None:
    await make_lead(core, "张三丰", owner_id=chat.employee.id)
    assert "没有叫「张三」的，这是张三丰" in await chat.says("评分 张三")
    await make_lead(core, "张三", owner_id=chat.employee.id)
    assert (await chat.says("评分 张三")).startswith("张三：")
