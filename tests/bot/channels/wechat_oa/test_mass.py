"""Mass calls: by list or by a tag of their own, the key with them, and what each answer means."""

from datetime import timedelta
from typing import Any

import pytest

from bot.channel import SendStatus
from bot.channels.wechat_oa.api import ApiRefused
from bot.channels.wechat_oa.mass import MassSender, mass_content
from bot.httpclient import HttpClient
from crm_core.clock import day_bounds, local_day
from crm_core.messages import Address, Body, Kind, OutboundMessage
from tests.bot.channels.platform import HANG_UP, Platform
from tests.bot.channels.wechat_oa.made import make_account
from tests.fakes import FakeClock

SEND, SEND_ALL = "/cgi-bin/message/mass/send", "/cgi-bin/message/mass/sendall"
TEXT = Body(text="新品上线")


def chunk(people: int = 2, body: Body = TEXT) -> OutboundMessage:
    openids = tuple(f"o{number:05}" for number in range(people))
    return OutboundMessage(1, "gx-1-1-abc", Address("wechat", ""), body, audience=openids)


@pytest.fixture
def sender(platform: Platform, http: HttpClient, clock: FakeClock) -> MassSender:
    return MassSender(make_account(http, clock, api_base=platform.url).sender, clock)


async def test_a_list_goes_out_in_one_call_with_its_key(platform: Platform, http: HttpClient, clock: FakeClock) -> None:
    account = make_account(http, clock, api_base=platform.url)
    platform.lay(SEND, {"errcode": 0, "msg_id": 900, "msg_data_id": 901})
    (receipt,) = await account.send([chunk(3)])
    assert (receipt.status, receipt.external_id) == (SendStatus.HANDED_OVER, "900")
    (call,) = platform.asked(SEND)
    assert call.json == {
        "touser": ["o00000", "o00001", "o00002"],
        "msgtype": "text",
        "text": {"content": "新品上线"},
        "clientmsgid": "gx-1-1-abc",
        "send_ignore_reprint": 0,
    }
    assert "新品上线".encode() in call.body


@pytest.mark.parametrize(
    ("answer", "status", "reason"),
    [
        ({"errcode": 45065, "msg_id": 900}, SendStatus.HANDED_OVER, ""),
        ({"errcode": 45066}, SendStatus.RETRY, "repeated_too_fast"),
        ({"errcode": 45067}, SendStatus.REFUSED, "key_too_long"),
        ({"errcode": 45028}, SendStatus.RETRY, "mass_quota"),
        ({"errcode": 45009}, SendStatus.RETRY, "daily_quota"),
        ({"errcode": 45011}, SendStatus.RETRY, "minute_quota"),
        ({"errcode": -1}, SendStatus.RETRY, "busy"),
        ({"errcode": 40130}, SendStatus.REFUSED, "too_few_recipients"),
        ({"errcode": 40031}, SendStatus.REFUSED, "bad_recipients"),
        ({"errcode": 48003}, SendStatus.REFUSED, "mass_terms_not_accepted"),
        ({"errcode": 99999}, SendStatus.REFUSED, "errcode_99999"),
        ({"errcode": 40164}, SendStatus.RETRY, "needs_admin_40164"),
        ((502, "<html>"), SendStatus.UNKNOWN, "unreadable_answer"),
        (HANG_UP, SendStatus.UNKNOWN, "no_answer"),
    ],
)
async def test_what_an_answer_means(
    sender: MassSender, platform: Platform, answer: Any, status: SendStatus, reason: str
) -> None:
    platform.lay(SEND, answer)
    receipt = await sender.send(chunk())
    assert (receipt.status, receipt.reason) == (status, reason)
    if status is SendStatus.HANDED_OVER:
        assert receipt.external_id == "900"


@pytest.mark.parametrize("errcode", [45028, 45009])
async def test_a_quota_waits_for_midnight_and_rests_nothing_else(
    sender: MassSender, platform: Platform, clock: FakeClock, errcode: int
) -> None:
    platform.lay(SEND, {"errcode": errcode})
    receipt = await sender.send(chunk())
    assert receipt.retry_at == day_bounds(local_day(clock.now()))[1]
    assert receipt.pause_until is None


