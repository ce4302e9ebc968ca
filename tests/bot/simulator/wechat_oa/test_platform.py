"""What people do, and what the callback then gets."""

from xml.etree import ElementTree

import pytest

from bot.simulator.documents import to_xml
from bot.simulator.wechat_oa import messages


@pytest.fixture
def plain(sim):
    sim.wechat.account.mode = "plain"
    return sim


def last(program) -> dict:
    return {child.tag: child.text or "" for child in ElementTree.fromstring(program.seen[-1].body)}


async def test_following_and_leaving(plain, program):
    await plain.wechat.follow("oA")
    assert (last(program)["Event"], last(program)["EventKey"]) == ("subscribe", "")
    assert plain.wechat.state.followers.is_subscribed("oA")
    await plain.wechat.unfollow("oA")
    assert last(program)["Event"] == "unsubscribe"
    assert not plain.wechat.state.followers.is_subscribed("oA")
    await plain.wechat.scan("oA", "expo")
    assert (last(program)["Event"], last(program)["EventKey"]) == ("subscribe", "qrscene_expo")
    await plain.wechat.scan("oA", "expo")
    assert (last(program)["Event"], last(program)["EventKey"]) == ("SCAN", "expo")


async def test_every_kind_of_message_arrives(plain, program):
    await plain.wechat.say("oA", "你好", menu_id="101")
    assert (last(program)["Content"], last(program)["bizmsgmenuid"]) == ("你好", "101")
    await plain.wechat.send_voice("oA", "要报价")
    assert last(program)["Recognition"] == "要报价"
    await plain.wechat.send_message("oA", messages.location(23.1, 113.3, "广州"), message_id=7)
    assert (last(program)["Location_X"], last(program)["MsgId"]) == ("23.1", "7")
    await plain.wechat.send_event("oA", messages.view("https://example.com"))
    assert last(program)["Event"] == "VIEW"
    await plain.wechat.click("oA", "PRICE")
    assert (last(program)["Event"], last(program)["EventKey"]) == ("CLICK", "PRICE")
    assert last(program)["ToUserName"] == plain.wechat.account.original_id


async def test_control_characters_arrive_as_they_are(plain, program):
    await plain.wechat.say("oA", "a\x08b")
    assert b"a\x08b" in program.seen[0].body


async def test_message_ids_are_new_each_time(plain, program):
    ids = {(await plain.wechat.say("oA", "你好")).message_id for _ in range(3)}
    assert len(ids) == 3


async def test_a_payment_opens_a_window_and_pushes_nothing(plain, program):
    await plain.wechat.pay("oA")
    assert program.seen == []
    assert plain.wechat.state.windows.count_left("oA") is None


async def test_made_up_openids_have_the_platforms_length(sim):
    assert len({sim.wechat.make_openid() for _ in range(10)}) == 10
    assert len(sim.wechat.make_openid()) == 28


async def test_a_silent_account_is_no_news_after_an_event_nobody_sees(plain, impatient, program):
    impatient.options.push_attempts = 1
    program.say(status=500)
    await plain.wechat.unfollow("oA")
    assert [entry.direction for entry in plain.wechat.chat("oA")] == ["in"]
    await plain.wechat.follow("oA")
    assert plain.wechat.chat("oA")[-1].direction == "system"


async def test_doubles_are_told(sim):
    for _ in range(2):
        sim.records.delivered("wechat_oa", "oA", "custom", "text", "同一句", "1", {})
    assert sim.wechat.doubles() == {"oA": 2}
    assert sim.wechat.count_received() == 2


async def test_a_chat_handed_to_the_service_desk_shows_the_person_nothing(plain, program):
    fields = {"ToUserName": "oA", "FromUserName": plain.wechat.account.original_id, "CreateTime": 1}
    program.say(to_xml({**fields, "MsgType": "transfer_customer_service"}).encode())
    delivery = await plain.wechat.say("oA", "找人工")
    assert delivery.reply.kind == "transfer_customer_service"
    assert plain.wechat.received("oA") == []
