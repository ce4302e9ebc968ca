"""The simulated WeCom driven over HTTP."""

import pytest


@pytest.fixture
def order(api):
    async def send(name: str, /, **fields: object) -> dict:
        answer = await api.post(f"/_sim/wecom/{name}", fields)
        assert "error" not in answer, answer
        return answer

    return send


async def test_people_and_messages(sim, hook, order, api):
    member = await order("member", userid="zhao", name="赵", mobile="13800000007", tag_ids=[1])
    assert member["userid"] == "zhao"
    assert (await order("department", name="销售部"))["number"] == 2
    assert await order("handshake") == {"ok": False}
    for name, fields in (
        ("join", {"userid": "qian", "name": "钱"}),
        ("directory", {"change_type": "update_user", "fields": {"UserID": "qian"}}),
        ("quit", {"userid": "qian"}),
        ("say", {"userid": "zhao", "text": "在吗"}),
        ("message", {"userid": "zhao", "fields": {"MsgType": "text", "Content": "x"}}),
        ("image", {"userid": "zhao"}),
        ("voice", {"userid": "zhao"}),
        ("event", {"userid": "zhao", "fields": {"MsgType": "event", "Event": "view", "EventKey": "u"}}),
        ("click", {"userid": "zhao", "key": "K"}),
        ("enter", {"userid": "zhao"}),
        ("deliver", {"userid": "zhao", "text": "三份"}),
    ):
        assert (await order(name, **fields))["statuses"][0] == 200, name
    state = (await api.get("/_sim/state"))["wecom"]
    assert [row["userid"] for row in state["members"]] == ["WangWu", "lisi", "zhao"]
    assert "error" in await api.post("/_sim/wecom/say", {"userid": "zhao"})
    assert "error" in await api.post("/_sim/wecom/press", {"userid": "zhao", "key": "K"})


async def test_customers_groups_and_tags(sim, wecom, hook, order, qy):
    key = (await order("external", userid="WangWu", name="客户", state="expo"))["external_userid"]
    way = await qy.contact("add_contact_way", {"type": 1, "scene": 2, "user": ["lisi"]})
    assert (await order("scan", config_id=way["config_id"], name="扫码"))["external_userid"] != key
    assert (await order("chat", userid="WangWu", external_userid=key))["chatting"]
    chat_id = (await order("group", owner="WangWu", name="群", people=[key]))["chat_id"]
    tag_id = (await order("tag", group_name="级别", name="A"))["tag_id"]
    for name, fields in (
        ("edit", {"userid": "WangWu", "external_userid": key, "remark": "老客户"}),
        ("approve_archive", {"userid": "WangWu", "external_userid": key}),
        ("fail_transfer", {"userid": "lisi", "external_userid": key}),
        ("group/join", {"chat_id": chat_id, "people": ["lisi"]}),
        ("group/quit", {"chat_id": chat_id, "people": ["lisi"]}),
        ("group/rename", {"chat_id": chat_id, "name": "新群"}),
        ("group/announce", {"chat_id": chat_id, "notice": "欢迎"}),
        ("group/hand_over", {"chat_id": chat_id, "owner": "lisi"}),
        ("group/dismiss", {"chat_id": chat_id}),
        ("tag/rename", {"tag_id": tag_id, "name": "甲"}),
        ("tag/shuffle", {"group_id": "g"}),
        ("tag/delete", {"tag_id": tag_id}),
    ):
        assert (await order(name, **fields))["statuses"] == [200], name
    moved = await order("transfer", userid="WangWu", new_userid="lisi", external_userid=key)
    assert len(moved["items"]) == 2
    assert (await order("leave", userid="lisi", external_userid=key))["statuses"] == [200]
    again = (await order("external", userid="WangWu", name="客户", external_userid=key))["external_userid"]
    assert (await order("remove", userid="WangWu", external_userid=again))["statuses"] == [200]
    pushed = await order(
        "contact_events", events=[{"MsgType": "event", "Event": "change_external_tag", "ChangeType": "create"}]
    )
    assert pushed["items"][0]["statuses"] == [200]


async def test_group_sends_and_knobs(sim, wecom, order, qy, api):
    key = await wecom.add_external("WangWu", "客户")
    made = await qy.contact("add_msg_template", {"sender": "WangWu", "text": {"content": "中秋快乐"}})
    assert (await order("tasks", userid="WangWu"))["items"][0]["msgid"] == made["msgid"]
    await order("ignore", msgid=made["msgid"], userid="WangWu")
    assert await order("confirm", msgid=made["msgid"], userid="WangWu") == {"reached": 1}
    assert await api.get("/_sim/received", platform="wecom", person=key) == {"count": 1, "doubles": {}}
    assert (await order("robot", key="k", group="g", refusal=93008))["refusal"] == 93008
    await order("welcome_race", count=2)
    assert wecom.welcomes.races == 2
    assert await order("dropped") == {"count": 0, "suppressed": 0}
    token = qy.token()
    await order("tokens/expire")
    assert (await qy.call("getcallbackip", token=token))["errcode"] == 42001
    token = qy.token()
    await api.post("/_sim/tokens/expire", {})
    assert (await qy.call("getcallbackip", token=token))["errcode"] == 42001
    configured = {"wecom": {"agent_id": 7, "callback_url": "http://127.0.0.1:9/"}, "options": {"wecom_trusted": False}}
    assert await api.post("/_sim/configure", configured) == {"ok": True}
    assert (wecom.corp.agent_id, wecom.callback_url, sim.options.wecom_trusted) == (7, "http://127.0.0.1:9/", False)
    card = {"card_type": "button_interaction", "main_title": {"title": "t"}, "task_id": "1"}
    card["button_list"] = [{"text": "好", "key": "yes"}]
    sim.options.wecom_trusted, wecom.callback_url = True, ""
    await qy.call("message/send", {"touser": "lisi", "msgtype": "template_card", "agentid": 7, "template_card": card})
    assert (await order("press", userid="lisi", key="yes"))["statuses"] == []
