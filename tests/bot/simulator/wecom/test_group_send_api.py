"""Group sends: a member has to confirm, and the month has its limit."""

import pytest

START = 1_795_161_600


async def crowd(wecom, count: int, userid: str = "WangWu") -> list[str]:
    return [await wecom.add_external(userid, f"客户{number}") for number in range(count)]


def template(**more) -> dict:
    return {"chat_type": "single", "text": {"content": "中秋快乐"}, **more}


async def results(qy, message_id: str, userid: str = "WangWu", limit: int = 500) -> list[tuple[str, int]]:
    rows, cursor = [], ""
    while True:
        body = {"msgid": message_id, "userid": userid, "limit": limit, "cursor": cursor}
        page = await qy.contact("get_groupmsg_send_result", body)
        rows += [(row.get("external_userid") or row.get("chat_id"), row["status"]) for row in page["send_list"]]
        if not (cursor := page["next_cursor"]):
            return rows


async def test_nothing_is_sent_before_the_member_confirms(sim, wecom, qy):
    first, second, third = await crowd(wecom, 3)
    made = await qy.contact("add_msg_template", template(sender="WangWu", external_userid=[first, second, third, "wmX"]))
    assert (made["errcode"], made["fail_list"]) == (0, ["wmX"])
    message_id = made["msgid"]
    assert wecom.count_received() == 0
    assert (await qy.contact("get_groupmsg_task", {"msgid": message_id}))["task_list"] == [{"userid": "WangWu", "status": 0}]
    assert await results(qy, message_id, limit=2) == [(first, 0), (second, 0), (third, 0)]
    await wecom.external_leaves("WangWu", second)
    assert [row.message_id for row in wecom.group_sends.sends.waiting_for("WangWu")] == [message_id]
    assert wecom.member_confirms(message_id, "WangWu") == 2
    assert await results(qy, message_id) == [(first, 1), (second, 2), (third, 1)]
    assert (await qy.contact("get_groupmsg_task", {"msgid": message_id}))["task_list"][0]["status"] == 2
    assert [wecom.count_received(key) for key in (first, second, third)] == [1, 0, 1]
    assert wecom.member_confirms(message_id) == 0
    assert wecom.doubles() == {}
    assert sim.complaints == []


async def test_the_month_has_as_many_messages_as_days(sim, wecom, qy):
    (key,) = await crowd(wecom, 1)

    async def send() -> int:
        made = await qy.contact("add_msg_template", template(sender="WangWu", external_userid=[key]))
        wecom.member_confirms(made["msgid"])
        return (await results(qy, made["msgid"]))[0][1]

    assert [await send() for _ in range(31)] == [1] * 30 + [3]  # November
    sim.clock.advance(15 * 86_400)
    assert await send() == 1
    sim.options.wecom_receive_rule = "day"
    assert [await send() for _ in range(2)] == [1, 3]
    sim.options.wecom_receive_rule = "week"
    assert [await send() for _ in range(8)] == [1] * 7 + [3]


async def test_the_platform_chooses_members_when_no_sender_is_named(wecom, qy):
    (first,) = await crowd(wecom, 1)
    (second,) = await crowd(wecom, 1, "lisi")
    made = await qy.contact("add_msg_template", template(external_userid=[first, second, first]))
    tasks = (await qy.contact("get_groupmsg_task", {"msgid": made["msgid"], "limit": 1}))["next_cursor"]
    rest = await qy.contact("get_groupmsg_task", {"msgid": made["msgid"], "limit": 1, "cursor": tasks})
    assert rest["task_list"][0]["userid"] == "lisi"
    assert wecom.member_confirms(made["msgid"]) == 2


async def test_a_sender_alone_means_all_his_customers_with_the_tags(wecom, qy):
    first, second, _ = await crowd(wecom, 3)
    tag_id = await wecom.console_tags.create("级别", "A")
    await wecom.customers.edit("WangWu", first, tag_ids=[tag_id])
    chosen = {"group_list": [{"tag_list": [tag_id]}]}
    made = await qy.contact("add_msg_template", template(sender="WangWu", tag_filter=chosen))
    assert await results(qy, made["msgid"]) == [(first, 0)]
    made = await qy.contact("add_msg_template", template(sender="WangWu", tag_filter=chosen, external_userid=[second]))
    assert await results(qy, made["msgid"]) == [(second, 0)]
    made = await qy.contact("add_msg_template", template(sender="WangWu"))
    assert len(await results(qy, made["msgid"])) == 3


