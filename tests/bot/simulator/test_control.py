"""The simulators driven over HTTP."""

import asyncio

import pytest


async def test_both_platforms_are_played_over_http(sim, program, api):
    sim.wechat.account.mode = "plain"
    followed = await api.post("/_sim/wechat/follow", {"scene": "expo"})
    openid = followed["openid"]
    said = await api.post("/_sim/wechat/say", {"openid": openid, "text": "你好"})
    assert (said["statuses"], said["reply"], said["broken"]) == ([200], "", False)
    for name, fields in (
        ("click", {"key": "K"}),
        ("scan", {"scene": "7"}),
        ("voice", {"recognition": "喂"}),
        ("image", {}),
        ("deliver", {"text": "三份"}),
        ("message", {"fields": {"MsgType": "text", "Content": "x"}}),
        ("event", {"fields": {"MsgType": "event", "Event": "VIEW", "EventKey": "u"}}),
        ("unfollow", {}),
    ):
        assert "statuses" in await api.post(f"/_sim/wechat/{name}", {"openid": openid, **fields}), name
    assert (await api.post("/_sim/dingtalk/staff", {"staff_id": "s1", "nick": "小王"}))["nick"] == "小王"
    assert (await api.post("/_sim/dingtalk/group", {"conversation_id": "cidG", "title": "群"}))["ok"]
    program.say('{"msgtype":"text","text":{"content":"好"}}'.encode())
    assert (await api.post("/_sim/dingtalk/say", {"staff_id": "s1", "text": "线索池", "group": "cidG"}))["reply"] == "好"
    for name, fields in (
        ("speak", {"recognition": "喂"}),
        ("picture", {}),
        ("message", {"fields": {"msgtype": "text", "text": {"content": "x"}}}),
        ("event", {"event_type": "user_add_org", "fields": {"UserId": ["s1"]}}),
    ):
        assert "status" in await api.post(f"/_sim/dingtalk/{name}", {"staff_id": "s1", **fields}), name
    for platform in ("wechat", "dingtalk"):
        assert await api.post(f"/_sim/{platform}/handshake", {}) == {"ok": False}
    state = await api.get("/_sim/state")
    assert state["dingtalk"]["staff"][0]["nick"] == "小王"
    assert state["cursor"] == sim.records.cursor


async def test_chats_are_followed_by_cursor(sim, api):
    await sim.wechat.say("oA", "一")
    first = await api.get("/_sim/chat", since="0")
    await sim.wechat.say("oA", "二")
    await sim.dingtalk.say("s1", "三")
    second = await api.get("/_sim/chat", since=str(first["next"]))
    assert [row["text"] for row in second["items"]] == ["二", "三"]
    own = await api.get("/_sim/chat", platform="wechat_oa", person="oA")
    assert [row["text"] for row in own["items"]] == ["一", "二"]
    assert (await api.get("/_sim/chat", since="3"))["next"] == 3


async def test_clock_faults_and_tokens(sim, api):
    turned = await api.post("/_sim/clock", {"advance_seconds": 60, "pushes_turned": True})
    assert (turned["offset_seconds"], turned["pushes_turned"]) == (60, True)
    assert (await api.post("/_sim/clock", {"turn_to": "2026-12-01T00:00:00+00:00"}))["now"].startswith("2026-12-01T00:00")
    assert (await api.post("/_sim/clock", {"reset": True}))["offset_seconds"] == 0
    assert (await api.post("/_sim/faults", {"path": "/gettoken", "kind": "html", "times": 1}))["kind"] == "html"
    assert len((await api.get("/_sim/faults"))["items"]) == 1
    await api.post("/_sim/faults/clear", {})
    assert sim.faults.active() == []
    token = api.wechat_token()
    await api.post("/_sim/tokens/expire", {})
    assert (await api.wechat("/cgi-bin/user/get", token=token))["errcode"] == 42001


async def test_calls_counts_and_complaints(sim, api):
    await api.get("/gettoken", appkey="x")
    calls = await api.get("/_sim/calls", path="/gettoken")
    assert (calls["items"][0]["method"], calls["counts"]["/gettoken"]) == ("GET", 1)
    sim.records.delivered("dingtalk", "s1", "group", "text", "x", "1", {})
    assert await api.get("/_sim/received", platform="dingtalk", person="s1") == {"count": 1, "doubles": {}}
    sim.records.complain("here", "this")
    assert (await api.get("/_sim/complaints"))["items"][0]["what"] == "this"


async def test_settings_are_changed(sim, api):
    wanted = {
        "wechat": {"callback_url": "http://127.0.0.1:9/", "mode": "plain"},
        "dingtalk": {"robot_code": "r2"},
        "options": {"push_attempts": 1},
    }
    assert await api.post("/_sim/configure", wanted) == {"ok": True}
    assert (sim.wechat.callback_url, sim.wechat.account.mode, sim.dingtalk.app.robot_code) == (
        "http://127.0.0.1:9/",
        "plain",
        "r2",
    )
    assert sim.options.push_attempts == 1


async def test_the_door_opens_by_itself(sim, api):
    await api.post("/_sim/door", {"refuse_seconds": 0.05})
    await sim.settle()
    assert "cursor" in await api.get("/_sim/state")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/_sim/wechat/say", {"openid": "oA"}),
        ("/_sim/wechat/say", []),
        ("/_sim/faults", {"path": "/x", "kind": "flood"}),
        ("/_sim/configure", {"options": {"nothing": 1}}),
        ("/_sim/clock", {"turn_to": "tomorrow"}),
    ],
)
async def test_unreadable_orders_are_400(api, path, body):
    answer = await api.post(path, body)
    assert "error" in answer


async def test_a_waiting_reader_gets_the_next_line(sim, api):
    waiting = asyncio.gather(api.get("/_sim/chat", since="0", wait_seconds="20"))
    await sim.wechat.say("oA", "一")
    assert [row["text"] for row in (await waiting)[0]["items"]] == ["一"]
    assert (await api.get("/_sim/chat", since="1", wait_seconds="0.1"))["items"] == []


async def test_no_foreign_page_can_drive_the_platforms(sim, api):
    order = b'{"path": "/gettoken", "kind": "html"}'
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        headers = {"Content-Type": kind} if kind else {}
        async with api.session.post(f"{sim.base_url}/_sim/faults", data=order, headers=headers) as answer:
            assert answer.status == 415, kind
    async with api.session.post(f"{sim.base_url}/_sim/tokens/expire") as answer:
        assert answer.status == 415
    for path in ("faults?path=/gettoken&kind=html", "faults/clear", "tokens/expire", "wechat/follow", "clock?reset=1"):
        async with api.session.get(f"{sim.base_url}/_sim/{path}") as answer:
            assert answer.status == 405, path
    assert sim.faults.active() == []
