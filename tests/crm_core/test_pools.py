"""The pool: claim, release, cap."""

import asyncio

import pytest

from crm_core import conversion, leads, pools
from crm_core.access import Role
from crm_core.audit import AuditEntry
from crm_core.leads import ClaimCapReached, Lead, LeadNotOwned
from crm_core.pools import LeadAlreadyClaimed
from crm_core.ports import Core
from tests.factories import SYSTEM, make_actor, make_lead


async def test_one_of_a_hundred_claims_wins(core: Core) -> None:
    lead = await make_lead(core)
    takers = [await make_actor(core, f"员工{n}") for n in range(100)]
    outcomes = await asyncio.gather(*(pools.claim(core, t, lead.id) for t in takers), return_exceptions=True)
    assert sum(isinstance(o, Lead) for o in outcomes) == 1
    assert {type(o) for o in outcomes if not isinstance(o, Lead)} == {LeadAlreadyClaimed}
    assert await AuditEntry.filter(action="lead.claim", object_id=lead.id).count() == 1


async def test_claim_is_refused_when_the_cap_is_reached(core: Core) -> None:
    actor = await make_actor(core)
    cap = core.settings.pools.claim_cap
    for n in range(cap):
        await make_lead(core, f"客户{n}", owner_id=actor.employee_id)
    lead = await make_lead(core)
    with pytest.raises(ClaimCapReached) as refused:
        await pools.claim(core, actor, lead.id)
    assert refused.value.sentence() == f"名下已有{cap}条未转化线索，达到上限{cap}，请先跟进或退回"
    await Lead.filter(name="客户0").update(status="discarded")
    assert (await pools.claim(core, actor, lead.id)).owner_id == actor.employee_id


async def test_a_salesperson_claims_before_working_on_a_pool_lead(core: Core) -> None:
    seller, boss = await make_actor(core), await make_actor(core, "林经理", Role.MANAGER)
    lead = await make_lead(core, company="东风机械厂")

    async def each_refused() -> None:
        with pytest.raises(LeadNotOwned) as refused:
            await leads.update(core, seller, lead.id, need="机床")
        assert refused.value.sentence() == "线索「张伟」还在公海，请先领取"
        with pytest.raises(LeadNotOwned):
            await leads.update(core, seller, lead.id, owner_id=seller.employee_id)
        with pytest.raises(LeadNotOwned):
            await leads.discard(core, seller, lead.id, reason="打不通")
        with pytest.raises(LeadNotOwned):
            await conversion.convert(core, seller, lead.id)

    await each_refused()
    assert (await leads.update(core, boss, lead.id, need="机床")).need == "机床"
    assert (await leads.assign(core, boss, lead.id, seller.employee_id or 0)).owner_id == seller.employee_id
    assert (await leads.update(core, seller, lead.id, need="两台")).need == "两台"
    await pools.release(core, seller, lead.id)
    await each_refused()
    assert (await leads.discard(core, SYSTEM, lead.id, reason="空号")).status == "discarded"


async def test_reopening_counts_against_the_cap(core: Core) -> None:
    actor = await make_actor(core)
    lead = await make_lead(core, owner_id=actor.employee_id)
    await leads.update(core, actor, lead.id, status="discarded")
    cap = core.settings.pools.claim_cap
    for n in range(cap):
        await make_lead(core, f"客户{n}", owner_id=actor.employee_id)
    with pytest.raises(ClaimCapReached):
        await leads.update(core, actor, lead.id, status="new")
    await Lead.filter(name="客户0").update(status="discarded")
    assert (await leads.update(core, actor, lead.id, status="new")).status == "new"
    assert (await leads.update(core, actor, lead.id, status="following")).status == "following"  # open already
