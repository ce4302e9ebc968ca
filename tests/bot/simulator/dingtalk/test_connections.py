"""Connections of the Stream: what goes over them and what goes wrong with them."""

import asyncio
import json

import aiohttp
import pytest

from tests.waiting import until


async def test_a_robot_message_goes_over_the_stream_once(quick, connect, load_cases):
    client = await connect()
    push = await quick.dingtalk.say("s1", "你好", group="cidG")
    assert (push.status, push.problem, push.via) == (200, "", "stream")
    frame = client.frames[0]
    sample = next(case for case in load_cases("dingtalk_inbound") if case["id"] == "DDS-002")["frame"]
    assert (frame.keys(), frame["headers"].keys()) == (sample.keys(), sample["headers"].keys())
    assert json.loads(frame["data"]) == push.body
    assert push.body.keys() == json.loads(sample["data"]).keys()
    client.answer = lambda _: None
    push = await quick.dingtalk.say("s1", "没有回执")
    assert (push.status, push.problem) == (None, "no ack")
    assert len(client.frames) == 2
    assert [row.what for row in quick.complaints] == ["no ack"]


async def test_pushes_go_where_the_switch_says(quick, program, connect):
    assert (await quick.dingtalk.say("s1", "一")).via == "http"
    await connect()
    assert (await quick.dingtalk.say("s1", "二")).via == "stream"
    quick.dingtalk.stream = False
    assert (await quick.dingtalk.say("s1", "三")).via == "http"
    quick.dingtalk.stream = True
    quick.dingtalk.gateway.drop()
    await until(lambda: not quick.dingtalk.gateway.open)
    push = await quick.dingtalk.say("s1", "四")
    assert (push.via, push.status, push.problem) == ("stream", None, "no connection")
    assert len(program.seen) == 2


async def test_each_push_goes_to_one_of_several_connections(quick, connect):
    clients = [await connect() for _ in range(3)]
    for number in range(30):
        await quick.dingtalk.say("s1", str(number))
    counts = [len(client.frames) for client in clients]
    assert sum(counts) == 30
    assert min(counts) > 0


async def test_only_subscribers_are_chosen(quick, connect):
    client = await connect([{"type": "EVENT", "topic": "*"}])
    assert (await quick.dingtalk.say("s1", "你好")).problem == "no callback"
    assert (await quick.dingtalk.send_event("user_add_org", UserId=["s1"])).text == "SUCCESS"
    assert client.topics() == ["*"]


async def test_pings_are_echoed(quick, connect):
    client = await connect()
    assert (await quick.dingtalk.gateway.ping()).problem == ""
    quick.dingtalk.knobs.ping_seconds = 0.01
    await until(lambda: client.topics().count("ping") > 2)
    assert quick.complaints == []


async def test_a_wrong_echo_is_noticed(quick, connect, make_ack):
    client = await connect()
    client.answer = lambda frame: make_ack(frame, {})
    assert "echo" in (await quick.dingtalk.gateway.ping()).problem
    assert len(quick.complaints) == 1


async def test_what_is_no_frame_is_sent_too(quick, connect):
    client = await connect()
    await quick.dingtalk.gateway.send_raw("not json at all")
    await quick.dingtalk.say("s1", "你好")
    assert client.raw[0] == "not json at all"
    assert len(client.frames) == 1


@pytest.mark.parametrize("named", [False, True])
async def test_a_disconnect_is_followed_by_silence_and_the_end(quick, connect, make_ack, named):
    client = await connect()
    await quick.dingtalk.gateway.disconnect(named=named)
    await until(lambda: client.topics() == ["disconnect"])
    assert ("messageId" in client.frames[0]["headers"]) == named
    assert json.loads(client.frames[0]["data"]) == {"reason": "connection is expired"}
    assert (await quick.dingtalk.say("s1", "丢失")).via == "http"
    quick.clock.advance(9.9)
    other = await connect()
    assert (await quick.dingtalk.say("s1", "新连接")).status == 200
    assert not client.closed.is_set()
    quick.clock.advance(0.1)
    await until(client.closed.is_set)
    assert client.socket.close_code == aiohttp.WSCloseCode.OK
    assert (client.topics(), other.topics()) == (["disconnect"], ["/v1.0/im/bot/messages/get"])
    assert quick.complaints == []


async def test_the_silence_can_be_shortened(quick, connect):
    quick.dingtalk.knobs.silence_seconds = 0
    client = await connect()
    await quick.dingtalk.gateway.disconnect()
    await until(client.closed.is_set)


async def test_a_frozen_connection_swallows_what_goes_to_it(quick, connect):
    client = await connect()
    quick.dingtalk.gateway.freeze()
    push = await quick.dingtalk.say("s1", "丢失")
    assert (push.status, push.problem) == (None, "lost on the way")
    await client.socket.ping()
    assert client.frames == []
    assert not client.closed.is_set()
    quick.dingtalk.gateway.thaw()
    assert (await quick.dingtalk.say("s1", "又好了")).status == 200
    assert quick.complaints == []


