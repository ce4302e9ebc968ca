"""Counts come from the rows; the error share needs enough sends and begins anew after a pause."""

from campaigns import broadcasts, results
from campaigns.broadcasts import Broadcast
from campaigns.results import MIN_SENDS, WINDOW, ErrorShare
from tests.campaigns.conftest import make_followers, make_running


async def test_counts_of_several_at_once(core, marketer):
    await make_followers(core, 2)
    first, second = await make_running(core, marketer), await make_running(core, marketer)
    await broadcasts.cancel(core, marketer, second.id)
    assert await results.counts_of(core, [first.id, second.id]) == {first.id: {"planned": 2}, second.id: {"cancelled": 2}}
    assert await results.counts_of(core, []) == {}
    assert await results.counts(core, 999) == {}


def test_too_few_sends_say_nothing():
    share = ErrorShare(50)
    assert not any(share.note(1, "failed") for _ in range(MIN_SENDS - 1))
    assert share.note(1, "failed")
    assert not share.note(1, "failed")


def test_only_the_newest_sends_count_and_the_limit_itself_is_allowed():
    share = ErrorShare(50)
    assert not any(share.note(1, status) for _ in range(WINDOW) for status in ("sent", "failed"))
    # The oldest that falls out was one that went well: now one more than half failed.
    assert share.note(1, "unknown")
    assert not share.note(2, "failed")


async def test_what_does_not_run_is_not_paused(core, marketer):
    running = await make_running(core, marketer)
    await broadcasts.pause(core, marketer, running.id)
    assert await results.pause_for_errors(core, running.id) is False
    assert (await Broadcast.get(id=running.id)).pause_reason == "by_hand"
