"""What the sample buys: the funnel, the ranking and the wording have something to show."""

from itertools import pairwise

from bot.sample.fill import fill
from crm_core.opportunities import Opportunity, StageMove
from crm_core.ports import Core
from crm_core.purchases import Purchase


async def test_deals_are_on_every_stage_and_some_are_over(core: Core) -> None:
    await fill(core)
    rows = await Opportunity.all()
    assert {"open", "won", "lost"} == {row.status for row in rows}
    assert len({row.stage for row in rows if row.status == "open"}) >= 3
    assert all(row.loss_reason and row.competitor for row in rows if row.status == "lost")
    assert len({row.customer_id for row in rows}) == len(rows)


async def test_the_moves_of_a_deal_lead_to_where_it_is(core: Core) -> None:
    await fill(core)
    for row in await Opportunity.all():
        moves = await StageMove.filter(opportunity_id=row.id).order_by("at", "id")
        assert moves[0].kind == "open"
        assert moves[-1].to_stage == row.stage
        assert all(after.from_stage == before.to_stage for before, after in pairwise(moves))
        assert moves[-1].at < core.clock.now()


async def test_what_was_won_was_bought_and_some_of_it_at_a_loss(core: Core) -> None:
    await fill(core)
    bought = await Purchase.all()
    assert len(bought) == await Opportunity.filter(status="won").count()
    assert any(row.amount < row.cost for row in bought if row.amount is not None and row.cost is not None)
    assert all(row.at < core.clock.now() for row in bought)