async def test_a_zombie_answers_pings_and_gets_nothing(quick, connect):
    client = await connect(heartbeat=0.2)
    quick.dingtalk.gateway.forget()
    assert (await quick.dingtalk.say("s1", "丢失")).problem == "no callback"
    other = await connect()
    for _ in range(5):
        assert (await quick.dingtalk.say("s1", "到了")).status == 200
    assert not client.closed.is_set()
    assert (client.frames, len(other.frames)) == ([], 5)


async def test_dropped_connections_break(quick, connect):
    client = await connect()
    client.answer = lambda _: quick.dingtalk.gateway.drop()
    push = await quick.dingtalk.say("s1", "断了")
    assert push.problem == "lost on the way"
    await until(client.closed.is_set)
    assert client.socket.close_code == aiohttp.WSCloseCode.ABNORMAL_CLOSURE


async def test_a_redirect_leads_to_another_endpoint(quick, connect):
    client = await connect()
    await quick.dingtalk.gateway.redirect()
    await until(lambda: client.topics() == ["disconnect"])
    await connect()
    assert [connection.path for connection in quick.dingtalk.gateway.open] == ["/connect", "/connect/again"]


async def test_a_simulator_that_stops_breaks_its_connections(quick, connect):
    client = await connect()
    await quick.stop()
    await until(client.closed.is_set)


def count_acks(quick) -> int:
    return sum(len(connection.acks) for connection in quick.dingtalk.gateway.open)


async def send(quick, client, *acks: object) -> list[str]:
    """Send something back and give the complaints."""
    before = count_acks(quick)
    for one in acks:
        await client.socket.send_str(one if isinstance(one, str) else json.dumps(one))
    await until(lambda: count_acks(quick) >= before + len(acks))
    return [row.what for row in quick.complaints]


async def test_an_ack_to_a_disconnect_is_too_much(quick, connect, make_ack):
    client = await connect()
    await quick.dingtalk.gateway.disconnect(named=True)
    await until(lambda: client.frames)
    assert await send(quick, client, make_ack(client.frames[0], {})) == ["a disconnect wants no ack"]


async def test_an_ack_that_names_nothing_known(quick, connect, make_ack):
    client = await connect()
    stray = {"headers": {"messageId": "stray"}}
    assert await send(quick, client, make_ack(stray, {})) == ["the ack names an unknown messageId"]


async def test_an_ack_for_the_second_time(quick, connect, make_ack):
    client = await connect()
    await quick.dingtalk.say("s1", "你好")
    frame = client.frames[0]
    assert await send(quick, client, make_ack(frame, {"response": None})) == ["the frame was acked before"]


async def test_an_ack_over_another_connection(quick, connect, make_ack):
    client = await connect()
    client.answer = lambda _: None
    pushing = asyncio.create_task(quick.dingtalk.say("s1", "你好"))
    await until(lambda: client.frames)
    other = await connect()
    what = await send(quick, other, make_ack(client.frames[0], {"response": None}))
    assert what == ["the ack came over another connection than its frame"]
    assert (await pushing).problem == "no ack"


async def test_what_is_no_ack(quick, connect):
    client = await connect()
    await client.socket.send_bytes(b"{}")
    await until(lambda: quick.complaints)
    assert await send(quick, client, "no json") == ["the ack is no text frame", "the ack is no JSON object"]


async def test_a_late_ack_is_no_breach(quick, connect, make_ack):
    client = await connect()
    client.answer = lambda _: None
    await quick.dingtalk.say("s1", "你好")
    assert await send(quick, client, make_ack(client.frames[0], {"response": None})) == ["no ack"]


async def test_the_forms_of_frames_can_be_changed(quick, connect):
    client = await connect()
    client.answer = lambda _: None
    quick.dingtalk.knobs.header_singular = quick.dingtalk.knobs.string_times = True
    await quick.dingtalk.say("s1", "你好")
    assert client.frames[0]["header"]["time"] == "1795161600000"


async def test_an_opening_runs_into_faults(sim, api, open_request):
    made = await open_request()
    sim.faults.add("/connect", "status", status=503)
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await api.session.ws_connect(made["endpoint"], params={"ticket": made["ticket"]})
    assert caught.value.status == 503


async def test_a_closed_door_breaks_the_stream(quick, connect, open_request):
    client = await connect()
    await quick.refuse()
    await until(client.closed.is_set)
    with pytest.raises(aiohttp.ClientConnectorError):
        await open_request()
    await quick.accept()
    await connect()
    assert (await quick.dingtalk.say("s1", "又开门了")).status == 200


async def test_many_messages_at_once_are_all_acked(quick, connect):
    quick.dingtalk.knobs.ack_seconds = 20.0  # a busy machine answers the last of them late
    await asyncio.gather(connect(), connect())
    pushes = await asyncio.gather(*(quick.dingtalk.say(f"s{number}", "同时") for number in range(300)))
    assert {(push.status, push.problem) for push in pushes} == {(200, "")}
    assert quick.complaints == []
