"""Deleting marks the customer and its contacts; a collaborator may not."""

import pytest

from crm_core import access, change_sets, customers, deletion, merging, sharing, stage_moves
from crm_core.customers import Contact, Customer
from crm_core.errors import NotFound, Refused
from crm_core.field_visits import FieldVisit
from crm_core.ports import Core
from tests.factories import make_actor, make_deal


async def test_no_row_is_lost_and_it_comes_back(core: Core) -> None:
    owner, helper = await make_actor(core), await make_actor(core, "小李")
    assert helper.employee_id
    row = await customers.add_customer(core, owner, name="云帆科技")
    await customers.add_contact(core, owner, name="李总", customer_id=row.id)
    await sharing.share(core, owner, row.id, helper.employee_id, may_write=True)
    with pytest.raises(Refused):
        await deletion.delete_customer(core, helper, row.id)
    _, changes = await deletion.delete_customer(core, owner, row.id)
    assert await access.visible(Customer, owner).count() == await access.visible(Contact, owner).count() == 0
    assert await Customer.all().count() == await Contact.all().count() == 1
    with pytest.raises(NotFound):
        await customers.update_customer(core, owner, row.id, name="别的")
    with pytest.raises(NotFound):
        await deletion.delete_customer(core, owner, row.id)
    await change_sets.undo(core, owner, changes.id)
    assert await access.visible(Customer, owner).count() == await access.visible(Contact, owner).count() == 1


async def test_the_number_of_a_merged_one_does_not_delete_the_surviving_one(core: Core) -> None:
    owner = await make_actor(core)
    keep, drop = [await customers.add_customer(core, owner, name=name) for name in ("云帆科技", "云帆")]
    await merging.merge(core, owner, "customer", keep.id, drop.id)
    with pytest.raises(NotFound):
        await deletion.delete_customer(core, owner, drop.id)
    assert [row.id for row in await access.visible(Customer, owner)] == [keep.id]


async def test_its_deals_are_told_and_nobody_moves_one_any_more(core: Core) -> None:
    owner = await make_actor(core)
    deal = await make_deal(core, owner)
    assert await deletion.count_deals(deal.customer_id) == 1
    _, changes = await deletion.delete_customer(core, owner, deal.customer_id)
    assert await deletion.count_deals(deal.customer_id) == 0
    with pytest.raises(NotFound):
        await stage_moves.advance(core, owner, deal.id, reason="客户催")
    await change_sets.undo(core, owner, changes.id)
    await stage_moves.advance(core, owner, deal.id, reason="客户催")


async def test_a_planned_visit_is_called_off_and_stands_again(core: Core) -> None:
    owner = await make_actor(core)
    row = await customers.add_customer(core, owner, name="云帆科技")
    at = core.clock.now()
    for made_at in (None, at):
        await FieldVisit.add(
            core, employee_id=owner.employee_id, customer_id=row.id, name="云帆科技", planned_at=at, checked_in_at=made_at
        )
    _, changes = await deletion.delete_customer(core, owner, row.id)
    assert [visit.checked_in_at for visit in await FieldVisit.filter(cancelled_at=None)] == [at]
    await change_sets.undo(core, owner, changes.id)
    assert await FieldVisit.filter(cancelled_at=None).count() == 2
