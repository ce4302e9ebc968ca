"""Customers and contacts: recorded, changed, and what cannot be."""

import pytest

from crm_core import customers
from crm_core.access import Role
from crm_core.customers import Contact, Customer, checked
from crm_core.errors import Invalid, NotFound, Refused
from crm_core.ports import Core
from tests.factories import SYSTEM, make_actor, make_employee


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


async def test_a_customer_is_given_to_somebody_of_the_house_and_not_by_a_salesperson(core: Core) -> None:
    seller, other = await make_actor(core, "小王"), await make_actor(core, "小李")
    boss = await make_actor(core, "林经理", Role.MANAGER)
    with pytest.raises(Refused):
        await customers.add_customer(core, seller, name="东风机械厂", owner_id=other.employee_id)
    for number in (999, (await make_employee(core, "小赵", departed_at=core.clock.now())).id):
        with pytest.raises(Invalid):
            await customers.add_customer(core, boss, name="东风机械厂", owner_id=number)
    assert await Customer.all().count() == 0
    own = await customers.add_customer(core, seller, name="东风机械厂", owner_id=seller.employee_id)
    assert own.owner_id == seller.employee_id
    given = await customers.add_customer(core, boss, name="南湖学校", owner_id=other.employee_id)
    assert given.owner_id == other.employee_id


async def test_what_one_does_not_see_cannot_be_referred_to(core: Core) -> None:
    seller, other = await make_actor(core, "小王"), await make_actor(core, "小李")
    foreign = await customers.add_customer(core, other, name="集团")
    stranger = await customers.add_contact(core, other, name="李娜")
    own = await customers.add_customer(core, seller, name="东风机械厂")
    contact = await customers.add_contact(core, seller, name="张伟", customer_id=own.id)
    for number in (foreign.id, 999):
        with pytest.raises(NotFound):
            await customers.add_customer(core, seller, name="子公司", parent_id=number)
        with pytest.raises(NotFound):
            await customers.update_customer(core, seller, own.id, parent_id=number)
    for number in (stranger.id, 999):
        with pytest.raises(NotFound):
            await customers.add_contact(core, seller, name="王五", reports_to_id=number)
        with pytest.raises(NotFound):
            await customers.update_contact(core, seller, contact.id, reports_to_id=number)
    assert (await customers.add_customer(core, seller, name="子公司", parent_id=own.id)).parent_id == own.id
    assert (await customers.add_contact(core, seller, name="王五", reports_to_id=contact.id)).reports_to_id == contact.id
    assert (await customers.update_customer(core, seller, own.id, parent_id=None)).parent_id is None


async def test_a_contact_that_moves_goes_with_its_new_customer(core: Core) -> None:
    owner, other = await make_actor(core, "小王"), await make_actor(core, "小李")
    here = await customers.add_customer(core, owner, name="东风机械厂")
    there = await customers.add_customer(core, other, name="南湖学校")
    contact = await customers.add_contact(core, owner, name="张伟", customer_id=here.id)
    with pytest.raises(NotFound):
        await customers.update_contact(core, owner, contact.id, customer_id=there.id)
    manager = await make_actor(core, "陈经理", Role.ADMIN)
    moved = await customers.update_contact(core, manager, contact.id, customer_id=there.id)
    assert moved.owner_id == (await Contact.get(id=contact.id)).owner_id == other.employee_id
    alone = await customers.update_contact(core, other, contact.id, customer_id=None)
    assert (alone.customer_id, alone.owner_id) == (None, other.employee_id)
