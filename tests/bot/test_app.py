"""The composition root: the roles of a process, and a stop that is quick whatever the platforms do."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from bot.app import App
from bot.simulator import Simulator
from bot.simulator.faults import FaultKind
from campaigns.mass import MassSend
from crm_core import inbox
from crm_core.conversations import Message
from crm_core.db import Database
from crm_core.errors import Unavailable
from crm_core.messages import Address, Body, Guarantee, InboundMessage, Kind
from scheduler.reminders import Reminder
from tests.conftest import on_postgres
from tests.factories import make_employee
from tests.house import House, settings_for
from tests.waiting import until


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator() as made:
        yield made


async def status_of(app: App, path: str) -> int:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{app.port}{path}") as answer:
        return answer.status


@pytest.mark.parametrize(("role", "hook", "works"), [("gateway", 403, False), ("worker", 404, True), ("all", 403, True)])
async def test_role_does_its_part_alone(
    db: Database, simulator: Simulator, tmp_path: Path, role: str, hook: int, works: bool
) -> None:
    settings = replace(settings_for(simulator, tmp_path), database=db.settings)
    app = App(settings, db=db, role=role)
    await app.start()
    try:
        employee = await make_employee(app.core, staff_id="staff-1")
        await Reminder.add(app.core, owner_id=employee.id, at=app.clock.now() - timedelta(minutes=1), text="好")
        assert await status_of(app, "/hook/wechat") == hook
        assert await status_of(app, "/health/ready") == 200
        await asyncio.sleep(1.5)  # a gateway must not fire it, so there is nothing to wait for
        assert await Reminder.filter(status="fired").count() == works
    finally:
        await app.stop()


async def test_stop_is_quick_although_every_platform_hangs(house: House) -> None:
    await house.employee()
    person = house.simulator.wechat.make_openid()
    await house.simulator.wechat.say(person, "你好")
    house.simulator.faults.add("*", FaultKind.HANG, times=None)
    core = house.app.core
    await core.outbox.put(Address("dingtalk", "staff-小王"), Body(text="通知"), key="n", guarantee=Guarantee.AT_LEAST_ONCE)
    await core.outbox.put(Address("wechat", person), Body(text="到货"), key="w")
    await until(lambda: Message.filter(status="claimed").count())
    begun = time.monotonic()
    await house.app.stop()
    assert time.monotonic() - begun < 8
    assert await Message.filter(status="claimed").count() == 0
    house.simulator.faults.clear()
    await house.restart()


async def claimed_elsewhere(house: House) -> Message:
    """A message this process has claimed, for a channel no loop looks after; its lease ends in a moment."""
    outbox, now = house.app.outbox, house.app.clock.now()
    await outbox.put(Address("elsewhere", "somebody"), Body(text="好"), key="held")
    (message,) = await outbox.claim("elsewhere", 1, timedelta(seconds=30))
    await Message.filter(id=message.id).update(lease_until=now + timedelta(seconds=2))
    return await Message.get(id=message.id)


async def is_renewed(before: Message) -> bool:
    after = await Message.get(id=before.id)
    return after.lease_until > before.lease_until + timedelta(seconds=5)


async def test_leases_are_renewed_although_the_clocks_cannot_be_compared(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def unavailable(_: object) -> None:
        raise Unavailable

    monkeypatch.setattr(Database, "measure", unavailable)
    held = await claimed_elsewhere(house)
    await house.app.worker.tick()
    assert await is_renewed(held)


async def test_chunks_of_mass_sending_are_renewed_too(house: House) -> None:
    soon = house.app.clock.now() + timedelta(seconds=2)
    values = {"broadcast_id": 1, "number": 1, "channel": "elsewhere", "key": "k", "text": "好", "status": "claimed"}
    chunk = await MassSend.add(house.app.core, **values, lease_until=soon)
    house.app.mass._held.add([chunk.id], timedelta(seconds=30))
    await house.app.worker.tick()
    assert (await MassSend.get(id=chunk.id)).lease_until > soon + timedelta(seconds=5)


async def test_gateway_alone_renews_what_it_works_on_although_the_clocks_cannot_be_compared(
    db: Database, simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unavailable(_: object) -> None:
        raise Unavailable

    monkeypatch.setattr(Database, "measure", unavailable)
    monkeypatch.setattr("bot.app.SWEEP_EVERY", timedelta(seconds=0.1))
    app = App(replace(settings_for(simulator, tmp_path), database=db.settings), db=db, role="gateway")
    await app.start()
    try:
        await app.outbox.put(Address("elsewhere", "somebody"), Body(text="好"), key="held")
        (message,) = await app.outbox.claim("elsewhere", 1, timedelta(seconds=30))
        soon = app.clock.now() + timedelta(seconds=2)
        await Message.filter(id=message.id).update(lease_until=soon)
        await until(lambda: Message.get_or_none(id=message.id, lease_until__gt=soon + timedelta(seconds=5)))
    finally:
        await app.stop()


async def left_open(house: House, number: int) -> int:
    """A message whose work a dead process left."""
    core = house.app.core
    at = core.clock.now() - timedelta(minutes=1)
    to = Address("dingtalk", "staff-小王", f"c{number}")
    made = await core.db.run(inbox.record(core, InboundMessage(to, f"left:{number}", Kind.TEXT, at, text="帮助")))
    await Message.filter(id=made.id).update(created_at=at, lease_until=None)
    return made.id


@pytest.fixture
def gate(house: House, monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Until it is set every command takes its time, and that is as many as are worked on together."""
    opened, router = asyncio.Event(), house.app.pipeline._router
    understand = router.understand

    async def slowly(*arguments: object) -> object:
        await opened.wait()
        return await understand(*arguments)

    monkeypatch.setattr(router, "understand", slowly)
    monkeypatch.setattr("bot.gateway.RESUMED_TOGETHER", 0)
    return opened


async def test_leases_are_renewed_while_left_over_work_waits_for_a_slow_command(house: House, gate: asyncio.Event) -> None:
    await house.employee()
    await left_open(house, 1)
    held = await claimed_elsewhere(house)
    ticking = asyncio.ensure_future(house.app.worker.tick())
    try:
        await until(lambda: is_renewed(held))
        assert await Message.filter(status="open").count() == 1
    finally:
        gate.set()
    await asyncio.wait_for(ticking, 20)
    await until(lambda: Message.filter(direction="in", status="done").count())


@pytest.mark.skipif(not on_postgres(), reason="alone, nobody else takes what is open")
async def test_what_is_taken_over_is_renewed_until_its_turn_comes(house: House, gate: asyncio.Event) -> None:
    await house.employee()
    first, second = await left_open(house, 1), await left_open(house, 2)
    resuming = asyncio.ensure_future(house.app.gateway.resume())
    await until(lambda: first in house.app.gateway._working)

    async def renewed() -> bool:
        soon = house.app.clock.now() + timedelta(seconds=2)
        await Message.filter(id=second).update(lease_until=soon)
        await house.app.gateway.renew()
        lease = (await Message.get(id=second)).lease_until
        return lease is not None and lease > soon + timedelta(seconds=5)

    assert second not in house.app.gateway._working
    assert await renewed()
    resuming.cancel()
    await asyncio.wait({resuming})
    assert not await renewed()  # nobody here will work on it: another one may
    gate.set()
    await until(lambda: Message.filter(id=first, status="done").exists())
