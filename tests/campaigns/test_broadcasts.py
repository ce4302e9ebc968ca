"""The life of a broadcast: draft, approval by the right person, start, pause, resume, cancel; wrong states are conflicts."""

import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from campaigns import audience, broadcasts, engine, results, templates
from campaigns.broadcasts import Broadcast, BroadcastStatus, Recipient
from crm_core.access import Actor, Role
from crm_core.audit import AuditEntry, values_of
from crm_core.errors import Conflict, Invalid, NotFound, Refused
from crm_core.segments import create_segment, update_segment
from tests.campaigns.conftest import make_broadcast, make_followers, make_running, with_settings
from tests.factories import make_actor


async def test_a_draft_chooses_nobody_and_is_audited(core, marketer):
    await make_followers(core, 2)
    draft = await make_broadcast(core, marketer)
    assert (draft.status, draft.author_id) == ("draft", marketer.employee_id)
    await engine.run(core)
    assert await Recipient.all().count() == 0
    assert await AuditEntry.filter(action="broadcast.create", object_id=draft.id).exists()


async def test_approval_without_a_time_starts_at_once(core, marketer, clock):
    await make_followers(core, 2)
    draft = await make_broadcast(core, marketer)
    approved = await broadcasts.approve(core, marketer, draft.id)
    assert approved.status == "running"
    assert approved.approved_at == approved.started_at == clock.now()
    await engine.run(core)
    assert await results.counts(core, draft.id) == {"planned": 2}


async def test_a_scheduled_one_waits_for_its_time(core, marketer, clock):
    await make_followers(core, 1)
    draft = await make_broadcast(core, marketer, scheduled_at=clock.now() + timedelta(hours=1))
    assert (await broadcasts.approve(core, marketer, draft.id)).status == "scheduled"
    clock.advance(3599)
    await engine.run(core)
    assert (await Broadcast.get(id=draft.id)).status == "scheduled"
    clock.advance(1)
    await engine.run(core)
    assert (await Broadcast.get(id=draft.id)).status == "running"


async def test_the_approved_text_stays_when_the_template_changes(core, marketer, clock):
    draft = await make_broadcast(core, marketer, scheduled_at=clock.now() + timedelta(hours=1))
    await broadcasts.approve(core, marketer, draft.id)
    await templates.change_template(core, marketer, draft.template_id, body="没人批准的话")
    clock.advance(3600)
    await engine.run(core)
    assert (await Broadcast.get(id=draft.id)).template_body == "{称呼}，新品到了"


async def test_the_author_cannot_approve_above_the_limit_but_another_may(core, marketer):
    core = with_settings(core, self_approve_limit=2)
    await make_followers(core, 3)
    draft = await make_broadcast(core, marketer)
    with pytest.raises(Refused) as error:
        await broadcasts.approve(core, marketer, draft.id)
    assert error.value.sentence() == "人数3超过2，请由他人批准"
    assert (await Broadcast.get(id=draft.id)).status == "draft"
    second = await make_actor(core, "老张", Role.MANAGER)
    assert (await broadcasts.approve(core, second, draft.id)).status == "running"


async def test_the_limit_itself_is_allowed_and_a_token_is_known_by_its_name(core):
    core = with_settings(core, self_approve_limit=2)
    await make_followers(core, 3)
    token, other = Actor(Role.MARKETER, "erp"), Actor(Role.MARKETER, "shop")
    draft = await make_broadcast(core, token)
    with pytest.raises(Refused):
        await broadcasts.approve(core, token, draft.id)
    assert (await broadcasts.approve(core, other, draft.id)).status == "running"
    at_limit = with_settings(core, self_approve_limit=3)
    draft = await make_broadcast(core, token)
    assert (await broadcasts.approve(at_limit, token, draft.id)).status == "running"


