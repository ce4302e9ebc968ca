"""Calls of both APIs: one rate, one count, one penalty for all of them."""

import asyncio

from bot.channel import SendStatus
from bot.httpclient import HttpClient
from crm_core.messages import Body
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
