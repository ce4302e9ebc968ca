"""Whom another unit keeps to itself is entered by nobody else, by no number or id, as nothing."""

from typing import Any

import pytest

from crm_core import customers, hard_ids, leads
from crm_core.access import Actor
from crm_core.customers import Contact
from crm_core.departments import Department
from crm_core.employees import actor_of
from crm_core.identity import new_person
from crm_core.leads import Lead, LeadElsewhere
from crm_core.ports import Core
from tests.factories import SYSTEM, make_employee, make_lead

IDS = {"mobile": "13800138000", "landline": "021-66667777", "wechat_id": "wei_xin_1", "email": "a@b.cn"}
OTHERS = {**IDS, "wechat_id": "WEI_xin_1", "email": "A@b.CN"}


async def two_units(core: Core) -> tuple[Actor, Actor, Lead]:
    """Somebody of the north, somebody of the south, and a lead of the north with every kind of id."""
    made = []
    for name in ("北", "南"):
        unit: Department = await Department.add(core, name=name)
        made.append((unit, await actor_of(await make_employee(core, f"小{name}", department_id=unit.id))))
    (north, one), (_, two) = made
    lead = await make_lead(core, "张伟", owner_id=one.employee_id, **IDS)
    await lead.change(core, department_id=north.id)
    return one, two, lead


@pytest.mark.parametrize("name", IDS)
async def test_neither_a_new_lead_nor_a_changed_one_gets_it(core: Core, name: str) -> None:
    _, south, _ = await two_units(core)
    own = await leads.add(core, south, name="李娜")
    customer = await customers.add_customer(core, south, name="东风机械")
    contact = await customers.add_contact(core, south, name="王芳", customer_id=customer.id)
    said: dict[str, Any] = {name: OTHERS[name]}
    for attempt in (
        lambda: leads.add(core, south, name="老张", **said),
        lambda: leads.update(core, south, own.id, **said),
        lambda: customers.add_contact(core, south, name="老张", customer_id=customer.id, **said),
        lambda: customers.update_contact(core, south, contact.id, **said),
    ):
        with pytest.raises(LeadElsewhere):
            await attempt()
    assert getattr(await Lead.get(id=own.id), name) is None


async def test_whoever_has_it_goes_on_with_it(core: Core) -> None:
    north, south, lead = await two_units(core)
    await leads.update(core, north, lead.id, title="采购", **IDS)
    await leads.add(core, SYSTEM, name="老张", **IDS)
    assert (await leads.add(core, south, name="赵敏", mobile="13900139000")).mobile == "+8613900139000"


async def test_a_number_is_found_in_either_place_and_in_a_contact(core: Core) -> None:
    _, south, lead = await two_units(core)
    with pytest.raises(LeadElsewhere):
        await leads.add(core, south, name="老张", landline="13800138000")
    contact: Contact = await Contact.add(core, person_id=await new_person(core), name="张伟", mobile="+8613700137000")
    await lead.change(core, contact_id=contact.id)
    assert [unit for unit, _ in await core.db.run(hard_ids.units_of({"mobile": "+8613700137000"}))] == [lead.department_id]
    assert await core.db.run(hard_ids.units_of({"mobile": None, "name": "张伟"})) == []
