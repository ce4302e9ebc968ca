"""Followers, their pages, and the crowd for loads."""

import pytest

from bot.simulator.calls import Refused
from bot.simulator.clock import SimClock
from bot.simulator.wechat_oa.followers import Followers


@pytest.fixture
def clock():
    return SimClock(lambda: 1000.0)


def test_people_are_described_as_the_platform_does(clock):
    followers = Followers(clock)
    person = followers.ensure("oA")
    person.scene = "123"
    assert followers.ensure("oA") is person
    assert person.describe()["subscribe"] == 1
    assert person.describe()["qr_scene"] == 123
    person.scene = "广交会"
    assert person.describe()["qr_scene_str"] == "广交会"
    person.subscribed = False
    assert person.describe() == {"subscribe": 0, "openid": "oA"}
    assert (followers.is_known("oA"), followers.is_subscribed("oA"), followers.is_known("oB")) == (True, False, False)


def test_a_crowd_is_a_range_with_windows(clock):
    followers = Followers(clock)
    followers.ensure("oA")
    crowd = followers.add_crowd(1_000_000)
    last = "oSimCrowd0000999999"
    assert followers.is_known(last)
    assert followers.is_subscribed(last)
    assert not followers.is_known("oSimCrowd0001000000")
    assert not followers.is_known("oSimCrowd1")
    assert followers.count_subscribed() == 1_000_001
    for _ in range(5):
        assert followers.spend_crowd(last)
    with pytest.raises(Refused, match="45047"):
        followers.spend_crowd(last)
    assert not followers.spend_crowd("oA")
    assert len(crowd.spent) == 1_000_000
    clock.advance(48 * 3600)
    with pytest.raises(Refused, match="45015"):
        followers.spend_crowd("oSimCrowd0000000001")


def test_pages_cover_everybody_once(clock):
    followers = Followers(clock)
    for name in "ABC":
        followers.ensure(f"o{name}")
    followers.add_crowd(7)
    seen, after = [], ""
    while page := followers.page(after, 2):
        seen += page
        after = page[-1]
    assert len(seen) == len(set(seen)) == 10
    assert seen == list(followers.subscribed())


def test_tags_select(clock):
    followers = Followers(clock)
    followers.ensure("oA").tag_ids.add(100)
    followers.ensure("oB")
    assert followers.tagged(100) == ["oA"]
