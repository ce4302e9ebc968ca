"""Uploads within the platform's sizes; a download that is an error."""

import pytest

from bot.channels.wecom.calls import ApiRefused
from bot.httpclient import HttpClient
from crm_core.errors import Invalid
from tests.bot.channels.platform import Platform
from tests.bot.channels.wecom.made import make_application
from tests.bot.channels.wecom.test_outcomes import lay_token
from tests.fakes import FakeClock


async def test_files_go_up_and_come_down(platform: Platform, http: HttpClient, clock: FakeClock) -> None:
    lay_token(platform)
    platform.lay("/cgi-bin/media/upload", {"errcode": 0, "media_id": "M1"})
    platform.lay("/cgi-bin/media/get", (200, b"\xff\xd8"), {"errcode": 40007, "errmsg": "invalid media_id"})
    media = make_application(http, clock, api_base=platform.url).media
    assert await media.upload("image", "a.jpg", b"\xff" * 10, content_type="image/jpeg") == "M1"
    for kind, size in (("voice", 5), ("voice", (2 << 20) + 1)):
        with pytest.raises(Invalid):
            await media.upload(kind, "a.amr", b"x" * size, content_type="voice/amr")
    assert (await media.download("M1")).body == b"\xff\xd8"
    with pytest.raises(ApiRefused) as caught:
        await media.download("M2")
    assert caught.value.errcode == 40007


async def test_a_file_of_ours_is_brought_up_or_not_at_all(platform: Platform, http: HttpClient, clock: FakeClock) -> None:
    lay_token(platform)
    platform.lay("/cgi-bin/media/upload", {"errcode": 0, "media_id": "M1"}, {"errcode": 40004, "errmsg": "type"})
    application = make_application(http, clock, api_base=platform.url)
    assert await application.give_file("未导入.xlsx", b"x" * 10) == "M1"
    assert await application.give_file("未导入.xlsx", b"x" * 10) == ""
    assert await application.give_file("未导入.xlsx", b"x") == ""
