"""What members do, and what arrives of it."""

import pytest

from bot.simulator.wecom import messages


async def test_people_join_change_and_leave(sim, wecom, hook):
    joined = await wecom.join("zhaoliu", "赵六", "13800000006")
    assert joined.fields["ChangeType"] == "create_user"
    assert (joined.fields["FromUserName"], joined.fields["UserID"]) == ("sys", "zhaoliu")
    assert wecom.state.directory.find("ZHAOLIU").mobile == "13800000006"
    assert (await wecom.change_directory("update_party", Id=2)).fields["Id"] == 2
    assert (await wecom.quit("zhaoliu")).fields["ChangeType"] == "delete_user"
    assert wecom.state.directory.find("zhaoliu") is None
    with pytest.raises(ValueError, match="fire"):
        await wecom.change_directory("fire")
    with pytest.raises(AttributeError):
        wecom.add_member("x", "x", height=1)


@pytest.mark.parametrize(
    "fields",
    [
        messages.subscribe(),
        messages.unsubscribe(),
        messages.enter_agent(),
        messages.report_location(23.1, 113.3),
        messages.click("K"),
        messages.view("https://e"),
        messages.scancode("K", "R"),
        messages.scancode("K", "R", waiting=True),
        messages.pictures("K", ["0" * 32]),
        messages.location_select("K", "23", "113", "广州"),
        messages.batch_job_result("job", "sync_user"),
        messages.approval_change("no", 2),
        messages.template_card("k", "t", "vote_interaction", "RC", {"Q1": ["O1", "O2"]}),
    ],
    ids=lambda fields: fields["Event"],
)
async def test_events_carry_the_agent_and_no_number(sim, wecom, hook, fields):
    delivery = await wecom.member_event("WangWu", fields)
    assert (delivery.statuses, delivery.message_id) == ([200], "")
    assert delivery.fields["AgentID"] == wecom.corp.agent_id
    assert sim.complaints == []


async def test_short_ways(wecom, hook):
    assert (await wecom.member_clicks("WangWu", "K")).fields["EventKey"] == "K"
    assert (await wecom.member_enters("newcomer")).fields["Event"] == "enter_agent"
    assert wecom.state.directory.find("newcomer") is not None


async def test_without_a_callback_a_push_is_only_noted(wecom):
    delivery = await wecom.member_says("WangWu", "在吗")
    assert (delivery.attempts, delivery.is_broken) == ([], False)
    assert [entry.text for entry in wecom.chat("WangWu")] == ["在吗"]
    assert wecom.last is delivery


async def test_message_numbers_differ_and_may_be_chosen(wecom):
    first, second = [await wecom.member_says("WangWu", "x") for _ in range(2)]
    assert first.message_id != second.message_id
    chosen = await wecom.member_sends("WangWu", messages.text("x"), message_id=7)
    assert chosen.message_id == "7"


async def test_everybody_is_a_member_for_loads(sim, wecom, qy):
    sim.options.wecom_unknown_members = True
    body = {"touser": "u1|u2", "msgtype": "text", "agentid": wecom.corp.agent_id, "text": {"content": "x"}}
    assert "invaliduser" not in await qy.call("message/send", body)
    assert (wecom.count_received("u1"), wecom.count_received()) == (1, 2)
    assert wecom.calls("/wecom/cgi-bin/message/send")[0].json["touser"] == "u1|u2"
