"""Counts of states: the team's own only."""

from crm_core import customers, life_cycle_counts
from crm_core.life_cycle_rules import LifeCycle
from crm_core.ports import Core
from tests.factories import SYSTEM, make_actor


async def test_a_peer_counts_nothing_and_the_house_everything(core: Core) -> None:
    owner, peer = await make_actor(core), await make_actor(core, "小李")
    await customers.add_customer(core, owner, name="云帆科技")
    for actor, count in ((owner, 1), (peer, 0), (SYSTEM, 1)):
        assert (await life_cycle_counts.overview(core, actor)).counts[LifeCycle.TARGET] == count
        assert (await life_cycle_counts.list_in(actor, [LifeCycle.TARGET]))[1] == count
