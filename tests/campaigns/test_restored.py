"""After a restore nothing goes out by itself that may have gone out after the backup: unknown, or held for a person."""

from dataclasses import replace
from datetime import timedelta

import pytest

from campaigns import broadcasts, engine, greetings, restored, results
from campaigns.broadcasts import Broadcast, Recipient
from campaigns.mass import MassQueue, MassSend
from campaigns.recipients import RecipientQueue
from crm_core.accounts import Account
from crm_core.audit import AuditEntry
from crm_core.conversations import Message
from crm_core.outbox import Settlement
from crm_core.reach import MassRule, ReachRule
from tests.campaigns.conftest import make_broadcast, make_followers, make_running, uncapped
from tests.campaigns.test_greetings import MID_AUTUMN, local, make_plan, run_all
from tests.factories import make_customer_account, make_lead

LEASE = timedelta(seconds=30)
HOUR = timedelta(hours=1)


async def restart(core, since) -> restored.Held:
    """The first start after the restore of a backup of this instant, and what runs from then on."""
    held = await restored.hold(core, since)
    await greetings.make_due(core)
    await engine.run(core)
    return held


async def texts(core) -> list[str]:
    """Send all there is to send."""
    queue = RecipientQueue(core)
    await queue.recover(everything=True)
    found = []
    while page := await queue.claim("wechat", 50, LEASE):
        await queue.settle([Settlement(each.id, "sent") for each in page])
        found += [each.body.text for each in page]
    return found


async def test_what_a_running_broadcast_had_still_to_send_is_unknown_and_not_repeated(core, marketer, clock):
    await make_followers(core, 5)
    running = await make_running(core, marketer)
    queue = RecipientQueue(core)
    first, _ = await queue.claim("wechat", 2, LEASE)  # the second was under way when the backup was taken
    await queue.settle([Settlement(first.id, "sent")])
    since = clock.now()
    clock.advance(HOUR)
    held = await restart(core, since)
    assert (held.unknown, held.paused) == (4, 1)
    row = await Broadcast.get(id=running.id)
    assert (row.status, row.pause_reason) == ("paused", "restored")
    assert await results.counts(core, running.id) == {"sent": 1, "unknown": 4}
    assert await results.failures(core, running.id) == {"restored": 4}
    # What may have arrived counts: for the cap, and for a bare T within 48 hours.
    assert None not in {each.claimed_at for each in await Recipient.all()}
    assert {account.last_broadcast_at for account in await Account.filter(channel="wechat")} == {since, clock.now()}
    await broadcasts.resume(core, marketer, running.id)
    await engine.run(core)
    assert await texts(core) == []
    assert (await Broadcast.get(id=running.id)).status == "finished"


async def test_who_was_not_planned_yet_is_unknown_too(core, marketer, clock):
    await make_followers(core, 5)
    draft = await make_broadcast(core, marketer)
    await broadcasts.approve(core, marketer, draft.id)
    await core.db.run(engine.plan_page(core, draft.id, 2))
    assert (await restart(core, clock.now())).unknown == 5
    await broadcasts.resume(core, marketer, draft.id)
    await engine.run(core)
    assert await results.counts(core, draft.id) == {"unknown": 5}


async def test_what_became_due_meanwhile_waits_for_a_person_who_may_let_it_go_on(core, marketer, clock):
    await make_followers(core, 3)
    due = await make_broadcast(core, marketer, scheduled_at=clock.now() + HOUR)
    later = await make_broadcast(core, marketer, scheduled_at=clock.now() + 5 * HOUR)
    for each in (due, later):
        await broadcasts.approve(core, marketer, each.id)
    since = clock.now()
    clock.advance(2 * HOUR)
    held = await restart(core, since)
    assert (held.unknown, held.paused) == (0, 1)
    assert [row.status for row in await Broadcast.all().order_by("id")] == ["paused", "scheduled"]
    assert await texts(core) == []
    await make_followers(core, 1, first=9)  # who comes later is not drawn in
    await broadcasts.resume(core, marketer, due.id)
    await engine.run(core)
    assert len(await texts(core)) == 3
    assert await Message.filter(topic="notice", direction="out").count() == 1  # its author was told once


async def test_a_birthday_greeting_of_the_day_is_not_sent_again_by_itself(core, marketer, clock):
    """The backup of the night knows nothing of the morning's greeting."""
    lead = await make_lead(core, "王芳", birthday="11-25")
    await make_customer_account(core, lead)
    plan = await make_plan(core, marketer, birthday=True)
    since = clock.now() - 8 * HOUR  # 02:00; now it is 10:00
    held = await restart(core, since)
    assert held.paused == 1
    made = await Broadcast.get(greeting_id=plan.id)
    assert (made.status, made.pause_reason) == ("paused", "restored")
    assert await texts(core) == []
    # A person who knows that the server was down all morning lets it go out, on its day.
    await broadcasts.resume(core, marketer, made.id)
    await engine.run(core)
    assert len(await texts(core)) == 1
    clock.advance(24 * HOUR)
    assert await run_all(core) == []


