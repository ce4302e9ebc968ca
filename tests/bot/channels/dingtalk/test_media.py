"""Files: brought up with their rules, fetched from known hosts within a size."""

import pytest

from bot.channels.dingtalk.media import MediaError, MediaType
from bot.channels.dingtalk.messages import read_robot_message
from bot.httpclient import HttpClient
from bot.simulator import Simulator
from tests.bot.channels.dingtalk.made import make_robot, make_settings
from tests.bot.channels.platform import Platform
from tests.bot.channels.test_simulator import dingtalk
from tests.fakes import FakeClock

DOWNLOAD = "/v1.0/robot/messageFiles/download"
UPLOAD = "/media/upload"


async def test_what_somebody_sent_is_fetched_from_the_platform(simulator: Simulator, http: HttpClient) -> None:
    simulator.dingtalk.add_staff("p1", "小王")
    push = await simulator.dingtalk.send_picture("p1", data=b"\xff\xd8\xff a picture")
    message = read_robot_message("dingtalk", make_settings(), push.body)
    assert message is not None
    channel = dingtalk(simulator, http)
    fetched = await channel.media.fetch(str(message.data["download_code"]))
    assert (fetched.content, fetched.content_type) == (b"\xff\xd8\xff a picture", "image/jpeg")
    with pytest.raises(MediaError):
        await channel.media.fetch("unknown")
    media_id = await channel.media.upload(MediaType.FILE, "报价.pdf", b"%PDF-1.4")
    assert media_id.startswith("@")
    assert (await channel.give_file("未导入.xlsx", b"PK")).startswith("@")
    assert await channel.give_file("未导入.xlsx", b"") == ""
    assert simulator.complaints == []


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ({"downloadUrl": "http://169.254.169.254/latest"}, "host"),
        ({"downloadUrl": "https://example.com/f"}, "host"),
        ({"downloadUrl": 5}, "host"),
        ((400, {"code": "invalidParameter.downloadCode"}), "invalidParameter.downloadCode"),
        ((502, "<html>"), "unreadable_answer"),
    ],
)
async def test_an_address_that_leads_elsewhere_is_not_called(
    answer: object, code: str, platform: Platform, http: HttpClient, clock: FakeClock
) -> None:
    platform.lay(DOWNLOAD, answer)
    with pytest.raises(MediaError) as raised:
        await make_robot(http, clock, platform.url).media.fetch("d1")
    assert raised.value.code == code


async def test_a_file_that_is_too_large_or_gone_is_refused(platform: Platform, http: HttpClient, clock: FakeClock) -> None:
    platform.lay(DOWNLOAD, {"downloadUrl": f"{platform.url}/file"})
    media = make_robot(http, clock, platform.url).media
    for laid, code in ((b"x" * 200, "unreachable"), ((404, b""), "gone"), ((302, b"x"), "gone")):
        platform.answers["/file"] = [laid]
        with pytest.raises(MediaError) as raised:
            await media.fetch("d1", max_bytes=100)
        assert raised.value.code == code


@pytest.mark.parametrize(
    ("kind", "name", "content", "code"),
    [
        (MediaType.IMAGE, "a.exe", b"x", "type"),
        (MediaType.VOICE, "a.mp3", b"x" * (2 * 1024 * 1024 + 1), "size"),
        (MediaType.FILE, "a.pdf", b"", "size"),
    ],
)
async def test_what_the_platform_would_refuse_is_not_brought_up(
    kind: MediaType, name: str, content: bytes, code: str, platform: Platform, http: HttpClient, clock: FakeClock
) -> None:
    with pytest.raises(MediaError) as raised:
        await make_robot(http, clock, platform.url).media.upload(kind, name, content)
    assert raised.value.code == code
    assert platform.calls == []


async def test_a_refused_or_unanswered_upload_says_why(platform: Platform, http: HttpClient, clock: FakeClock) -> None:
    media = make_robot(http, clock, platform.url).media
    for laid, code in (
        ({"errcode": 40005}, "40005"),
        ({"errcode": 0}, "unreadable_answer"),
        ((502, "<html>"), "unreadable_answer"),
    ):
        platform.answers[UPLOAD] = [laid]
        with pytest.raises(MediaError) as raised:
            await media.upload(MediaType.IMAGE, "a.png", b"x")
        assert raised.value.code == code
