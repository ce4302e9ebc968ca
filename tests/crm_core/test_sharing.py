"""Sharing: who may, what is refused, and the manager's view of the team."""

import pytest

from crm_core import access, activities, change_sets, customers, sharing
from crm_core.access import Role
from crm_core.activities import FollowUp
from crm_core.collaborators import Collaborator, may_change
from crm_core.customers import Contact, Customer
from crm_core.employees import Employee, actor_of
from crm_core.errors import Invalid, NotFound, Refused
from crm_core.ports import Core
from tests.factories import make_actor, make_employee


async def test_shared_shown_changed_and_revoked(core: Core) -> None:
    owner, helper = await make_actor(core), await make_actor(core, "小李")
    assert helper.employee_id
    assert owner.employee_id
    customer = await customers.add_customer(core, owner, name="云帆科技")
    contact = await customers.add_contact(core, owner, name="李总", customer_id=customer.id)
    assert await access.visible(Customer, helper).count() == 0
    await sharing.share(core, owner, customer.id, helper.employee_id)
    assert await access.visible(Customer, helper).count() == await access.visible(Contact, helper).count() == 1
    follow_up = await activities.add_follow_up(core, helper, activities.subject_of(contact), method="phone")
    assert await access.load(FollowUp, owner, follow_up.id)
    with pytest.raises(Refused):
        await customers.update_contact(core, helper, contact.id, title="经理")
    with pytest.raises(Refused):
        await customers.add_contact(core, helper, name="王五", customer_id=customer.id)
    _, set_id = await sharing.share(core, owner, customer.id, helper.employee_id, may_write=True)
    assert await may_change(helper, customer.id, customer.owner_id)
    assert [each.label for each in await sharing.list_shared(owner, customer.id)] == ["小李（可改）"]
    await change_sets.undo(core, owner, set_id)
    assert not await may_change(helper, customer.id, customer.owner_id)
    set_id = await sharing.unshare(core, owner, customer.id, helper.employee_id)
    assert await Collaborator.all().count() == 0
    await change_sets.undo(core, owner, set_id)
    assert await access.visible(Customer, helper).count() == 1


async def test_what_cannot_be_shared(core: Core) -> None:
    owner, helper = await make_actor(core), await make_actor(core, "小李")
    assert helper.employee_id
    assert owner.employee_id
    gone = await make_employee(core, "小赵", departed_at=core.clock.now())
    customer = await customers.add_customer(core, owner, name="云帆科技")
    for number in (owner.employee_id, gone.id, 999):
        with pytest.raises(Invalid):
            await sharing.share(core, owner, customer.id, number)
    with pytest.raises(NotFound):
        await sharing.share(core, helper, customer.id, helper.employee_id)
    with pytest.raises(NotFound):
        await sharing.unshare(core, owner, customer.id, helper.employee_id)


async def test_a_manager_sees_what_is_shared_with_the_team(core: Core) -> None:
    owner, helper = await make_actor(core), await make_employee(core, "小李")
    boss = await make_employee(core, "老周", Role.MANAGER)
    await Employee.filter(id=helper.id).update(manager_id=boss.id)
    customer = await customers.add_customer(core, owner, name="云帆科技")
    manager = await actor_of(boss)
    assert await access.visible(Customer, manager).count() == 0
    await sharing.share(core, owner, customer.id, helper.id)
    assert await access.visible(Customer, manager).count() == 1
