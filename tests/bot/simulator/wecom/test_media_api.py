"""Temporary media."""

import io

import aiohttp
import pytest

JPEG = b"\xff\xd8\xff picture"


def form(data: bytes, name: str = "media", filename: str = "a.jpg", content_type: str = "image/jpeg") -> aiohttp.FormData:
    made = aiohttp.FormData()
    made.add_field(name, io.BytesIO(data), filename=filename, content_type=content_type)
    return made


async def test_a_file_goes_up_and_comes_down(sim, wecom, qy):
    sent = await qy.call("media/upload", data=form(JPEG), type="image")
    assert (sent["errcode"], sent["type"], sent["created_at"]) == (0, "image", "1795161600")
    contact = qy.token(wecom.corp.contact_secret)
    assert await qy.call("media/get", token=contact, media_id=sent["media_id"]) == JPEG
    sim.clock.advance(3 * 86_400)
    assert (await qy.call("media/get", media_id=sent["media_id"]))["errcode"] == 40007


async def test_a_picture_of_a_member_can_be_fetched(wecom, qy):
    delivery = await wecom.member_sends_image("WangWu", JPEG)
    assert await qy.call("media/get", media_id=delivery.fields["MediaId"]) == JPEG
    assert (await wecom.member_sends_voice("WangWu")).fields["Format"] == "amr"


@pytest.mark.parametrize(
    ("data", "kind", "code"),
    [
        (JPEG, "thumb", 40004),
        (b"", "image", 44001),
        (b"12345", "file", 40006),
        (b"123456", "file", 0),
        (b"not a picture", "image", 40123),
        (b"not a voice", "voice", 301017),
        (b"#!AMR\n" + b"0" * 2 * 2**20, "voice", 45001),
    ],
    ids=["kind", "empty", "tiny", "small", "picture", "voice", "big"],
)
async def test_what_is_taken(wecom, qy, data, kind, code):
    assert (await qy.call("media/upload", data=form(data), type=kind))["errcode"] == code


async def test_the_field_has_a_name(wecom, qy):
    assert (await qy.call("media/upload", data=form(JPEG, name="file"), type="image"))["errcode"] == 44001
    assert (await qy.call("media/uploadimg", data=form(JPEG)))["url"].startswith("http")
    assert (await qy.call("media/uploadimg", data=form(JPEG, name="x")))["errcode"] == 44001
