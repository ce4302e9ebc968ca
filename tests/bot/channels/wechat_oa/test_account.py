"""An Official Account behind a socket: it answers in the request's form and mode."""

import json
from datetime import timedelta

import aiohttp
import pytest
from yarl import URL

from bot.crypto import Envelope, sign
from bot.envelope_xml import parse_xml
from bot.httpclient import HttpClient
from crm_core.messages import Article, Body, Kind
from crm_core.reach import Window
from tests.bot.channels.conftest import ServeChannel
from tests.bot.channels.wechat_oa.made import OPENID, make_account, make_settings
from tests.fakes import FakeClock

SETTINGS = make_settings()
ENVELOPE = Envelope(SETTINGS.token, SETTINGS.aes_key, SETTINGS.app_id)


async def push(url: str, clock: FakeClock, document: str, *, sealed: bool = True) -> tuple[int, str, str]:
    """Push a document as the platform does; gives status, body and content type."""
    stamp = str(int(clock.now().timestamp()))
    body, query = document, {"timestamp": stamp, "nonce": "n1", "signature": sign("scrmWxTok3n", stamp, "n1")}
    if sealed:
        encrypted = ENVELOPE.encrypt(document)
        query |= {"encrypt_type": "aes", "msg_signature": ENVELOPE.sign(stamp, "n1", encrypted)}
        is_json = document.startswith("{")
        body = json.dumps({"Encrypt": encrypted}) if is_json else f"<xml><Encrypt>{encrypted}</Encrypt></xml>"
    async with aiohttp.ClientSession() as session, session.post(URL(url).with_query(query), data=body.encode()) as answer:
        return answer.status, await answer.text(), answer.content_type


def document_of(clock: FakeClock, kind: str = "<MsgType>text</MsgType><Content>好</Content><MsgId>1</MsgId>") -> str:
    stamp = int(clock.now().timestamp())
    names = f"<ToUserName>gh_3b1f0c9d7e52</ToUserName><FromUserName>{OPENID}</FromUserName>"
    return f"<xml>{names}<CreateTime>{stamp}</CreateTime>{kind}</xml>"


async def test_safe_mode_seals_the_answer_with_the_nonce_of_the_request(
    serve: ServeChannel, http: HttpClient, clock: FakeClock
) -> None:
    served = await serve(make_account(http, clock), Body(text="收到]]>"))
    status, body, content_type = await push(served.url, clock, document_of(clock))
    outer = parse_xml(body.encode())
    assert (status, content_type, outer["Nonce"]) == (200, "text/xml", "n1")
    inner = ENVELOPE.open(*(str(outer[name]) for name in ("MsgSignature", "TimeStamp", "Nonce", "Encrypt")))
    reply = parse_xml(inner)
    assert (reply["ToUserName"], reply["FromUserName"], reply["Content"]) == (OPENID, "gh_3b1f0c9d7e52", "收到]]>")


async def test_a_json_push_gets_a_json_answer(serve: ServeChannel, http: HttpClient, clock: FakeClock) -> None:
    served = await serve(make_account(http, clock), Body(text="收到"))
    stamp = int(clock.now().timestamp())
    document = {"ToUserName": "gh", "FromUserName": "o1", "CreateTime": stamp, "MsgType": "text", "Content": "好", "MsgId": 1}
    status, body, content_type = await push(served.url, clock, json.dumps(document))
    outer = json.loads(body)
    assert (status, content_type, outer["TimeStamp"]) == (200, "application/json", stamp)
    inner = ENVELOPE.open(outer["MsgSignature"], str(outer["TimeStamp"]), outer["Nonce"], outer["Encrypt"])
    assert json.loads(inner)["Content"] == "收到"


async def test_plain_mode_answers_in_clear(serve: ServeChannel, http: HttpClient, clock: FakeClock) -> None:
    served = await serve(make_account(http, clock, mode="plain"), Body(text="收到"))
    status, body, _ = await push(served.url, clock, document_of(clock), sealed=False)
    assert (status, parse_xml(body.encode())["Content"]) == (200, "收到")


@pytest.mark.parametrize("reply", [None, Body(), Body(kind=Kind.IMAGE)])
async def test_nothing_to_say_is_an_unsealed_success(
    reply: Body | None, serve: ServeChannel, http: HttpClient, clock: FakeClock
) -> None:
    served = await serve(make_account(http, clock), reply)
    assert (await push(served.url, clock, document_of(clock)))[:2] == (200, "success")


async def test_a_message_is_answered_with_one_article_and_an_event_with_more(
    serve: ServeChannel, http: HttpClient, clock: FakeClock
) -> None:
    articles = tuple(Article(f"第{number}篇") for number in range(9))
    served = await serve(make_account(http, clock, mode="plain"), Body(kind=Kind.NEWS, articles=articles))
    counts = []
    for kind in (
        "<MsgType>text</MsgType><Content>好</Content><MsgId>1</MsgId>",
        "<MsgType>event</MsgType><Event>CLICK</Event>",
    ):
        _, body, _ = await push(served.url, clock, document_of(clock, kind), sealed=False)
        counts.append(parse_xml(body.encode())["ArticleCount"])
    assert counts == ["1", "8"]


async def test_an_old_handshake_and_one_without_echostr_are_refused(
    serve: ServeChannel, http: HttpClient, clock: FakeClock
) -> None:
    served = await serve(make_account(http, clock))
    statuses = []
    for age, echo in ((0, {"echostr": "1"}), (301, {"echostr": "1"}), (0, {})):
        stamp = str(int(clock.now().timestamp()) - age)
        query = {"timestamp": stamp, "nonce": "n", "signature": sign("scrmWxTok3n", stamp, "n"), **echo}
        async with aiohttp.ClientSession() as session, session.get(URL(served.url).with_query(query)) as answer:
            statuses.append(answer.status)
    assert statuses == [200, 403, 400]


def test_limits_are_those_of_the_settings(http: HttpClient, clock: FakeClock) -> None:
    limits = make_account(http, clock, message_window_count=20, event_window=timedelta(minutes=2)).limits
    assert limits.reach.message == Window(20, timedelta(hours=48))
    assert limits.reach.event == Window(3, timedelta(minutes=2))
    assert (limits.text_bytes, limits.page, limits.reply_deadline) == (2048, 1, timedelta(seconds=4.5))
