"""The calls about cards."""

import pytest

DELIVER = "/v1.0/card/instances/createAndDeliver"
UPDATE = "/v1.0/card/instances"
STREAMING = "/v1.0/card/streaming"
REGISTER = "/v1.0/card/callbacks/register"


@pytest.fixture
def body(sim):
    """A good card for one person and one group."""
    sim.dingtalk.add_staff("s1", "小王")
    sim.dingtalk.add_group("cidG", "销售群")
    return {
        "cardTemplateId": "tpl.schema",
        "outTrackId": "track-1",
        "callbackType": "STREAM",
        "cardData": {"cardParamMap": {"title": "报价审批", "status": "待审批"}},
        "privateData": {"s1": {"cardParamMap": {"mine": "1"}}},
        "openSpaceId": "dtv1.card//im_robot.s1;im_group.cidG",
        "imGroupOpenSpaceModel": {"supportForward": True},
        "imGroupOpenDeliverModel": {"robotCode": sim.dingtalk.app.robot_code},
        "imRobotOpenSpaceModel": {"supportForward": True},
        "imRobotOpenDeliverModel": {"spaceType": "IM_ROBOT", "robotCode": sim.dingtalk.app.robot_code},
    }


@pytest.fixture
def put(sim, api):
    """Call with PUT."""

    async def put(path: str, body: dict) -> tuple[int, dict]:
        headers = {"x-acs-dingtalk-access-token": api.dingtalk_token()}
        async with api.session.put(sim.base_url + path, json=body, headers=headers) as answer:
            return answer.status, await answer.json()

    return put


async def test_a_card_reaches_every_space(sim, api, body):
    status, answer = await api.dingtalk(DELIVER, body)
    assert (status, answer["success"], answer["result"]["outTrackId"]) == (200, True, "track-1")
    rows = answer["result"]["deliverResults"]
    assert [(row["spaceType"], row["spaceId"], row["success"]) for row in rows] == [
        ("IM_ROBOT", "s1", True),
        ("IM_GROUP", "cidG", True),
    ]
    assert [(entry.via, entry.text) for entry in sim.dingtalk.received("s1")] == [("card", "报价审批\n待审批\n1")]
    assert [entry.text for entry in sim.dingtalk.received("cidG")] == ["报价审批\n待审批"]
    assert sim.dingtalk.card("track-1").places == ["s1", "cidG"]
    status, answer = await api.dingtalk(DELIVER, body)
    assert (status, answer["code"]) == (400, "invalidParameter.outTrackId.exist")


async def test_spaces_fail_one_by_one_inside_a_good_answer(sim, api, body):
    sim.dingtalk.knobs.failing_spaces.add("cidG")
    status, answer = await api.dingtalk(DELIVER, body | {"openSpaceId": "dtv1.card//im_robot.nobody;im_group.cidG;im_robot.s1"})
    rows = answer["result"]["deliverResults"]
    assert (status, [row["success"] for row in rows]) == (200, [False, False, True])
    assert all(row["errorMsg"] for row in rows[:2])
    other = body | {"outTrackId": "track-2", "imRobotOpenDeliverModel": {"spaceType": "IM_ROBOT", "robotCode": "other"}}
    _, answer = await api.dingtalk(DELIVER, other | {"openSpaceId": "dtv1.card//im_robot.s1"})
    assert answer["result"]["deliverResults"][0]["errorMsg"] == "robotCode is unknown"
    assert sim.dingtalk.count_received() == 1


