"""The fast lane of welcomes: what it sends stays its own while the platform thinks, and is nobody's once it was cut off."""

import asyncio
from collections.abc import AsyncIterator

import pytest_asyncio
from aiohttp import web

from bot.httpclient import HttpClient
from crm_core.conversations import Message
from crm_core.messages import Address, Body
from crm_core.outbox import DatabaseOutbox
from crm_core.ports import Core
from crm_core.welcomes import LEASE, queue_welcome
from tests.bot.channels.platform import Platform
from tests.bot.channels.wecom.made import make_application
from tests.fakes import FakeClock
from tests.waiting import until

WELCOME = "/cgi-bin/externalcontact/send_welcome_msg"


class SlowPlatform(Platform):
    """Answers the welcome when it is allowed to."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if request.path == WELCOME:
            await self.gate.wait()
        return await super()._answer(request)


@pytest_asyncio.fixture
async def slow() -> AsyncIterator[SlowPlatform]:
    made = SlowPlatform()
    made.lay("/cgi-bin/gettoken", {"errcode": 0, "access_token": "token", "expires_in": 7200})
    await made.start()
    yield made
    made.gate.set()
    await made.stop()


@pytest_asyncio.fixture
async def event(core: Core, clock: FakeClock) -> Message:
    """A new contact's event with its code, and the welcome queued."""
    deadline = int(clock.now().timestamp()) + 60
    event: Message = await Message.add(
        core,
        channel="wecom",
        external_account="wmX",
        direction="in",
        kind="event",
        at=clock.now(),
        status="done",
        key="event",
        payload=f'{{"data":{{"welcome_code":"W","welcome_deadline":{deadline}}}}}',
    )
    until_then = clock.now() + LEASE * 6
    to = Address("wecom", "wmX")
    await core.db.run(queue_welcome(core, to, Body(text="幸会"), message_id=event.id, account_id=1, until=until_then))
    return event


async def test_a_send_under_way_is_nobody_elses(
    core: Core, clock: FakeClock, http: HttpClient, slow: SlowPlatform, event: Message
) -> None:
    lane = make_application(http, clock, api_base=slow.url).welcomes
    work, leases = lane.periodics()
    assert leases.everywhere
    assert leases.every < LEASE / 2
    common = DatabaseOutbox()
    common.bind(core)
    running = asyncio.ensure_future(work.run(core))
    await until(lambda: Message.filter(topic="welcome", status="claimed").exists())
    for _ in range(3):
        clock.advance(LEASE / 2)
        await leases.run(core)
        assert await common.recover(everything=False) == 0
    slow.gate.set()
    assert await running == 1
    assert (await Message.get(topic="welcome")).status == "sent"
    assert len(slow.asked(WELCOME)) == 1


async def test_a_send_that_was_cut_off_is_left_to_its_lease(
    core: Core, clock: FakeClock, http: HttpClient, slow: SlowPlatform, event: Message
) -> None:
    lane = make_application(http, clock, api_base=slow.url).welcomes
    work, leases = lane.periodics()
    running = asyncio.ensure_future(work.run(core))
    await until(lambda: Message.filter(topic="welcome", status="claimed").exists())
    running.cancel()
    await asyncio.wait({running})
    clock.advance(LEASE)
    await leases.run(core)
    common = DatabaseOutbox()
    common.bind(core)
    assert await common.recover(everything=False) == 1
