"""The calls of the simulated account."""

import pytest

FIVE = 5


def text(kf, person, words="好", **more):
    return {"touser": person, "open_kfid": kf.corp.open_kfid, "msgtype": "text", "text": {"content": words}, **more}


async def sync(call, kf, **fields):
    return await call("sync_msg", open_kfid=kf.corp.open_kfid, limit=1000, voice_format=0, **fields)


async def test_messages_come_in_pages_by_cursor_and_stay_three_days(sim, kf, call):
    for number in range(5):
        await kf.customer_sends("wm1", f"第{number}条")
    kf.state.page = 2
    first = await sync(call, kf)
    assert [item["text"]["content"] for item in first["msg_list"]] == ["第0条", "第1条"]
    assert (first["has_more"], first["msg_list"][0]["origin"]) == (1, 3)
    kf.state.page = 1000
    second = await sync(call, kf, cursor=first["next_cursor"])
    assert (len(second["msg_list"]), second["has_more"]) == (3, 0)
    again = await sync(call, kf, cursor=second["next_cursor"])
    assert (again["msg_list"], again["next_cursor"]) == ([], second["next_cursor"])
    sim.clock.advance(3 * 86_400 + 1)
    assert (await sync(call, kf))["msg_list"] == []
    assert sim.complaints == []


async def test_empty_page_says_that_there_is_more(kf, call):
    await kf.customer_sends("wm1", "在吗")
    kf.state.empty_pages = 1
    empty = await sync(call, kf)
    assert (empty["msg_list"], empty["has_more"]) == ([], 1)
    assert len((await sync(call, kf, cursor=empty["next_cursor"]))["msg_list"]) == 1


async def test_event_token_lasts_ten_minutes_and_none_is_rare(sim, kf, call):
    token = kf.state.make_event_token()
    assert (await sync(call, kf, token=token))["errcode"] == 0
    sim.clock.advance(601)
    assert (await sync(call, kf, token=token))["errcode"] == 95007
    codes = [(await sync(call, kf))["errcode"] for _ in range(11)]
    assert codes == [0] * 10 + [45009]
    sim.clock.advance(61)
    assert (await sync(call, kf))["errcode"] == 0


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"limit": 1001}, 40058),
        ({"cursor": "nonsense"}, 40058),
        ({"open_kfid": "wkOther"}, 95000),
        ({"limit": "many"}, 40058),
    ],
)
async def test_bad_fetches_are_refused(kf, call, fields, code):
    given = {"open_kfid": kf.corp.open_kfid, "limit": 10, **fields}
    assert (await call("sync_msg", **given))["errcode"] == code


async def test_other_secrets_and_foreign_addresses_are_refused(sim, kf, call):
    assert (await call("sync_msg", secret=sim.wecom.corp.secret, open_kfid=kf.corp.open_kfid))["errcode"] == 48002
    sim.options.wecom_trusted = False
    assert (await call("sync_msg", open_kfid=kf.corp.open_kfid))["errcode"] == 60020


async def test_five_messages_within_two_days(sim, kf, call):
    await kf.customer_enters("wm1")
    assert (await call("send_msg", **text(kf, "wm1")))["errcode"] == 95018  # nobody has said anything yet
    await kf.customer_sends("wm1", "在吗")
    codes = [(await call("send_msg", **text(kf, "wm1", f"{n}")))["errcode"] for n in range(FIVE + 1)]
    assert codes == [0] * FIVE + [95001]
    await kf.customer_sends("wm1", "还在吗")
    assert (await call("send_msg", **text(kf, "wm1", "在")))["errcode"] == 0
    sim.clock.advance(48 * 3600)
    assert (await call("send_msg", **text(kf, "wm1", "在")))["errcode"] == 95002
    assert len(kf.received("wm1")) == FIVE + 1