async def test_people_may_be_named_by_union_id(sim, api, body):
    union_id = sim.dingtalk.state.staff["s1"].union_id
    private = {union_id: {"cardParamMap": {"mine": "2"}}}
    change = {"userIdType": 2, "openSpaceId": f"dtv1.card//im_robot.{union_id}", "privateData": private}
    _, answer = await api.dingtalk(DELIVER, body | change)
    assert answer["result"]["deliverResults"][0]["success"]
    assert sim.dingtalk.card_shown("track-1", "s1")["mine"] == "2"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"cardTemplateId": ""}, "invalidParameter.cardTemplateId"),
        ({"outTrackId": None}, "invalidParameter.outTrackId"),
        ({"cardData": {"cardParamMap": {"amount": 5}}}, "invalidParameter.cardData"),
        ({"privateData": {"s1": {"cardParamMap": {"amount": 5}}}}, "invalidParameter.privateData"),
        ({"openSpaceId": "cidG"}, "invalidParameter.openSpaceId"),
        ({"callbackType": "FAX"}, "invalidParameter.callbackType"),
        ({"callbackType": "HTTP", "callbackRouteKey": "unknown"}, "invalidParameter.callbackRouteKey"),
        ({"userIdType": 3}, "invalidParameter.userIdType"),
        ({"imGroupOpenDeliverModel": None}, "invalidParameter.imGroupOpenDeliverModel"),
        ({"imRobotOpenDeliverModel": {"robotCode": "r"}}, "invalidParameter.imRobotOpenDeliverModel"),
        ({"imRobotOpenSpaceModel": "x"}, "invalidParameter.imRobotOpenSpaceModel"),
    ],
)
async def test_refused_cards(sim, api, body, change, code):
    status, answer = await api.dingtalk(DELIVER, body | change)
    assert (status, answer["code"]) == (400, code)
    assert sim.dingtalk.card_api.cards == {}


async def test_a_card_is_changed(sim, api, body, put):
    await api.dingtalk(DELIVER, body)
    change = {"outTrackId": "track-1", "cardData": {"cardParamMap": {"status": "已通过"}}}
    by_key = {"updateCardDataByKey": True, "updatePrivateDataByKey": True}
    assert (await put(UPDATE, change | {"cardUpdateOptions": by_key}))[1] == {"success": True, "result": True}
    assert sim.dingtalk.card_shown("track-1", "s1") == {"title": "报价审批", "status": "已通过", "mine": "1"}
    await put(UPDATE, change | {"privateData": {"s1": {"cardParamMap": {"own": "x"}}}})
    assert sim.dingtalk.card_shown("track-1", "s1") == {"status": "已通过", "own": "x"}
    assert sim.dingtalk.card_shown("track-1") == {"status": "已通过"}
    for wrong, code in (({"outTrackId": "x"}, "outTrackId.notExist"), ({"cardData": {"cardParamMap": {"n": 1}}}, "cardData")):
        status, answer = await put(UPDATE, change | wrong)
        assert (status, answer["code"]) == (400, f"invalidParameter.{code}")
    assert (await api.dingtalk(UPDATE, change))[0] == 404


async def test_a_text_is_streamed(sim, api, body, put):
    await api.dingtalk(DELIVER, body)
    for number, text in enumerate(("正在", "查询")):
        piece = {"outTrackId": "track-1", "guid": str(number), "key": "content", "content": text}
        for _ in range(2):
            assert (await put(STREAMING, piece))[0] == 200
    assert sim.dingtalk.card_shown("track-1")["content"] == "正在查询"
    assert (await put(STREAMING, {"outTrackId": "x"}))[1]["code"] == "invalidParameter.outTrackId.notExist"


async def test_routes_are_registered(sim, api):
    route = {"callbackUrl": "https://e/hook", "apiSecret": "s", "callbackRouteKey": "k"}
    assert (await api.dingtalk(REGISTER, route))[1]["result"] == {"callbackUrl": "https://e/hook", "apiSecret": "s"}
    assert (await api.dingtalk(REGISTER, route))[0] == 200
    other = route | {"callbackUrl": "https://e/other"}
    assert (await api.dingtalk(REGISTER, other))[1]["code"] == "invalidParameter.callbackRouteKey.exist"
    assert (await api.dingtalk(REGISTER, other | {"forceUpdate": True}))[0] == 200
    assert sim.dingtalk.card_api.routes_by_key["k"].url == "https://e/other"
    for wrong in ({"callbackUrl": "e"}, {"callbackRouteKey": ""}, {"apiSecret": None}):
        assert (await api.dingtalk(REGISTER, route | wrong))[0] == 400


async def test_tokens_are_checked(api, body):
    assert (await api.dingtalk(DELIVER, body, token="x"))[1]["code"] == "InvalidAuthentication"
