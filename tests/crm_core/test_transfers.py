"""Hand-overs: everything moves, comes back, and only managers do it."""

import pytest

from crm_core import change_sets, colleagues, customers, transfers
from crm_core.access import Role
from crm_core.customers import Contact, Customer
from crm_core.employees import AlreadyDeparted, Employee, actor_of
from crm_core.errors import Invalid, NotFound, Refused
from crm_core.leads import Lead
from crm_core.opportunities import Opportunity
from crm_core.ports import Core
from crm_core.transfers import NothingToHandOver
from tests.factories import make_actor, make_deal, make_employee, make_lead


async def test_many_go_over_and_come_back(core: Core) -> None:
    boss, giver, taker = await make_actor(core, "陈总", Role.ADMIN), await make_actor(core), await make_actor(core, "小李")
    assert giver.employee_id
    assert taker.employee_id
    now = core.clock.now()
    rows = [Customer(name=f"客户{n}", owner_id=giver.employee_id, created_at=now, updated_at=now) for n in range(1200)]
    await Customer.bulk_create(rows)
    deal = await make_deal(core, giver)
    await make_lead(core, owner_id=giver.employee_id)
    counts = await transfers.count(core, boss, giver.employee_id)
    assert (counts.customers, counts.opportunities, counts.leads) == (1201, 1, 0)
    done = await transfers.hand_over(core, boss, giver.employee_id, taker.employee_id)
    assert await Customer.filter(owner_id=taker.employee_id).count() == 1201
    assert (await Opportunity.get(id=deal.id)).owner_id == taker.employee_id
    assert (await Lead.get()).owner_id == giver.employee_id
    undone = await change_sets.undo(core, boss, done.changes.id)
    assert (undone.rows, undone.left) == (1202, 0)
    assert await Customer.filter(owner_id=giver.employee_id).count() == 1201


async def test_what_is_refused(core: Core) -> None:
    boss, giver, taker = await make_actor(core, "陈总", Role.ADMIN), await make_actor(core), await make_actor(core, "小李")
    assert boss.employee_id
    assert giver.employee_id
    assert taker.employee_id
    with pytest.raises(NothingToHandOver):
        await transfers.hand_over(core, boss, giver.employee_id, taker.employee_id)
    with pytest.raises(Refused):
        await transfers.hand_over(core, giver, giver.employee_id, taker.employee_id)
    with pytest.raises(Refused):
        await transfers.leave(core, boss, boss.employee_id, taker.employee_id)
    with pytest.raises(NotFound):
        await transfers.count(core, boss, 999)
    with pytest.raises(Invalid):
        await transfers.hand_over(core, boss, giver.employee_id, giver.employee_id)
    manager = await make_actor(core, "老周", Role.MANAGER)
    with pytest.raises(Refused):
        await transfers.hand_over(core, manager, giver.employee_id, taker.employee_id)
    await make_employee(core, "小王")
    with pytest.raises(Invalid):
        await colleagues.one_called(boss, "小王")


async def test_a_manager_may_for_the_team_and_who_left_left_once(core: Core) -> None:
    boss = await make_employee(core, "老周", Role.MANAGER)
    giver = await make_employee(core, "小李", manager_id=boss.id)
    taker = await make_employee(core, "小赵", manager_id=boss.id)
    manager = await actor_of(boss)
    row = await customers.add_customer(core, await actor_of(giver), name="云帆科技")
    await customers.add_contact(core, await actor_of(giver), name="李总", customer_id=row.id)
    done = await transfers.leave(core, manager, giver.id, taker.id)
    assert done.counts.shown() == "客户1个、联系人1个"
    assert (await Employee.get(id=giver.id)).departed_at is not None
    assert (await Contact.get()).owner_id == taker.id
    with pytest.raises(AlreadyDeparted):
        await transfers.leave(core, manager, giver.id, taker.id)
