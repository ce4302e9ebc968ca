"""What members and customers do with each other, and the events of it."""

import pytest

from bot.simulator.wecom import contact_events


async def test_a_new_customer_comes_with_state_and_code(wecom, hook):
    key = await wecom.add_external("WangWu", "赵总", "store_88")
    fields = wecom.last.fields
    assert (fields["ChangeType"], fields["UserID"], fields["ExternalUserID"]) == ("add_external_contact", "WangWu", key)
    assert (fields["State"], fields["FromUserName"]) == ("store_88", "sys")
    assert fields["WelcomeCode"]
    assert "AgentID" not in fields
    await wecom.add_external("WangWu", "钱总", half=True)
    assert wecom.last.fields["ChangeType"] == "add_half_external_contact"
    assert "State" not in wecom.last.fields


async def test_no_code_when_the_console_greets(wecom, hook):
    wecom.add_member("zhao", "赵", console_welcome=True)
    await wecom.add_external("zhao", "客户")
    assert "WelcomeCode" not in wecom.last.fields


async def test_no_second_code_after_the_welcome_of_the_half_add(wecom, qy, hook):
    key = await wecom.customers.add("WangWu", "赵总", half=True)
    await qy.contact("send_welcome_msg", {"welcome_code": wecom.last.fields["WelcomeCode"], "text": {"content": "欢迎"}})
    await wecom.customers.add("WangWu", "赵总", external_userid=key)
    assert "WelcomeCode" not in wecom.last.fields


async def test_edits_ends_and_handovers(wecom, hook):
    key = await wecom.add_external("WangWu", "赵总")
    edited = await wecom.customers.edit("WangWu", key, remark="老赵", tag_ids=["t"])
    gone, added = await wecom.customers.transfer("WangWu", "lisi", key)
    failed = await wecom.customers.fail_transfer("WangWu", key)
    archived = await wecom.customers.approve_archive("lisi", key)
    left = await wecom.external_leaves("lisi", key)
    told = [row.fields["ChangeType"] for row in (edited, gone, added, failed, archived, left)]
    assert told == [
        "edit_external_contact",
        "del_external_contact",
        "add_external_contact",
        "transfer_fail",
        "msg_audit_approved",
        "del_follow_user",
    ]
    assert (gone.fields["Source"], failed.fields["FailReason"]) == ("DELETE_BY_TRANSFER", "customer_refused")
    assert archived.fields["WelcomeCode"]
    with pytest.raises(ValueError, match="bored"):
        await wecom.customers.fail_transfer("lisi", key, "bored")


async def test_many_events_at_once(wecom, hook):
    events = [contact_events.edited("WangWu", f"wm{number}") for number in range(5)]
    pushed = await wecom.customer_contact_events(*events)
    assert [row.statuses for row in pushed] == [[200]] * 5


async def test_a_reply_to_an_event_of_nobody_is_noted(sim, wecom, hook):
    from bot.simulator.documents import to_xml
    from bot.simulator.wecom.documents import envelope_of

    envelope = envelope_of(wecom.corp)

    async def answer(seen):
        inner = {"ToUserName": "sys", "FromUserName": wecom.corp.corp_id, "CreateTime": 1, "MsgType": "text", "Content": "x"}
        encrypted = envelope.encrypt(to_xml(inner).encode())
        nonce = seen.query["nonce"]
        outer = {"Encrypt": encrypted, "MsgSignature": envelope.sign("1", nonce, encrypted), "TimeStamp": 1, "Nonce": nonce}
        return 200, to_xml(outer).encode()

    hook.answer = answer
    await wecom.add_external("WangWu", "赵总")
    assert "no person sent" in sim.complaints[0].what
    assert wecom.count_received() == 0
