"""Custom group robots."""

from bot.channel import SendStatus
from bot.channels.dingtalk import CustomRobot
from bot.channels.dingtalk.custom_robots import find_robot
from bot.crypto import sign_dingtalk
from bot.httpclient import HttpClient
from bot.secret import NO_SECRET, Secret
from crm_core.messages import Body, Kind
from tests.bot.channels.dingtalk.made import make_message, make_robot
from tests.bot.channels.platform import HANG_UP, Platform
from tests.fakes import FakeClock

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
    assert find_robot((robot,), "robot:销售群") is robot
