"""The application's calls."""

import json

import aiohttp
import pytest

SEND = "/v1.0/robot/oToMessages/batchSend"
GROUP = "/v1.0/robot/groupMessages/send"


@pytest.fixture
def body(sim):
    for number in range(3):
        sim.dingtalk.add_staff(f"s{number}", f"员工{number}")
    param = json.dumps({"content": "提醒"}, ensure_ascii=False)
    return {"robotCode": sim.dingtalk.app.robot_code, "userIds": ["s0", "s1"], "msgKey": "sampleText", "msgParam": param}


async def test_tokens_in_both_forms(sim, api):
    app = sim.dingtalk.app
    new = await api.post("/v1.0/oauth2/accessToken", {"appKey": app.client_id, "appSecret": app.client_secret})
    old = await api.get("/gettoken", appkey=app.client_id, appsecret=app.client_secret)
    assert (new["expireIn"], new["accessToken"]) == (7200, old["access_token"])
    assert (await api.post("/v1.0/oauth2/accessToken", {"appKey": "x"}))["code"] == "invalidClientIdOrSecret"
    assert (await api.get("/gettoken", appkey="x", appsecret="y"))["errcode"] == 40089


async def test_one_to_one_messages_reach_people_and_name_the_rest(sim, api, body):
    sim.dingtalk.state.flow_controlled.add("s1")
    status, answer = await api.dingtalk(SEND, {**body, "userIds": ["s0", "s1", "nobody"]})
    assert status == 200
    assert (answer["invalidStaffIdList"], answer["flowControlledStaffIdList"]) == (["nobody"], ["s1"])
    assert [entry.text for entry in sim.dingtalk.received("s0")] == ["提醒"]
    assert sim.dingtalk.count_received() == 1
    headers = {"x-acs-dingtalk-access-token": api.dingtalk_token()}
    url = f"{sim.base_url}/v1.0/robot/oToMessages/readStatus"
    for key, name in ((answer["processQueryKey"], "messageReadInfoList"), ("x", "code")):
        params = {"processQueryKey": key, "robotCode": body["robotCode"]}
        async with api.session.get(url, params=params, headers=headers) as read:
            assert name in await read.json()
    async with api.session.get(url) as read:
        assert read.status == 400


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"robotCode": "other"}, "robot.oto.notExist"),
        ({"userIds": []}, "invalidParameter.userIds.empty"),
        ({"userIds": [f"u{number}" for number in range(21)]}, "invalidParameter.userIds.overMax"),
        ({"msgParam": "{}"}, "invalidParameter.msgParam.invalid"),
    ],
)
async def test_refused_one_to_one_messages(sim, api, body, change, code):
    status, answer = await api.dingtalk(SEND, {**body, **change})
    assert (status, answer["code"]) == (400, code)
    assert sim.dingtalk.count_received() == 0


async def test_everybody_is_staff_for_loads(sim, api, body):
    sim.options.dingtalk_unknown_staff = True
    _, answer = await api.dingtalk(SEND, {**body, "userIds": ["x1", "x2"]})
    assert answer["invalidStaffIdList"] == []
    assert sim.dingtalk.count_received("x2") == 1


async def test_the_twenty_first_call_of_a_second_is_refused(sim, api, body):
    statuses = [(await api.dingtalk(SEND, body))[0] for _ in range(21)]
    assert statuses == [200] * 20 + [403]
    sim.clock.advance(1)
    assert (await api.dingtalk(SEND, body))[0] == 200
    assert sim.dingtalk.state.limits.monthly_calls["2026-11"] == 21


async def test_group_messages(sim, api, body):
    sim.dingtalk.add_group("cidG", "销售群")
    status, answer = await api.dingtalk(GROUP, {**body, "openConversationId": "cidG"})
    assert status == 200
    assert answer["processQueryKey"]
    assert [(entry.via, entry.text) for entry in sim.dingtalk.received("cidG")] == [("group", "提醒")]
    status, answer = await api.dingtalk(GROUP, {**body, "openConversationId": "cidX"})
    assert (status, answer["code"]) == (400, "invalidParameter.openConversationId.invalid")


async def test_a_picture_is_fetched_by_its_download_code(sim, api, body):
    push = await sim.dingtalk.send_picture("s0", data=b"picture")
    ask = {"downloadCode": push.body["content"]["downloadCode"], "robotCode": body["robotCode"]}
    _, answer = await api.dingtalk("/v1.0/robot/messageFiles/download", ask)
    async with api.session.get(answer["downloadUrl"]) as file:
        assert (file.content_type, await file.read()) == ("image/jpeg", b"picture")
    async with api.session.get(f"{sim.base_url}/_files/none") as file:
        assert file.status == 404
    status, answer = await api.dingtalk("/v1.0/robot/messageFiles/download", {**ask, "downloadCode": "x"})
    assert (status, answer["code"]) == (400, "invalidParameter.downloadCode.invalid")


@pytest.mark.parametrize(("kind", "data", "code"), [("file", b"x", 0), ("smell", b"x", 40004), ("image", b"", 40006)])
async def test_media_uploads(api, kind, data, code):
    form = aiohttp.FormData()
    form.add_field("media", data, filename="a.pdf", content_type="application/pdf")
    params = {"access_token": api.dingtalk_token(), "type": kind}
    async with api.session.post(f"{api.sim.base_url}/media/upload", params=params, data=form) as answer:
        made = await answer.json()
    assert made["errcode"] == code
    assert ("media_id" in made) == (code == 0)


async def test_the_older_api_checks_its_token(api):
    assert (await api.post("/media/upload", {}, access_token="wrong", type="file"))["errcode"] == 40014
