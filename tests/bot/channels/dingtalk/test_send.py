"""Sending of a robot: reply address while it holds, one-to-one in pages, groups."""

import json
from datetime import timedelta

import pytest

from bot.channel import SendStatus
from bot.httpclient import HttpClient
from crm_core.messages import Article, Body, Kind
from tests.bot.channels.dingtalk.made import GROUP, STAFF, in_an_hour, make_message, make_reply_data, make_robot
from tests.bot.channels.platform import HANG_UP, Platform
from tests.fakes import FakeClock

BATCH = "/v1.0/robot/oToMessages/batchSend"
TO_GROUP = "/v1.0/robot/groupMessages/send"
WEBHOOK = "/robot/sendBySession"
TOKEN = "/v1.0/oauth2/accessToken"


async def test_reply_goes_to_the_reply_address_and_needs_no_token(
    platform: Platform, http: HttpClient, clock: FakeClock
) -> None:
    data = make_reply_data(f"{platform.url}{WEBHOOK}?session=s1", in_an_hour(clock), group=GROUP)
    message = make_message(Body(text="已记录"), group=GROUP, reply_data=data)
    (receipt,) = await make_robot(http, clock, platform.url).send([message])
    assert receipt.status is SendStatus.SENT
    (call,) = platform.calls
    assert call.query == {"session": "s1"}
    assert call.json["text"] == {"content": "已记录"}
    assert call.json["at"]["atUserIds"] == [STAFF]


async def test_expired_or_foreign_reply_address_is_never_called(platform: Platform, http: HttpClient, clock: FakeClock) -> None:
    robot = make_robot(http, clock, platform.url)
    expired = make_reply_data(f"{platform.url}{WEBHOOK}", clock.now())
    foreign = make_reply_data("http://127.0.0.1:9/latest/meta-data", in_an_hour(clock))
    for data in (expired, foreign, {"session_webhook": f"{platform.url}{WEBHOOK}"}):
        (receipt,) = await robot.send([make_message(Body(text="好"), reply_data=data)])
        assert receipt.status is SendStatus.SENT
    assert platform.asked(WEBHOOK) == []
    assert len(platform.asked(BATCH)) == 3


async def test_private_answer_never_uses_the_address_of_a_group(platform: Platform, http: HttpClient, clock: FakeClock) -> None:
    data = make_reply_data(f"{platform.url}{WEBHOOK}", in_an_hour(clock), group=GROUP)
    await make_robot(http, clock, platform.url).send([make_message(Body(text="私密"), reply_data=data)])
    assert [call.path for call in platform.calls] == [TOKEN, BATCH]


async def test_redirect_of_the_reply_address_is_not_followed(platform: Platform, http: HttpClient, clock: FakeClock) -> None:
    platform.lay(WEBHOOK, (302, "<html>"))
    data = make_reply_data(f"{platform.url}{WEBHOOK}", in_an_hour(clock))
    (receipt,) = await make_robot(http, clock, platform.url).send([make_message(Body(text="好"), reply_data=data)])
    assert receipt.status is SendStatus.UNKNOWN
    assert len(platform.calls) == 1


async def test_unanswered_reply_is_unknown_and_not_sent_another_way(
    platform: Platform, http: HttpClient, clock: FakeClock
) -> None:
    platform.lay(WEBHOOK, HANG_UP)
    data = make_reply_data(f"{platform.url}{WEBHOOK}", in_an_hour(clock))
    (receipt,) = await make_robot(http, clock, platform.url).send([make_message(Body(text="好"), reply_data=data)])
    assert receipt.status is SendStatus.UNKNOWN
    assert len(platform.calls) == 1


async def test_many_people_get_one_body_in_pages_of_twenty(platform: Platform, http: HttpClient, clock: FakeClock) -> None:
    messages = [make_message(Body(text="晨会"), to=f"u{number}", number=number) for number in range(45)]
    receipts = await make_robot(http, clock, platform.url).send(messages)
    assert [receipt.status for receipt in receipts] == [SendStatus.SENT] * 45
    pages = [call.json for call in platform.asked(BATCH)]
    assert [len(page["userIds"]) for page in pages] == [20, 20, 5]
    assert pages[0]["robotCode"] == "dingq7x2m4n8v1c3z5kd"
    assert pages[0]["msgKey"] == "sampleText"
    assert json.loads(pages[0]["msgParam"]) == {"content": "晨会"}
    assert len(platform.asked(TOKEN)) == 1


async def test_group_message_names_the_conversation(platform: Platform, http: HttpClient, clock: FakeClock) -> None:
    articles = (Article("周报", "本周", "", "https://e.com/"),)
    (receipt,) = await make_robot(http, clock, platform.url).send(
        [make_message(Body(kind=Kind.NEWS, articles=articles), group=GROUP)]
    )
    assert (receipt.status, receipt.external_id) == (SendStatus.SENT, "pk")
    sent = platform.asked(TO_GROUP)[0].json
    assert sent["openConversationId"] == GROUP
    assert sent["msgKey"] == "sampleLink"


async def test_trouble_with_the_token_means_not_sent(platform: Platform, http: HttpClient, clock: FakeClock) -> None:
    for answer in (HANG_UP, (502, "<html>"), {"accessToken": ""}, (400, {"code": "invalidClientSecret"})):
        platform.answers[TOKEN] = [answer]
        (receipt,) = await make_robot(http, clock, platform.url).send([make_message(Body(text="好"))])
        assert receipt.status is SendStatus.RETRY
    assert receipt.pause_until == clock.now() + timedelta(minutes=10)
    assert platform.asked(BATCH) == []


@pytest.mark.parametrize("group", ["", GROUP])
async def test_lost_connection_after_the_call_is_unknown(
    group: str, platform: Platform, http: HttpClient, clock: FakeClock
) -> None:
    platform.lay(BATCH, HANG_UP)
    platform.lay(TO_GROUP, HANG_UP)
    (receipt,) = await make_robot(http, clock, platform.url).send([make_message(Body(text="好"), group=group)])
    assert receipt.status is SendStatus.UNKNOWN


async def test_platform_that_cannot_be_reached_is_tried_again(http: HttpClient, clock: FakeClock) -> None:
    (receipt,) = await make_robot(http, clock, "http://127.0.0.1:9").send([make_message(Body(text="好"))])
    assert receipt.status is SendStatus.RETRY


async def test_body_without_content_is_refused(platform: Platform, http: HttpClient, clock: FakeClock) -> None:
    robot = make_robot(http, clock, platform.url)
    receipts = await robot.send([make_message(Body()), make_message(Body(), group=GROUP)])
    assert {receipt.reason for receipt in receipts} == {"kind_unsupported"}
    assert platform.calls == []
