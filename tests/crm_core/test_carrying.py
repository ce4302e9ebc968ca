"""What hangs on a record: what somebody built upon counts, what the house noted of it goes along."""

import pytest

from crm_core import carrying, customers, opportunities
from crm_core.activities import add_follow_up, subject_of
from crm_core.customers import Contact, Customer
from crm_core.life_cycles import LifeCycleChange
from crm_core.ports import Core
from tests.factories import make_actor, make_deal


async def test_records_with_something_on_them_are_told_apart_in_one_go(core: Core) -> None:
    actor = await make_actor(core)
    rows = [await customers.add_customer(core, actor, name=name) for name in ("东风", "云帆", "远山")]
    await customers.add_contact(core, actor, name="张伟", customer_id=rows[0].id)
    await add_follow_up(core, actor, subject_of(rows[1]), summary="电话")
    found = await core.db.read(carrying.carrying("customers", [row.id for row in rows], 0, 0))
    assert found == {rows[0].id, rows[1].id}
    assert [await core.db.run(carrying.carries("customers", row.id)) for row in rows] == [True, True, False]


async def test_what_the_house_noted_goes_with_the_record_and_those_below_stand_alone(core: Core) -> None:
    actor = await make_actor(core)
    gone, here = [await customers.add_customer(core, actor, name=name) for name in ("东风", "云帆")]
    await customers.update_customer(core, actor, here.id, parent_id=gone.id)
    for row in (gone, here):
        now = core.clock.now()
        await LifeCycleChange.add(core, customer_id=row.id, from_state="target", to_state="target", at=now)
    await Customer.filter(id=gone.id).delete()
    await core.db.run(carrying.clear_away("customers", [gone.id, here.id]))
    assert [row.customer_id for row in await LifeCycleChange.all()] == [here.id]
    assert (await Customer.get(id=here.id)).parent_id is None
    assert not await core.db.run(carrying.carries("people", 1))


@pytest.mark.parametrize("told", [True, False])
async def test_a_deal_somebody_talked_about_is_not_bare(core: Core, told: bool) -> None:
    actor = await make_actor(core)
    deal = await make_deal(core, actor)
    assert await Contact.all().count() == 0
    if told:
        await add_follow_up(core, actor, subject_of(deal), summary="电话")
    assert await core.db.read(carrying.carries_deal(deal.id)) is told
    assert await opportunities.Opportunity.exists(id=deal.id)
