"""The calls that are not messages: wechatpy's methods over our way out."""

import pytest

from bot.channels.wechat_oa.api import ApiRefused, WechatApi
from bot.httpclient import HttpClient
from tests.bot.channels.platform import Platform
from tests.bot.channels.wechat_oa.made import make_account
from tests.fakes import FakeClock


@pytest.fixture
def api(platform: Platform, http: HttpClient, clock: FakeClock) -> WechatApi:
    return WechatApi(make_account(http, clock, api_base=platform.url).sender)


async def test_followers_come_page_by_page_to_the_end(api: WechatApi, platform: Platform) -> None:
    pages = [
        {"total": 3, "count": 2, "data": {"openid": ["o1", "o2"]}, "next_openid": "o2"},
        {"total": 3, "count": 1, "data": {"openid": ["o3"]}, "next_openid": "o3"},
        {"total": 3, "count": 0, "next_openid": ""},
    ]
    platform.lay("/cgi-bin/user/get", *pages)
    assert [page async for page in api.list_followers()] == [["o1", "o2"], ["o3"]]
    assert [call.query.get("next_openid") for call in platform.asked("/cgi-bin/user/get")] == [None, "o2", "o3"]


async def test_people_are_loaded_a_hundred_a_call(api: WechatApi, platform: Platform) -> None:
    platform.lay("/cgi-bin/user/info/batchget", {"user_info_list": [{"openid": "o"}]})
    platform.lay("/cgi-bin/user/info", {"openid": "o1", "subscribe": 1})
    assert len(await api.load_users([f"o{number}" for number in range(150)])) == 2
    calls = platform.asked("/cgi-bin/user/info/batchget")
    assert [len(call.json["user_list"]) for call in calls] == [100, 50]
    assert (await api.load_user("o1"))["subscribe"] == 1


async def test_remarks_and_tags_are_written(api: WechatApi, platform: Platform) -> None:
    platform.lay("/cgi-bin/tags/create", {"tag": {"id": 134, "name": "广东"}})
    platform.lay("/cgi-bin/tags/get", {"tags": [{"id": 134}]})
    await api.set_remark("o1", "张三")
    assert await api.create_tag("广东") == 134
    assert await api.list_tags() == [{"id": 134}]
    await api.tag_users(134, ["o1"])
    await api.untag_users(134, ["o1"])
    assert platform.asked("/cgi-bin/user/info/updateremark")[0].json == {"openid": "o1", "remark": "张三"}
    assert "广东".encode() in platform.asked("/cgi-bin/tags/create")[0].body
    for path in ("/cgi-bin/tags/members/batchtagging", "/cgi-bin/tags/members/batchuntagging"):
        assert platform.asked(path)[0].json == {"tagid": 134, "openid_list": ["o1"]}


async def test_media_goes_up_as_a_file_and_comes_down_as_bytes(api: WechatApi, platform: Platform) -> None:
    platform.lay("/cgi-bin/media/upload", {"type": "image", "media_id": "M1"})
    platform.lay("/cgi-bin/media/get", (200, b"\xff\xd8"))
    assert await api.upload_media("image", "a.jpg", b"\xff\xd8\xff", content_type="image/jpeg") == "M1"
    (call,) = platform.asked("/cgi-bin/media/upload")
    assert call.query["type"] == "image"
    assert b"\xff\xd8\xff" in call.body
    assert (await api.download_media("M1")).body == b"\xff\xd8"


async def test_menus_and_codes_are_made(api: WechatApi, platform: Platform) -> None:
    platform.lay("/cgi-bin/menu/get", {"menu": {"button": []}})
    platform.lay("/cgi-bin/qrcode/create", {"ticket": "t", "url": "u"})
    await api.create_menu({"button": [{"type": "click", "name": "价格", "key": "MENU_PRICE"}]})
    assert await api.load_menu() == {"menu": {"button": []}}
    await api.delete_menu()
    assert await api.create_code("store_88", expire_seconds=60) == {"ticket": "t", "url": "u"}
    await api.create_code("store_88")
    assert "价格".encode() in platform.asked("/cgi-bin/menu/create")[0].body
    names = [call.json["action_name"] for call in platform.asked("/cgi-bin/qrcode/create")]
    assert names == ["QR_STR_SCENE", "QR_LIMIT_STR_SCENE"]


@pytest.mark.parametrize(("answer", "errcode"), [({"errcode": 45157}, 45157), ((502, "<html>"), None)])
async def test_a_refusal_is_raised_with_its_code(
    answer: object, errcode: int | None, api: WechatApi, platform: Platform
) -> None:
    for path in ("/cgi-bin/tags/create", "/cgi-bin/message/custom/typing", "/cgi-bin/media/get"):
        platform.lay(path, answer)
    for call in (api.create_tag("a"), api.show_typing("o1"), api.download_media("M1")):
        with pytest.raises(ApiRefused) as caught:
            await call
        assert caught.value.errcode == errcode


async def test_a_lasting_40001_ends_after_two_calls(api: WechatApi, platform: Platform) -> None:
    platform.lay("/cgi-bin/tags/get", {"errcode": 40001})
    with pytest.raises(ApiRefused):
        await api.list_tags()
    assert len(platform.asked("/cgi-bin/tags/get")) == 2
