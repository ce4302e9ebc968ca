"""Values over the database: kept over time, dynamic, ranked, and none of another's."""

from dataclasses import replace
from decimal import Decimal

from crm_core import custom_fields, customer_values, customers, purchases, win_loss
from crm_core.customer_values import CustomerValue
from crm_core.customers import Customer
from crm_core.ports import Core
from scheduler.jobs import customer_values as job
from scheduler.jobs import life_cycles
from tests.factories import make_actor, make_deal
from tests.fakes import FakeClock


async def test_a_first_deal_may_lose_money_and_the_grade_rises(core: Core, clock: FakeClock) -> None:
    actor = await make_actor(core)
    row = await customers.add_customer(core, actor, name="云帆科技")
    await job.run(core)
    assert await CustomerValue.all().count() == 0
    assert (await Customer.get(id=row.id)).value_points == 10
    await purchases.note_purchase(core, actor, row.id, product="网关", amount="10000", cost="15000")
    await job.run(core)
    clock.advance(86400)
    deal = await make_deal(core, actor, customer_id=row.id, product="平台")
    await win_loss.win(core, actor, deal.id, amount="500000")
    await life_cycles.run(core)
    clock.advance(3600)
    await life_cycles.run(core)
    await job.run(core)
    values = await CustomerValue.filter(customer_id=row.id).order_by("id")
    assert next(each.profit_cents for each in values) == -500_000
    assert values[-1].profit_cents == 9_500_000
    assert values[-1].points > values[0].points
    seen = await customer_values.appraisal_of(core, actor, row.id)
    assert (seen.inputs.purchases, seen.inputs.products) == (2, 2)
    count = len(values)
    await Customer.all().update(value_due_at=None)
    await job.run(core)
    assert await CustomerValue.all().count() == count


async def test_fields_by_hand_count_and_the_next_look_is_at_once(core: Core) -> None:
    actor = await make_actor(core)
    row = await customers.add_customer(core, actor, name="云帆科技")
    await job.run(core)
    await custom_fields.set_fields(core, actor, "customer", row.id, {"付款周期": 30, "欠款": 0, "潜力金额": "30万"})
    await job.run(core)
    value = await CustomerValue.get(customer_id=row.id)
    assert (value.credit_points, value.profit_points) == (100, 40)


async def test_the_ranking_is_of_the_team_alone(core: Core) -> None:
    owner, peer = await make_actor(core), await make_actor(core, "小李")
    for number in range(10):
        row = await customers.add_customer(core, owner, name=f"客户{number}")
        cost = "0" if number else "200"
        await purchases.note_purchase(core, owner, row.id, product="网关", amount="100", cost=cost)
    await job.run(core)
    seen = await customer_values.ranking(core, owner)
    assert (seen.customers, seen.profit, seen.top_count, seen.top_profit) == (10, Decimal(800), 2, Decimal(200))
    assert (seen.worst_count, seen.worst_profit, seen.loss) == (3, Decimal(100), Decimal(-100))
    assert seen.top_share == 0.25
    assert (await customer_values.ranking(core, peer)).customers == 0


async def test_each_line_of_profit_is_rounded_half_up(core: Core) -> None:
    actor = await make_actor(core)
    settings = replace(core.settings, customer_value=replace(core.settings.customer_value, profit_percent=50))
    core = replace(core, settings=settings)
    row = await customers.add_customer(core, actor, name="云帆科技")
    for _ in range(3):  # 0.005 each: added up unrounded they were 0.015, and then half-even 0.02
        await purchases.note_purchase(core, actor, row.id, product="线", amount="0.01")
    await make_deal(core, actor, customer_id=row.id, amount="0.05", probability=50)
    await job.run(core)
    assert (await CustomerValue.filter(customer_id=row.id).order_by("-id").first()).profit_cents == 3  # type: ignore[union-attr]
    seen = await customer_values.appraisal_of(core, actor, row.id)
    assert (seen.inputs.profit_amount, seen.inputs.open_amount) == (Decimal("0.03"), Decimal("0.03"))
