"""Leads: what is recorded and changed by hand."""

import asyncio
from typing import Any

import pytest

from crm_core import assignment, conversion, employees, leads, merging, pools
from crm_core.access import Role
from crm_core.errors import CrmError, Invalid, NotFound
from crm_core.leads import Lead
from crm_core.pool_claims import PoolClaim
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


async def test_of_a_merged_lead_the_surviving_one_is_held(core: Core) -> None:
    lead, other = await make_lead(core), await make_lead(core)
    await lead.change(core, status="merged", merged_into_id=other.id)
    async with core.db.transaction():
        assert (await leads.load_held(core, SYSTEM, lead.id)).id == other.id
        with pytest.raises(NotFound):
            await leads.load_held(core, SYSTEM, 404)


@pytest.mark.parametrize("rounds", [6])
async def test_nothing_that_was_converted_is_ended_and_nothing_ended_has_an_owner_s_claim(core: Core, rounds: int) -> None:
    """At once: converted, ended, changed, claimed, given, put back; each as if the others had been before or after."""
    boss, one, two = (
        await make_actor(core, "陈经理", Role.ADMIN),
        await make_actor(core, "小王"),
        await make_actor(core, "小李"),
    )
    for number in range(rounds):
        lead = await make_lead(core, f"客户{number}")
        steps: list[Any] = [
            pools.claim(core, one, lead.id),
            assignment.assign(core, boss, [lead.id], two.employee_id or 0),
            conversion.convert(core, boss, lead.id),
            leads.discard(core, boss, lead.id, reason="x"),
            leads.update(core, boss, lead.id, status="discarded"),
            pools.release(core, boss, lead.id),
            pools.claim(core, two, lead.id),
        ]
        done = await asyncio.gather(*(steps[number % 7 :] + steps[: number % 7]), return_exceptions=True)
        assert all(not isinstance(each, BaseException) or isinstance(each, CrmError) for each in done), done
        now = await Lead.get(id=lead.id)
        assert (now.customer_id is None) == (now.status != "converted")
        held = await PoolClaim.filter(lead_id=lead.id, ended_at=None).values_list("employee_id", flat=True)
        assert set(held) <= {now.owner_id}


@pytest.mark.parametrize("rounds", [4])
async def test_a_merged_lead_gets_no_owner(core: Core, rounds: int) -> None:
    actor = await make_actor(core, "小王")
    for _ in range(rounds):
        keep, drop = await make_lead(core, "一一"), await make_lead(core, "二二")
        done = await asyncio.gather(
            merging.merge(core, SYSTEM, "lead", keep.id, drop.id), pools.claim(core, actor, drop.id), return_exceptions=True
        )
        assert all(not isinstance(each, BaseException) or isinstance(each, CrmError) for each in done), done
        gone, kept = await Lead.get(id=drop.id), await Lead.get(id=keep.id)
        claimed = not isinstance(done[1], BaseException)
        if gone.merged_into_id is not None:
            assert kept.owner_id == (actor.employee_id if claimed else None)
