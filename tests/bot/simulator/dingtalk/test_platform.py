"""What employees do, and what the callback then gets."""

import json


def head_of(case: dict) -> set[str]:
    return set(case["plaintext"])


async def test_bodies_have_the_fields_of_the_vectors(sim, program, load_cases):
    cases = {case["id"]: case for case in load_cases("dingtalk_inbound")}
    single = (await sim.dingtalk.say("s1", "在吗")).body
    assert set(single) == head_of(cases["DDI-005"])
    assert single["conversationType"] == "1"
    group = (await sim.dingtalk.say("s1", "你好", group="cidG")).body
    assert set(group) == head_of(cases["DDI-001"])
    assert (group["conversationType"], group["text"]["content"], group["isInAtList"]) == ("2", " 你好", True)
    sim.dingtalk.add_staff("x", "外人", outsider=True)
    assert set((await sim.dingtalk.say("x", "hi", group="cidG")).body) == head_of(cases["DDI-006"])


async def test_people_have_names_and_groups_titles(sim, program):
    sim.dingtalk.add_staff("s1", "小王", is_admin=True)
    sim.dingtalk.add_group("cidG", "销售群")
    body = (await sim.dingtalk.say("s1", "你好", group="cidG")).body
    assert (body["senderNick"], body["isAdmin"], body["conversationTitle"]) == ("小王", True, "销售群")


async def test_every_kind_of_message_arrives(sim, program):
    await sim.dingtalk.speak("s1", "跟进王总")
    await sim.dingtalk.send_picture("s1", group="cidG")
    await sim.dingtalk.send_rich_text("s1", ["看图", ("D",)])
    bodies = [json.loads(seen.body) for seen in program.seen]
    assert [body["msgtype"] for body in bodies] == ["audio", "picture", "richText"]
    assert bodies[0]["content"]["recognition"] == "跟进王总"
    assert [entry.text for entry in sim.dingtalk.chat("s1")] == ["跟进王总", "看图[图片]"]
    assert len({body["msgId"] for body in bodies}) == 3


async def test_copies_arrive_at_once_and_are_answered_once_in_the_chat(sim, program):
    program.say('{"msgtype":"text","text":{"content":"好"}}'.encode())
    pushes = await sim.dingtalk.deliver("s1", "你好", copies=3)
    assert len({json.loads(seen.body)["msgId"] for seen in program.seen}) == 1
    assert [push.text for push in pushes] == ["好"] * 3
    assert len(sim.dingtalk.received("s1")) == 1


async def test_above_the_months_quota_the_message_is_replaced(sim, program):
    sim.options.dingtalk_monthly_calls = 1
    await sim.dingtalk.say("s1", "一")
    push = await sim.dingtalk.say("s1", "二")
    assert push.body["errorCode"] == 20001
    assert "text" not in push.body


async def test_without_a_callback_things_are_only_noted(sim):
    push = await sim.dingtalk.say("s1", "你好")
    assert (push.status, push.problem) == (None, "no callback")
    assert sim.dingtalk.chat("s1")[0].text == "你好"
    assert sim.dingtalk.calls() == []
