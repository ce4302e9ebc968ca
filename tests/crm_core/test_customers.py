"""Customers and contacts: recorded, changed, and what cannot be."""

import pytest

from crm_core import customers
from crm_core.access import Role
from crm_core.customers import Contact, checked
from crm_core.errors import Invalid, NotFound, Refused
from crm_core.ports import Core
from tests.factories import SYSTEM, make_actor


@pytest.mark.parametrize("birthday", ["01-15", "02-29", "1980-01-15", "lunar:01-15", "lunar:04L-15", "lunar:12-30"])
def test_birthdays_as_people_know_them(birthday: str) -> None:
    assert checked({"birthday": birthday})["birthday"] == birthday


@pytest.mark.parametrize("birthday", ["13-01", "02-30", "1-15", "lunar:13-01", "lunar:01-31", "04L-15", "1980", "x-01-15"])
def test_what_is_no_birthday(birthday: str) -> None:
    with pytest.raises(Invalid):
        checked({"birthday": birthday})


async def test_a_contact_belongs_to_whoever_owns_the_customer(core: Core) -> None:
    owner, other = await make_actor(core, "小王"), await make_actor(core, "小李")
    customer = await customers.add_customer(core, owner, name="东风机械厂")
    contact = await customers.add_contact(core, owner, name="张伟", customer_id=customer.id, mobile="13800138000")
    assert (contact.owner_id, contact.mobile) == (owner.employee_id, "+8613800138000")
    with pytest.raises(NotFound):
        await customers.add_contact(core, other, name="李娜", customer_id=customer.id)
    with pytest.raises(NotFound):
        await customers.update_contact(core, other, contact.id, title="经理")
    with pytest.raises(Refused):
        await customers.update_customer(core, owner, customer.id, owner_id=other.employee_id)
    manager = await make_actor(core, "陈经理", Role.ADMIN)
    await customers.update_customer(core, manager, customer.id, owner_id=other.employee_id)
    assert (await Contact.get(id=contact.id)).owner_id == other.employee_id
    assert (await customers.update_contact(core, other, contact.id, title="经理")).title == "经理"


async def test_names_are_needed(core: Core) -> None:
    for add in (customers.add_customer, customers.add_contact):
        with pytest.raises(Invalid):
            await add(core, SYSTEM, name=" ")
