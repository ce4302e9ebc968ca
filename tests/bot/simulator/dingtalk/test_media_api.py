"""Files: uploads with their limits, downloads behind short-lived addresses."""

import io

import aiohttp
import pytest

from bot.simulator.dingtalk.media_api import MEDIA_BYTES

DOWNLOAD = "/v1.0/robot/messageFiles/download"


async def test_a_picture_is_fetched_by_its_download_code_for_a_short_time(sim, api):
    push = await sim.dingtalk.send_picture("s0", data=b"picture")
    ask = {"downloadCode": push.body["content"]["downloadCode"], "robotCode": sim.dingtalk.app.robot_code}
    _, answer = await api.dingtalk(DOWNLOAD, ask)
    async with api.session.get(answer["downloadUrl"]) as file:
        assert (file.content_type, await file.read()) == ("image/jpeg", b"picture")
    sim.clock.advance(600)
    async with api.session.get(answer["downloadUrl"]) as file:
        assert file.status == 403
    async with api.session.get(f"{sim.base_url}/_files/none") as file:
        assert file.status == 404


@pytest.mark.parametrize("change", [{"downloadCode": "x"}, {"downloadCode": ["x"]}, {"robotCode": "other"}])
async def test_refused_downloads(sim, api, change):
    push = await sim.dingtalk.send_file("s0", "报价单.pdf")
    ask = {"downloadCode": push.body["content"]["downloadCode"], "robotCode": sim.dingtalk.app.robot_code}
    status, answer = await api.dingtalk(DOWNLOAD, ask | change)
    assert (status, answer["code"]) == (400, f"invalidParameter.{next(iter(change))}.invalid")


async def upload(api, kind: str, data: bytes, name: str, *, in_form: bool = False) -> dict:
    form = aiohttp.FormData()
    form.add_field("media", io.BytesIO(data), filename=name, content_type="application/octet-stream")
    params = {"access_token": api.dingtalk_token()}
    if in_form:
        form.add_field("type", kind)
    else:
        params["type"] = kind
    async with api.session.post(f"{api.sim.base_url}/media/upload", params=params, data=form) as answer:
        assert answer.status == 200
        return await answer.json()


@pytest.mark.parametrize("in_form", [False, True])
@pytest.mark.parametrize(
    ("kind", "size", "name", "code"),
    [
        ("file", 1, "a.pdf", 0),
        ("image", 1, "a.PNG", 0),
        ("voice", 1, "a.amr", 0),
        ("video", 1, "a.mp4", 0),
        ("smell", 1, "a.pdf", 40004),
        ("image", 0, "a.png", 40006),
        ("image", 1, "a.svg", 40005),
        ("voice", MEDIA_BYTES["voice"] + 1, "a.mp3", 40006),
    ],
)
async def test_uploads(api, kind, size, name, code, in_form):
    made = await upload(api, kind, b"x" * size, name, in_form=in_form)
    assert made["errcode"] == code
    assert ("media_id" in made) == (code == 0)


async def test_the_older_api_checks_its_token(api):
    assert (await api.post("/media/upload", {}, access_token="wrong", type="file"))["errcode"] == 40014
