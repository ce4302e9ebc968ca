"""Sending: forms, keys, sessions, event codes, and what nobody answered."""

from typing import Any

import pytest

from bot.channel import SendStatus
from bot.channels.wecom_kf import WecomKf
from bot.channels.wecom_kf.send import body_content, msgid_of
from bot.httpclient import HttpClient
from crm_core.messages import Article, Body, Kind
from tests.bot.channels.platform import HANG_UP, Platform
from tests.bot.channels.wecom_kf.made import KFID, PERSON, make_channel, make_message
from tests.bot.channels.wecom_kf.test_vectors import lay_token
from tests.fakes import FakeClock

SEND = "/cgi-bin/kf/send_msg"
ON_EVENT = "/cgi-bin/kf/send_msg_on_event"
STATE = "/cgi-bin/kf/service_state/get"
TRANS = "/cgi-bin/kf/service_state/trans"
REPEATED = {"errcode": 40058, "errmsg": "msgid is repeated"}


@pytest.fixture
def channel(platform: Platform, http: HttpClient, clock: FakeClock) -> WecomKf:
    lay_token(platform)
    return make_channel(http, clock, api_base=platform.url)


async def test_text_goes_out_with_our_own_msgid(channel: WecomKf, platform: Platform) -> None:
    message = make_message(Body(text="好" * 800))
    (receipt,) = await channel.send([message])
    (call,) = platform.asked(SEND)
    sent = call.json
    assert (sent["touser"], sent["open_kfid"], sent["msgtype"]) == (PERSON, KFID, "text")
    assert sent["text"]["content"] == "好" * 682
    assert sent["msgid"] == msgid_of(message)
    assert len(sent["msgid"]) == 32
    assert (receipt.status, receipt.external_id) == (SendStatus.SENT, sent["msgid"])
    assert channel.sender.key_of(sent["msgid"]) == "k1"
    assert b"\\u" not in call.body


def test_msgid_is_the_messages_own() -> None:
    one = msgid_of(make_message(Body(text="一")))
    assert msgid_of(make_message(Body(text="一"), attempt=2)) == one
    assert msgid_of(make_message(Body(text="二"))) != one
    assert msgid_of(make_message(Body(text="一"), key="k2")) != one


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (Body(kind=Kind.IMAGE, media_id="M"), ("image", {"media_id": "M"})),
        (Body(kind=Kind.FILE, media_id="M"), ("file", {"media_id": "M"})),
        (
            Body(kind=Kind.LINK, text="标题", url="https://e.com", media_id="T"),
            ("link", {"title": "标题", "url": "https://e.com", "thumb_media_id": "T"}),
        ),
        (Body(kind=Kind.LINK, text="标题", url="https://e.com"), ("text", {"content": "标题\nhttps://e.com"})),
        (
            Body(kind=Kind.NEWS, media_id="T", articles=(Article("标题", "说明", url="https://e.com"),)),
            ("link", {"title": "标题", "desc": "说明", "url": "https://e.com", "thumb_media_id": "T"}),
        ),
        (
            Body(kind=Kind.NEWS, articles=(Article("标题", "说明", url="https://e.com"),)),
            ("text", {"content": "标题\n说明\nhttps://e.com"}),
        ),
        (Body(kind=Kind.IMAGE, text="看图"), ("text", {"content": "看图"})),
        (Body(), None),
    ],
)
def test_bodies_take_the_platforms_forms(body: Body, expected: tuple[str, dict[str, Any]] | None) -> None:
    assert body_content(body) == expected


async def test_body_without_words_is_refused(channel: WecomKf, platform: Platform) -> None:
    (receipt,) = await channel.send([make_message(Body())])
    assert (receipt.status, receipt.reason) == (SendStatus.REFUSED, "kind_unsupported")
    assert platform.asked(SEND) == []


@pytest.mark.parametrize("lost", [HANG_UP, (502, "<html>bad gateway</html>"), (200, "<html>ok</html>")])
async def test_unanswered_send_goes_again_with_the_same_key(channel: WecomKf, platform: Platform, lost: Any) -> None:
    platform.lay(SEND, lost, REPEATED)
    (first,) = await channel.send([make_message(Body(text="好"))])
    (second,) = await channel.send([make_message(Body(text="好"), attempt=2)])
    assert (first.status, second.status) == (SendStatus.UNKNOWN, SendStatus.SENT)
    assert len({call.json["msgid"] for call in platform.asked(SEND)}) == 1
    assert second.external_id == platform.asked(SEND)[0].json["msgid"]
    assert channel.limits.keyed


async def test_repeated_key_after_no_answer_counts_as_sent_whatever_its_code(channel: WecomKf, platform: Platform) -> None:
    platform.lay(SEND, HANG_UP, {"errcode": 95999, "errmsg": "?"})
    await channel.send([make_message(Body(text="好"))])
    (receipt,) = await channel.send([make_message(Body(text="好"), attempt=2)])
    assert receipt.status is SendStatus.SENT


