"""Sending of an Official Account: what leaves, and what came of it."""

import asyncio
from datetime import timedelta

from bot.channel import SendStatus
from bot.httpclient import HttpClient
from crm_core.messages import Article, Body, Kind
from tests.bot.channels.platform import HANG_UP, Platform
from tests.bot.channels.wechat_oa.made import OPENID, make_account, make_message
from tests.fakes import FakeClock

CUSTOM = "/cgi-bin/message/custom/send"
TEMPLATE = "/cgi-bin/message/template/send"
TOKEN = "/cgi-bin/stable_token"


async def test_text_image_and_news_leave_as_customer_service_messages(
    platform: Platform, http: HttpClient, clock: FakeClock
) -> None:
    account = make_account(http, clock, api_base=platform.url)
    articles = (Article("新品", "说明", "https://e.com/p.jpg", "https://e.com/"), Article("第二篇"))
    bodies = [
        Body(text="你好😀"),
        Body(kind=Kind.IMAGE, media_id="M1"),
        Body(kind=Kind.VOICE, media_id="M2"),
        Body(kind=Kind.NEWS, articles=articles),
    ]
    for body in bodies:
        (receipt,) = await account.send([make_message(body)])
        assert receipt.status is SendStatus.SENT
    sent = [call.json for call in platform.asked(CUSTOM)]
    assert [one["msgtype"] for one in sent] == ["text", "image", "voice", "news"]
    assert {one["touser"] for one in sent} == {OPENID}
    assert "你好😀".encode() in platform.asked(CUSTOM)[0].body
    assert sent[3]["news"]["articles"] == [
        {"title": "新品", "description": "说明", "url": "https://e.com/", "picurl": "https://e.com/p.jpg"}
    ]


async def test_long_text_is_cut_within_the_limit_and_between_characters(
    platform: Platform, http: HttpClient, clock: FakeClock
) -> None:
    await make_account(http, clock, api_base=platform.url).send([make_message(Body(text="长" * 1000))])
    said = platform.asked(CUSTOM)[0].json["text"]["content"]
    assert said == "长" * 682


async def test_template_message_carries_its_key_and_data(platform: Platform, http: HttpClient, clock: FakeClock) -> None:
    platform.lay(TEMPLATE, {"errcode": 0, "msgid": 355725436769375021})
    body = Body(kind=Kind.TEMPLATE, template_id="T1", template_data={"name": "张三"}, url="https://e.com/")
    (receipt,) = await make_account(http, clock, api_base=platform.url).send([make_message(body, key="broadcast:1:7")])
    assert (receipt.status, receipt.external_id) == (SendStatus.SENT, "355725436769375021")
    sent = platform.asked(TEMPLATE)[0].json
    assert sent["data"] == {"name": {"value": "张三"}}
    assert sent["url"] == "https://e.com/"
    assert len(sent["client_msg_id"]) == 32


async def test_a_body_without_content_is_refused_and_nothing_leaves(
    platform: Platform, http: HttpClient, clock: FakeClock
) -> None:
    account = make_account(http, clock, api_base=platform.url)
    for body in (Body(), Body(kind=Kind.TEMPLATE), Body(kind=Kind.IMAGE)):
        (receipt,) = await account.send([make_message(body)])
        assert (receipt.status, receipt.reason) == (SendStatus.REFUSED, "kind_unsupported")
    assert platform.calls == []


async def test_refused_connection_is_tried_again_and_a_broken_one_is_unknown(
    platform: Platform, http: HttpClient, clock: FakeClock
) -> None:
    platform.lay(CUSTOM, HANG_UP)
    (broken,) = await make_account(http, clock, api_base=platform.url).send([make_message(Body(text="好"))])
    (unreached,) = await make_account(http, clock, api_base="http://127.0.0.1:9").send([make_message(Body(text="好"))])
    assert (broken.status, broken.reason) == (SendStatus.UNKNOWN, "no_answer")
    assert unreached.status is SendStatus.RETRY


async def test_no_answer_for_the_token_means_not_sent(platform: Platform, http: HttpClient, clock: FakeClock) -> None:
    for answer in (HANG_UP, (502, "<html>"), {"errcode": -1}, {"access_token": 5}):
        platform.answers[TOKEN] = [answer]
        (receipt,) = await make_account(http, clock, api_base=platform.url).send([make_message(Body(text="好"))])
        assert receipt.status is SendStatus.RETRY
    assert platform.asked(CUSTOM) == []


async def test_fifty_sends_with_an_expired_token_fetch_one_new_one(
    platform: Platform, http: HttpClient, clock: FakeClock
) -> None:
    account = make_account(http, clock, api_base=platform.url)
    await account.send([make_message(Body(text="好"))])
    clock.advance(timedelta(hours=3))
    receipts = await asyncio.gather(*(account.send([make_message(Body(text="好"))]) for _ in range(50)))
    assert all(receipt.status is SendStatus.SENT for (receipt,) in receipts)
    assert len(platform.asked(TOKEN)) == 2


async def test_fifty_sends_with_a_token_ended_early_fetch_one_new_one(
    platform: Platform, http: HttpClient, clock: FakeClock
) -> None:
    account = make_account(http, clock, api_base=platform.url)
    await account.send([make_message(Body(text="好"))])
    platform.lay(CUSTOM, *[{"errcode": 42001}] * 50, {"errcode": 0})
    receipts = await asyncio.gather(*(account.send([make_message(Body(text="好"))]) for _ in range(50)))
    assert all(receipt.status is SendStatus.SENT for (receipt,) in receipts)
    assert len(platform.asked(TOKEN)) == 2
