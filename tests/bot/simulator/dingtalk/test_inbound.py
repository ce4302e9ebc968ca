"""Bodies of robot messages beside those of the vectors."""

import pytest


async def test_some_kinds_are_heard_alone_only(sim):
    for send in (sim.dingtalk.send_file("s1", "a.pdf"), sim.dingtalk.send_video("s1"), sim.dingtalk.speak("s1", "好")):
        assert (await send).body["conversationType"] == "1"
    with pytest.raises(ValueError, match="one-to-one"):
        await sim.dingtalk.send_message("s1", {"msgtype": "file", "content": {}}, group="cidG")


async def test_any_part_of_a_body_can_be_replaced(sim):
    body = (await sim.dingtalk.send_message("s1", {"createAt": "1795161600000", "content": "顶层"})).body
    assert (body["createAt"], body["content"]) == ("1795161600000", "顶层")


async def test_ids_are_never_the_same(sim):
    bodies = [(await sim.dingtalk.say("s1", "同一句")).body for _ in range(3)]
    assert len({body["msgId"] for body in bodies}) == len({body["sessionWebhook"] for body in bodies}) == 3
