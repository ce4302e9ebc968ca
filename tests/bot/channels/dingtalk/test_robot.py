"""A robot behind a socket: it tells the callbacks apart and answers each in its form."""

import json
from datetime import timedelta

import aiohttp
from yarl import URL

from bot.channels.dingtalk.receive import CARD_SIGNATURE, CARD_TIMESTAMP
from bot.crypto import Envelope, hmac_sha256, sign_dingtalk
from bot.httpclient import HttpClient
from bot.secret import NO_SECRET
from crm_core.messages import Body, Kind
from tests.bot.channels.conftest import ServeChannel
from tests.bot.channels.dingtalk.made import GROUP, STAFF, make_robot, make_settings
from tests.fakes import FakeClock

SETTINGS = make_settings()
ENVELOPE = Envelope(SETTINGS.event_token, SETTINGS.event_aes_key, SETTINGS.client_id)


async def post(url: str, body: object, *, headers: dict[str, str], query: dict[str, str] | None = None) -> tuple[int, dict]:
    target = URL(url).with_query(query or {})
    async with aiohttp.ClientSession() as session, session.post(target, json=body, headers=headers) as answer:
        text = await answer.text()
        return answer.status, json.loads(text) if text.startswith("{") else {}


def stamp_of(clock: FakeClock) -> str:
    return str(int(clock.now().timestamp() * 1000))


def robot_request(clock: FakeClock, **fields: object) -> tuple[dict[str, object], dict[str, str]]:
    stamp = stamp_of(clock)
    body = {
        "msgId": "m1",
        "conversationId": GROUP,
        "conversationType": "2",
        "isInAtList": True,
        "createAt": int(stamp),
        "senderStaffId": STAFF,
        "robotCode": SETTINGS.client_id,
        "msgtype": "text",
        "text": {"content": " 你好"},
        **fields,
    }
    return body, {"timestamp": stamp, "sign": sign_dingtalk(stamp, SETTINGS.client_secret)}


async def test_a_robot_message_is_answered_in_the_webhook_form(serve: ServeChannel, http: HttpClient, clock: FakeClock) -> None:
    served = await serve(make_robot(http, clock), Body(text="已记录"))
    body, headers = robot_request(clock)
    status, answer = await post(served.url, body, headers=headers)
    assert (status, answer["text"], answer["at"]["atUserIds"]) == (200, {"content": "已记录"}, [STAFF])
    body, headers = robot_request(clock, conversationType="1", msgId="m2")
    assert "at" not in (await post(served.url, body, headers=headers))[1]
    assert [message.text for message in served.messages] == ["你好", "你好"]


async def test_nothing_to_say_and_unheard_group_talk_are_acknowledged(
    serve: ServeChannel, http: HttpClient, clock: FakeClock
) -> None:
    served = await serve(make_robot(http, clock))
    for heard in (True, False):
        body, headers = robot_request(clock, isInAtList=heard)
        assert await post(served.url, body, headers=headers) == (200, {"msgtype": "empty"})
    assert len(served.messages) == 1


async def test_a_picture_cannot_be_a_passive_answer(serve: ServeChannel, http: HttpClient, clock: FakeClock) -> None:
    served = await serve(make_robot(http, clock), Body(Kind.IMAGE, media_id="m"))
    body, headers = robot_request(clock)
    assert (await post(served.url, body, headers=headers))[1] == {"msgtype": "empty"}


async def test_an_event_is_stored_and_answered_with_success_only(
    serve: ServeChannel, http: HttpClient, clock: FakeClock
) -> None:
    stamp, sealed = stamp_of(clock), ENVELOPE.encrypt('{"EventType": "user_add_org", "UserId": ["u1"]}')
    query = {"timestamp": stamp, "nonce": "n", "msg_signature": ENVELOPE.sign(stamp, "n", sealed)}
    served = await serve(make_robot(http, clock), Body(text="不会发出"))
    _, answer = await post(served.url, {"encrypt": sealed}, headers={}, query=query)
    signature, stamp, nonce = answer["msg_signature"], answer["timeStamp"], answer["nonce"]
    assert ENVELOPE.open(signature, stamp, nonce, answer["encrypt"]) == b"success"
    assert [message.event for message in served.messages] == ["user_add_org"]
    closed = await serve(make_robot(http, clock, event_token=NO_SECRET, event_aes_key=NO_SECRET))
    assert (await post(closed.url, {"encrypt": sealed}, headers={}, query=query))[0] == 403


async def test_a_card_press_is_stored_and_answered_with_what_changes(
    serve: ServeChannel, http: HttpClient, clock: FakeClock
) -> None:
    stamp = stamp_of(clock)
    headers = {CARD_TIMESTAMP: stamp, CARD_SIGNATURE: hmac_sha256(SETTINGS.card_secret, stamp)}
    served = await serve(make_robot(http, clock), Body(template_data={"status": "accepted"}))
    body = {"type": "actionCallback", "outTrackId": "t1", "userId": STAFF, "content": "{}"}
    status, answer = await post(served.url, body, headers=headers)
    assert (status, answer["cardData"]) == (200, {"cardParamMap": {"status": "accepted"}})
    assert [message.event for message in served.messages] == ["card_action"]
    assert (await post(served.url, body, headers={CARD_TIMESTAMP: stamp}))[0] == 403


def test_limits_are_those_of_the_platform(http: HttpClient, clock: FakeClock) -> None:
    limits = make_robot(http, clock).limits
    assert (limits.page, limits.reply_deadline, limits.reach.windowed) == (20, timedelta(seconds=4.5), False)
    assert [(rate.count, rate.seconds) for rate in limits.rates] == [(20, 1.0)]
