"""The engine: pages under a cursor, restarts in between, who comes later is not drawn in, the end when nothing is left."""

import asyncio
from datetime import timedelta

from campaigns import broadcasts, engine, results
from campaigns.broadcasts import Broadcast, Recipient
from campaigns.recipients import RecipientQueue
from crm_core import segments
from crm_core.outbox import Settlement
from tests.campaigns.conftest import make_broadcast, make_followers
from tests.factories import make_lead

LEASE = timedelta(seconds=30)


async def test_a_restart_in_the_middle_of_planning_repeats_and_skips_nobody(core, marketer):
    made = await make_followers(core, 10)
    draft = await make_broadcast(core, marketer)
    await broadcasts.approve(core, marketer, draft.id)
    assert await core.db.run(engine.plan_page(core, draft.id, 4)) == 4
    half = await Broadcast.get(id=draft.id)
    assert (half.cursor, half.planned_at) == (made[3][0].person_id, None)
    assert await engine.plan(core, draft.id, page=4) == 6
    people = await Recipient.filter(broadcast_id=draft.id).order_by("id").values_list("person_id", flat=True)
    assert list(people) == [lead.person_id for lead, _ in made]
    assert await engine.plan(core, draft.id) == 0


async def test_two_engines_at_once_plan_everybody_once(core, marketer):
    await make_followers(core, 10)
    draft = await make_broadcast(core, marketer)
    await broadcasts.approve(core, marketer, draft.id)
    made = await asyncio.gather(*(engine.plan(core, draft.id, page=3) for _ in range(3)))
    assert sum(made) == 10
    assert await results.counts(core, draft.id) == {"planned": 10}


async def test_who_comes_after_the_start_is_not_drawn_in(core, marketer):
    await make_followers(core, 2)
    draft = await make_broadcast(core, marketer)
    await broadcasts.approve(core, marketer, draft.id)
    await make_followers(core, 3, first=10)
    await engine.run(core)
    assert await results.counts(core, draft.id) == {"planned": 2}


async def test_the_segment_is_frozen_at_the_approval(core, marketer):
    await make_followers(core, 2)
    draft = await make_broadcast(core, marketer, conditions={"query": "丁"})
    await broadcasts.approve(core, marketer, draft.id)
    await segments.Segment.filter(id=draft.segment_id).update(conditions='{"kind": "lead"}')
    await engine.run(core)
    assert await results.counts(core, draft.id) == {"planned": 1}


async def test_pause_stops_the_planning_and_resume_goes_on(core, marketer):
    await make_followers(core, 4)
    draft = await make_broadcast(core, marketer)
    await broadcasts.approve(core, marketer, draft.id)
    await core.db.run(engine.plan_page(core, draft.id, 2))
    await broadcasts.pause(core, marketer, draft.id)
    await engine.run(core)
    assert await results.counts(core, draft.id) == {"planned": 2}
    await broadcasts.resume(core, marketer, draft.id)
    await engine.run(core)
    assert await results.counts(core, draft.id) == {"planned": 4}


async def test_it_is_finished_only_when_nothing_waits_or_is_on_its_way(core, marketer):
    await make_followers(core, 2)
    draft = await make_broadcast(core, marketer)
    await broadcasts.approve(core, marketer, draft.id)
    queue = RecipientQueue(core)

    async def status() -> str:
        await engine.run(core)
        return (await Broadcast.get(id=draft.id)).status

    assert await status() == "running"
    messages = await queue.claim("wechat", 2, LEASE)
    assert await status() == "running"
    await queue.settle([Settlement(messages[0].id, "sent")])
    assert await status() == "running"
    await queue.settle([Settlement(messages[1].id, "unknown")])
    assert await status() == "finished"


async def test_one_to_nobody_finishes(core, marketer):
    draft = await make_broadcast(core, marketer)
    await broadcasts.approve(core, marketer, draft.id)
    await engine.PERIODIC.run(core)
    assert (await Broadcast.get(id=draft.id)).status == "finished"
    await make_lead(core, "后来的")
    await engine.run(core)
    assert await results.counts(core, draft.id) == {}


async def test_the_delivery_is_woken(core, marketer):
    woken: list[int] = []
    core.outbox.on_put = lambda _: woken.append(1)
    await make_followers(core, 1)
    draft = await make_broadcast(core, marketer)
    await broadcasts.approve(core, marketer, draft.id)
    await engine.run(core)
    assert woken
