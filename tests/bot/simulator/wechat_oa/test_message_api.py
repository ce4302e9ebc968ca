"""Messages to one person."""

import pytest

from bot.simulator.wechat_oa.message_api import message_text

SEND = "/cgi-bin/message/custom/send"
TYPING = "/cgi-bin/message/custom/typing"
TEMPLATE = "/cgi-bin/message/template/send"


def text(openid: str = "oA", content: str = "你好😀") -> dict:
    return {"touser": openid, "msgtype": "text", "text": {"content": content}}


async def test_five_messages_within_48_hours_after_a_message(sim, api):
    await sim.wechat.say("oA", "在吗")
    codes = [(await api.wechat(SEND, text()))["errcode"] for _ in range(6)]
    assert codes == [0, 0, 0, 0, 0, 45047]
    assert [entry.text for entry in sim.wechat.received("oA")] == ["你好😀"] * 5
    sim.clock.advance(48 * 3600)
    assert (await api.wechat(SEND, text()))["errcode"] == 45015
    await sim.wechat.say("oA", "还在吗")
    assert (await api.wechat(SEND, text()))["errcode"] == 0


@pytest.mark.parametrize("action", ["follow", "scan", "click"])
async def test_three_messages_within_a_minute_after_a_tap(sim, api, action):
    sim.wechat.state.followers.ensure("oA")
    await {
        "follow": sim.wechat.follow,
        "scan": lambda who: sim.wechat.scan(who, "7"),
        "click": lambda who: sim.wechat.click(who, "K"),
    }[action]("oA")
    assert [(await api.wechat(SEND, text()))["errcode"] for _ in range(4)] == [0, 0, 0, 45047]
    sim.clock.advance(60)
    assert (await api.wechat(SEND, text()))["errcode"] == 45015


async def test_who_cannot_be_written_to(sim, api):
    assert (await api.wechat(SEND, text("oNobody")))["errcode"] == 40003
    await sim.wechat.say("oA", "在吗")
    sim.wechat.state.followers.ensure("oA").blocked = True
    assert (await api.wechat(SEND, text()))["errcode"] == 48002
    sim.wechat.state.followers.ensure("oA").blocked = False
    assert (await api.wechat(SEND, text()))["errcode"] == 0
    await sim.wechat.unfollow("oA")
    assert (await api.wechat(SEND, text()))["errcode"] == 45015


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"msgtype": "telepathy"}, 40008),
        ({"msgtype": "text", "text": {}}, 44004),
        ({"msgtype": "text"}, 44004),
        ({"msgtype": "news", "news": {"articles": [{}, {}]}}, 45008),
        ({"msgtype": "image", "image": {"media_id": "M"}}, 0),
        ({"msgtype": "news", "news": {"articles": [{"title": "t"}]}}, 0),
    ],
)
async def test_shapes_of_messages(sim, api, body, code):
    await sim.wechat.say("oA", "在吗")
    assert (await api.wechat(SEND, {"touser": "oA", **body}))["errcode"] == code


def test_what_a_person_reads():
    menu = {"head_content": "满意吗", "list": [{"id": "1", "content": "满意"}], "tail_content": "谢谢"}
    assert message_text("msgmenu", menu) == "满意吗\n满意\n谢谢"
    assert message_text("news", {"articles": [{"title": "新品"}]}) == "新品"
    assert message_text("image", {"media_id": "M"}) == ""


async def test_typing_needs_a_recent_contact(sim, api):
    body = {"touser": "oA", "command": "Typing"}
    sim.wechat.state.followers.ensure("oA")
    assert (await api.wechat(TYPING, body))["errcode"] == 45080
    await sim.wechat.say("oA", "在吗")
    assert (await api.wechat(TYPING, {**body, "command": "Dance"}))["errcode"] == 45072
    assert (await api.wechat(TYPING, body))["errcode"] == 0
    assert (await api.wechat(TYPING, body))["errcode"] == 45081
    assert (await api.wechat(TYPING, {**body, "command": "CancelTyping"}))["errcode"] == 0
    assert (await api.wechat(TYPING, body))["errcode"] == 0


def template(**more: object) -> dict:
    return {"touser": "oA", "template_id": "T1", "data": {"first": {"value": "中秋快乐"}}, **more}


async def test_a_template_key_holds_for_ten_minutes(sim, api):
    sim.wechat.state.followers.ensure("oA")
    first = await api.wechat(TEMPLATE, template(client_msg_id="k1"))
    again = await api.wechat(TEMPLATE, template(client_msg_id="k1"))
    assert first == again
    assert first["errcode"] == 0
    await api.wechat(TEMPLATE, template(client_msg_id="k2"))
    await api.wechat(TEMPLATE, template())
    await api.wechat(TEMPLATE, template())
    assert sim.wechat.count_received("oA") == 4
    sim.clock.advance(600)
    later = await api.wechat(TEMPLATE, template(client_msg_id="k1"))
    assert later["msgid"] != first["msgid"]
    assert sim.wechat.count_received("oA") == 5


async def test_template_errors(sim, api):
    assert (await api.wechat(TEMPLATE, template()))["errcode"] == 40003
    sim.wechat.state.followers.ensure("oA")
    sim.wechat.messages.template_ids = {"T1"}
    assert (await api.wechat(TEMPLATE, template(template_id="T2")))["errcode"] == 40037
    assert (await api.wechat(TEMPLATE, template(data={"first": "plain"})))["errcode"] == 47003
    assert (await api.wechat(TEMPLATE, template()))["errcode"] == 0
    sim.wechat.state.followers.ensure("oA").subscribed = False
    assert (await api.wechat(TEMPLATE, template()))["errcode"] == 43004


async def test_the_result_of_a_template_message_is_pushed(sim, api, program):
    sim.wechat.account.mode = "plain"
    sim.wechat.state.followers.ensure("oA")
    sim.wechat.state.followers.ensure("oB").blocked = True
    message_id = (await api.wechat(TEMPLATE, template()))["msgid"]
    await api.wechat(TEMPLATE, template(touser="oB"))
    await sim.settle()
    bodies = {seen.query["openid"]: seen.body.decode() for seen in program.seen}
    assert f"<MsgID>{message_id}</MsgID><Status><![CDATA[success]]></Status>" in bodies["oA"]
    assert "failed:user block" in bodies["oB"]
    assert sim.wechat.count_received("oB") == 0
