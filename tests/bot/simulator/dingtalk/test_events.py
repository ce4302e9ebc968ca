"""Events: at least once, over HTTP and Stream."""

import asyncio
import json

import pytest

from bot.simulator.envelope import Envelope
from tests.waiting import until


def sealed(sim, word: str) -> bytes:
    app = sim.dingtalk.app
    envelope = Envelope(app.event_token, app.event_aes_key, app.client_id)
    encrypted = envelope.encrypt(word.encode())
    sign = envelope.sign("1", "n", encrypted)
    return json.dumps({"encrypt": encrypted, "timeStamp": "1", "nonce": "n", "msg_signature": sign}).encode()


async def test_an_event_over_the_stream_is_that_of_the_vectors(quick, connect, load_cases):
    client = await connect()
    quick.dingtalk.knobs.string_times = True
    push = await quick.dingtalk.send_event("user_add_org", UserId=["user001"])
    assert (push.text, push.problem, push.via) == ("SUCCESS", "", "stream")
    sample = next(case for case in load_cases("dingtalk_inbound") if case["id"] == "DDS-003")["frame"]
    frame = client.frames[0]
    assert frame["headers"].keys() == sample["headers"].keys()
    assert json.loads(frame["data"]) == json.loads(sample["data"])
    assert frame["headers"]["eventBornTime"] == "1795161600000"
    assert await quick.settle() is None
    assert len(client.frames) == 1


@pytest.mark.parametrize("how", ["silent", "later", "failed"])
async def test_an_event_comes_again_until_it_is_acknowledged(quick, connect, make_ack, how):
    client = await connect()

    def answer(frame: dict) -> dict | None:
        if len(client.frames) > 2:
            return client.good_ack(frame)
        ways = {"silent": None, "later": make_ack(frame, {"status": "LATER"}), "failed": make_ack(frame, {}, 500)}
        return ways[how]

    client.answer = answer
    assert (await quick.dingtalk.send_event("user_add_org", UserId=["s1"])).problem
    await quick.settle()
    heads = [frame["headers"] for frame in client.frames]
    assert len(heads) == 3
    assert len({head["eventId"] for head in heads}) == 1
    assert len({head["messageId"] for head in heads}) == 3
    assert quick.dingtalk.event_desk.events[0].is_done
    assert quick.complaints == []


async def test_an_event_is_given_up_in_the_end(quick, connect):
    client = await connect()
    client.answer = lambda _: None
    quick.dingtalk.knobs.ack_seconds = 0.05
    quick.dingtalk.knobs.event_attempts = 2
    await quick.dingtalk.send_event("user_add_org", UserId=["s1"])
    await quick.settle()
    assert len(client.frames) == 2
    assert not quick.dingtalk.event_desk.events[0].is_done


async def test_an_event_may_come_again_despite_its_ack(quick, connect):
    client = await connect()
    quick.dingtalk.knobs.event_repeat_share = 1.0
    await quick.dingtalk.send_event("user_add_org", UserId=["s1"])
    await quick.settle()
    assert [frame["headers"]["eventId"] for frame in client.frames] == [client.frames[0]["headers"]["eventId"]] * 2


async def test_an_event_waits_for_a_connection_to_come_back(quick, connect):
    quick.dingtalk.stream = True
    quick.dingtalk.knobs.event_attempts = 500
    assert (await quick.dingtalk.send_event("user_add_org", UserId=["s1"])).problem == "no connection"
    client = await connect()
    await quick.settle()
    assert client.topics() == ["*"]


async def test_an_event_over_http_comes_again_too(quick, program):
    program.say(status=503)
    assert (await quick.dingtalk.send_event("user_leave_org", UserId=["s1"])).problem == "status 503"
    program.say(sealed(quick, "success"))
    await quick.settle()
    bodies = [json.loads(seen.body)["encrypt"] for seen in program.seen]
    app = quick.dingtalk.app
    opened = {Envelope(app.event_token, app.event_aes_key, app.client_id).decrypt(body) for body in bodies}
    assert (len(bodies), len(opened)) == (2, 1)
    assert len({seen.query["nonce"] for seen in program.seen}) == 2
    assert [row.what for row in quick.complaints] == ["status 503"]


