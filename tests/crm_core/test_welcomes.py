"""Welcomes by a code that ends after seconds: on their own lane, one process's until it has settled them."""

from datetime import timedelta

import pytest

from crm_core.conversations import Message
from crm_core.db import Database
from crm_core.messages import Address, Body
from crm_core.outbox import DatabaseOutbox
from crm_core.outbox_claims import Settlement
from crm_core.ports import Core
from crm_core.welcomes import LEASE, WelcomeQueue, queue_welcome
from tests.fakes import FakeClock


async def queued(core: Core, count: int = 1, lasts: timedelta = timedelta(minutes=1)) -> None:
    until = core.clock.now() + lasts
    for number in range(1, count + 1):
        to = Address("wecom", f"wm{number}")
        await core.db.run(queue_welcome(core, to, Body(text="幸会"), message_id=number, account_id=number, until=until))


async def statuses() -> list[str]:
    return list(await Message.all().order_by("id").values_list("status", flat=True))


async def test_what_waits_is_taken_once_and_what_has_ended_never(core: Core, clock: FakeClock) -> None:
    await queued(core, 2)
    queue = WelcomeQueue("wecom")
    found = await queue.claim(core, limit=50)
    assert [message.address.external_id for message in found] == ["wm1", "wm2"]
    assert await WelcomeQueue("wecom").claim(core, limit=50) == []
    await queue.settle(core, [Settlement(found[0].id, "sent"), Settlement(found[1].id, "retry", "busy")])
    assert await statuses() == ["sent", "queued"]
    assert [message.attempt for message in await queue.claim(core, limit=50)] == [2]
    await queue.settle(core, [Settlement(found[1].id, "refused", "too_late")])
    assert await statuses() == ["sent", "failed"]
    clock.advance(61)
    await queued(core, 3, timedelta())
    assert await queue.claim(core, limit=50) == []
    assert len(await statuses()) == 2


async def test_a_living_process_keeps_its_welcomes_and_a_dead_ones_go_again(core: Core, clock: FakeClock) -> None:
    """Two processes on one database; what decides about ended leases is the common queue."""
    await queued(core, 1)
    living, other = WelcomeQueue("wecom"), WelcomeQueue("wecom")
    (message,) = await living.claim(core, limit=50)
    common = DatabaseOutbox()
    common.bind(core)
    for _ in range(3):
        clock.advance(LEASE / 2)
        await living.renew(core)
        assert await common.recover(everything=False) == 0
        assert await other.claim(core, limit=50) == []
    living.let_go([message.id])
    clock.advance(LEASE)
    await living.renew(core)
    assert await common.recover(everything=False) == 1
    (again,) = await other.claim(core, limit=50)
    assert again.id == message.id


async def test_what_arrived_is_sent_whatever_was_decided_meanwhile(core: Core, clock: FakeClock) -> None:
    await queued(core, 1)
    slow, common = WelcomeQueue("wecom"), DatabaseOutbox()
    common.bind(core)
    (message,) = await slow.claim(core, limit=50)
    clock.advance(LEASE * 2)
    assert await common.recover(everything=False) == 1
    await slow.settle(core, [Settlement(message.id, "retry", "busy")])
    assert (await Message.get()).reason == "lease_ended"  # decided already
    await slow.settle(core, [Settlement(message.id, "sent")])
    assert await statuses() == ["sent"]
    assert await slow.claim(core, limit=50) == []


async def test_leases_are_told_by_the_clock_of_the_database(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    await queued(core, 1)
    monkeypatch.setattr(Database, "skew", property(lambda _: timedelta(minutes=3)))
    await WelcomeQueue("wecom").claim(core, limit=50)
    assert (await Message.get()).lease_until == core.clock.now() + timedelta(minutes=3) + LEASE
