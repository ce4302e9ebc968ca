"""The pool: claim, release, cap."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from crm_core import assignment, conversion, leads, pool_claims, pools
from crm_core.access import Role
from crm_core.audit import AuditEntry
from crm_core.errors import Invalid, Refused
from crm_core.leads import ClaimCapReached, Lead, LeadNotOwned
from crm_core.pool_claims import CoolDown, DayCapReached, PoolCapReached, ViewCapReached
from crm_core.pool_rules import PoolKind, PoolSettings
from crm_core.pools import LeadAlreadyClaimed
from crm_core.ports import Core
from tests.factories import SYSTEM, make_actor, make_lead
from tests.fakes import FakeClock


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
        assert refused.value.sentence() == "这条线索还在公海，请先领取"
        with pytest.raises(Refused):
            await assignment.assign(core, seller, [lead.id], seller.employee_id or 0)
        with pytest.raises(LeadNotOwned):
            await leads.discard(core, seller, lead.id, reason="打不通")
        with pytest.raises(LeadNotOwned):
            await conversion.convert(core, seller, lead.id)

    await each_refused()
    assert (await leads.update(core, boss, lead.id, need="机床")).need == "机床"
    await assignment.assign(core, boss, [lead.id], seller.employee_id or 0)
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


def with_pools(core: Core, **values: Any) -> Core:
    return replace(core, settings=replace(core.settings, pools=PoolSettings(**values)))


async def test_whoever_gave_a_lead_back_leaves_it_to_others_for_some_days(core: Core, clock: FakeClock) -> None:
    core = with_pools(core, cool_down_days=7)
    one, two = await make_actor(core), await make_actor(core, "小李")
    lead = await make_lead(core)
    await pools.claim(core, one, lead.id)
    await pools.release(core, one, lead.id, undo=True)
    await pools.claim(core, one, lead.id)  # a claim taken back at once was none
    await pools.release(core, one, lead.id, reason="打不通")
    with pytest.raises(CoolDown) as refused:
        await pools.claim(core, one, lead.id)
    assert refused.value.sentence() == "这条线索7天内退回过，请先留给其他同事"
    await pools.claim(core, two, lead.id)
    await pools.release(core, two, lead.id)
    clock.advance(timedelta(days=7))
    assert (await pools.claim(core, one, lead.id)).owner_id == one.employee_id


async def test_so_many_a_day_and_so_many_of_one_pool(core: Core, clock: FakeClock) -> None:
    core = with_pools(core, claims_a_day=2, kinds=(PoolKind("fair", "展会公海", claim_cap=1),))
    actor = await make_actor(core)
    rows = [await make_lead(core, f"客户{n}") for n in range(3)]
    fairs = [await make_lead(core, f"展会{n}", pool="fair") for n in range(2)]
    await pools.claim(core, actor, fairs[0].id)
    with pytest.raises(PoolCapReached) as refused:
        await pools.claim(core, actor, fairs[1].id)
    assert refused.value.sentence() == "「展会公海」的线索名下已有1条，达到上限1"
    await pools.claim(core, actor, rows[0].id)
    with pytest.raises(DayCapReached) as refused_too:
        await pools.claim(core, actor, rows[1].id)
    assert refused_too.value.sentence() == "今天已领取2条，达到每日上限，请明天再领"
    clock.advance(timedelta(days=1))
    assert await pools.claim(core, actor, rows[1].id)


async def test_the_number_of_leads_shown_a_day_is_capped(core: Core, clock: FakeClock) -> None:
    core = with_pools(core, views_a_day=3)
    actor = await make_actor(core)
    async with core.db.transaction():
        await pool_claims.count_views(core, actor, 2)
    assert await pool_claims.views_left(core, actor) == 1
    with pytest.raises(ViewCapReached) as refused:
        async with core.db.transaction():
            await pool_claims.count_views(core, actor, 2)
    assert refused.value.sentence() == "今天已查看3条公海线索，达到每日上限，请明天再看"
    clock.advance(timedelta(days=1))
    assert await pool_claims.views_left(core, actor) == 3
    assert await pool_claims.views_left(core, SYSTEM) is None


async def test_bare_numbers_lie_in_the_pool_once_and_masked(core: Core) -> None:
    actor = await make_actor(core)
    done = await pools.add_numbers(core, actor, ["13800138000", "138 0013 8000", "021-62881234", "12345", " "])
    assert (len(done.lead_ids), done.known, done.wrong) == (2, 0, ("12345",))
    rows = await Lead.all().order_by("id")
    assert [(row.name, row.mobile, row.landline, row.owner_id) for row in rows] == [
        ("客户8000", "+8613800138000", None, None),
        ("客户1234", None, "+862162881234", None),
    ]
    again = await pools.add_numbers(core, actor, ["13800138000"])
    assert (again.lead_ids, again.known) == ((), 1)
    await pools.claim(core, actor, rows[0].id)
    assert await pools.withdraw(core, actor, done.lead_ids) == 1
    with pytest.raises(Invalid):
        await pools.add_numbers(core, actor, [])


async def test_a_release_is_taken_back_while_nobody_else_has_it(core: Core) -> None:
    one, two = await make_actor(core), await make_actor(core, "小李")
    lead = await make_lead(core, owner_id=one.employee_id)
    await pools.release(core, one, lead.id)
    with pytest.raises(Refused):
        await pools.take_back(core, two, lead.id, one.employee_id or 0)
    assert (await pools.take_back(core, one, lead.id, one.employee_id or 0)).owner_id == one.employee_id
    await pools.release(core, one, lead.id)
    await pools.claim(core, two, lead.id)
    with pytest.raises(LeadAlreadyClaimed):
        await pools.take_back(core, one, lead.id, one.employee_id or 0)


async def test_a_claim_taken_back_never_was(core: Core) -> None:
    one = await make_actor(core)
    lead = await make_lead(core)
    await pools.claim(core, one, lead.id)
    await pools.release(core, one, lead.id, undo=True)
    assert not await pool_claims.PoolClaim.exists()
    assert ((await Lead.get(id=lead.id)).claim_count, (await Lead.get(id=lead.id)).claimed_at) == (0, None)


async def test_only_the_newest_claim_goes_on_with_the_undo_of_a_release(core: Core, clock: FakeClock) -> None:
    one = await make_actor(core)
    lead = await make_lead(core)
    for _ in range(2):
        await pools.claim(core, one, lead.id)
        await pools.release(core, one, lead.id)
        clock.advance(timedelta(days=1))
    await pools.take_back(core, one, lead.id, one.employee_id or 0)
    claims = await pool_claims.PoolClaim.all().order_by("id")
    assert [claim.ended_at is None for claim in claims] == [False, True]


async def test_each_of_many_leads_has_one_winner(core: Core) -> None:
    rows = [await make_lead(core, f"客户{n}") for n in range(30)]
    takers = [await make_actor(core, f"员工{n}") for n in range(100)]
    tries = [pools.claim(core, taker, rows[n % 30].id) for n, taker in enumerate(takers)]
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(each, Lead) for each in outcomes) == 30
    assert {type(each) for each in outcomes if not isinstance(each, Lead)} == {LeadAlreadyClaimed}
    owners = await Lead.all().values_list("owner_id", flat=True)
    assert None not in owners
    claims = await pool_claims.PoolClaim.all().values_list("lead_id", "employee_id")
    assert len({number for number, _ in claims}) == len(claims) == 30
    owned = {lead.id: lead.owner_id for lead in await Lead.all()}
    assert dict(claims) == owned
