"""The funnel: counts, amounts, conversion, won and lost, for whom one may ask."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from crm_core import customers
from crm_core.access import Role
from crm_core.employees import Employee, actor_of
from crm_core.errors import Invalid, Refused
from crm_core.forecasts import forecast
from crm_core.funnels import funnel
from crm_core.opportunities import UnknownPipeline
from crm_core.pipeline_rules import OpportunitySettings, PipelineSettings, StageSettings
from crm_core.ports import Core
from crm_core.sales_targets import set_target
from crm_core.stage_moves import advance, undo_last
from crm_core.win_loss import lose, shelve, win
from tests.factories import SYSTEM, make_actor, make_deal, with_opportunities
from tests.fakes import FakeClock

NOVEMBER = (date(2026, 11, 1), date(2026, 11, 30))


async def test_open_deals_are_counted_by_stage_with_their_weight(core: Core) -> None:
    actor = await make_actor(core)
    await make_deal(core, actor, amount="100.10")
    await make_deal(core, actor, amount="200", probability=55)
    await make_deal(core, actor)
    await make_deal(core, actor, amount="1", stage="contract")
    stages = {each.stage: each for each in (await funnel(core, actor, *NOVEMBER)).stages}
    assert list(stages) == ["initial", "qualified", "proposal", "negotiation", "contract"]
    first = stages["initial"]
    assert (first.count, first.amount, first.weighted_amount) == (3, Decimal("300.10"), Decimal("120.01"))
    assert (stages["contract"].count, stages["qualified"].count) == (1, 0)
    assert first.conversion_rate is None


async def test_conversion_is_who_went_forward_of_those_that_left(core: Core, clock: FakeClock) -> None:
    actor = await make_actor(core)
    deals = [await make_deal(core, actor, str(number)) for number in range(6)]
    clock.advance(timedelta(days=2))
    await advance(core, actor, deals[0].id, reason="急")
    await win(core, actor, deals[1].id, amount="10.50")
    await lose(core, actor, deals[2].id, reason="贵", competitor="无")
    await shelve(core, actor, deals[3].id, until="2027-01-01", reason="等")
    await advance(core, actor, deals[4].id, reason="急")
    await undo_last(core, actor, deals[4].id)
    found = await funnel(core, actor, *NOVEMBER)
    first = found.stages[0]
    assert (first.left_count, first.forward_count, first.conversion_rate, first.mean_days) == (4, 2, Decimal("0.5000"), 2)
    assert (found.won_count, found.won_amount, found.lost_count) == (1, Decimal("10.50"), 1)
    assert found.win_rate == Decimal("0.5000")
    october = await funnel(core, actor, date(2026, 10, 1), date(2026, 10, 31))
    assert (october.won_count, october.stages[0].left_count, october.win_rate) == (0, 0, None)


async def test_a_month_ends_at_midnight_of_shanghai(core: Core) -> None:
    for at in (datetime(2026, 10, 31, 16, tzinfo=UTC), datetime(2026, 11, 30, 15, 59, tzinfo=UTC)):
        await make_deal(core, SYSTEM, amount="1", status="won", won_at=at)
    for at in (datetime(2026, 10, 31, 15, 59, tzinfo=UTC), datetime(2026, 11, 30, 16, tzinfo=UTC)):
        await make_deal(core, SYSTEM, amount="1", status="won", won_at=at)
    assert (await funnel(core, SYSTEM, *NOVEMBER)).won_count == 2


async def test_everybody_counts_what_they_may_see(core: Core) -> None:
    boss = await make_actor(core, "老周", Role.MANAGER)
    mine, peer = await make_actor(core, manager_id=boss.employee_id), await make_actor(core, "小李")
    boss = await actor_of(await Employee.get(id=boss.employee_id))
    viewer = await make_actor(core, "老板", Role.VIEWER)
    for actor in (mine, peer):
        await make_deal(core, actor)
    counted = [(await funnel(core, actor, *NOVEMBER)).stages[0].count for actor in (mine, peer, boss, viewer, SYSTEM)]
    assert counted == [1, 1, 1, 2, 2]
    assert (await funnel(core, boss, *NOVEMBER, owner_ids=[mine.employee_id or 0])).stages[0].count == 1
    with pytest.raises(Refused):
        await funnel(core, boss, *NOVEMBER, owner_ids=[peer.employee_id or 0])
    with pytest.raises(UnknownPipeline):
        await funnel(core, boss, *NOVEMBER, pipeline="nope")


async def test_without_deals_the_customer_flow_is_counted(core: Core) -> None:
    alone = with_opportunities(core, OpportunitySettings(enabled=False))
    actor = await make_actor(core)
    await customers.add_customer(core, actor, name="甲公司")
    await customers.add_customer(core, actor, name="乙公司", status="active")
    found = await funnel(alone, actor, *NOVEMBER)
    assert dict(found.customer_counts) == {"潜在客户": 1, "成交客户": 1, "休眠客户": 0, "流失客户": 0}
    assert found.stages == ()
    assert (await funnel(core, actor, *NOVEMBER)).customer_counts == ()


async def test_the_target_is_of_all_pipelines_and_so_is_what_is_held_against_it(core: Core) -> None:
    tracks = tuple(PipelineSettings(name, name, (StageSettings("first", "初谈"),)) for name in ("sales", "service"))
    core = with_opportunities(core, replace(core.settings.opportunities, pipelines=tracks))
    actor = await make_actor(core)
    await set_target(core, SYSTEM, month="2026-11", amount="200", employee_id=actor.employee_id)
    for track, amount in (("sales", "50"), ("service", "100")):
        await make_deal(core, actor, amount=amount, pipeline=track, status="won", won_at=core.clock.now())
    await make_deal(core, actor, amount="10", pipeline="service", probability=100, expected_close_on="2026-11-30")
    for track, won in (("sales", 50), ("service", 100)):
        found = await funnel(core, actor, *NOVEMBER, pipeline=track)
        assert (found.won_amount, found.reached_percent) == (won, 75)
        assert found.forecast is not None
        assert found.forecast.amount == 160


@pytest.mark.parametrize(
    "span",
    [(date(2026, 1, 1), date(9999, 12, 31)), (date(1, 1, 1), date(2026, 1, 1)), (date(2026, 2, 1), date(2026, 1, 1))],
)
async def test_a_span_is_ten_years_at_most(core: Core, span: tuple[date, date]) -> None:
    with pytest.raises(Invalid):
        await funnel(core, SYSTEM, *span)
    with pytest.raises(Invalid):
        await forecast(core, *span, None, date(2026, 11, 25))
