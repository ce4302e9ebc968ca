"""Leads: what is recorded and changed by hand."""

import pytest

from crm_core import employees, leads
from crm_core.access import Role
from crm_core.errors import Invalid
from crm_core.leads import Lead
from crm_core.ports import Core
from tests.factories import SYSTEM, make_actor, make_employee, make_lead


async def test_no_lead_is_converted_by_hand(core: Core) -> None:
    lead = await make_lead(core)
    for word in ("converted", "lost"):
        with pytest.raises(Invalid):
            await leads.update(core, SYSTEM, lead.id, status=word)


async def test_nobody_who_left_is_given_a_lead(core: Core) -> None:
    boss = await make_actor(core, "陈经理", Role.ADMIN)
    left = await make_employee(core, "小李", staff_id="staff-left")
    await employees.depart(core, boss, left.id)
    with pytest.raises(employees.AlreadyDeparted):
        await leads.add(core, boss, name="张伟", owner_id=left.id)
    assert not await Lead.all().exists()