async def test_msgid_is_taken_once(sim, kf, call):
    await kf.customer_sends("wm1", "在吗")
    assert (await call("send_msg", **text(kf, "wm1", msgid="A-1_z")))["msgid"] == "A-1_z"
    repeated = await call("send_msg", **text(kf, "wm1", msgid="A-1_z"))
    assert repeated["errcode"]
    assert "msgid" in repeated["errmsg"]
    assert (await call("send_msg", **text(kf, "wm1", msgid="中文")))["errcode"]
    assert len(kf.received("wm1")) == 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"touser": "wmNobody"}, 40096),
        ({"msgtype": "voicemail"}, 40008),
        ({"text": {"content": ""}}, 40058),
        ({"text": {"content": "好" * 700}}, 45002),
        ({"msgtype": "link", "link": {"title": "t", "url": "u"}}, 40058),
        ({"msgtype": ""}, 40058),
    ],
)
async def test_bad_messages_are_refused(kf, call, change, code):
    await kf.customer_sends("wm1", "在吗")
    assert (await call("send_msg", **(text(kf, "wm1") | change)))["errcode"] == code


async def test_menu_is_shown_as_lines(kf, call):
    await kf.customer_sends("wm1", "在吗")
    items = [{"type": "click", "click": {"id": "1", "content": "报价"}}, {"type": "text", "text": {"content": "其他"}}]
    menu = {"head_content": "请选择", "list": items, "tail_content": "谢谢"}
    fields = {"touser": "wm1", "open_kfid": kf.corp.open_kfid, "msgtype": "msgmenu", "msgmenu": menu}
    assert (await call("send_msg", **fields))["errcode"] == 0
    assert kf.received("wm1")[0].text == "请选择\n报价\n其他\n谢谢"


async def test_session_of_a_person_may_not_be_written_to(kf, call):
    about = {"open_kfid": kf.corp.open_kfid, "external_userid": "wm1"}
    assert (await call("service_state/get", **about))["errcode"] == 40096
    await kf.customer_sends("wm1", "在吗")
    assert (await call("service_state/get", **about))["service_state"] == 0
    assert (await call("service_state/trans", **about, service_state=1))["errcode"] == 0
    assert (await call("service_state/trans", **about, service_state=0))["errcode"] == 95016
    assert (await call("service_state/trans", **about, service_state=3))["errcode"] == 95014
    assert (await call("service_state/trans", **about, service_state=3, servicer_userid="li"))["errcode"] == 0
    assert (await call("send_msg", **text(kf, "wm1")))["errcode"] == 95018
    await kf.end_session("wm1")
    assert (await call("service_state/trans", **about, service_state=1))["errcode"] == 95013


async def test_code_allows_one_message_for_twenty_seconds(sim, kf, call):
    await kf.customer_enters("wm1", "expo")
    code = kf.state.log[-1][2]["event"]["welcome_code"]
    said = {"code": code, "msgtype": "text", "text": {"content": "欢迎"}}
    assert (await call("send_msg_on_event", **(said | {"msgtype": "image"})))["errcode"]
    assert (await call("send_msg_on_event", **said))["errcode"] == 0
    assert (await call("send_msg_on_event", **said))["errcode"]
    assert [entry.via for entry in kf.received("wm1")] == ["event"]
    await kf.customer_enters("wm1")
    assert "welcome_code" not in kf.state.log[-1][2]["event"]
    sim.clock.advance(49 * 3600)
    await kf.customer_enters("wm1")
    late = kf.state.log[-1][2]["event"]["welcome_code"]
    sim.clock.advance(20)
    assert (await call("send_msg_on_event", **(said | {"code": late})))["errcode"]


async def test_send_that_fails_later_tells_so_by_an_event(sim, kf, call):
    await kf.customer_sends("wm1", "在吗")
    kf.fail_next_send(4)
    assert (await call("send_msg", **text(kf, "wm1", msgid="F1")))["errcode"] == 0
    await sim.settle()
    event = kf.state.log[-1][2]["event"]
    assert (event["event_type"], event["fail_msgid"], event["fail_type"]) == ("msg_send_fail", "F1", 4)
    assert kf.received("wm1") == []


async def test_names(kf, call):
    await kf.customer_sends("wm1", "在吗")
    answer = await call("customer/batchget", external_userid_list=["wm1", "wm2"])
    assert [row["nickname"] for row in answer["customer_list"]] == [kf.state.customer("wm1").nickname]
    assert answer["invalid_external_userid"] == ["wm2"]
    assert (await call("customer/batchget", external_userid_list=[]))["errcode"] == 40058
    assert (await call("account/list"))["account_list"][0]["open_kfid"] == kf.corp.open_kfid
