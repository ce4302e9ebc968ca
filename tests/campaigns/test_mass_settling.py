"""What becomes of a chunk when several processes decide about it: told once, and what is known beats what is guessed."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from campaigns import results
from campaigns.mass import MassQueue, MassSend
from campaigns.mass_settling import KEY_KNOWN
from crm_core.outbox import Settlement
from crm_core.ports import Core
from crm_core.reach import MassRule, ReachRule
from tests.campaigns.conftest import make_followers, make_running, with_settings

LEASE = timedelta(seconds=30)


@pytest.fixture
def core(core: Core) -> Core:
    """A channel with mass sending to four at once, and no cap of our own in the way."""
    rule = ReachRule(mass=MassRule(most=4, least=2, monthly=100))
    return with_settings(replace(core, reach={"wechat": rule}), frequency_cap=100)


async def make_mass(core, marketer, people: int):
    await make_followers(core, people)
    return await make_running(core, marketer, kind="mass", body="新品上线")


@pytest.mark.parametrize("passed", [timedelta(minutes=1), KEY_KNOWN + timedelta(hours=1)], ids=["goes_again", "unknown"])
async def test_an_answer_that_comes_after_the_lease_was_decided_about_still_counts(core, marketer, clock, passed):
    running = await make_mass(core, marketer, 3)
    slow, other = MassQueue(core), MassQueue(core)
    (chunk,) = await slow.claim("wechat", 50, LEASE)
    clock.advance(passed)
    assert await other.recover(everything=False) == 1
    assert await results.counts(core, running.id) == {"planned" if passed < KEY_KNOWN else "unknown": 3}
    await slow.settle([Settlement(chunk.id, "retry", "not_sent")])  # what was decided is not decided again
    assert (await MassSend.get()).reason == "lease_ended"
    await slow.settle([Settlement(chunk.id, "handed_over", external_id="900")])
    assert await results.counts(core, running.id) == {"handed_over": 3}
    assert (await MassSend.get()).status == "handed_over"
    assert await other.claim("wechat", 50, LEASE) == []


async def test_settled_by_one_and_recovered_by_another_at_once_is_told_as_it_was(core, marketer, clock):
    await make_followers(core, 2)
    for number in range(5):
        running = await make_running(core, marketer, kind="mass", body="新品上线")
        slow, other = MassQueue(core), MassQueue(core)
        (chunk,) = await slow.claim("wechat", 50, LEASE)
        clock.advance(31)
        done = Settlement(chunk.id, "handed_over", external_id=f"9{number}")
        await asyncio.gather(slow.settle([done]), other.recover(everything=False))
        assert await results.counts(core, running.id) == {"handed_over": 2}
        assert (await MassSend.get(id=chunk.id)).status == "handed_over"
