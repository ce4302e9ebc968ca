"""Pairs of member and contact: the platform's time decides, and the last pair's end is the end."""

from datetime import timedelta

from crm_core.contact_follows import ContactFollow, ask_again, note_checked, note_follow, note_unfollow, unchecked
from crm_core.ports import Core
from tests.fakes import FakeClock


async def test_the_last_pair_ends_it_and_old_news_changes_nothing(core: Core, clock: FakeClock) -> None:
    now = clock.now()
    run = core.db.run
    assert await run(note_follow(core, "wecom", "wmX", "a", now))
    assert not await run(note_follow(core, "wecom", "wmX", "a", now + timedelta(seconds=1)))
    await run(note_follow(core, "wecom", "wmX", "b", now))
    assert not await run(note_unfollow(core, "wecom", "wmX", "a", now + timedelta(seconds=5)))
    await run(note_follow(core, "wecom", "wmX", "a", now + timedelta(seconds=2)))  # arrives late
    assert (await ContactFollow.get(staff_id="a")).unfollowed_at is not None
    assert await run(note_unfollow(core, "wecom", "wmX", "b", now + timedelta(seconds=6)))
    assert await run(note_unfollow(core, "wecom", "wmNew", "b", now))
    await run(note_follow(core, "wecom", "wmX", "a", now + timedelta(seconds=9)))
    assert (await ContactFollow.get(staff_id="a")).unfollowed_at is None


async def test_what_has_to_be_asked_is_asked_once(core: Core, clock: FakeClock) -> None:
    await core.db.run(note_follow(core, "wecom", "wmX", "a", clock.now()))
    assert await core.db.run(unchecked("wecom", limit=5)) == ["wmX"]
    await core.db.run(note_checked(core, "wecom", "wmX", {"a": ("张总", '["t1"]')}))
    assert await core.db.run(unchecked("wecom", limit=5)) == []
    pair = await ContactFollow.get(staff_id="a")
    assert (pair.remark, pair.tag_ids) == ("张总", '["t1"]')
    await core.db.run(ask_again(core, "wecom", "wmX"))
    assert await core.db.run(unchecked("wecom", limit=5)) == ["wmX"]
