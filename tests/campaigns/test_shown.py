"""Approved is what was shown: a segment or template that changed between preview and approval is refused, not sent."""

import pytest

from campaigns import audience, broadcasts, engine, results, templates
from campaigns.broadcasts import Broadcast
from campaigns.shown import ChangedSincePreview
from crm_core.access import Actor, Role
from crm_core.segments import create_segment, update_segment
from tests.campaigns.conftest import make_broadcast, make_followers
from tests.factories import make_actor


async def widen(core, actor, draft) -> None:
    await update_segment(core, actor, draft.segment_id, conditions={"kind": "lead"})


async def reword(core, actor, draft) -> None:
    await templates.change_template(core, actor, draft.template_id, body="{称呼}，没人看过的话")


@pytest.mark.parametrize("change", [widen, reword])
@pytest.mark.parametrize("previewed", [True, False], ids=["previewed", "only_drafted"])
async def test_what_changed_since_it_was_shown_is_refused_until_it_is_shown_again(core, marketer, change, previewed):
    await make_followers(core, 3)
    draft = await make_broadcast(core, marketer, conditions={"query": "丁"})
    second = await make_actor(core, "老张", Role.MANAGER)
    if previewed:
        assert (await audience.preview(core, second, draft.id)).total == 1
    await change(core, marketer, draft)
    with pytest.raises(ChangedSincePreview) as error:
        await broadcasts.approve(core, second, draft.id)
    assert error.value.sentence() == "群发「新品通知」的分群或模板在预览后改过，请重新预览再批准"
    assert (error.value.status, error.value.code) == (409, "broadcast.changed_since_preview")
    assert (await Broadcast.get(id=draft.id)).status == "draft"
    shown = await audience.preview(core, second, draft.id)
    assert (await broadcasts.approve(core, second, draft.id)).status == "running"
    await engine.run(core)
    assert sum((await results.counts(core, draft.id)).values()) == shown.total


async def test_nobody_previews_away_what_another_has_seen(core, marketer):
    await make_followers(core, 3)
    draft = await make_broadcast(core, marketer)
    second, third = await make_actor(core, "老张", Role.MANAGER), await make_actor(core, "老李", Role.MANAGER)
    await audience.preview(core, second, draft.id)
    await reword(core, marketer, draft)
    await audience.preview(core, marketer, draft.id)
    with pytest.raises(ChangedSincePreview):
        await broadcasts.approve(core, second, draft.id)
    # Who has looked at nothing themselves takes what was shown last.
    assert (await broadcasts.approve(core, third, draft.id)).status == "running"


async def test_a_change_of_the_draft_itself_is_seen_by_who_made_it(core, marketer):
    await make_followers(core, 3)
    draft = await make_broadcast(core, marketer, conditions={"query": "丁"})
    second = await make_actor(core, "老张", Role.MANAGER)
    await audience.preview(core, second, draft.id)
    await widen(core, marketer, draft)
    await broadcasts.update(core, marketer, draft.id, name="新名")
    with pytest.raises(ChangedSincePreview):
        await broadcasts.approve(core, second, draft.id)
    assert (await broadcasts.approve(core, marketer, draft.id)).status == "running"


async def test_another_segment_in_the_draft_is_another_thing_to_see(core, marketer):
    await make_followers(core, 3)
    draft = await make_broadcast(core, marketer, conditions={"query": "丁"})
    second = await make_actor(core, "老张", Role.MANAGER)
    await audience.preview(core, second, draft.id)
    everybody = await create_segment(core, marketer, name="所有", conditions={"kind": "lead"})
    await broadcasts.update(core, marketer, draft.id, segment_id=everybody.id)
    with pytest.raises(ChangedSincePreview):
        await broadcasts.approve(core, second, draft.id)
    assert (await audience.preview(core, second, draft.id)).total == 3
    assert (await broadcasts.approve(core, second, draft.id)).status == "running"


async def test_who_may_only_read_previews_nothing_into_being_approved(core, marketer):
    await make_followers(core, 3)
    draft = await make_broadcast(core, marketer)
    await reword(core, marketer, draft)
    for reader in (await make_actor(core, "老周", Role.VIEWER), Actor(Role.ADMIN, "bi", scopes=frozenset({"broadcasts:read"}))):
        seen = await audience.preview(core, reader, draft.id)
        assert "没人看过的话" in seen.samples[0].text
    with pytest.raises(ChangedSincePreview):
        await broadcasts.approve(core, marketer, draft.id)


async def test_a_new_name_or_a_saving_without_a_change_is_no_change(core, marketer):
    await make_followers(core, 1)
    draft = await make_broadcast(core, marketer, conditions={"kind": "lead", "region": "上海"})
    await audience.preview(core, marketer, draft.id)
    await update_segment(core, marketer, draft.segment_id, name="改名", conditions={"region": "上海", "kind": "lead"})
    await templates.change_template(core, marketer, draft.template_id, name="改名")
    assert (await broadcasts.approve(core, marketer, draft.id)).status == "running"


async def test_a_preview_leaves_a_draft_alone_that_somebody_changes_meanwhile(core, marketer, monkeypatch):
    await make_followers(core, 3)
    draft = await make_broadcast(core, marketer, conditions={"query": "丁"})
    stale = await Broadcast.get(id=draft.id)
    everybody = await create_segment(core, marketer, name="所有", conditions={"kind": "lead"})
    await broadcasts.update(core, marketer, draft.id, segment_id=everybody.id)
    await update_segment(core, marketer, draft.segment_id, conditions={"query": "丂"})
    kept = (await Broadcast.get(id=draft.id)).conditions

    async def load(*_):
        return stale

    # The change comes between reading and noting: only a conditional update notices.
    monkeypatch.setattr(audience.access, "load", load)
    await audience.preview(core, marketer, draft.id)
    assert (await Broadcast.get(id=draft.id)).conditions == kept
