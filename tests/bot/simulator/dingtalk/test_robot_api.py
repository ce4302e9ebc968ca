"""The application's calls."""

import json

import pytest

SEND = "/v1.0/robot/oToMessages/batchSend"
GROUP = "/v1.0/robot/groupMessages/send"
RECALL = "/v1.0/robot/otoMessages/batchRecall"


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


async def test_a_disbanded_group_takes_nothing(sim, api, body):
    sim.dingtalk.add_group("cidG", "销售群")
    await sim.dingtalk.disband_group("cidG", "s0")
    status, answer = await api.dingtalk(GROUP, {**body, "openConversationId": "cidG"})
    assert (status, answer["code"]) == (400, "group.disbanded")


async def read_status(sim, api, key: str) -> dict:
    headers = {"x-acs-dingtalk-access-token": api.dingtalk_token()}
    url = f"{sim.base_url}/v1.0/robot/oToMessages/readStatus"
    async with api.session.get(url, params={"processQueryKey": key}, headers=headers) as answer:
        return await answer.json()


async def test_messages_can_be_asked_about_and_taken_back_for_a_day(sim, api, body):
    sim.dingtalk.knobs.unread.add("s1")
    key = (await api.dingtalk(SEND, body))[1]["processQueryKey"]
    late = (await api.dingtalk(SEND, body))[1]["processQueryKey"]
    rows = (await read_status(sim, api, key))["messageReadInfoList"]
    assert {row["userId"]: row["readStatus"] for row in rows} == {"s0": "READ", "s1": "UNREAD"}
    ask = {"robotCode": body["robotCode"], "processQueryKeys": [key, "unknown"]}
    _, answer = await api.dingtalk(RECALL, ask)
    assert (answer["successResult"], list(answer["failedResult"])) == ([key], ["unknown"])
    assert (await read_status(sim, api, key))["sendStatus"] == "RECALLED"
    assert [entry.direction for entry in sim.dingtalk.chat("s0")] == ["out", "out", "system"]
    assert (await api.dingtalk(RECALL, ask))[1]["successResult"] == [key]
    sim.clock.advance(24 * 3600)
    assert "code" in await read_status(sim, api, late)
    assert (await api.dingtalk(RECALL, {**ask, "processQueryKeys": [late]}))[1]["successResult"] == []
    status, answer = await api.dingtalk(RECALL, {**ask, "processQueryKeys": ["k"] * 21})
    assert (status, answer["code"]) == (400, "invalidParameter.processQueryKeys.invalid")


async def test_messages_of_a_group_are_taken_back_by_its_own_call(sim, api, body):
    sim.dingtalk.add_group("cidG", "销售群")
    key = (await api.dingtalk(GROUP, {**body, "openConversationId": "cidG"}))[1]["processQueryKey"]
    ask = {"robotCode": body["robotCode"], "processQueryKeys": [key]}
    assert (await api.dingtalk(RECALL, ask))[1]["successResult"] == []
    ask["openConversationId"] = "cidG"
    assert (await api.dingtalk("/v1.0/robot/groupMessages/recall", ask))[1]["successResult"] == [key]
    assert "code" in await read_status(sim, api, key)


async def test_media_have_to_be_uploaded_first(sim, api, body):
    def with_media(media_id: str) -> dict:
        return {**body, "msgKey": "sampleAudio", "msgParam": json.dumps({"mediaId": media_id, "duration": "3000"})}

    status, answer = await api.dingtalk(SEND, with_media("@none"))
    assert (status, answer["code"]) == (400, "invalidParameter.msgParam.invalid")
    media_id = f"@{sim.dingtalk.state.keep_file(b'x', 'audio/amr')}"
    assert (await api.dingtalk(SEND, with_media(media_id)))[0] == 200


async def test_the_month_may_be_used_up(sim, api, body):
    sim.options.dingtalk_monthly_calls = 1
    assert (await api.dingtalk(SEND, body))[0] == 200
    status, answer = await api.dingtalk(SEND, body)
    assert (status, answer["code"]) == (403, "Forbidden.AccessDenied.ApiCountLimitForOrg")
    assert (await api.post("/topapi/v2/user/get", {}, access_token=api.dingtalk_token()))["errcode"] == 90020
