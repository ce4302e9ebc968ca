"""What every queue delivery takes from must do: the outbox, and the recipients of broadcasts."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
import pytest_asyncio

from campaigns import broadcasts, engine
from campaigns.recipients import RecipientQueue
from campaigns.templates import create_template
from crm_core.messages import Address, Body
from crm_core.outbox import DatabaseOutbox, SendQueue, Settlement
from crm_core.ports import Core
from crm_core.reach import ReachRule
from crm_core.segments import create_segment
from tests.factories import SYSTEM, make_customer_account, make_lead
from tests.fakes import FakeClock

LEASE = timedelta(seconds=60)


@pytest_asyncio.fixture(params=["outbox", "recipients"])
async def filled(request: pytest.FixtureRequest, core: Core) -> SendQueue:
    """A queue with ten messages due on the channel wechat."""
    if request.param == "outbox":
        async with core.db.transaction():
            for number in range(10):
                await core.outbox.put(Address("wechat", f"o{number}"), Body(text="好"), key=f"k{number}")
        return core.outbox  # type: ignore[return-value]
    for number in range(10):
        await make_customer_account(core, await make_lead(core, f"客户{number}"), f"o{number}")
    core = replace(core, reach={"wechat": ReachRule.always()})
    template = await create_template(core, SYSTEM, name="通知", kind="text", body="好")
    segment = await create_segment(core, SYSTEM, name="全部线索", conditions={"kind": "lead"})
    draft = await broadcasts.create(core, SYSTEM, name="通知", segment_id=segment.id, template_id=template.id, channel="wechat")
    await broadcasts.approve(core, SYSTEM, draft.id)
    await engine.run(core)
    return RecipientQueue(core)


async def test_each_message_is_claimed_once_by_whoever_comes(filled: SendQueue) -> None:
    pages = await asyncio.gather(*(filled.claim("wechat", 3, LEASE) for _ in range(6)))
    numbers = [message.id for page in pages for message in page]
    assert len(numbers) == len(set(numbers)) == 10
    assert len({message.key for page in pages for message in page}) == 10
    assert await filled.claim("wechat", 3, LEASE) == []


async def test_other_channels_are_left_alone(filled: SendQueue) -> None:
    assert await filled.claim("dingtalk", 10, LEASE) == []
    assert await filled.next_due("dingtalk") is None


async def test_next_due_tells_whether_something_waits(filled: SendQueue, clock: FakeClock) -> None:
    due = await filled.next_due("wechat")
    assert due is not None
    assert due <= clock.now()
    claimed = await filled.claim("wechat", 10, LEASE)
    await filled.settle([Settlement(message.id, "sent") for message in claimed])
    assert await filled.next_due("wechat") is None


async def test_retry_comes_again_when_its_time_has_come(filled: SendQueue, clock: FakeClock) -> None:
    first, *rest = await filled.claim("wechat", 10, LEASE)
    await filled.settle([Settlement(message.id, "sent") for message in rest])
    await filled.settle([Settlement(first.id, "retry", "-1", retry_at=clock.now() + timedelta(seconds=30))])
    assert await filled.claim("wechat", 10, LEASE) == []
    clock.advance(31)
    (again,) = await filled.claim("wechat", 10, LEASE)
    assert (again.id, again.key, again.body) == (first.id, first.key, first.body)


async def test_settling_twice_changes_nothing(filled: SendQueue) -> None:
    (first, *_) = await filled.claim("wechat", 10, LEASE)
    await filled.settle([Settlement(first.id, "sent")])
    await filled.settle([Settlement(first.id, "retry")])
    assert await filled.claim("wechat", 10, LEASE) == []


async def test_claims_of_the_living_are_not_touched_and_those_of_the_dead_never_repeated(
    filled: SendQueue, clock: FakeClock
) -> None:
    assert len(await filled.claim("wechat", 4, LEASE)) == 4
    assert await filled.recover(everything=False) == 0
    assert await filled.recover(everything=True) == 4
    assert len(await filled.claim("wechat", 10, LEASE)) == 6


async def test_lease_that_ended_is_decided_by_others_and_never_against_its_living_owner(
    filled: SendQueue, core: Core, clock: FakeClock
) -> None:
    await filled.claim("wechat", 2, LEASE)
    for _ in range(5):
        clock.advance(LEASE / 2)
        assert await filled.recover(everything=False) == 0  # the living one renews what it holds
        assert await another(filled, core).recover(everything=False) == 0
    clock.advance(LEASE + timedelta(seconds=1))
    assert await another(filled, core).recover(everything=False) == 2


def another(queue: SendQueue, core: Core) -> SendQueue:
    """The same queue as another process sees it."""
    if isinstance(queue, RecipientQueue):
        return RecipientQueue(core)
    made = DatabaseOutbox()
    made.bind(core)
    return made