@pytest.mark.parametrize(
    ("status", "allowed"),
    [
        ("draft", {"approve", "cancel"}),
        ("scheduled", {"cancel"}),
        ("running", {"pause", "cancel"}),
        ("paused", {"resume", "cancel"}),
        ("finished", set()),
        ("cancelled", set()),
    ],
)
async def test_each_action_fits_some_states_and_is_a_conflict_in_all_others(core, marketer, status, allowed):
    actions = {
        "approve": broadcasts.approve,
        "pause": broadcasts.pause,
        "resume": broadcasts.resume,
        "cancel": broadcasts.cancel,
    }
    for name, action in actions.items():
        draft = await make_broadcast(core, marketer)
        await Broadcast.filter(id=draft.id).update(status=status)
        if name in allowed:
            assert (await action(core, marketer, draft.id)).status != status
        else:
            with pytest.raises(Conflict):
                await action(core, marketer, draft.id)
            assert (await Broadcast.get(id=draft.id)).status == status


async def test_cancel_takes_everybody_out_who_has_not_got_it(core, marketer):
    await make_followers(core, 5)
    running = await make_running(core, marketer)
    first = await Recipient.filter(broadcast_id=running.id).order_by("id").limit(2)
    await Recipient.filter(id__in=[each.id for each in first]).update(status="sent")
    cancelled = await broadcasts.cancel(core, marketer, running.id)
    assert cancelled.status == BroadcastStatus.CANCELLED
    assert await results.counts(core, running.id) == {"sent": 2, "cancelled": 3}


async def test_cancel_of_a_large_one_is_finished_by_the_engine(core, marketer, monkeypatch):
    monkeypatch.setattr(broadcasts, "CANCEL_PAGE", 2)
    await make_followers(core, 5)
    running = await make_running(core, marketer)
    await broadcasts.cancel(core, marketer, running.id)
    assert await results.counts(core, running.id) == {"planned": 3, "cancelled": 2}
    await engine.run(core)
    assert await results.counts(core, running.id) == {"cancelled": 5}


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": " "}, "name"),
        ({"channel": "dingtalk"}, "channel"),
        ({"channel": "telegram"}, "channel"),
        ({"channel": ""}, "channel"),
        ({"kind": "welcome"}, "template_id"),
        ({"scheduled_at": datetime(2026, 12, 1)}, "scheduled_at"),
    ],
)
async def test_what_cannot_be_sent_is_refused_at_the_draft(core, marketer, values, field):
    with pytest.raises(Invalid) as error:
        await make_broadcast(core, marketer, **values)
    assert error.value.fields["field"] == field


async def test_salespeople_and_viewers_may_not_and_a_missing_segment_is_not_found(core, marketer):
    draft = await make_broadcast(core, marketer)
    for role in (Role.SALES, Role.VIEWER):
        actor = await make_actor(core, "小李", role)
        with pytest.raises(Refused):
            await broadcasts.approve(core, actor, draft.id)
    with pytest.raises(NotFound):
        await make_broadcast(core, marketer, segment_id=999)
    with pytest.raises(NotFound):
        await audience.preview(core, marketer, 999)


async def test_of_two_starters_one_wins(core, marketer, clock):
    import asyncio

    await make_followers(core, 3)
    draft = await make_broadcast(core, marketer, scheduled_at=clock.now() + timedelta(hours=1))
    await broadcasts.approve(core, marketer, draft.id)
    clock.advance(3600)
    won = await asyncio.gather(*(core.db.run(broadcasts.start(core, draft.id)) for _ in range(5)))
    assert sorted(won) == [False] * 4 + [True]
    assert await core.db.run(broadcasts.start(core, 999)) is False
    await asyncio.gather(*(engine.run(core) for _ in range(5)))
    assert await results.counts(core, draft.id) == {"planned": 3}


async def test_without_any_channel_nothing_can_be_drafted(core, marketer):
    with pytest.raises(Invalid) as error:
        await make_broadcast(replace(core, reach={}), marketer)
    assert error.value.sentence() == "渠道：没有这个客户渠道"


