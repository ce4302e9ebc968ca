"""Proposals: made once a rule and deal, answered by whoever owns them."""

from datetime import timedelta
from functools import partial

import pytest

from crm_core import repeat_purchases
from crm_core.access import Role
from crm_core.errors import NotFound, Refused
from crm_core.pipeline_rules import RepeatPurchase
from crm_core.ports import Core
from crm_core.repeat_purchases import ProposalAnswered, make_due
from tests.factories import make_actor, make_deal
from tests.fakes import FakeClock

RULE = RepeatPurchase("网关", 30)


async def test_one_deal_is_proposed_once_and_answered_once(core: Core, clock: FakeClock) -> None:
    actor, peer = await make_actor(core), await make_actor(core, "小李")
    viewer = await make_actor(core, "老板", Role.VIEWER)
    await make_deal(core, actor, product="智能网关", status="won", won_at=clock.now())
    await make_deal(core, actor, product="平台", status="won", won_at=clock.now())
    clock.advance(timedelta(days=30))
    made, more = await core.db.run(partial(make_due, core, RULE))
    assert ([each.sentence for each in made], more) == (
        ["「云帆科技」成交已30天，可以问问是否再次采购「智能网关」。回复“约回访”或“先不约”"],
        False,
    )
    assert await core.db.run(partial(make_due, core, RULE)) == ([], False)
    assert await repeat_purchases.list_open(peer) == []
    (row,) = await repeat_purchases.list_open(actor, owner_id=actor.employee_id)
    with pytest.raises(NotFound):
        await repeat_purchases.answer(core, peer, row.id, accept=True)
    with pytest.raises(Refused):
        await repeat_purchases.answer(core, viewer, row.id, accept=True)
    assert (await repeat_purchases.answer(core, actor, row.id, accept=False)).answered_at == clock.now()
    with pytest.raises(ProposalAnswered):
        await repeat_purchases.answer(core, actor, row.id, accept=True)
    assert (await repeat_purchases.take_back(core, actor, row.id, "declined")).status == "open"


async def test_an_upgrade_is_worded_as_one(core: Core, clock: FakeClock) -> None:
    await make_deal(core, await make_actor(core), product="100%网关", status="won", won_at=clock.now())
    made, _ = await core.db.run(partial(make_due, core, RepeatPurchase("0%网", 0, "upgrade", "旗舰版")))
    assert made[0].sentence.endswith("可以谈谈升级到「旗舰版」。回复“约回访”或“先不约”")
    made, _ = await core.db.run(partial(make_due, core, RepeatPurchase("0_网", 0, "upgrade", "旗舰版二")))
    assert made == []