async def test_a_slow_answer_does_not_count(quick, program):
    quick.options.event_timeout_seconds = 0.05
    quick.dingtalk.knobs.event_attempts = 1

    async def never(_):
        await asyncio.Event().wait()

    program.answer = never
    assert (await quick.dingtalk.send_event("user_leave_org", UserId=["s1"])).status is None
    assert len(quick.complaints) == 1


async def test_the_body_of_the_vectors(sim, program, load_cases):
    program.say(sealed(sim, "success"))
    sim.dingtalk.app.corp_id = "dingcorp001"
    push = await sim.dingtalk.send_event("user_add_org", UserId=["user001"])
    case = next(case for case in load_cases("dingtalk_crypto") if case["id"] == "DDC-031")
    config = case["config"]
    envelope = Envelope(config["event_token"], config["event_aes_key"], config["app_key"])
    assert push.body == json.loads(envelope.decrypt(json.loads(case["request"]["body"])["encrypt"]))


async def test_the_answer_of_the_vectors_is_taken(sim, program, load_cases):
    case = next(case for case in load_cases("dingtalk_crypto") if case["id"] == "DDC-030")
    app, config, example = sim.dingtalk.app, case["config"], case["expect"]["reply_example"]
    app.client_id, app.event_token, app.event_aes_key = config["app_key"], config["event_token"], config["event_aes_key"]
    program.say(json.dumps({name: example[name] for name in case["expect"]["reply_fields"]}).encode())
    assert await sim.dingtalk.handshake()
    seen = program.seen[0]
    envelope = Envelope(app.event_token, app.event_aes_key, app.client_id)
    assert envelope.decrypt(json.loads(seen.body)["encrypt"]).decode().replace(" ", "") == case["plaintext"]


async def test_an_address_is_saved_only_if_it_answers_the_check(sim, program):
    program.say(b"success")
    assert not await sim.dingtalk.save_subscription(program.url)
    assert sim.dingtalk.pusher.own_events_url == ""
    program.say(sealed(sim, "success"))
    sim.dingtalk.callback_url = ""
    assert (await sim.dingtalk.send_event("user_add_org")).problem == "no callback"
    assert await sim.dingtalk.save_subscription(program.url)
    await sim.settle()
    sim.dingtalk.stream = False
    assert (await sim.dingtalk.send_event("user_add_org")).problem == ""
    assert (await sim.dingtalk.say("s1", "你好")).problem == "no callback"


async def test_people_come_change_and_go(quick, connect):
    client, dingtalk = await connect(), quick.dingtalk
    await dingtalk.staff_joins("s1", "小王", mobile="13800000001")
    await dingtalk.staff_changes("s1", nick="王经理")
    assert (dingtalk.state.staff["s1"].nick, dingtalk.state.staff["s1"].mobile) == ("王经理", "13800000001")
    await dingtalk.staff_leaves("s1")
    assert "s1" not in dingtalk.state.staff
    kinds = [frame["headers"]["eventType"] for frame in client.frames]
    assert kinds == ["user_add_org", "user_modify_org", "user_leave_org"]
    assert all(json.loads(frame["data"])["userId"] == ["s1"] for frame in client.frames)


async def test_groups_change(quick, connect):
    client, dingtalk = await connect(), quick.dingtalk
    dingtalk.add_group("cidG", "旧名")
    await dingtalk.chat_changes("chat_add_member", "cidG", "s1", ["s2"])
    await dingtalk.rename_group("cidG", "s1", "新名")
    await dingtalk.disband_group("cidG", "s1")
    data = [json.loads(frame["data"]) for frame in client.frames]
    assert [row["openConversationId"] for row in data] == ["cidG"] * 3
    assert (data[0]["userId"], data[1]["title"], dingtalk.state.groups["cidG"]) == (["s2"], "新名", "新名")


async def test_pushes_use_up_the_month(quick, connect):
    await connect()
    await quick.dingtalk.send_event("user_add_org", UserId=["s1"])
    await quick.dingtalk.say("s1", "你好")
    assert quick.dingtalk.state.limits.monthly_calls["2026-11"] == 2
    await until(lambda: len(quick.dingtalk.gateway.open) == 1)
