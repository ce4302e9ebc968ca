"""Session addresses and custom robots: HTTP 200 also on errors."""

import pytest

from bot.simulator.envelope import robot_sign

WALL = 1_795_161_600
TEXT = {"msgtype": "text", "text": {"content": "日报"}}
SECRET = "SECsimulated"


def signed(secret: str = SECRET, at: int = WALL * 1000, token: str = "T1") -> dict[str, str]:
    return {"access_token": token, "timestamp": str(at), "sign": robot_sign(str(at), secret)}


async def test_a_session_address_leads_to_its_chat_for_ninety_minutes(sim, api):
    push = await sim.dingtalk.say("s1", "你好")
    path = push.body["sessionWebhook"].removeprefix(sim.base_url)
    assert push.body["sessionWebhookExpiredTime"] - push.body["createAt"] == 90 * 60 * 1000
    assert (await api.post(path, TEXT))["errcode"] == 0
    assert [(entry.via, entry.text) for entry in sim.dingtalk.received("s1")] == [("session", "日报")]
    assert (await api.post(path, {"msgtype": "image"}))["errcode"] == 400105
    sim.clock.advance(90 * 60)
    assert (await api.post(path, TEXT))["errcode"] == 300001
    assert (await api.post("/robot/sendBySession", TEXT, session="x"))["errcode"] == 300001


async def test_a_session_address_of_a_group_leads_to_the_group(sim, api):
    push = await sim.dingtalk.say("s1", "你好", group="cidG")
    await api.post(push.body["sessionWebhook"].removeprefix(sim.base_url), TEXT)
    assert [entry.text for entry in sim.dingtalk.received("cidG")] == ["日报"]
    assert sim.dingtalk.received("s1") == []


async def test_a_custom_robot_checks_its_sign(sim, api):
    sim.dingtalk.add_custom_robot("T1", "cidG", secret=SECRET)
    assert (await api.post("/robot/send", TEXT, **signed()))["errcode"] == 0
    for query, message in (
        (signed("other"), "sign not match"),
        (signed(at=WALL * 1000 - 3_600_001), "invalid timestamp"),
        (signed(at=WALL), "invalid timestamp"),
        ({"access_token": "T1"}, "invalid timestamp"),
    ):
        answer = await api.post("/robot/send", TEXT, **query)
        assert (answer["errcode"], answer["errmsg"]) == (310000, message)
    assert (await api.post("/robot/send", TEXT, **signed(token="T2")))["errcode"] == 400101
    sim.dingtalk.webhooks.robots["T1"].stopped = True
    assert (await api.post("/robot/send", TEXT, **signed()))["errcode"] == 400102
    assert sim.dingtalk.count_received("cidG") == 1


async def test_a_key_makes_a_repeat_harmless(sim, api):
    sim.dingtalk.add_custom_robot("T1", "cidG")
    for _ in range(3):
        assert (await api.post("/robot/send", {**TEXT, "msgUuid": "k1"}, access_token="T1"))["errcode"] == 0
    await api.post("/robot/send", {**TEXT, "msgUuid": "k2"}, access_token="T1")
    assert sim.dingtalk.count_received("cidG") == 2
    assert sim.dingtalk.doubles() == {"cidG": 2}


async def test_twenty_a_minute_then_ten_minutes_nothing(sim, api):
    sim.dingtalk.add_custom_robot("T1", "cidG")
    codes = [(await api.post("/robot/send", TEXT, access_token="T1"))["errcode"] for _ in range(21)]
    assert codes == [0] * 20 + [410100]
    sim.clock.advance(120)
    assert (await api.post("/robot/send", TEXT, access_token="T1"))["errcode"] == 410100
    sim.clock.advance(480)
    assert (await api.post("/robot/send", TEXT, access_token="T1"))["errcode"] == 0


async def test_keywords(sim, api):
    sim.dingtalk.add_custom_robot("T1", "cidG", keywords=("周报",))
    answer = await api.post("/robot/send", TEXT, access_token="T1")
    assert (answer["errcode"], answer["errmsg"]) == (310000, "keywords not in content")
    sim.dingtalk.add_custom_robot("T1", "cidG", keywords=("日",))
    assert (await api.post("/robot/send", TEXT, access_token="T1"))["errcode"] == 0


async def test_addresses(sim, api):
    sim.dingtalk.add_custom_robot("T1", "cidG", addresses=("1.2.3.4",))
    answer = await api.post("/robot/send", TEXT, access_token="T1")
    assert (answer["errcode"], answer["errmsg"]) == (310000, "ip 127.0.0.1 not in whitelist")
    sim.dingtalk.knobs.caller_ip = "1.2.3.4"
    assert (await api.post("/robot/send", TEXT, access_token="T1"))["errcode"] == 0


async def test_a_group_that_is_gone(sim, api):
    sim.dingtalk.add_custom_robot("T1", "cidG")
    await sim.dingtalk.disband_group("cidG", "s1")
    assert (await api.post("/robot/send", TEXT, access_token="T1"))["errcode"] == 400013


async def test_the_older_code_of_haste(sim, api):
    sim.dingtalk.add_custom_robot("T1", "cidG")
    sim.dingtalk.knobs.old_speed_code = True
    codes = [(await api.post("/robot/send", TEXT, access_token="T1"))["errcode"] for _ in range(22)]
    assert codes == [0] * 20 + [130101] * 2


async def test_the_signs_of_the_vectors_are_taken(sim, api, load_cases):
    for case in load_cases("dingtalk_crypto"):
        if case["id"] not in ("DDC-012", "DDC-013"):
            continue
        made, good = case["input"], case["id"] == "DDC-012"
        sim.dingtalk.add_custom_robot(case["id"], "cidG", secret=made["secret"])
        query = {"access_token": case["id"], "timestamp": made["timestamp_ms"], "sign": case["expect"]["sign_base64"]}
        answer = await api.post("/robot/send", TEXT, **query)
        assert (answer["errcode"], answer["errmsg"]) == ((0, "ok") if good else (310000, "invalid timestamp"))


@pytest.mark.parametrize(("data", "kind", "code"), [(b"{}", "text/plain", 43004), (b"{", "application/json", 40035)])
async def test_wrong_bodies(sim, api, data, kind, code):
    sim.dingtalk.add_custom_robot("T1", "cidG")
    url = f"{sim.base_url}/robot/send"
    async with api.session.post(url, params={"access_token": "T1"}, data=data, headers={"Content-Type": kind}) as answer:
        assert (answer.status, (await answer.json())["errcode"]) == (200, code)
