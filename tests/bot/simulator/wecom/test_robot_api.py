"""Group robots."""

import base64
import hashlib

import aiohttp
import pytest

PICTURE = b"\x89PNG\r\n\x1a\n picture"


@pytest.fixture
def robot(wecom):
    return wecom.add_robot("key-1", "grp-sales")


async def send(qy, body: dict, key: str = "key-1") -> int:
    return (await qy.call("webhook/send", body, token="", key=key))["errcode"]


async def test_twenty_a_minute(sim, wecom, qy, robot):
    body = {"msgtype": "text", "text": {"content": "新线索", "mentioned_list": ["@all"]}}
    assert [await send(qy, body) for _ in range(21)] == [0] * 20 + [45009]
    assert wecom.count_received("grp-sales") == 20
    sim.clock.advance(60)
    assert await send(qy, body) == 0
    assert sim.complaints == []


async def test_a_key_that_is_wrong_disabled_or_out(wecom, qy, robot):
    body = {"msgtype": "text", "text": {"content": "x"}}
    assert await send(qy, body, "other") == 93000
    robot.refusal = 93004
    assert await send(qy, body) == 93004
    robot.refusal = 93008
    assert await send(qy, body) == 93008


@pytest.mark.parametrize(
    ("kind", "inner", "code"),
    [
        ("markdown", {"content": "**x**"}, 0),
        ("markdown_v2", {"content": "# x"}, 0),
        ("markdown", {"content": "好" * 1366}, 40058),
        ("text", {"content": "好" * 683}, 40058),
        ("text", {"content": ""}, 44004),
        ("text", None, 44004),
        ("image", {"base64": base64.b64encode(PICTURE).decode(), "md5": hashlib.md5(PICTURE).hexdigest()}, 0),
        ("image", {"base64": base64.b64encode(PICTURE).decode(), "md5": "0" * 32}, 301019),
        ("image", {"base64": "?", "md5": "0" * 32}, 40058),
        ("image", {"base64": "", "md5": "0" * 32}, 40009),
        ("news", {"articles": [{"title": "t", "url": "u"}]}, 0),
        ("news", {"articles": []}, 45008),
        ("file", {"media_id": "x"}, 40007),
        ("template_card", {"card_type": "text_notice", "main_title": {"title": "t"}, "card_action": {"type": 1}}, 0),
        ("telepathy", {}, 40008),
    ],
)
async def test_shapes(wecom, qy, robot, kind, inner, code):
    assert await send(qy, {"msgtype": kind, kind: inner}) == code


async def test_files_of_a_robot(wecom, qy, robot):
    form = aiohttp.FormData()
    form.add_field("media", b"123456", filename="a.txt")
    sent = await qy.call("webhook/upload_media", token="", data=form, key="key-1", type="file")
    assert await send(qy, {"msgtype": "file", "file": {"media_id": sent["media_id"]}}) == 0
    form = aiohttp.FormData()
    form.add_field("media", b"123456", filename="a.txt")
    assert (await qy.call("webhook/upload_media", token="", data=form, key="key-1", type="image"))["errcode"] == 40004