async def test_nobody_is_added_to_what_was_approved_by_changing_the_segment(core, marketer, clock):
    core = with_settings(core, self_approve_limit=1)
    await make_followers(core, 5)
    draft = await make_broadcast(core, marketer, conditions={"query": "丁"}, scheduled_at=clock.now() + timedelta(hours=1))
    await broadcasts.approve(core, marketer, draft.id)
    await update_segment(core, marketer, draft.segment_id, conditions={"kind": "lead"})
    assert (await audience.preview(core, marketer, draft.id)).total == 1
    clock.advance(3600)
    await engine.run(core)
    assert await results.counts(core, draft.id) == {"planned": 1}


async def test_a_draft_can_be_changed_and_the_change_is_audited(core, marketer, clock):
    await make_followers(core, 3)
    draft = await make_broadcast(core, marketer)
    segment = await create_segment(core, marketer, name="一位", conditions={"query": "丁"})
    template = await templates.create_template(core, marketer, name="改后", kind="text", body="改后的话")
    at = clock.now() + timedelta(hours=1)
    changed = await broadcasts.update(
        core, marketer, draft.id, name=" 新名 ", segment_id=segment.id, template_id=template.id, scheduled_at=at
    )
    assert (changed.name, changed.segment_id, changed.template_id, changed.scheduled_at) == (
        "新名",
        segment.id,
        template.id,
        at,
    )
    seen = await audience.preview(core, marketer, draft.id)
    assert (seen.total, seen.samples[0].text) == (1, "改后的话")
    entry = await AuditEntry.get(action="broadcast.update", object_id=draft.id)
    words = (await values_of([entry.id]))[entry.id]
    assert (json.loads(words.before)["name"], json.loads(words.after)["name"]) == ("新品通知", "新名")
    assert (await broadcasts.update(core, marketer, draft.id, scheduled_at=None)).scheduled_at is None
    assert (await broadcasts.approve(core, marketer, draft.id)).status == "running"
    with pytest.raises(Conflict) as error:
        await broadcasts.update(core, marketer, draft.id, name="太晚")
    assert error.value.sentence() == "群发「新名」当前为发送中，不能修改"
    assert (await Broadcast.get(id=draft.id)).name == "新名"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": " "}, "name"),
        ({"channel": "dingtalk"}, "channel"),
        ({"scheduled_at": datetime(2026, 12, 1)}, "scheduled_at"),
    ],
)
async def test_a_change_is_checked_like_a_draft(core, marketer, values, field):
    draft = await make_broadcast(core, marketer)
    with pytest.raises(Invalid) as error:
        await broadcasts.update(core, marketer, draft.id, **values)
    assert error.value.fields["field"] == field
    mass = await templates.create_template(core, marketer, name="群", kind="mass", body="好")
    with pytest.raises(Invalid) as error:
        await broadcasts.update(core, marketer, draft.id, template_id=mass.id)
    assert error.value.sentence() == "模板：这个渠道没有群发接口，请用文字模板"
    with pytest.raises(NotFound):
        await broadcasts.update(core, marketer, draft.id, segment_id=999)


async def test_who_changed_a_draft_does_not_approve_it_alone_either(core, marketer):
    core = with_settings(core, self_approve_limit=1)
    await make_followers(core, 2)
    draft = await make_broadcast(core, marketer)
    second, third = await make_actor(core, "老张", Role.MANAGER), await make_actor(core, "老李", Role.MANAGER)
    await broadcasts.update(core, second, draft.id, name="改过")
    for writer in (marketer, second):
        with pytest.raises(Refused):
            await broadcasts.approve(core, writer, draft.id)
    assert (await broadcasts.approve(core, third, draft.id)).status == "running"


async def test_what_somebody_changed_meanwhile_is_not_approved(core, marketer, clock, monkeypatch):
    draft = await make_broadcast(core, marketer)
    stale = await Broadcast.get(id=draft.id)
    clock.advance(1)
    await broadcasts.update(core, marketer, draft.id, name="改过")

    async def load(*_):
        return stale

    # The other writer comes between reading and writing: only a conditional update notices.
    monkeypatch.setattr(broadcasts.access, "load", load)
    with pytest.raises(Conflict) as error:
        await broadcasts.approve(core, marketer, draft.id)
    assert error.value.sentence() == "状态已变化，请刷新后再试"
    assert (await Broadcast.get(id=draft.id)).status == "draft"
