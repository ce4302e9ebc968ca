"""Robot messages and events on their way to the callback."""

import asyncio
import json

import pytest

from bot.simulator.envelope import Envelope, robot_sign


def seal(sim, word: str, nonce: str = "n", **changes: str) -> bytes:
    app = sim.dingtalk.app
    envelope = Envelope(app.event_token, app.event_aes_key, app.client_id)
    encrypted = envelope.encrypt(word.encode())
    fields = {"encrypt": encrypted, "timeStamp": "1", "nonce": nonce, "msg_signature": envelope.sign("1", nonce, encrypted)}
    return json.dumps(fields | changes).encode()


async def test_messages_carry_the_header_sign(sim, program):
    push = await sim.dingtalk.say("s1", "你好")
    seen = program.seen[0]
    assert seen.headers["sign"] == robot_sign(seen.headers["timestamp"], sim.dingtalk.app.client_secret)
    assert json.loads(seen.body) == push.body
    assert len(seen.headers["timestamp"]) == 13


@pytest.mark.parametrize(
    ("body", "text", "problem"),
    [
        (b"", "", ""),
        (b'{"msgtype":"empty"}', "", ""),
        (b"{}", "", ""),
        ('{"msgtype":"text","text":{"content":"已登记"}}'.encode(), "已登记", ""),
        (b"success", "", "no JSON"),
        (b'{"msgtype":"dance"}', "", "400105"),
    ],
)
async def test_answers_are_read(sim, program, body, text, problem):
    program.say(body)
    push = await sim.dingtalk.say("s1", "你好")
    assert push.text == text
    assert problem in push.problem
    assert [entry.text for entry in sim.dingtalk.received("s1")] == ([text] if text else [])
    assert bool(sim.complaints) == bool(problem)


async def test_messages_are_never_repeated(sim, impatient, program):
    program.say(status=500)
    push = await sim.dingtalk.say("s1", "你好")
    assert (push.status, len(program.seen)) == (500, 1)

    async def never(_):
        await asyncio.Event().wait()

    program.answer = never
    push = await sim.dingtalk.say("s1", "你好")
    assert (push.status, len(program.seen)) == (None, 2)


async def test_events_are_encrypted_and_expect_success(sim, program):
    program.say(seal(sim, "success"))
    assert await sim.dingtalk.handshake()
    push = await sim.dingtalk.send_event("user_leave_org", UserId=["s1"])
    assert (push.text, push.problem) == ("success", "")
    seen, app = program.seen[1], sim.dingtalk.app
    encrypted = json.loads(seen.body)["encrypt"]
    envelope = Envelope(app.event_token, app.event_aes_key, app.client_id)
    assert envelope.sign(seen.query["timestamp"], seen.query["nonce"], encrypted) == seen.query["msg_signature"]
    opened = json.loads(envelope.decrypt(encrypted))
    assert (opened["EventType"], opened["UserId"]) == ("user_leave_org", ["s1"])


async def test_wrong_answers_to_events(sim, program):
    for body in (b"success", seal(sim, "fail"), seal(sim, "success", msg_signature="0"), seal(sim, "success", encrypt="x")):
        program.say(body)
        assert not await sim.dingtalk.handshake()
        assert (await sim.dingtalk.send_event("x")).problem
    program.say(status=503)
    assert (await sim.dingtalk.send_event("x")).problem == "status 503"
    assert len(sim.complaints) == 5


async def test_a_callback_that_is_not_there(sim):
    sim.dingtalk.callback_url = "http://127.0.0.1:1/"
    assert (await sim.dingtalk.say("s1", "你好")).status is None
    assert (await sim.dingtalk.send_event("x")).status is None


async def test_a_pusher_without_a_started_simulator_says_so(sim, program):
    sim.dingtalk.pusher.session = None
    with pytest.raises(RuntimeError, match="not started"):
        await sim.dingtalk.say("s1", "你好")
