"""Deleting marks the customer and its contacts; a collaborator may not."""

import pytest

from crm_core import access, change_sets, customers, deletion, sharing
from crm_core.customers import Contact, Customer
from crm_core.errors import NotFound, Refused
from crm_core.ports import Core
from tests.factories import make_actor


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
    await change_sets.undo(core, owner, changes.id)
    assert await access.visible(Customer, owner).count() == await access.visible(Contact, owner).count() == 1
