"""What people do in the simulated account, and the events it pushes."""

from xml.etree import ElementTree

import pytest

from bot.simulator.envelope import Envelope


@pytest.fixture
def program(program, kf):
    """The program behind the account's callback address; an event is answered with nothing."""
    kf.callback_url = program.url
    program.say(b"")
    return program


def opened(kf, seen):
    envelope = Envelope(kf.corp.kf_token, kf.corp.kf_aes_key, kf.corp.corp_id)
    encrypted = ElementTree.fromstring(seen.body).findtext("Encrypt")
    query = seen.query
    assert query["msg_signature"] == envelope.sign(query["timestamp"], query["nonce"], encrypted)
    tree = ElementTree.fromstring(envelope.decrypt(encrypted))
    return {child.tag: child.text for child in tree}


async def test_event_carries_a_token_and_no_customer(sim, kf, program):
    push = await kf.customer_sends("wm1", "在吗")
    assert push.accepted
    fields = opened(kf, program.seen[0])
    assert (fields["Event"], fields["OpenKfId"], fields["Token"]) == ("kf_msg_or_event", kf.corp.open_kfid, push.token)
    assert "FromUserName" not in fields
    assert sim.complaints == []


async def test_event_is_repeated_until_it_is_accepted(impatient, kf, program):
    program.say(b"", status=503)
    push = await kf.customer_sends("wm1", "在吗")
    assert push.statuses == [503, 503, 503]
    assert len({seen.query["nonce"] for seen in program.seen}) == 3
    assert len({opened(kf, seen)["Token"] for seen in program.seen}) == 1
    assert not push.accepted


async def test_answer_with_words_is_a_breach(sim, kf, program):
    program.say(b"hello")
    await kf.push_event()
    assert [complaint.where for complaint in sim.complaints] == ["kf event"]


async def test_handshake_wants_the_plain_text(kf, program):
    assert not await kf.handshake()
    assert "echostr" in program.seen[0].query


async def test_lost_events_are_not_pushed(kf, program):
    kf.pushes_events = False
    assert (await kf.customer_sends("wm1", "在吗")).statuses == []
    assert program.seen == []


async def test_everything_people_do_stands_in_the_log(kf, program):
    await kf.customer_enters("wm1", "expo", "p%3D1")
    await kf.customer_sends("wm1", msgtype="image", image={"media_id": "M"})
    await kf.agent_takes_over("wm1")
    await kf.agent_sends("wm1", "您好")
    await kf.end_session("wm1")
    await kf.servicer_changes("li", 1)
    await kf.customer_recalls("wm1", "m1")
    await kf.customer_switches("wm1", True)
    items = [item for _, _, item in kf.state.log]
    assert [item["event"]["event_type"] if item["msgtype"] == "event" else item["msgtype"] for item in items] == [
        "enter_session",
        "image",
        "session_status_change",
        "text",
        "session_status_change",
        "servicer_status_change",
        "user_recall_msg",
        "reject_customer_msg_switch_change",
    ]
    assert [item["origin"] for item in items] == [4, 3, 4, 5, 4, 4, 4, 4]
    assert "external_userid" not in items[5]["event"]
    assert kf.make_person() != kf.make_person()
    assert [entry.kind for entry in kf.chat("wm1")] == ["image"]


async def test_orders_over_http(sim, kf, api, program):
    assert await api.post("/_sim/kf/handshake", {}) == {"ok": False}
    await api.post("/_sim/kf/enter", {"person": "wm1", "scene": "expo"})
    told = await api.post("/_sim/kf/say", {"person": "wm1", "text": "在吗"})
    assert told["statuses"] == [200]
    for order, fields in {
        "message": {"person": "wm1", "fields": {"msgtype": "file", "file": {"media_id": "M"}}},
        "agent": {"person": "wm1", "text": "您好"},
        "take_over": {"person": "wm1"},
        "end": {"person": "wm1"},
        "recall": {"person": "wm1", "msgid": "m"},
        "switch": {"person": "wm1", "reject": True},
        "servicer": {"servicer": "li", "status": 2},
        "push": {},
    }.items():
        assert (await api.post(f"/_sim/kf/{order}", fields))["statuses"] == [200], order
    assert await api.post("/_sim/kf/fail_next", {"fail_type": 6}) == {"ok": True}
    assert list(kf.state.fail_types) == [6]
    answer = await api.post("/_sim/kf/configure", {"pushes_events": False, "empty_pages": 2})
    assert answer == {"callback_url": program.url, "customers": 1, "open_kfid": kf.corp.open_kfid}
    assert (kf.pushes_events, kf.state.empty_pages) == (False, 2)