async def test_a_greeting_whose_time_has_not_come_goes_out(core, marketer, clock):
    lead = await make_lead(core, "王芳", birthday="11-25")
    await make_customer_account(core, lead)
    await make_plan(core, marketer, birthday=True, time="11:00")
    held = await restart(core, clock.now() - 8 * HOUR)
    assert held.paused == 0
    clock.advance(HOUR)
    assert len(await run_all(core)) == 1


async def test_days_that_are_over_are_reported_as_unknown_and_not_as_missed(core, marketer, clock):
    await make_followers(core, 2)
    await make_plan(core, marketer)
    since = local(MID_AUTUMN - timedelta(days=1), 2)
    clock.set(local(MID_AUTUMN + timedelta(days=2), 10))
    await restart(core, since)
    assert await texts(core) == []
    assert not await AuditEntry.filter(action="greeting.missed").exists()
    assert await AuditEntry.filter(action="greeting.unknown").count() == 1
    (told,) = await Message.filter(topic="notice", direction="out")
    assert "9月15日" in told.text
    assert "可能已经发出" in told.text


async def test_a_day_before_the_backup_was_really_missed(core, marketer, clock):
    await make_followers(core, 2)
    await make_plan(core, marketer)
    clock.set(local(MID_AUTUMN + timedelta(days=2), 10))
    await restart(core, local(MID_AUTUMN + timedelta(days=1), 2))
    assert await AuditEntry.filter(action="greeting.missed").count() == 1


async def test_a_festival_greeting_made_before_the_backup_is_closed_when_its_day_is_over(core, marketer, clock):
    await make_followers(core, 2)
    await make_plan(core, marketer)
    clock.set(local(MID_AUTUMN, 1))
    await greetings.make_due(core)
    since = clock.now()
    clock.set(local(MID_AUTUMN + timedelta(days=1), 10))
    await restart(core, since)
    made = await Broadcast.get()
    assert (made.status, made.pause_reason) == ("cancelled", "restored")
    (told,) = await Message.filter(topic="notice", direction="out")
    assert "可能已经发出" in told.text


async def test_a_paused_one_says_that_it_may_have_gone_on(core, marketer, clock):
    await make_followers(core, 2)
    running = await make_running(core, marketer)
    await broadcasts.pause(core, marketer, running.id)
    await restart(core, clock.now())
    row = await Broadcast.get(id=running.id)
    assert (row.status, row.pause_reason) == ("paused", "restored")
    assert await results.counts(core, running.id) == {"planned": 2}


@pytest.mark.parametrize("answer", ["claimed", "retry"])
async def test_chunks_of_mass_sending_are_unknown_too(core, marketer, clock, answer):
    core = uncapped(replace(core, reach={"wechat": ReachRule(mass=MassRule(most=4, least=2, monthly=9))}))
    await make_followers(core, 3)
    running = await make_running(core, marketer, kind="mass", body="新品上线")
    queue = MassQueue(core)
    (chunk,) = await queue.claim("wechat", 50, LEASE)
    if answer == "retry":
        await queue.settle([Settlement(chunk.id, "retry", "mass_quota")])
    since = clock.now()
    clock.advance(HOUR)
    await restart(core, since)
    assert await results.counts(core, running.id) == {"unknown": 3}
    assert ((await MassSend.get()).status, (await MassSend.get()).reason) == ("unknown", "restored")
    await broadcasts.resume(core, marketer, running.id)
    queue = MassQueue(core)
    assert await queue.recover(everything=True) == 0
    assert await queue.claim("wechat", 50, LEASE) == []


async def test_it_goes_page_by_page_and_twice_is_the_same_as_once(core, marketer, clock, monkeypatch):
    monkeypatch.setattr(restored, "PAGE", 2)
    await make_followers(core, 5)
    running = await make_running(core, marketer)
    assert (await restored.hold(core, clock.now())).unknown == 5
    assert (await restored.hold(core, clock.now())).unknown == 0
    assert await results.counts(core, running.id) == {"unknown": 5}


async def test_a_backup_of_an_unknown_time_is_taken_for_an_old_one(core, marketer, clock):
    lead = await make_lead(core, "王芳", birthday="11-25")
    await make_customer_account(core, lead)
    await make_plan(core, marketer, birthday=True)
    assert (await restart(core, None)).paused == 1
