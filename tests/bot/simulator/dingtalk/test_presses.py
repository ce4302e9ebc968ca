"""Pressed buttons over HTTP and Stream, and what their answers do to the card."""

import asyncio
import json

import pytest

from bot.simulator.envelope import hmac_base64
from tests.waiting import until

ANSWER = {
    "cardData": {"cardParamMap": {"status": "已通过"}},
    "userPrivateData": {"cardParamMap": {"mine": "pressed"}},
    "cardUpdateOptions": {"updateCardDataByKey": True, "updatePrivateDataByKey": True},
}
AFTER = {"title": "报价审批", "status": "已通过", "mine": "pressed"}
BEFORE = {"title": "报价审批", "status": "待审批"}
PRESS = ("track-1", "s1", ["agree"], {"action": "accept"})


@pytest.fixture
def deliver(quick, api):
    """Deliver a card of one callback type."""

    async def deliver(callback_type: str, url: str = "") -> None:
        quick.dingtalk.add_staff("s1", "小王")
        if url:
            route = {"callbackUrl": url, "apiSecret": "cardSecret01", "callbackRouteKey": "route-1"}
            assert (await api.dingtalk("/v1.0/card/callbacks/register", route))[0] == 200
        model = {"spaceType": "IM_ROBOT", "robotCode": quick.dingtalk.app.robot_code}
        body = {
            "cardTemplateId": "tpl",
            "outTrackId": "track-1",
            "callbackType": callback_type,
            "callbackRouteKey": "route-1" if url else "",
            "cardData": {"cardParamMap": BEFORE},
            "openSpaceId": "dtv1.card//IM_ROBOT.s1",
            "imRobotOpenDeliverModel": model,
        }
        assert (await api.dingtalk("/v1.0/card/instances/createAndDeliver", body))[0] == 200

    return deliver


async def test_a_button_over_the_stream_is_that_of_the_vectors(quick, connect, deliver, make_ack, load_cases):
    await deliver("STREAM")
    client = await connect()
    client.answer = lambda frame: make_ack(frame, {"response": ANSWER})
    press = await quick.dingtalk.staff_presses(*PRESS)
    assert (press.problem, press.shown, press.push.via) == ("", AFTER, "stream")
    assert quick.dingtalk.card_shown("track-1") == {"title": "报价审批", "status": "已通过"}
    sample = next(case for case in load_cases("dingtalk_inbound") if case["id"] == "DDS-011")["frame"]
    frame = client.frames[0]
    assert (frame["headers"]["topic"], frame["type"]) == (sample["headers"]["topic"], sample["type"])
    made, wanted = json.loads(frame["data"]), json.loads(sample["data"])
    assert made.keys() == wanted.keys()
    assert json.loads(made["content"]) == {"cardPrivateData": {"actionIds": ["agree"], "params": {"action": "accept"}}}
    assert json.loads(made["content"]).keys() == json.loads(wanted["content"]).keys()
    assert quick.complaints == []


async def test_a_button_over_http_is_signed_over_its_timestamp(quick, program, deliver, load_cases):
    await deliver("HTTP", program.url)
    program.say(json.dumps(ANSWER, ensure_ascii=False).encode())
    press = await quick.dingtalk.staff_presses(*PRESS)
    assert (press.problem, press.shown, press.push.via) == ("", AFTER, "http")
    head = program.seen[0].headers
    assert head["x-ddpaas-signature"] == hmac_base64("cardSecret01", head["x-ddpaas-signature-timestamp"])
    case = next(case for case in load_cases("dingtalk_crypto") if case["id"] == "DDC-020")
    signature = hmac_base64(case["input"]["api_secret"], case["input"]["header_timestamp"])
    assert signature == case["expect"]["x-ddpaas-signature"]
    assert case["expect"].keys() <= {name.lower() for name in head}


async def test_the_rest_is_overwritten_without_options(quick, connect, deliver, make_ack):
    await deliver("STREAM")
    client = await connect()
    client.answer = lambda frame: make_ack(frame, {"response": {"cardData": ANSWER["cardData"]}})
    assert (await quick.dingtalk.staff_presses(*PRESS)).shown == {"status": "已通过"}


@pytest.mark.parametrize("response", [None, {}, {"cardUpdateOptions": {}}])
async def test_an_answer_without_data_changes_nothing(quick, connect, deliver, make_ack, response):
    await deliver("STREAM")
    client = await connect()
    client.answer = lambda frame: make_ack(frame, {"response": response})
    press = await quick.dingtalk.staff_presses(*PRESS)
    assert (press.problem, press.shown) == ("", BEFORE)


@pytest.mark.parametrize("body", [b"", b"{}", b'{"cardData":null}'])
async def test_an_empty_answer_over_http(quick, program, deliver, body):
    await deliver("HTTP", program.url)
    program.say(body)
    press = await quick.dingtalk.staff_presses(*PRESS)
    assert press.shown == BEFORE
    assert bool(press.problem) == (b"null" in body)


async def test_a_late_answer_does_not_count(quick, connect, deliver, make_ack):
    await deliver("STREAM")
    client = await connect()
    client.answer = lambda _: None
    quick.dingtalk.knobs.card_seconds = 0.05
    press = await quick.dingtalk.staff_presses(*PRESS)
    assert (press.problem, press.shown) == ("no ack", BEFORE)
    await client.socket.send_str(json.dumps(make_ack(client.frames[0], {"response": ANSWER})))
    await until(lambda: quick.dingtalk.gateway.open[0].acks)
    assert quick.dingtalk.card_shown("track-1") == BEFORE
    assert [row.what for row in quick.complaints] == ["no answer within 0.05 s"]


async def test_a_late_answer_over_http_does_not_count_either(quick, program, deliver):
    await deliver("HTTP", program.url)
    quick.dingtalk.knobs.card_seconds = 0.05

    async def never(_):
        await asyncio.Event().wait()

    program.answer = never
    press = await quick.dingtalk.staff_presses(*PRESS)
    assert (press.push.status, press.shown, len(quick.complaints)) == (None, BEFORE, 1)


async def test_wrong_answers(quick, connect, deliver, make_ack):
    await deliver("STREAM")
    client = await connect()
    wrong = {"cardData": {"cardParamMap": {"amount": 5}}}
    client.answer = lambda frame: make_ack(frame, {"response": wrong})
    press = await quick.dingtalk.staff_presses(*PRESS)
    assert (press.problem, press.shown) == ("invalidParameter.cardData", BEFORE)
    client.answer = lambda frame: make_ack(frame, {}, 500)
    assert (await quick.dingtalk.staff_presses(*PRESS)).problem == "code 500"
    assert [row.what for row in quick.complaints] == ["invalidParameter.cardData"]


@pytest.mark.parametrize(("body", "status", "problem"), [(b"x", 200, "no JSON object"), (b"", 403, "status 403")])
async def test_wrong_answers_over_http(quick, program, deliver, body, status, problem):
    await deliver("HTTP", program.url)
    program.say(body, status)
    press = await quick.dingtalk.staff_presses(*PRESS)
    assert problem in press.problem
    assert len(quick.complaints) == 1


async def test_a_button_that_leads_nowhere(quick, deliver):
    await deliver("")
    assert (await quick.dingtalk.staff_presses(*PRESS)).problem == "no callback"
    quick.dingtalk.card("track-1").callback_type = "STREAM"
    assert (await quick.dingtalk.staff_presses(*PRESS)).problem == "no connection"
    with pytest.raises(KeyError):
        await quick.dingtalk.staff_presses("unknown", "s1", [], {})
    assert quick.complaints == []
