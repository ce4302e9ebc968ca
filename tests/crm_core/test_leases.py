"""What a process holds: renewed while it lives, told by the clock of the database, given back when it ends."""

from datetime import timedelta

import pytest

from crm_core.conversations import Message
from crm_core.db import Database
from crm_core.leases import Held, lease_now
from crm_core.messages import Address, Body
from crm_core.outbox import DatabaseOutbox
from crm_core.ports import Core
from tests.fakes import FakeClock

LEASE = timedelta(seconds=30)


async def claimed(core: Core, count: int) -> Held:
    async with core.db.transaction():
        for number in range(count):
            await core.outbox.put(Address("wechat", f"o{number}"), Body(text="好"), key=f"k{number}")
    outbox = core.outbox
    assert isinstance(outbox, DatabaseOutbox)
    await outbox.claim("wechat", count, LEASE)
    return outbox._held


async def leases() -> set[object]:
    return set(await Message.all().values_list("lease_until", flat=True))


async def test_what_is_held_is_renewed_in_pages_and_what_is_decided_is_not(core: Core, clock: FakeClock) -> None:
    held = await claimed(core, 1100)
    first = await leases()
    clock.advance(5)
    await core.db.run(held.renew(core))
    assert await leases() == first  # not yet worth writing
    await Message.filter(key="k0").update(status="sent")
    clock.advance(5)
    await core.db.run(held.renew(core))
    assert await leases() == {*first, clock.now() + LEASE}
    assert await Message.filter(lease_until=clock.now() + LEASE).count() == 1099


async def test_what_is_let_go_may_be_taken_at_once(core: Core) -> None:
    held = await claimed(core, 2)
    assert len(held) == 2
    await core.db.run(held.let_go())
    assert await leases() == {None}


async def test_leases_are_told_by_the_clock_of_the_database(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    assert lease_now(core) == core.clock.now()
    monkeypatch.setattr(Database, "skew", property(lambda _: timedelta(minutes=3)))
    assert lease_now(core) == core.clock.now() + timedelta(minutes=3)
