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
from crm_core.conversations import Message
from crm_core.db import Database
from crm_core.messages import Address, Body, Guarantee
from scheduler.reminders import Reminder
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
