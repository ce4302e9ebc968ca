"""Welcome messages: 20 seconds, one use, races."""

import pytest


def greeting(code: str, **more) -> dict:
    return {"welcome_code": code, "text": {"content": "欢迎"}, **more}


async def test_a_welcome_arrives_once(sim, wecom, qy):
    key = await wecom.add_external("WangWu", "赵总")
    body = greeting(wecom.last.fields["WelcomeCode"])
    body["attachments"] = [{"msgtype": "link", "link": {"title": "官网", "url": "https://e"}}]
    assert (await qy.contact("send_welcome_msg", body))["errcode"] == 0
    assert (await qy.contact("send_welcome_msg", body))["errcode"] == 41051
    entry = wecom.received(key)[0]
    assert (entry.text, entry.via, entry.body["sender"], wecom.count_received(key)) == ("欢迎\n官网", "welcome", "WangWu", 1)
    assert sim.complaints == []


async def test_twenty_seconds(sim, wecom, qy):
    await wecom.add_external("WangWu", "赵总")
    code = wecom.last.fields["WelcomeCode"]
    sim.clock.advance(20)
    assert (await qy.contact("send_welcome_msg", greeting(code)))["errcode"] == 41050
    assert (await qy.contact("send_welcome_msg", greeting("other")))["errcode"] == 41050
    assert (await qy.contact("send_welcome_msg", {"text": {"content": "x"}}))["errcode"] == 41049


async def test_a_race_with_another_application(wecom, qy):
    await wecom.add_external("WangWu", "赵总")
    code = wecom.last.fields["WelcomeCode"]
    wecom.welcomes.races = 1
    assert (await qy.contact("send_welcome_msg", greeting(code)))["errcode"] == 41096
    assert (await qy.contact("send_welcome_msg", greeting(code)))["errcode"] == 0


async def test_they_have_begun_to_chat(wecom, qy):
    key = await wecom.add_external("WangWu", "赵总")
    wecom.customers.chat("WangWu", key)
    assert (await qy.contact("send_welcome_msg", greeting(wecom.last.fields["WelcomeCode"])))["errcode"] == 41051
    assert wecom.count_received(key) == 0


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"text": None}, 40058),
        ({"text": {"content": "好" * 1334}}, 45002),
        ({"text": {"content": 1}}, 40058),
        ({"attachments": [{"msgtype": "voice"}]}, 40008),
        ({"attachments": [{"msgtype": "link", "link": {"title": "t"}}]}, 40058),
        ({"attachments": [{"msgtype": "image", "image": {}}]}, 41006),
        ({"attachments": [{"msgtype": "file", "file": {"media_id": "x"}}]}, 40007),
        ({"attachments": [{"msgtype": "link", "link": {"title": "t", "url": "u"}}] * 10}, 40058),
        ({"link": {"title": "t", "url": "u"}}, 0),
    ],
)
async def test_contents(wecom, qy, changes, code):
    await wecom.add_external("WangWu", "赵总")
    body = greeting(wecom.last.fields["WelcomeCode"]) | changes
    assert (await qy.contact("send_welcome_msg", body))["errcode"] == code