async def test_groups(wecom, qy):
    own, other = await wecom.groups.create("WangWu", "甲"), await wecom.groups.create("lisi", "乙")
    body = {"chat_type": "group", "text": {"content": "通知"}}
    assert (await qy.contact("add_msg_template", body))["errcode"] == 40058
    made = await qy.contact("add_msg_template", {**body, "sender": "WangWu", "chat_id_list": [own, other]})
    assert made["fail_list"] == [other]
    wecom.member_confirms(made["msgid"])
    assert await results(qy, made["msgid"]) == [(own, 1)]
    assert wecom.count_received(own) == 1
    made = await qy.contact("add_msg_template", {**body, "sender": "lisi"})
    await wecom.groups.dismiss(other)
    assert wecom.member_confirms(made["msgid"]) == 0


async def test_a_member_ignores_chooses_or_comes_too_late(wecom, qy):
    first, second = await crowd(wecom, 2)
    body = template(sender="WangWu", external_userid=[first, second], allow_select=True)
    ignored = (await qy.contact("add_msg_template", body))["msgid"]
    wecom.member_ignores(ignored, "WangWu")
    assert await results(qy, ignored) == [(first, 0), (second, 0)]
    chosen = (await qy.contact("add_msg_template", body))["msgid"]
    wecom.member_confirms(chosen, "WangWu", only=[second])
    assert await results(qy, chosen) == [(first, 0), (second, 1)]
    cancelled = (await qy.contact("add_msg_template", body))["msgid"]
    assert (await qy.contact("cancel_groupmsg_send", {"msgid": cancelled}))["errcode"] == 0
    with pytest.raises(ValueError, match=cancelled):
        wecom.member_confirms(cancelled)
    with pytest.raises(ValueError, match="x"):
        wecom.member_ignores("x", "WangWu")


async def test_three_reminders_a_day(sim, wecom, qy):
    await crowd(wecom, 1)
    message_id = (await qy.contact("add_msg_template", template(sender="WangWu")))["msgid"]
    codes = [(await qy.contact("remind_groupmsg_send", {"msgid": message_id}))["errcode"] for _ in range(4)]
    assert codes == [0, 0, 0, 45009]
    sim.clock.advance(86_400)
    assert (await qy.contact("remind_groupmsg_send", {"msgid": message_id}))["errcode"] == 0
    assert len([row for row in wecom.chat("WangWu") if row.direction == "system"]) == 5


async def test_group_sends_are_listed_by_time(sim, wecom, qy):
    await crowd(wecom, 1)
    for _ in range(2):
        await qy.contact("add_msg_template", template(sender="WangWu"))
    body = {"chat_type": "single", "start_time": START - 10, "end_time": START + 10, "limit": 1}
    first = await qy.contact("get_groupmsg_list_v2", body)
    second = await qy.contact("get_groupmsg_list_v2", {**body, "cursor": first["next_cursor"]})
    assert first["group_msg_list"][0]["text"] == {"content": "中秋快乐"}
    assert (len(second["group_msg_list"]), second["next_cursor"]) == (1, "")
    assert (await qy.contact("get_groupmsg_list_v2", {**body, "creator": "lisi"}))["group_msg_list"] == []
    assert (await qy.contact("get_groupmsg_list_v2", {**body, "end_time": START + 40 * 86_400}))["errcode"] == 40058


async def test_refusals(wecom, qy):
    await crowd(wecom, 1)
    none = await qy.contact("add_msg_template", template(external_userid=["wmX"]))
    assert (none["errcode"], none["fail_list"]) == (41048, ["wmX"])
    assert (await qy.contact("add_msg_template", template()))["errcode"] == 40058
    assert (await qy.contact("add_msg_template", template(chat_type="all")))["errcode"] == 40058
    assert (await qy.contact("add_msg_template", template(external_userid=["x"] * 10_001)))["errcode"] == 40058
    groups = {"chat_type": "group", "sender": "lisi", "chat_id_list": ["x"] * 2001}
    assert (await qy.contact("add_msg_template", template(**groups)))["errcode"] == 40058
    tags = {"group_list": [{"tag_list": [str(number) for number in range(101)]}]}
    assert (await qy.contact("add_msg_template", template(sender="WangWu", tag_filter=tags)))["errcode"] == 40058
    assert (await qy.contact("get_groupmsg_task", {"msgid": "x"}))["errcode"] == 41047
    assert (await qy.contact("get_groupmsg_task", {}))["errcode"] == 41046
