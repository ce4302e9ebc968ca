"""Tokens over HTTP, users, tags, menu, QR codes."""

import pytest


async def test_tokens_over_http(sim, api):
    account = sim.wechat.account
    classic = {"grant_type": "client_credential", "appid": account.app_id, "secret": account.app_secret}
    first = await api.get("/cgi-bin/token", **classic)
    assert (len(first["access_token"]) > 100, first["expires_in"]) == (True, 7200)
    assert (await api.get("/cgi-bin/token", **{**classic, "grant_type": "x"}))["errcode"] == 40002
    stable = await api.post("/cgi-bin/stable_token", classic)
    assert await api.post("/cgi-bin/stable_token", {**classic, "force_refresh": False}) == stable
    forced = await api.post("/cgi-bin/stable_token", {**classic, "force_refresh": True})
    assert forced["access_token"] != stable["access_token"]
    assert (await api.post("/cgi-bin/stable_token", {**classic, "secret": "x"}))["errcode"] == 40125
    assert (await api.post("/cgi-bin/stable_token", {**classic, "grant_type": "x"}))["errcode"] == 40002
    assert (await api.get("/cgi-bin/stable_token"))["errcode"] == 47001


async def test_users_are_listed_to_the_end(sim, api):
    await sim.wechat.follow("oA", "expo")
    sim.wechat.state.followers.add_crowd(10_001)
    first = await api.wechat("/cgi-bin/user/get", next_openid="")
    second = await api.wechat("/cgi-bin/user/get", next_openid=first["next_openid"])
    last = await api.wechat("/cgi-bin/user/get", next_openid=second["next_openid"])
    assert (first["total"], first["count"], second["count"], last["count"], last["next_openid"]) == (10_002, 10_000, 2, 0, "")
    assert (await api.wechat("/cgi-bin/user/info", openid="oA"))["qr_scene_str"] == "expo"
    assert (await api.wechat("/cgi-bin/user/info", openid="oSimCrowd0000000003"))["subscribe"] == 1
    assert (await api.wechat("/cgi-bin/user/info", openid="oZ"))["errcode"] == 40003
    rows = {"user_list": [{"openid": "oA", "lang": "zh_CN"}]}
    assert len((await api.wechat("/cgi-bin/user/info/batchget", rows))["user_info_list"]) == 1
    assert (await api.wechat("/cgi-bin/user/info/batchget", {"user_list": [{}] * 101}))["errcode"] == 40032
    assert (await api.wechat("/cgi-bin/user/info/updateremark", {"openid": "oA", "remark": "老客户"}))["errcode"] == 0
    assert (await api.wechat("/cgi-bin/user/info", openid="oA"))["remark"] == "老客户"


async def test_tags(sim, api):
    sim.wechat.state.followers.ensure("oA")
    number = (await api.wechat("/cgi-bin/tags/create", {"tag": {"name": "展会"}}))["tag"]["id"]
    assert (await api.wechat("/cgi-bin/tags/create", {"tag": {"name": "展会"}}))["errcode"] == 45157
    assert (await api.wechat("/cgi-bin/tags/create", {"tag": {"name": "长" * 11}}))["errcode"] == 45158
    body = {"openid_list": ["oA"], "tagid": number}
    assert (await api.wechat("/cgi-bin/tags/members/batchtagging", body))["errcode"] == 0
    assert {"id": number, "name": "展会", "count": 1} in (await api.wechat("/cgi-bin/tags/get"))["tags"]
    assert (await api.wechat("/cgi-bin/tags/members/batchuntagging", body))["errcode"] == 0
    assert (await api.wechat("/cgi-bin/tags/members/batchtagging", {**body, "tagid": 9}))["errcode"] == 45159
    assert (await api.wechat("/cgi-bin/tags/members/batchtagging", {**body, "openid_list": []}))["errcode"] == 40032
    assert (await api.wechat("/cgi-bin/tags/members/batchtagging", {**body, "openid_list": ["oZ"]}))["errcode"] == 40003