async def test_one_alone_goes_by_a_tag_and_so_does_a_subscription_account(
    platform: Platform, http: HttpClient, clock: FakeClock
) -> None:
    platform.lay("/cgi-bin/tags/get", {"tags": [{"id": 2, "name": "星标组"}]})
    platform.lay("/cgi-bin/tags/create", {"tag": {"id": 134, "name": "gx-1-1-abc"}})
    platform.lay(SEND_ALL, {"errcode": 0, "msg_id": 7})
    sender = make_account(http, clock, api_base=platform.url).sender
    assert (await MassSender(sender, clock).send(chunk(1))).status is SendStatus.HANDED_OVER
    assert platform.asked(SEND_ALL)[0].json["filter"] == {"is_to_all": False, "tag_id": 134}
    assert platform.asked(SEND_ALL)[0].json["clientmsgid"] == "gx-1-1-abc"
    many = MassSender(sender, clock, lists=False)
    assert (await many.send(chunk(120))).external_id == "7"
    sizes = [len(call.json["openid_list"]) for call in platform.asked("/cgi-bin/tags/members/batchtagging")]
    assert sizes == [1, 50, 50, 20]
    assert platform.asked(SEND) == []


async def test_a_tagging_that_was_cut_off_goes_on_and_old_tags_go(sender: MassSender, platform: Platform) -> None:
    tags = [{"id": 100 + number, "name": f"gx-0-{number}"} for number in range(7)]
    platform.lay("/cgi-bin/tags/get", {"tags": tags}, {"tags": [{"id": 134, "name": "gx-1-1-abc"}]})
    platform.lay("/cgi-bin/tags/create", {"tag": {"id": 134}})
    platform.lay("/cgi-bin/tags/members/batchtagging", {"errcode": 0}, {"errcode": -1}, {"errcode": 0})
    platform.lay(SEND_ALL, {"errcode": 0, "msg_id": 7})
    sender._lists = False
    first = await sender.send(chunk(120))
    assert (first.status, first.reason) == (SendStatus.RETRY, "busy")
    assert [call.json["tag"]["id"] for call in platform.asked("/cgi-bin/tags/delete")] == [100, 101]
    assert (await sender.send(chunk(120))).status is SendStatus.HANDED_OVER
    firsts = [call.json["openid_list"][0] for call in platform.asked("/cgi-bin/tags/members/batchtagging")]
    assert firsts == ["o00000", "o00050", "o00050", "o00100"]


async def test_a_lost_answer_before_the_call_is_tried_again(sender: MassSender, platform: Platform) -> None:
    platform.lay("/cgi-bin/tags/get", HANG_UP)
    receipt = await sender.send(chunk(1))
    assert (receipt.status, receipt.reason) == (SendStatus.RETRY, "not_sent")


@pytest.mark.parametrize(
    ("body", "content"),
    [
        (Body(kind=Kind.IMAGE, media_id="M1,M2", text="看图"), {"media_ids": ["M1", "M2"], "recommend": "看图"}),
        (Body(kind=Kind.IMAGE, media_id="M1"), {"media_ids": ["M1"]}),
        (Body(kind=Kind.NEWS, media_id="MP"), {"media_id": "MP"}),
        (Body(kind=Kind.TEMPLATE, template_id="T"), None),
        (Body(), None),
    ],
)
def test_what_a_mass_message_can_hold(body: Body, content: dict | None) -> None:
    found = mass_content(body)
    assert (found and found[str(found["msgtype"])]) == content


async def test_what_it_cannot_hold_is_refused(sender: MassSender) -> None:
    assert (await sender.send(chunk(2, Body()))).reason == "kind_unsupported"


async def test_the_calls_around_it(sender: MassSender, platform: Platform) -> None:
    platform.lay("/cgi-bin/message/mass/get", {"msg_id": 7, "msg_status": "SENDING"})
    platform.lay("/cgi-bin/message/mass/speed/get", {"speed": 3, "realspeed": 30})
    platform.lay(SEND_ALL, {"errcode": 45065, "msg_id": 7})
    platform.lay("/cgi-bin/message/mass/preview", {"errcode": 0}, {"errcode": 40003})
    assert await sender.status("7") == "SENDING"
    await sender.delete("7", article=1)
    assert await sender.speed(3) == (3, 30)
    assert await sender.send_to_tag(None, TEXT, "k") == "7"
    await sender.preview("oA", TEXT)
    with pytest.raises(ApiRefused):
        await sender.preview("oZ", TEXT)
    assert platform.asked("/cgi-bin/message/mass/delete")[0].json == {"msg_id": 7, "article_idx": 1}
    assert platform.asked("/cgi-bin/message/mass/speed/set")[0].json == {"speed": 3}
    assert platform.asked(SEND_ALL)[0].json["filter"] == {"is_to_all": True}


async def test_no_token_rests_the_channel(sender: MassSender, platform: Platform, clock: FakeClock) -> None:
    platform.lay("/cgi-bin/stable_token", {"errcode": 40125})
    receipt = await sender.send(chunk())
    assert receipt.status is SendStatus.RETRY
    assert receipt.pause_until == clock.now() + timedelta(minutes=10)
