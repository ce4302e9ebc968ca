"""Names, sessions and media by API."""

import pytest

from bot.channels.wecom.calls import ApiRefused
from bot.channels.wecom_kf import WecomKf
from bot.httpclient import HttpClient, Upload
from tests.bot.channels.platform import Platform
from tests.bot.channels.wecom_kf.made import PERSON, make_channel
from tests.bot.channels.wecom_kf.test_vectors import lay_token
from tests.fakes import FakeClock

STATE = "/cgi-bin/kf/service_state/get"
TRANS = "/cgi-bin/kf/service_state/trans"
UPLOAD = "/cgi-bin/media/upload"
DOWNLOAD = "/cgi-bin/media/get"


@pytest.fixture
def channel(platform: Platform, http: HttpClient, clock: FakeClock) -> WecomKf:
    lay_token(platform)
    return make_channel(http, clock, api_base=platform.url)


async def test_token_is_asked_for_once(channel: WecomKf, platform: Platform) -> None:
    for _ in range(3):
        await channel.calls.names(["a"])
    (call,) = platform.asked("/cgi-bin/gettoken")
    assert call.query == {"corpid": channel.settings.corp_id, "corpsecret": "kf-secret-not-real"}


@pytest.mark.parametrize("answer", [{"errcode": 0}, {"errcode": -1}, (502, "<html>"), {"errcode": 0, "customer_list": ["x"]}])
async def test_names_that_cannot_be_read_are_none(channel: WecomKf, platform: Platform, answer: object) -> None:
    platform.lay("/cgi-bin/kf/customer/batchget", answer)
    assert await channel.calls.names(["a"]) == {}


@pytest.mark.parametrize(
    ("state", "moves", "allowed"), [(0, 1, True), (1, 0, True), (2, 0, False), (3, 0, False), (4, 1, True)]
)
async def test_session_is_taken_only_from_nobody(
    channel: WecomKf, platform: Platform, state: int, moves: int, allowed: bool
) -> None:
    platform.lay(STATE, {"errcode": 0, "service_state": state})
    assert await channel.calls.give_to_assistant(PERSON) is allowed
    assert len(platform.asked(TRANS)) == moves


async def test_session_that_may_not_move_stays(channel: WecomKf, platform: Platform) -> None:
    platform.lay(STATE, {"errcode": 0, "service_state": 4}, {"errcode": 95004})
    platform.lay(TRANS, {"errcode": 95013})
    assert not await channel.calls.give_to_assistant(PERSON)
    assert not await channel.calls.give_to_assistant(PERSON)


async def test_media_go_up_and_come_down(channel: WecomKf, platform: Platform) -> None:
    platform.lay(UPLOAD, {"errcode": 0, "type": "image", "media_id": "M1"}, {"errcode": 40006})
    platform.lay(DOWNLOAD, (200, b"\xff\xd8"), {"errcode": 40007})
    picture = Upload("media", "a.jpg", b"\xff\xd8", "image/jpeg")
    assert await channel.calls.upload_media("image", picture) == "M1"
    assert (await channel.calls.download_media("M1")).body == b"\xff\xd8"
    with pytest.raises(ApiRefused):
        await channel.calls.upload_media("image", picture)
    with pytest.raises(ApiRefused):
        await channel.calls.download_media("gone")
    assert platform.asked(UPLOAD)[0].query["type"] == "image"
