"""Media: checked before they go up, the same file not sent up twice within its days."""

from datetime import timedelta

import pytest

from bot.channels.wechat_oa.api import WechatApi
from bot.channels.wechat_oa.media import KINDS, Media, MediaUnusable, check_media
from bot.httpclient import HttpClient
from tests.bot.channels.platform import Platform
from tests.bot.channels.wechat_oa.made import make_account
from tests.fakes import FakeClock, MemoryState

JPG, PNG, GIF = b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"GIF89a"
UPLOAD = "/cgi-bin/media/upload"


@pytest.fixture
def media(platform: Platform, http: HttpClient, clock: FakeClock) -> Media:
    return Media("wechat", WechatApi(make_account(http, clock, api_base=platform.url).sender), MemoryState(clock))


@pytest.mark.parametrize(
    ("kind", "content", "found"),
    [
        ("image", JPG, "image/jpeg"),
        ("image", PNG, "image/png"),
        ("image", GIF, "image/gif"),
        ("voice", b"#!AMR\n", "audio/amr"),
        ("voice", b"ID3\x03", "audio/mpeg"),
        ("video", b"\x00\x00\x00\x18ftypmp42", "video/mp4"),
        ("thumb", JPG, "image/jpeg"),
        ("article", PNG, "image/png"),
    ],
)
def test_the_content_tells_the_type(kind: str, content: bytes, found: str) -> None:
    assert check_media(kind, content) == found


@pytest.mark.parametrize(
    ("kind", "content", "sentence"),
    [
        ("image", b"%PDF-1.7", "图片只能是jpg、png、gif"),
        ("image", b"", "图片只能是"),
        ("thumb", PNG, "缩略图只能是jpg"),
        ("article", GIF, "图文内图片只能是jpg、png"),
        ("video", JPG, "视频只能是mp4"),
        ("sound", JPG, "应为image"),
        ("image", JPG + b"x" * KINDS["image"].max_bytes, "不能超过2MB"),
        ("thumb", JPG + b"x" * KINDS["thumb"].max_bytes, "不能超过64KB"),
        ("voice", b"#!AMR\n" + b"x" * KINDS["voice"].max_bytes, "不能超过2MB"),
    ],
)
def test_what_the_platform_would_refuse_is_refused_before(kind: str, content: bytes, sentence: str) -> None:
    with pytest.raises(MediaUnusable) as caught:
        check_media(kind, content)
    assert sentence in caught.value.sentence()


async def test_the_same_file_goes_up_once_in_three_days(media: Media, platform: Platform, clock: FakeClock) -> None:
    platform.lay(UPLOAD, {"media_id": "M1"}, {"media_id": "M2"}, {"media_id": "M3"})
    assert [await media.upload("image", JPG) for _ in range(2)] == ["M1", "M1"]
    assert await media.upload("image", JPG + b"2") == "M2"
    clock.advance(timedelta(days=3))
    assert await media.upload("image", JPG) == "M3"
    assert len(platform.asked(UPLOAD)) == 3


async def test_a_number_the_platform_forgot_is_forgotten(media: Media, platform: Platform) -> None:
    platform.lay(UPLOAD, {"media_id": "M1"}, {"media_id": "M2"})
    await media.upload("image", JPG)
    await media.forget("image", JPG)
    assert await media.upload("image", JPG) == "M2"


async def test_a_thumb_and_a_picture_of_an_article(media: Media, platform: Platform) -> None:
    platform.lay(UPLOAD, {"thumb_media_id": "T1"})
    platform.lay("/cgi-bin/media/uploadimg", {"url": "http://mmbiz.qpic.cn/1"})
    assert await media.upload("thumb", JPG) == "T1"
    assert await media.upload("article", PNG) == "http://mmbiz.qpic.cn/1"