async def test_menu(api):
    menu = {"button": [{"type": "click", "name": "价格", "key": "PRICE"}]}
    assert (await api.wechat("/cgi-bin/menu/get"))["errcode"] == 46003
    assert (await api.wechat("/cgi-bin/menu/create", menu))["errcode"] == 0
    assert (await api.wechat("/cgi-bin/menu/get"))["menu"] == {"button": [{**menu["button"][0], "sub_button": []}]}
    assert (await api.wechat("/cgi-bin/menu/create", {"button": []}))["errcode"] == 40016
    assert (await api.wechat("/cgi-bin/menu/create", {"button": [{"name": "x", "sub_button": [{}] * 6}]}))["errcode"] == 40023
    assert (await api.wechat("/cgi-bin/menu/delete"))["errcode"] == 0
    assert (await api.wechat("/cgi-bin/menu/get"))["errcode"] == 46003


@pytest.mark.parametrize(("kind", "scene"), [("QR_STR_SCENE", {"scene_str": "expo"}), ("QR_LIMIT_SCENE", {"scene_id": 7})])
async def test_a_qr_code_is_scanned_with_its_ticket(sim, api, program, kind, scene):
    sim.wechat.account.mode = "plain"
    body = {"expire_seconds": 600, "action_name": kind, "action_info": {"scene": scene}}
    made = await api.wechat("/cgi-bin/qrcode/create", body)
    assert ("expire_seconds" in made) == (kind == "QR_STR_SCENE")
    name = str(next(iter(scene.values())))
    await sim.wechat.scan("oA", name)
    assert f"qrscene_{name}]]>" in program.seen[0].body.decode()
    await sim.wechat.scan("oA", name)
    assert f"<EventKey><![CDATA[{name}]]></EventKey><Ticket><![CDATA[{made['ticket']}]]>" in program.seen[1].body.decode()


async def test_a_qr_code_without_a_scene_is_refused(api):
    assert (await api.wechat("/cgi-bin/qrcode/create", {"action_name": "QR_SCENE", "action_info": {}}))["errcode"] == 40053


async def test_quota_calls(sim, api):
    await api.wechat("/cgi-bin/user/get")
    assert (await api.wechat("/cgi-bin/openapi/quota/get", {"cgi_path": "/cgi-bin/user/get"}))["quota"]["used"] == 1
    assert (await api.wechat("/cgi-bin/openapi/quota/get", {"cgi_path": "x"}))["errcode"] == 76021
    await api.wechat("/cgi-bin/clear_quota", {"appid": sim.wechat.account.app_id})
    assert (await api.wechat("/cgi-bin/openapi/quota/get", {"cgi_path": "/cgi-bin/user/get"}))["quota"]["used"] == 0


async def test_permanent_codes_run_out_and_long_scenes_are_refused(sim, api):
    def body(scene: object, kind: str = "QR_LIMIT_STR_SCENE") -> dict:
        name = "scene_str" if "STR" in kind else "scene_id"
        return {"action_name": kind, "action_info": {"scene": {name: scene}}, "expire_seconds": 9_999_999}

    sim.wechat.account_api.most_permanent = 1
    codes = [(await api.wechat("/cgi-bin/qrcode/create", body(scene))).get("errcode") for scene in ("a", "a", "b")]
    assert codes == [None, None, 45029]
    for scene, kind in (("长" * 65, "QR_STR_SCENE"), (100_001, "QR_LIMIT_SCENE"), ("7", "QR_SCENE")):
        assert (await api.wechat("/cgi-bin/qrcode/create", body(scene, kind)))["errcode"] == 40053
    assert (await api.wechat("/cgi-bin/qrcode/create", body("t", "QR_STR_SCENE")))["expire_seconds"] == 2_592_000
    assert "expire_seconds" in sim.complaints[0].what


async def test_clearing_the_quota_has_a_quota(sim, api):
    assert (await api.wechat("/cgi-bin/clear_quota", {"appid": "x"}))["errcode"] == 40013
    body = {"appid": sim.wechat.account.app_id}
    codes = [(await api.wechat("/cgi-bin/clear_quota", body))["errcode"] for _ in range(11)]
    assert codes == [0] * 10 + [48006]
    sim.clock.advance(31 * 86_400)
    assert (await api.wechat("/cgi-bin/clear_quota", body))["errcode"] == 0
