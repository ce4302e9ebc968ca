"""Moves through a pipeline: conditions, reasons, history, undo within a day, and two at once."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest

from crm_core import activities, change_sets, customers, opportunities
from crm_core.access import Role
from crm_core.audit import AuditEntry
from crm_core.customers import Customer
from crm_core.errors import Invalid, NotFound, Refused
from crm_core.opportunities import MoveKind, Opportunity, OpportunityClosed, StageMove, UnknownStage
from crm_core.ports import Core
from crm_core.stage_moves import (
    AlreadyInStage,
    ConditionsMissing,
    LastStage,
    MoveTooOldToUndo,
    NoMoveToUndo,
    OpportunityMoved,
    ReasonNeeded,
    advance,
    move,
    undo_last,
)
from crm_core.win_loss import lose, win
from tests.factories import SYSTEM, make_actor, make_deal
from tests.fakes import FakeClock


async def test_moving_on_is_refused_until_the_conditions_are_met(core: Core) -> None:
    actor = await make_actor(core)
    deal = await make_deal(core, actor)
    with pytest.raises(ConditionsMissing) as refused:
        await advance(core, actor, deal.id)
    assert refused.value.fields["conditions"] == ["登记联系人", "有跟进记录"]
    assert refused.value.sentence() == "进入「需求确认」还缺：登记联系人、有跟进记录。确要推进请说明原因"
    contact = await customers.add_contact(core, actor, name="李总", customer_id=deal.customer_id)
    await activities.add_follow_up(core, actor, activities.subject_of(contact), method="phone")
    row, made = await advance(core, actor, deal.id)
    assert (row.stage, row.stage_since, made.forced) == ("qualified", core.clock.now(), "")
    assert await AuditEntry.filter(action="opportunity.advance", object_id=deal.id).count() == 1


async def test_values_said_along_count_for_the_conditions(core: Core) -> None:
    actor = await make_actor(core)
    deal = await make_deal(core, actor, stage="negotiation")
    row, _ = await advance(core, actor, deal.id, expected_close_on="2026-12-31", probability=95)
    assert (row.stage, row.probability) == ("contract", 95)


async def test_with_a_reason_it_moves_all_the_same_and_that_is_kept(core: Core) -> None:
    actor = await make_actor(core)
    deal = await make_deal(core, actor)
    _, made = await advance(core, actor, deal.id, stage="方案报价", reason=" 客户催 ")
    kept = await StageMove.get(id=made.id)
    assert (kept.from_stage, kept.to_stage, kept.reason) == ("initial", "proposal", "客户催")
    assert kept.forced == "登记联系人、有跟进记录、填写产品、填写预计金额"
    with pytest.raises(Invalid):
        await advance(core, actor, deal.id, reason="长" * 201)


async def test_back_needs_a_reason_and_no_conditions(core: Core) -> None:
    actor = await make_actor(core)
    deal = await make_deal(core, actor, stage="contract")
    with pytest.raises(ReasonNeeded) as refused:
        await advance(core, actor, deal.id, stage="initial")
    assert refused.value.sentence() == "退回「初步接触」请说明原因"
    row, made = await advance(core, actor, deal.id, stage="initial", reason="换人了")
    assert (row.stage, made.kind) == ("initial", "set_back")


async def test_the_end_and_the_same_stage_are_told(core: Core) -> None:
    actor = await make_actor(core)
    deal = await make_deal(core, actor, stage="contract")
    with pytest.raises(LastStage):
        await advance(core, actor, deal.id)
    with pytest.raises(AlreadyInStage):
        await advance(core, actor, deal.id, stage="contract")
    with pytest.raises(UnknownStage):
        await advance(core, actor, deal.id, stage="飞升")
    await win(core, actor, deal.id)
    with pytest.raises(OpportunityClosed):
        await advance(core, actor, deal.id, stage="initial", reason="再来")


async def test_days_in_the_stage_that_was_left_are_kept(core: Core, clock: FakeClock) -> None:
    actor = await make_actor(core)
    deal = await make_deal(core, actor)
    clock.advance(timedelta(days=5, hours=3))
    _, first = await advance(core, actor, deal.id, reason="急")
    clock.advance(timedelta(days=2))
    _, second = await advance(core, actor, deal.id, reason="急")
    assert (first.days, second.days) == (5, 2)


async def test_a_foreign_deal_looks_missing_and_a_viewer_is_refused(core: Core) -> None:
    owner, peer = await make_actor(core), await make_actor(core, "小李")
    viewer = await make_actor(core, "老板", Role.VIEWER)
    deal = await make_deal(core, owner)
    with pytest.raises(NotFound):
        await advance(core, peer, deal.id, reason="我来")
    with pytest.raises(NotFound):
        await undo_last(core, peer, deal.id)
    with pytest.raises(Refused):
        await advance(core, viewer, deal.id, reason="我来")
    assert (await advance(core, owner, deal.id, reason="我来"))[0].stage == "qualified"


async def test_each_move_is_taken_back_newest_first(core: Core) -> None:
    actor = await make_actor(core)
    deal = await make_deal(core, actor, amount="100")
    await advance(core, actor, deal.id, reason="急", amount="200")
    await win(core, actor, deal.id, amount="180.5")
    assert (await Customer.get(id=deal.customer_id)).status == "active"
    row = await undo_last(core, actor, deal.id)
    assert (row.status, row.won_at, row.amount, row.stage) == ("open", None, Decimal("200.00"), "qualified")
    assert (await Customer.get(id=deal.customer_id)).status == "potential"
    row = await undo_last(core, actor, deal.id)
    assert (row.stage, row.stage_since, row.amount) == ("initial", deal.stage_since, Decimal("100.00"))
    with pytest.raises(NoMoveToUndo):
        await undo_last(core, actor, deal.id)
    assert [each.kind for each in await StageMove.visible_of(deal.id)] == ["open"]


async def test_undo_ends_after_a_day_and_asks_for_the_same_move(core: Core, clock: FakeClock) -> None:
    actor = await make_actor(core)
    deal = await make_deal(core, actor)
    _, first = await advance(core, actor, deal.id, reason="急")
    await advance(core, actor, deal.id, reason="急")
    with pytest.raises(OpportunityMoved):
        await undo_last(core, actor, deal.id, move_id=first.id)
    assert (await Opportunity.get(id=deal.id)).stage == "proposal"
    clock.advance(timedelta(hours=24, seconds=1))
    with pytest.raises(MoveTooOldToUndo):
        await undo_last(core, actor, deal.id)


async def test_an_undo_leaves_what_was_changed_by_hand_since(core: Core) -> None:
    actor = await make_actor(core)
    deal = await make_deal(core, actor)
    await advance(core, actor, deal.id, reason="急", amount="200")
    _, set_id = await opportunities.correct(core, actor, deal.id, amount="300")
    with pytest.raises(change_sets.LaterChangesFirst):
        await undo_last(core, actor, deal.id)
    await change_sets.undo(core, actor, set_id)
    assert (await undo_last(core, actor, deal.id)).amount is None


async def test_of_two_moves_at_once_one_wins(core: Core) -> None:
    actor = await make_actor(core)
    deal = await make_deal(core, actor)
    outcomes = await asyncio.gather(
        *(advance(core, actor, deal.id, stage="qualified", reason="急") for _ in range(5)), return_exceptions=True
    )
    won = [each for each in outcomes if isinstance(each, tuple)]
    assert len(won) == 1
    assert {type(each) for each in outcomes if not isinstance(each, tuple)} <= {OpportunityMoved, AlreadyInStage}
    assert (await Opportunity.get(id=deal.id)).stage == "qualified"
    assert await StageMove.filter(opportunity_id=deal.id).count() == 2


async def test_a_move_decided_on_what_has_changed_since_is_refused(core: Core) -> None:
    actor = await make_actor(core)
    deal = await make_deal(core, actor)
    await advance(core, actor, deal.id, reason="急")
    with pytest.raises(OpportunityMoved) as refused:
        await move(core, actor, deal, MoveKind.WIN, {"status": "won"})
    assert refused.value.sentence() == "商机「智能网关」刚被改动，请看过再试"


async def test_won_and_lost_at_once_is_one_of_them(core: Core) -> None:
    deal = await make_deal(core, SYSTEM)
    outcomes = await asyncio.gather(
        win(core, SYSTEM, deal.id),
        lose(core, SYSTEM, deal.id, reason="嫌贵", competitor="华星"),
        return_exceptions=True,
    )
    assert sum(isinstance(each, tuple) for each in outcomes) == 1
    row = await Opportunity.get(id=deal.id)
    assert (row.won_at is None) != (row.lost_at is None)
