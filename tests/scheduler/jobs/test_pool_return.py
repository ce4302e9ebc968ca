"""Idle leads: warned about, then returned; what is touched or protected stays."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from crm_core import activities
from crm_core.activities import subject_of
from crm_core.audit import AuditEntry
from crm_core.conversations import Message
from crm_core.leads import Lead
from crm_core.pool_claims import PoolClaim
from crm_core.pool_rules import PoolSettings, ReturnRule
from scheduler.jobs import pool_return
from tests.factories import make_actor, make_lead

NIGHT = datetime(2026, 11, 24, 19, 0, tzinfo=UTC)  # 03:00 in Shanghai


async def owner_of(lead: Lead) -> int | None:
    return (await Lead.get(id=lead.id)).owner_id


async def test_an_idle_lead_is_warned_about_and_returned_after_its_days(core, clock):
    clock.set(NIGHT)
    actor = await make_actor(core, staff_id="wang")
    lead = await make_lead(core, owner_id=actor.employee_id)
    clock.advance(timedelta(days=26))
    await pool_return.run(core)
    assert await Message.filter(direction="out").count() == 0
    clock.advance(timedelta(days=1))
    assert await pool_return.run(core) is True
    warning = await Message.get(direction="out")
    assert warning.text == "线索「张伟」久未跟进，12月25日起将退回公海，请及时跟进"
    assert warning.not_before == clock.now() + timedelta(hours=5, minutes=30)
    clock.advance(timedelta(days=2))
    await pool_return.run(core)
    assert await owner_of(lead) == actor.employee_id
    clock.advance(timedelta(days=1))
    await pool_return.run(core)
    assert await owner_of(lead) is None
    assert await AuditEntry.filter(action="lead.reclaim", object_id=lead.id).exists()
    assert (await Message.filter(direction="out").order_by("-id").first()).text == "线索「张伟」久未跟进，已退回公海"


async def test_nobody_loses_a_lead_without_a_warning_after_a_long_stand_still(core, clock):
    clock.set(NIGHT)
    actor = await make_actor(core)
    lead = await make_lead(core, owner_id=actor.employee_id)
    clock.advance(timedelta(days=100))
    assert await pool_return.return_idle(core) == 0
    clock.advance(timedelta(days=3))
    assert await pool_return.return_idle(core) == 1
    assert await owner_of(lead) is None


async def test_a_follow_up_after_the_warning_keeps_the_lead(core, clock):
    clock.set(NIGHT)
    actor = await make_actor(core)
    lead = await make_lead(core, owner_id=actor.employee_id)
    clock.advance(timedelta(days=28))
    await pool_return.return_idle(core)
    await activities.add_follow_up(core, actor, subject_of(lead), summary="聊过")
    clock.advance(timedelta(days=20))
    assert await pool_return.return_idle(core) == 0
    assert await owner_of(lead) == actor.employee_id


async def test_protection_outlasts_a_short_reclaim(core, clock):
    core = replace(core, settings=replace(core.settings, pools=PoolSettings(protection_days=10, reclaim_days=4)))
    clock.set(NIGHT)
    actor = await make_actor(core)
    lead = await make_lead(core, owner_id=actor.employee_id)
    for day in range(1, 11):
        clock.advance(timedelta(days=1))
        await pool_return.return_idle(core)
        assert (await owner_of(lead) is None) is (day == 10)


async def test_it_works_once_a_night_and_not_before_three(core, clock):
    clock.set(NIGHT - timedelta(hours=1))
    assert await pool_return.run(core) is False
    clock.set(NIGHT)
    assert await pool_return.run(core) is True
    assert await pool_return.PERIODIC.run(core) is False


async def test_pages_are_walked_to_the_end(core, clock, monkeypatch):
    monkeypatch.setattr(pool_return, "PAGE", 2)
    clock.set(NIGHT)
    actor = await make_actor(core)
    for _ in range(5):
        await make_lead(core, owner_id=actor.employee_id)
    clock.advance(timedelta(days=31))
    await pool_return.return_idle(core)
    clock.advance(timedelta(days=3))
    assert await pool_return.return_idle(core) == 5


async def test_terms_differ_by_grade_product_and_contract(core, clock):
    rules = (
        ReturnRule(grades=("A",), reclaim_days=10, warning_days=2),
        ReturnRule(words=("网关",), reclaim_days=60),
        ReturnRule(grades=("C",), reclaim_days=365, after_contract_days=5, warning_days=2),
    )
    core = replace(core, settings=replace(core.settings, pools=PoolSettings(returns=rules)))
    clock.set(NIGHT)
    actor = await make_actor(core)
    given = {"owner_id": actor.employee_id}
    plain, graded = await make_lead(core, **given), await make_lead(core, grade="A", **given)
    product = await make_lead(core, need="两台网关", **given)
    bound = await make_lead(core, grade="A", contract_ends_on=date(2026, 12, 20), **given)
    ended = await make_lead(core, grade="C", contract_ends_on=date(2026, 12, 1), **given)
    back = {}
    for day in range(1, 70):
        clock.advance(timedelta(days=1))
        await pool_return.return_idle(core)
        for name, lead in {"plain": plain, "graded": graded, "product": product, "bound": bound, "ended": ended}.items():
            if name not in back and await owner_of(lead) is None:
                back[name] = day
    assert back == {"graded": 10, "ended": 12, "bound": 26, "plain": 30, "product": 60}
    claim = await PoolClaim.get(lead_id=graded.id)
    assert (claim.employee_id, claim.ended_at is not None) == (actor.employee_id, True)


async def test_without_a_number_of_days_nobody_loses_a_lead(core, clock):
    core = replace(core, settings=replace(core.settings, pools=PoolSettings(reclaim_days=0)))
    clock.set(NIGHT)
    lead = await make_lead(core, owner_id=(await make_actor(core)).employee_id)
    for _ in range(3):
        clock.advance(timedelta(days=400))
        assert await pool_return.return_idle(core) == 0
    assert await owner_of(lead) is not None


async def test_two_copies_warn_and_return_each_lead_once(core, clock):
    clock.set(NIGHT)
    actor = await make_actor(core, staff_id="wang")
    leads = [await make_lead(core, f"客户{number}", owner_id=actor.employee_id) for number in range(6)]

    async def both() -> int:
        return sum(await asyncio.gather(*(pool_return.return_idle(core) for _ in range(2))))

    clock.advance(timedelta(days=27))
    assert await both() == 0
    assert await Message.filter(direction="out").count() == 6
    clock.advance(timedelta(days=3))
    assert await both() == 6
    assert await both() == 0  # a run that was killed and begun anew
    assert [await owner_of(lead) for lead in leads] == [None] * 6
    assert await AuditEntry.filter(action="lead.reclaim").count() == 6
    assert await Message.filter(direction="out").count() == 12
    assert await PoolClaim.exclude(ended_at=None).count() == 6
