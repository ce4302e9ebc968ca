"""Every verb of the simulated DingTalk over the control interface."""

from tests.waiting import until


async def order(api, verb: str, /, **fields: object) -> dict:
    return await api.post(f"/_sim/dingtalk/{verb}", fields)


async def test_the_stream_is_seen_and_disturbed(quick, api, connect):
    client = await connect()
    seen = await order(api, "stream")
    assert (seen["mode"], seen["opened_count"], len(seen["connections"])) == ("auto", 1, 1)
    assert seen["connections"][0]["condition"] == "open"
    assert ["EVENT", "*"] in seen["connections"][0]["subscriptions"]
    assert (await order(api, "stream/ping")) == {"ok": True, "problem": ""}
    assert (await order(api, "say", staff_id="s1", text="你好"))["status"] == 200
    for name, condition in (("freeze", "frozen"), ("thaw", "open"), ("forget", "zombie"), ("thaw", "open")):
        await order(api, f"stream/{name}")
        assert quick.dingtalk.gateway.open[0].condition == condition
    await order(api, "stream/disconnect", named=True)
    await until(lambda: client.topics()[-1] == "disconnect")
    other = await connect()
    await order(api, "stream/redirect")
    await until(lambda: other.topics() == ["disconnect"])
    await order(api, "stream/drop")
    await until(lambda: not quick.dingtalk.gateway.open)
    assert (await order(api, "stream", mode="stream"))["mode"] == "stream"
    assert (await order(api, "stream", mode="http"))["mode"] == "http"


async def test_events_people_and_groups(quick, api, connect, program):
    client = await connect()
    for name, fields in (
        ("join", {"staff_id": "s1", "nick": "小王", "mobile": "13800000001"}),
        ("change", {"staff_id": "s1", "nick": "王经理"}),
        ("leave", {"staff_id": "s1"}),
        ("chat", {"event_type": "chat_quit", "conversation_id": "cidG", "operator": "s1", "staff_ids": ["s2"]}),
        ("rename", {"conversation_id": "cidG", "operator": "s1", "title": "新"}),
        ("disband", {"conversation_id": "cidG", "operator": "s1"}),
    ):
        answer = await order(api, name, **fields)
        assert (answer["status"], answer["reply"], answer["via"]) == (200, "SUCCESS", "stream"), name
    assert len(client.frames) == 6
    assert (await order(api, "file", staff_id="s1", name="a.pdf"))["status"] == 200
    assert (await order(api, "subscribe", url=program.url)) == {"ok": False}
    assert (await order(api, "department", department_id=7, name="销售部"))["parent_id"] == 1
    made = await order(api, "custom_robot", access_token="T", conversation_id="cidH", keywords=["日报"])
    assert made["url"] == f"{quick.base_url}/robot/send?access_token=T"
    await order(api, "throttle", staff_ids=["s1"])
    assert quick.dingtalk.state.flow_controlled == {"s1"}


async def test_cards(quick, api):
    quick.dingtalk.add_staff("s1", "小王")
    body = {
        "cardTemplateId": "tpl",
        "outTrackId": "t1",
        "cardData": {"cardParamMap": {"title": "审批"}},
        "openSpaceId": "dtv1.card//IM_ROBOT.s1",
        "imRobotOpenDeliverModel": {"spaceType": "IM_ROBOT", "robotCode": quick.dingtalk.app.robot_code},
    }
    await api.dingtalk("/v1.0/card/instances/createAndDeliver", body)
    assert (await order(api, "card", out_track_id="t1", staff_id="s1"))["shown"] == {"title": "审批"}
    pressed = await order(api, "press", out_track_id="t1", staff_id="s1", action_ids=["a"])
    assert (pressed["problem"], pressed["shown"]) == ("no callback", {"title": "审批"})
    assert "error" in await order(api, "card", out_track_id="unknown")


async def test_knobs(quick, api):
    shown = await order(api, "knobs", silence_seconds=1, failing_spaces=["cidG"])
    assert (shown["silence_seconds"], shown["failing_spaces"]) == (1, ["cidG"])
    assert quick.dingtalk.knobs.failing_spaces == {"cidG"}
    assert "error" in await order(api, "knobs", nonsense=1)
    await order(api, "punish", seconds=60)
    assert (await api.get("/gettoken"))["status"] == 1111