async def test_key_of_an_earlier_database_is_replaced(channel: WecomKf, platform: Platform) -> None:
    """A fresh database counts its messages from one again; the platform remembers the ids of the old one."""
    platform.lay(SEND, REPEATED, {"errcode": 0, "errmsg": "ok"})
    (receipt,) = await channel.send([make_message(Body(text="好"))])
    first, second = (call.json["msgid"] for call in platform.asked(SEND))
    assert first != second
    assert (receipt.status, receipt.external_id) == (SendStatus.SENT, second)
    assert channel.sender.key_of(second) == "k1"


async def test_session_nobody_handles_is_taken_once(channel: WecomKf, platform: Platform) -> None:
    platform.lay(SEND, {"errcode": 95018, "errmsg": "state"}, {"errcode": 0, "msgid": "M"})
    platform.lay(STATE, {"errcode": 0, "service_state": 0})
    (receipt,) = await channel.send([make_message(Body(text="好"))])
    assert receipt.status is SendStatus.SENT
    assert platform.asked(TRANS)[0].json == {"open_kfid": KFID, "external_userid": PERSON, "service_state": 1}
    assert len({call.json["msgid"] for call in platform.asked(SEND)}) == 1


@pytest.mark.parametrize("code", [95013, 95016, 95018])
async def test_session_of_a_person_is_left_alone(channel: WecomKf, platform: Platform, code: int) -> None:
    platform.lay(SEND, {"errcode": code, "errmsg": "state"})
    platform.lay(STATE, {"errcode": 0, "service_state": 3})
    (receipt,) = await channel.send([make_message(Body(text="好"))])
    assert (receipt.status, receipt.reason) == (SendStatus.REFUSED, "session_state")
    assert (len(platform.asked(SEND)), platform.asked(TRANS)) == (1, [])


async def test_session_that_stays_closed_is_final_after_one_try(channel: WecomKf, platform: Platform) -> None:
    platform.lay(SEND, {"errcode": 95018, "errmsg": "state"})
    platform.lay(STATE, {"errcode": 0, "service_state": 4})
    (receipt,) = await channel.send([make_message(Body(text="好"))])
    assert receipt.status is SendStatus.REFUSED
    assert len(platform.asked(SEND)) == 2


async def test_code_of_an_event_allows_one_message(channel: WecomKf, platform: Platform) -> None:
    message = make_message(Body(text="欢迎"), code="W1", code_seconds=20)
    (receipt,) = await channel.send([message])
    assert receipt.status is SendStatus.SENT
    assert platform.asked(SEND) == []
    sent = platform.asked(ON_EVENT)[0].json
    assert sent == {"code": "W1", "msgtype": "text", "text": {"content": "欢迎"}, "msgid": msgid_of(message)}


async def test_code_used_by_an_unanswered_send_counts_as_sent(channel: WecomKf, platform: Platform) -> None:
    platform.lay(ON_EVENT, HANG_UP, {"errcode": 40058, "errmsg": "code used"})
    (first,) = await channel.send([make_message(Body(text="欢迎"), code="W1")])
    (second,) = await channel.send([make_message(Body(text="欢迎"), attempt=2, code="W1")])
    assert (first.status, second.status) == (SendStatus.UNKNOWN, SendStatus.SENT)


async def test_code_that_is_over_is_final(channel: WecomKf, platform: Platform) -> None:
    platform.lay(ON_EVENT, {"errcode": 40058, "errmsg": "code expired"})
    (receipt,) = await channel.send([make_message(Body(text="欢迎"), code="W1")])
    assert receipt.status is SendStatus.REFUSED


@pytest.mark.parametrize(("code", "rests"), [(40001, True), (-1, False)])
async def test_without_a_token_nothing_was_sent(
    platform: Platform, http: HttpClient, clock: FakeClock, code: int, rests: bool
) -> None:
    platform.lay("/cgi-bin/gettoken", {"errcode": code, "errmsg": "no"})
    (receipt,) = await make_channel(http, clock, api_base=platform.url).send([make_message(Body(text="好"))])
    assert receipt.status is SendStatus.RETRY
    assert bool(receipt.pause_until) is rests
    assert platform.asked(SEND) == []


async def test_unreachable_platform_is_tried_again(http: HttpClient, clock: FakeClock) -> None:
    (receipt,) = await make_channel(http, clock, api_base="http://127.0.0.1:1").send([make_message(Body(text="好"))])
    assert receipt.status is SendStatus.RETRY


@pytest.mark.parametrize(
    ("code", "reason"),
    [(95000, "bad_account"), (95003, "too_many_customers"), (95004, "unknown_account"), (95014, "not_a_servicer")],
)
async def test_listed_codes_have_names(channel: WecomKf, platform: Platform, code: int, reason: str) -> None:
    platform.lay(SEND, {"errcode": code, "errmsg": "no"})
    (receipt,) = await channel.send([make_message(Body(text="好"))])
    assert (receipt.status, receipt.reason) == (SendStatus.REFUSED, reason)
