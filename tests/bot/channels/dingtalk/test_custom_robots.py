"""Custom group robots."""

import asyncio
from datetime import timedelta

from bot.channel import SendStatus
from bot.channels.dingtalk import CustomRobot
from bot.crypto import sign_dingtalk
from bot.httpclient import HttpClient
from bot.secret import NO_SECRET, Secret
from crm_core.messages import Body, Kind
from crm_core.ports import Core
from tests.bot.channels.dingtalk.made import make_message, make_robot
from tests.bot.channels.platform import HANG_UP, Platform
from tests.fakes import FakeClock
from tests.waiting import until

PATH = "/robot/send"
SECRET = Secret("SEC0f1e2d3c4b5a6978")


def robot_of(platform: Platform, secret: Secret = SECRET) -> CustomRobot:
    return CustomRobot("销售群", Secret(f"{platform.url}{PATH}?access_token=t"), secret)


async def test_a_message_is_signed_and_carries_its_key(platform: Platform, http: HttpClient, clock: FakeClock) -> None:
    channel = make_robot(http, clock, platform.url, custom_robots=(robot_of(platform),))
    messages = [make_message(Body(text="捷报"), to="robot:销售群")] * 2
    receipts = await channel.send(messages)
    assert {receipt.status for receipt in receipts} == {SendStatus.SENT}
    first, second = platform.asked(PATH)
    assert first.query["access_token"] == "t"
    assert first.query["sign"] == sign_dingtalk(first.query["timestamp"], SECRET)
    assert first.json["msgUuid"] == second.json["msgUuid"]
    assert platform.tokens == 0


async def test_a_robot_without_a_secret_is_not_signed(platform: Platform, http: HttpClient, clock: FakeClock) -> None:
    channel = make_robot(http, clock, platform.url, custom_robots=(robot_of(platform, NO_SECRET),))
    await channel.send([make_message(Body(text="捷报"), to="robot:销售群")])
    assert set(platform.asked(PATH)[0].query) == {"access_token"}


async def test_an_unanswered_message_may_be_repeated_with_its_key(
    platform: Platform, http: HttpClient, clock: FakeClock
) -> None:
    channel = make_robot(http, clock, platform.url, custom_robots=(robot_of(platform),))
    for answer in (HANG_UP, (502, "<html>")):
        platform.answers[PATH] = [answer]
        (receipt,) = await channel.send([make_message(Body(text="捷报"), to="robot:销售群")])
        assert receipt.status is SendStatus.RETRY


async def test_an_unknown_robot_and_a_picture_are_refused(platform: Platform, http: HttpClient, clock: FakeClock) -> None:
    robot = robot_of(platform)
    channel = make_robot(http, clock, platform.url, custom_robots=(robot,))
    receipts = await channel.send(
        [make_message(Body(text="a"), to="robot:无"), make_message(Body(Kind.IMAGE, media_id="m"), to="robot:销售群")]
    )
    assert [receipt.reason for receipt in receipts] == ["channel_gone", "kind_unsupported"]
    assert platform.calls == []


async def test_twenty_a_minute_and_robot_and_nobody_else_waits(platform: Platform, http: HttpClient, clock: FakeClock) -> None:
    other = CustomRobot("客服群", Secret(f"{platform.url}/robot/other"), SECRET)
    channel = make_robot(http, clock, platform.url, custom_robots=(robot_of(platform), other))
    receipts = [(await channel.send([make_message(Body(text="捷报"), to="robot:销售群")]))[0] for _ in range(21)]
    assert [receipt.status for receipt in receipts] == [SendStatus.SENT] * 20 + [SendStatus.RETRY]
    assert (receipts[-1].reason, receipts[-1].pause_until) == ("robot_rate", None)
    assert receipts[-1].retry_at is not None
    assert receipts[-1].retry_at > clock.now() + timedelta(seconds=59)
    (receipt,) = await channel.send([make_message(Body(text="捷报"), to="robot:客服群")])
    assert receipt.status is SendStatus.SENT
    clock.advance(61)
    (receipt,) = await channel.send([make_message(Body(text="捷报"), to="robot:销售群")])
    assert receipt.status is SendStatus.SENT


async def test_a_blocked_robot_is_not_called_for_ten_minutes(platform: Platform, http: HttpClient, clock: FakeClock) -> None:
    channel = make_robot(http, clock, platform.url, custom_robots=(robot_of(platform),))
    platform.lay(PATH, {"errcode": 410100, "errmsg": "发送速度太快而限流"}, {"errcode": 0})
    for _ in range(3):
        (receipt,) = await channel.send([make_message(Body(text="捷报"), to="robot:销售群")])
        assert receipt.status is SendStatus.RETRY
    assert len(platform.asked(PATH)) == 1
    clock.advance(601)
    (receipt,) = await channel.send([make_message(Body(text="捷报"), to="robot:销售群")])
    assert receipt.status is SendStatus.SENT


async def test_two_processes_share_a_robots_minute(platform: Platform, http: HttpClient, clock: FakeClock, core: Core) -> None:
    channels = [make_robot(http, clock, platform.url, custom_robots=(robot_of(platform),)) for _ in range(2)]
    for channel in channels:
        channel.sender.robots.attach("dingtalk", core.state)
    for number in range(20):
        (receipt,) = await channels[number % 2].send([make_message(Body(text="捷报"), to="robot:销售群")])
        assert receipt.status is SendStatus.SENT
    assert len(platform.asked(PATH)) == 20
    waiting = asyncio.gather(*(channel.send([make_message(Body(text="捷报"), to="robot:销售群")]) for channel in channels))

    async def passes() -> bool:
        clock.advance(0.5)
        await asyncio.sleep(0)
        return waiting.done()

    await until(passes)
    assert {receipt.reason for (receipt,) in waiting.result()} == {"robot_rate"}
    assert len(platform.asked(PATH)) == 20
