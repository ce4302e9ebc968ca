"""Leads: the pool, the claim, the conversion."""

import asyncio

import pytest

from crm_core import leads
from crm_core.access import AuditEntry
from crm_core.leads import ClaimCapReached, Lead, LeadAlreadyClaimed
from crm_core.ports import Core
from tests.factories import make_actor, make_lead


async def test_one_of_a_hundred_claims_wins(core: Core) -> None:
    lead = await make_lead(core)
    takers = [await make_actor(core, f"员工{n}") for n in range(100)]
    outcomes = await asyncio.gather(*(leads.claim(core, t, lead.id) for t in takers), return_exceptions=True)
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
        await leads.claim(core, actor, lead.id)
    assert refused.value.sentence() == f"名下已有{cap}条未转化线索，达到上限{cap}，请先跟进或退回"
    await Lead.filter(name="客户0").update(status="discarded")
    assert (await leads.claim(core, actor, lead.id)).owner_id == actor.employee_id
