"""Won, lost to somebody for a reason, shelved, tried again, opened again; and the count of who wins."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from crm_core import win_loss
from crm_core.access import Role
from crm_core.customers import Customer
from crm_core.errors import Invalid, NotFound, Refused
from crm_core.opportunities import Opportunity, OpportunityClosed, StageMove
from crm_core.pipeline_rules import OpportunitySettings
from crm_core.ports import Core
from crm_core.stage_moves import ReasonNeeded, undo_last
from crm_core.win_loss import CompetitorNeeded, NotClosed, NotLost, lost_to
from tests.factories import SYSTEM, make_actor, make_deal, with_opportunities


async def test_a_won_deal_makes_the_customer_an_active_one(core: Core) -> None:
    actor = await make_actor(core)
    deal = await make_deal(core, actor, amount="100")
    row, move = await win_loss.win(core, actor, deal.id, amount="120.10")
    assert (row.status, row.won_at, row.amount) == ("won", core.clock.now(), Decimal("120.10"))
    assert (move.kind, move.from_stage) == ("win", "initial")
    assert (await Customer.get(id=deal.customer_id)).status == "active"
    with pytest.raises(OpportunityClosed) as again:
        await win_loss.win(core, actor, deal.id)
    assert again.value.sentence() == "商机「智能网关」已赢单，请先重启"
    with pytest.raises(Invalid):
        await win_loss.win(core, actor, (await make_deal(core, actor)).id, amount="-1")


async def test_a_loss_needs_a_reason_and_a_competitor(core: Core) -> None:
    actor = await make_actor(core)
    deal = await make_deal(core, actor)
    with pytest.raises(ReasonNeeded):
        await win_loss.lose(core, actor, deal.id, reason=" ", competitor="华星")
    with pytest.raises(CompetitorNeeded):
        await win_loss.lose(core, actor, deal.id, reason="嫌贵", competitor="")
    row, _ = await win_loss.lose(core, actor, deal.id, reason="嫌贵", competitor="华星")
    assert (row.status, row.loss_reason, row.competitor) == ("lost", "嫌贵", "华星")
    assert row.lost_at == core.clock.now()


async def test_a_lost_deal_comes_back_by_the_settings_or_as_said(core: Core) -> None:
    actor = await make_actor(core)
    never = with_opportunities(core, OpportunitySettings(retry_days=0))
    first, second, third = [await make_deal(core, actor, str(number)) for number in range(3)]
    assert (await win_loss.lose(core, actor, first.id, reason="贵", competitor="没有"))[0].retry_on == date(2027, 2, 23)
    assert (await win_loss.lose(never, actor, second.id, reason="贵", competitor="无"))[0].retry_on is None
    said, _ = await win_loss.lose(core, actor, third.id, reason="贵", competitor="无", retry_on="2027-06-01")
    assert (said.retry_on, said.competitor) == (date(2027, 6, 1), "无")
    planned = await win_loss.plan_retry(core, actor, second.id, "2027-01-05")
    assert planned.retry_on == date(2027, 1, 5)
    for wrong in ("2026-11-25", "2026-02-30"):
        with pytest.raises(Invalid):
            await win_loss.plan_retry(core, actor, second.id, wrong)
    with pytest.raises(NotLost):
        await win_loss.plan_retry(core, actor, (await make_deal(core, actor)).id, "2027-01-05")


async def test_a_shelved_deal_rests_till_its_day(core: Core) -> None:
    actor = await make_actor(core)
    deal = await make_deal(core, actor)
    with pytest.raises(ReasonNeeded):
        await win_loss.shelve(core, actor, deal.id, until="2027-01-05", reason="")
    with pytest.raises(Invalid):
        await win_loss.shelve(core, actor, deal.id, until="2026-11-01", reason="没预算")
    row, _ = await win_loss.shelve(core, actor, deal.id, until="2027-01-05", reason="没预算")
    assert (row.status, row.shelved_until, row.retry_on) == ("shelved", date(2027, 1, 5), date(2027, 1, 5))
    back = await undo_last(core, actor, deal.id)
    assert (back.status, back.shelved_until, back.retry_on) == ("open", None, None)


async def test_a_closed_deal_is_opened_again_and_its_past_stays(core: Core) -> None:
    actor = await make_actor(core)
    deal = await make_deal(core, actor, stage="proposal")
    with pytest.raises(NotClosed):
        await win_loss.reopen(core, actor, deal.id)
    await win_loss.lose(core, actor, deal.id, reason="嫌贵", competitor="华星")
    core.clock.advance(timedelta(days=30))  # type: ignore[attr-defined]
    row, _ = await win_loss.reopen(core, actor, deal.id)
    assert (row.status, row.stage, row.loss_reason, row.lost_at, row.retry_on) == ("open", "proposal", "", None, None)
    assert row.stage_since == core.clock.now()
    assert [move.reason for move in await StageMove.visible_of(deal.id).filter(kind="lose")] == ["嫌贵"]
    await win_loss.win(core, actor, deal.id)
    with pytest.raises(ReasonNeeded):
        await win_loss.reopen(core, actor, deal.id)
    assert (await win_loss.reopen(core, actor, deal.id, reason="记错了"))[0].won_at is None


async def test_losses_are_counted_by_competitor_of_the_deals_one_sees(core: Core) -> None:
    actor, peer = await make_actor(core), await make_actor(core, "小李")
    for name, amount in (("华星", "10.10"), ("华星", "20.20"), ("无", None)):
        deal = await make_deal(core, actor, amount=amount)
        await win_loss.lose(core, actor, deal.id, reason="贵", competitor=name)
    other = await make_deal(core, peer)
    await win_loss.lose(core, peer, other.id, reason="贵", competitor="远山")
    year = (date(2026, 1, 1), date(2027, 1, 1))
    found = await lost_to(core, actor, *year)
    assert [(each.competitor, each.count, each.amount) for each in found] == [
        ("华星", 2, Decimal("30.30")),
        ("无", 1, Decimal("0.00")),
    ]
    assert len(await lost_to(core, SYSTEM, *year)) == 3
    assert await lost_to(core, actor, date(2025, 1, 1), date(2026, 1, 1)) == []


async def test_the_rights_of_every_ending(core: Core) -> None:
    owner, peer = await make_actor(core), await make_actor(core, "小李")
    viewer = await make_actor(core, "老板", Role.VIEWER)
    deal = await make_deal(core, owner)
    for actor, kind in ((peer, NotFound), (viewer, Refused)):
        for attempt in (
            win_loss.win(core, actor, deal.id),
            win_loss.lose(core, actor, deal.id, reason="贵", competitor="无"),
            win_loss.shelve(core, actor, deal.id, until="2027-01-05", reason="等"),
            win_loss.reopen(core, actor, deal.id, reason="等"),
            win_loss.plan_retry(core, actor, deal.id, "2027-01-05"),
        ):
            with pytest.raises(kind):
                await attempt
    assert (await Opportunity.get(id=deal.id)).status == "open"
    assert (await win_loss.win(core, owner, deal.id))[0].status == "won"
