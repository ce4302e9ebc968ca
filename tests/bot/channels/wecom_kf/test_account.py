"""The callback of an account: what is kept, what is passed over, what is refused."""

import random
from collections.abc import Mapping
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request
from yarl import URL

from bot.channel import BadRequest, Forbidden, Received
from bot.channels.wecom_kf import WecomKf
from bot.config import channel_kinds
from bot.crypto import Envelope
from bot.envelope_xml import write_xml
from bot.httpclient import HttpClient
from crm_core.messages import Body
from tests.bot.channels.wecom_kf.made import CORP, KFID, make_channel
from tests.fakes import FakeClock


@pytest.fixture
def channel(http: HttpClient, clock: FakeClock) -> WecomKf:
    return make_channel(http, clock)


def sealed(channel: WecomKf, clock: FakeClock, fields: Mapping[str, Any]) -> tuple[URL, bytes]:
    settings = channel.settings
    envelope = Envelope(settings.token, settings.aes_key, CORP)
    encrypted, stamp = envelope.encrypt(write_xml(dict(fields))), str(int(clock.now().timestamp()))
    query = {"msg_signature": envelope.sign(stamp, "n", encrypted), "timestamp": stamp, "nonce": "n"}
    return URL("/hook/kf").with_query(query), write_xml({"ToUserName": CORP, "Encrypt": encrypted}).encode()


async def receive(channel: WecomKf, url: URL, body: bytes) -> Received:
    return await channel.receive(make_mocked_request("POST", str(url)), body)


def event(**changes: object) -> dict[str, object]:
    fields = {"ToUserName": CORP, "CreateTime": 1795572000, "MsgType": "event", "Event": "kf_msg_or_event"}
    return {**fields, "Token": "T", "OpenKfId": KFID, **changes}


async def test_event_is_one_message_about_nobody(channel: WecomKf, clock: FakeClock) -> None:
    received = await receive(channel, *sealed(channel, clock, event()))
    (message,) = received.messages
    assert (message.event, message.address.external_id, message.data["token"]) == ("kf_msg_or_event", "", "T")
    answer = channel.answer(received, Body(text="not here"))
    assert (answer.status, answer.body) == (200, None)


@pytest.mark.parametrize("changes", [{"Event": "change_external_contact"}, {"OpenKfId": "wkOther"}, {"OpenKfId": ""}])
async def test_anything_else_is_passed_over(channel: WecomKf, clock: FakeClock, changes: dict[str, object]) -> None:
    assert (await receive(channel, *sealed(channel, clock, event(**changes)))).messages == ()


async def test_event_of_another_corporation_is_refused(channel: WecomKf, clock: FakeClock) -> None:
    """The platform's secrets are ours, but the document inside is about somebody else."""
    for changes in ({"OpenKfId": KFID}, {"OpenKfId": "wkOther"}, {"Event": "enter_agent"}):
        assert (await receive(channel, *sealed(channel, clock, event(**changes)))) is not None
        with pytest.raises(Forbidden):
            await receive(channel, *sealed(channel, clock, event(**changes, ToUserName="ww0000000000000000")))


@pytest.mark.parametrize("changes", [{"CreateTime": ""}, {"CreateTime": "soon"}, {"CreateTime": 10**15}])
async def test_event_without_a_time_is_unreadable(channel: WecomKf, clock: FakeClock, changes: dict[str, object]) -> None:
    with pytest.raises(BadRequest):
        await receive(channel, *sealed(channel, clock, event(**changes)))


async def test_stale_and_unsigned_requests_are_refused(channel: WecomKf, clock: FakeClock) -> None:
    url, body = sealed(channel, clock, event())
    with pytest.raises(Forbidden):
        await receive(channel, url.without_query_params("msg_signature"), body)
    clock.advance(301)
    with pytest.raises(Forbidden):
        await receive(channel, url, body)


async def test_whatever_comes_is_taken_or_refused_properly(channel: WecomKf, clock: FakeClock) -> None:
    chance = random.Random(7)
    url, body = sealed(channel, clock, event())
    for _ in range(300):
        spoiled = bytearray(body)
        for _ in range(chance.randint(1, 5)):
            spoiled[chance.randrange(len(spoiled))] = chance.randrange(256)
        try:
            await receive(channel, url, bytes(spoiled[: chance.randint(0, len(spoiled))]))
        except (BadRequest, Forbidden):
            continue


async def test_kind_is_found_by_its_word_and_is_the_customers(channel: WecomKf) -> None:
    assert channel_kinds()["wecom_kf"] is WecomKf
    assert (WecomKf.is_staffs, WecomKf.label) == (False, "微信客服")
    limits = channel.limits
    assert limits.keyed
    assert limits.reach.message is not None
    assert (limits.reach.message.count, limits.reach.message.lasts.total_seconds()) == (5, 48 * 3600)
    assert limits.reach.event is None
