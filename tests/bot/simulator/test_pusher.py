"""Deliveries, seen from the Official Account: repeats, overlap, copies, handshake."""

import asyncio

import pytest

from bot.simulator.documents import to_xml


@pytest.fixture
def plain(sim):
    sim.wechat.account.mode = "plain"
    return sim


def reply_to(sim, openid: str, text: str) -> bytes:
    fields = {"ToUserName": openid, "FromUserName": sim.wechat.account.original_id, "CreateTime": 1, "MsgType": "text"}
    return to_xml({**fields, "Content": text}).encode()


def message_ids(program) -> set[str]:
    return {seen.body.decode().split("<MsgId>")[1].split("<")[0] for seen in program.seen}


async def test_handshake(sim, program):
    async def echo(seen):
        return 200, seen.query["echostr"].encode()

    program.say(b"something")
    assert not await sim.wechat.handshake()
    program.answer = echo
    assert await sim.wechat.handshake()
    sim.wechat.callback_url = "http://127.0.0.1:1/"
    assert not await sim.wechat.handshake()


async def test_an_answer_in_time_is_delivered_once(plain, program):
    program.say(reply_to(plain, "oA", "欢迎"))
    delivery = await plain.wechat.say("oA", "你好")
    assert (delivery.text, delivery.statuses, len(program.seen)) == ("欢迎", [200], 1)
    assert [(entry.direction, entry.text) for entry in plain.wechat.chat("oA")] == [("in", "你好"), ("out", "欢迎")]


async def test_silence_is_repeated_three_times_with_the_same_id_and_new_signatures(plain, impatient, program):
    async def never(_):
        await asyncio.Event().wait()

    program.answer = never
    delivery = await plain.wechat.say("oA", "你好")
    assert delivery.statuses == [None, None, None]
    assert delivery.is_broken
    assert len(program.seen) == 3
    assert message_ids(program) == {delivery.message_id}
    assert len({seen.query["nonce"] for seen in program.seen}) == 3
    assert len({seen.query["signature"] for seen in program.seen}) == 3
    assert [entry.direction for entry in plain.wechat.chat("oA")] == ["in", "system"]


async def test_an_error_is_repeated_when_its_time_is_over(plain, impatient, program):
    answers = iter([(503, b""), (500, b""), (200, reply_to(plain, "oA", "终于"))])

    async def answer(_):
        return next(answers)

    program.answer = answer
    delivery = await plain.wechat.say("oA", "你好")
    assert (delivery.statuses, delivery.text) == ([503, 500, 200], "终于")
    assert not delivery.is_broken


async def test_a_broken_answer_shows_the_excuse_and_is_not_repeated(plain, program):
    program.say(b"<xml>")
    delivery = await plain.wechat.say("oA", "你好")
    assert len(program.seen) == 1
    assert delivery.is_broken
    assert "暂时无法提供服务" in plain.wechat.chat("oA")[-1].text
    assert "malformed XML" in plain.complaints[0].what


async def test_repeats_overlap_a_slow_first_run(plain, program):
    released = asyncio.Event()

    async def answer(_):
        await released.wait()
        return 200, reply_to(plain, "oA", "慢")

    program.answer = answer
    pushing = asyncio.gather(plain.wechat.overlap("oA", "你好", repeat_after=0.01))
    await program.wait_for(3)
    released.set()
    (delivery,) = await pushing
    assert delivery.statuses == [200, 200, 200]
    assert len(message_ids(program)) == 1
    assert [entry.text for entry in plain.wechat.received("oA")] == ["慢"]


async def test_copies_arrive_at_once_and_the_person_sees_one_answer(plain, program):
    answers = iter([b"", reply_to(plain, "oA", "一次"), b"success", b""])

    async def answer(_):
        return 200, next(answers)

    program.answer = answer
    delivery = await plain.wechat.deliver("oA", "你好", copies=4)
    assert (len(program.seen), len(message_ids(program)), delivery.text) == (4, 1, "一次")
    assert len(plain.wechat.received("oA")) == 1


async def test_a_message_can_be_repeated_hours_later(plain, program):
    delivery = await plain.wechat.say("oA", "你好")
    plain.clock.advance(7200)
    await plain.wechat.repeat(delivery)
    assert len(program.seen) == 2
    assert message_ids(program) == {delivery.message_id}


async def test_events_keep_sender_and_second_over_repeats(plain, impatient, program):
    program.say(status=503)
    delivery = await plain.wechat.follow("oA", "expo")
    assert len(program.seen) == 3
    assert len({seen.body for seen in program.seen}) == 1
    assert delivery.message_id == ""


async def test_stamps_follow_the_turned_clock_only_when_asked(plain, program):
    plain.clock.advance(86_400)
    await plain.wechat.say("oA", "一")
    plain.clock.pushes_turned = True
    await plain.wechat.say("oA", "二")
    first, second = (int(seen.query["timestamp"]) for seen in program.seen)
    assert second - first == 86_400


async def test_without_a_callback_things_are_only_noted(sim):
    delivery = await sim.wechat.say("oA", "你好")
    assert (delivery.attempts, delivery.is_broken, delivery.text, delivery.reply) == ([], False, "", None)
    assert len(sim.wechat.chat("oA")) == 1


async def test_a_pusher_without_a_started_simulator_says_so(sim, program):
    sim.wechat.pusher.session = None
    with pytest.raises(RuntimeError, match="not started"):
        await sim.wechat.say("oA", "你好")
