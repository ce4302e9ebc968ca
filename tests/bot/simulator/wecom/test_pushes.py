"""Pushes: handshake, repeats, what counts as an answer."""

import asyncio
from xml.etree import ElementTree

from bot.simulator.wecom.documents import envelope_of


def opened(sim, seen) -> ElementTree.Element:
    """What the product finds in a push."""
    encrypted = ElementTree.fromstring(seen.body).findtext("Encrypt")
    return ElementTree.fromstring(envelope_of(sim.wecom.corp).decrypt(encrypted))


async def test_the_handshake_wants_the_plain_echo(sim, hook):
    async def answer(seen):
        return 200, envelope_of(sim.wecom.corp).decrypt(seen.query["echostr"])

    hook.answer = answer
    assert await sim.wecom.handshake()
    hook.say(b'"1"')
    assert not await sim.wecom.handshake()
    assert hook.seen[0].method == "GET"


async def test_the_handshake_waits_no_longer_than_a_second(sim, hook):
    sim.options.push_timeout_seconds = 0.2

    async def answer(_):
        await asyncio.sleep(0.5)
        return 200, b""

    hook.answer = answer
    assert not await sim.wecom.handshake()


async def test_an_empty_200_is_enough(sim, hook):
    delivery = await sim.wecom.member_says("WangWu", "请假一天🙏")
    assert (delivery.statuses, delivery.reply.is_empty, delivery.is_broken) == ([200], True, False)
    inner = opened(sim, hook.seen[0])
    assert (inner.findtext("Content"), inner.findtext("FromUserName")) == ("请假一天🙏", "WangWu")
    assert inner.findtext("AgentID") == str(sim.wecom.corp.agent_id)
    assert sim.complaints == []


async def test_a_failure_is_repeated_with_a_new_nonce_and_the_same_id(impatient, hook):
    hook.say(b"", status=204)
    delivery = await impatient.wecom.member_says("WangWu", "在吗")
    assert delivery.statuses == [204, 204, 204]
    assert len({seen.query["nonce"] for seen in hook.seen}) == 3
    assert {opened(impatient, seen).findtext("MsgId") for seen in hook.seen} == {delivery.message_id}
    assert delivery.is_broken
    assert "status 204" in impatient.complaints[0].what


async def test_a_slow_answer_is_overtaken_by_its_repeat(impatient, hook):
    release = asyncio.Event()

    async def answer(_):
        if len(hook.seen) == 1:
            await release.wait()
        return 200, b""

    hook.answer = answer
    pushing = asyncio.gather(impatient.wecom.member_says("WangWu", "在吗"))
    await hook.wait_for(2)
    release.set()
    assert (await pushing)[0].statuses == [None, 200]


async def test_copies_and_overlaps(sim, hook):
    delivery = await sim.wecom.deliver("WangWu", "三份", copies=3)
    assert delivery.statuses == [200, 200, 200]
    delivery = await sim.wecom.overlap("WangWu", "两份", repeat_after=0.01, attempts=2)
    assert delivery.statuses == [200, 200]
    again = await sim.wecom.repeat(delivery)
    assert opened(sim, hook.seen[-1]).findtext("MsgId") == delivery.message_id == again.message_id


async def test_no_connection_is_a_failure(impatient, wecom):
    impatient.wecom.callback_url = "http://127.0.0.1:9/"
    delivery = await impatient.wecom.member_says("WangWu", "在吗")
    assert delivery.statuses == [None, None, None]
    assert delivery.problems
