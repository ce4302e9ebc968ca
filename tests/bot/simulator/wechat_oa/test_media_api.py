"""Temporary media: bytes or a JSON error."""

import aiohttp


async def upload(api, data: bytes, kind: str = "image", name: str = "media") -> dict:
    form = aiohttp.FormData()
    form.add_field(name, data, filename="a.jpg", content_type="image/jpeg")
    url = f"{api.sim.base_url}/cgi-bin/media/upload"
    async with api.session.post(url, params={"access_token": api.wechat_token(), "type": kind}, data=form) as answer:
        return await answer.json()


async def download(api, media_id: str) -> tuple[str, bytes]:
    params = {"access_token": api.wechat_token(), "media_id": media_id}
    async with api.session.get(f"{api.sim.base_url}/cgi-bin/media/get", params=params) as answer:
        assert answer.status == 200
        return answer.content_type, await answer.read()


async def test_a_file_lives_three_days(sim, api):
    media_id = (await upload(api, b"\xff\xd8picture"))["media_id"]
    assert await download(api, media_id) == ("image/jpeg", b"\xff\xd8picture")
    sim.clock.advance(3 * 86_400)
    kind, body = await download(api, media_id)
    assert kind == "application/json"
    assert b"40007" in body


async def test_refused_uploads(api):
    assert (await upload(api, b"x", "smell"))["errcode"] == 40004
    assert (await upload(api, b"x", name="other"))["errcode"] == 41005
    assert (await upload(api, b""))["errcode"] == 40006
    assert "thumb_media_id" in await upload(api, b"x", "thumb")


async def test_a_picture_a_person_sent_can_be_fetched(sim, api, program):
    sim.wechat.account.mode = "plain"
    delivery = await sim.wechat.send_image("oA", b"their picture")
    assert (await download(api, delivery.fields["MediaId"]))[1] == b"their picture"
