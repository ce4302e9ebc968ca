"""Calls of both APIs: one rate, one count, one penalty for all of them."""

import asyncio
from dataclasses import replace

from bot.channel import SendStatus
from bot.httpclient import HttpClient
from crm_core.messages import Body
from crm_core.ports import Core, Program
from tests.bot.channels.dingtalk.made import make_message, make_robot
from tests.bot.channels.platform import Platform
from tests.fakes import FakeClock
from tests.waiting import until

BATCH = "/v1.0/robot/oToMessages/batchSend"
TO_GROUP = "/v1.0/robot/groupMessages/send"


async def test_every_call_is_counted_and_keeps_to_the_rate(platform: Platform, http: HttpClient, clock: FakeClock) -> None:
    robot = make_robot(http, clock, platform.url)
    sending = asyncio.gather(*(robot.send([make_message(Body(text="好"), group=f"cid{number}")]) for number in range(22)))
    await until(lambda: len(platform.calls) == 20)
    await asyncio.sleep(0.05)
    assert len(platform.calls) == 20  # the token is one of them

    async def passes() -> bool:
        clock.advance(0.25)
        await asyncio.sleep(0.01)
        return sending.done()

    await until(passes)
    assert {receipt.status for (receipt,) in sending.result()} == {SendStatus.SENT}
    assert robot.ledger.used == 23
    assert robot.health() == {"month_calls": 23, "month_calls_limit": 5000}


class Served:
    """A database that other processes serve too."""

    alone = False


async def test_two_processes_share_the_second(platform: Platform, http: HttpClient, clock: FakeClock, core: Core) -> None:
    """Two senders of one application together keep to what the platform allows the application."""
    robots = [make_robot(http, clock, platform.url) for _ in range(2)]
    for robot in robots:
        robot.api.attach(replace(core, db=Served()))
    sending = asyncio.gather(
        *(robots[n % 2].send([make_message(Body(text="好"), group=f"cid{n}")]) for n in range(50)),
    )
    arrived: list[float] = []

    async def passes() -> bool:
        clock.advance(0.05)
        for _ in range(4):
            await asyncio.sleep(0.005)
        arrived.extend([clock.monotonic()] * (len(platform.asked(TO_GROUP)) - len(arrived)))
        return sending.done()

    await until(passes, within=30)
    receipts = [receipt for (receipt,) in sending.result()]
    assert {receipt.status for receipt in receipts} <= {SendStatus.SENT, SendStatus.RETRY}
    sent = sum(receipt.status is SendStatus.SENT for receipt in receipts)
    assert sent == len(arrived) >= 40  # what waited for longer than its patience comes again later
    for at in arrived:
        assert sum(at <= other < at + 0.9 for other in arrived) <= 20


async def test_an_embedded_database_has_no_others_to_share_with(
    platform: Platform, http: HttpClient, clock: FakeClock, core: Core
) -> None:
    robot = make_robot(http, clock, platform.url)
    robot.api.attach(core)
    assert (await robot.send([make_message(Body(text="好"))]))[0].status is SendStatus.SENT
    rows = await core.db.read(_ledgers())
    assert bool(rows) is not core.db.alone


def _ledgers() -> Program[list[object]]:
    rows = yield "SELECT key FROM state_entries WHERE key LIKE 'quota:dingtalk:%'", ()
    return list(rows)


async def test_the_punished_call_nothing_for_five_minutes(platform: Platform, http: HttpClient, clock: FakeClock) -> None:
    robot = make_robot(http, clock, platform.url)
    platform.lay(BATCH, {"status": 1111, "wait": 5, "source": "x5", "punish": "deny", "uuid": "x"}, {"processQueryKey": "pk"})
    (receipt,) = await robot.send([make_message(Body(text="好"))])
    assert receipt.reason == "punished"
    (receipt,) = await robot.send([make_message(Body(text="好"), group="cid")])
    assert (receipt.status, receipt.reason) == (SendStatus.RETRY, "busy")
    assert platform.asked(TO_GROUP) == []
    clock.advance(301)
    (receipt,) = await robot.send([make_message(Body(text="好"), group="cid")])
    assert receipt.status is SendStatus.SENT


async def test_the_used_up_month_is_believed(platform: Platform, http: HttpClient, clock: FakeClock) -> None:
    robot = make_robot(http, clock, platform.url)
    platform.lay(BATCH, (403, {"code": "Forbidden.AccessDenied.ApiCountLimitForOrg", "message": "..."}))
    (receipt,) = await robot.send([make_message(Body(text="好"))])
    assert (receipt.status, receipt.reason) == (SendStatus.REFUSED, "month_quota")
    assert robot.ledger._ended == "2026-11"
