"""Messages of the application: whom they reach, what is dropped, cards and their codes."""

import pytest

SEND, UPDATE, RECALL = "message/send", "message/update_template_card", "message/recall"


def text(sim, touser="WangWu", content="你好😀", **more):
    return {"touser": touser, "msgtype": "text", "agentid": sim.wecom.corp.agent_id, "text": {"content": content}, **more}


def card(sim, task_id="t1", touser="WangWu", **more):
    body = {
        "card_type": "button_interaction",
        "main_title": {"title": "合同审批", "desc": "3 万元"},
        "task_id": task_id,
        "button_list": [{"text": "同意", "key": "yes"}, {"text": "拒绝", "key": "no"}],
        **more,
    }
    return {"touser": touser, "msgtype": "template_card", "agentid": sim.wecom.corp.agent_id, "template_card": body}


async def test_a_text_reaches_a_member(sim, wecom, qy):
    answer = await qy.call(SEND, text(sim))
    assert answer["errcode"] == 0
    assert "invaliduser" not in answer
    entry = wecom.received("WangWu")[0]
    assert (entry.text, entry.via, entry.message_id) == ("你好😀", "application", answer["msgid"])
    assert sim.complaints == []


async def test_partial_success_lists_are_lower_cased(sim, wecom, qy):
    wecom.add_member("NoLicence", "无", licensed=False)
    wecom.add_member("Hidden", "藏", visible=False)
    wecom.add_member("Gone", "走", status=5)
    answer = await qy.call(SEND, text(sim, "wangwu|Nobody|Hidden|Gone|NoLicence", toparty="1|9", totag="7"))
    assert answer["errcode"] == 0
    assert answer["invaliduser"] == "nobody|hidden|gone"
    assert (answer["unlicenseduser"], answer["invalidparty"], answer["invalidtag"]) == ("nolicence", "9", "7")
    assert {row.person for row in sim.records.chat("wecom")} == {"WangWu", "lisi"}
    assert wecom.count_received("WangWu") == 1


async def test_nobody_left_is_81013(sim, wecom, qy):
    answer = await qy.call(SEND, text(sim, "Nobody"))
    assert (answer["errcode"], answer["invaliduser"]) == (81013, "nobody")
    assert wecom.count_received() == 0


async def test_everybody_departments_and_tags(sim, wecom, qy):
    sales = wecom.add_department("销售部")
    inner = wecom.add_department("一组", sales.number)
    wecom.add_member("a", "甲", department=inner.number)
    wecom.add_member("b", "乙", tag_ids={3}, status=4)
    wecom.add_member("c", "丙", tag_ids={3})
    await qy.call(SEND, text(sim, "", toparty=str(sales.number)))
    assert {row.person for row in sim.records.chat("wecom")} == {"a"}
    await qy.call(SEND, text(sim, "", totag="3"))
    assert wecom.count_received("c") == 1
    answer = await qy.call(SEND, text(sim, "@all"))
    assert "invaliduser" not in answer
    assert [wecom.count_received(who) for who in ("WangWu", "lisi", "a", "b", "c")] == [1, 1, 2, 0, 2]


async def test_the_surplus_of_a_member_is_dropped_without_a_word(sim, wecom, qy):
    answers = [await qy.call(SEND, text(sim, content=str(number))) for number in range(33)]
    assert {answer["errcode"] for answer in answers} == {0}
    assert (wecom.count_received("WangWu"), wecom.count_dropped("WangWu"), wecom.count_dropped()) == (30, 3, 3)


async def test_the_duplicate_check_holds_back_the_same_content(sim, wecom, qy):
    checked = {"enable_duplicate_check": 1}
    for _ in range(2):
        assert (await qy.call(SEND, text(sim, **checked)))["errcode"] == 0
    assert (wecom.count_received("WangWu"), wecom.messages.suppressed) == (1, 1)
    await qy.call(SEND, text(sim, content="别的", **checked))
    await qy.call(SEND, text(sim, "lisi", **checked))
    assert (wecom.count_received("WangWu"), wecom.count_received("lisi")) == (2, 1)
    sim.clock.advance(1800)
    await qy.call(SEND, text(sim, **checked))
    assert wecom.count_received("WangWu") == 3
    await qy.call(SEND, text(sim))
    assert wecom.count_received("WangWu") == 4


async def test_who_may_not_call(sim, wecom, qy):
    assert (await qy.call(SEND, text(sim, agentid=7)))["errcode"] == 40056
    assert (await qy.call(SEND, text(sim, touser="")))["errcode"] == 82001
    assert (await qy.call(SEND, text(sim, touser="|".join(map(str, range(1001))))))["errcode"] == 40032
    sim.options.wecom_accounts = 0
    assert (await qy.call(SEND, text(sim)))["errcode"] == 45009


async def test_bad_manners_are_noted(sim, wecom, qy):
    escaped = b'{"touser":"lisi","msgtype":"text","agentid":1000002,"text":{"content":"\\u4f60"}}'
    assert (await qy.call(SEND, escaped))["errcode"] == 40033
    assert (await qy.call(SEND, b"touser=lisi"))["errcode"] == 47001
    assert (await qy.call(SEND, text(sim, safe="no")))["errcode"] == 40058
    assert (await qy.call(SEND, text(sim, surprise=1)))["errcode"] == 0
    assert (await qy.call(SEND, {"touser": "lisi", "msgtype": "text"}))["errcode"] == 41011
    assert (await qy.call(SEND, text(sim, content="好" * 700)))["errcode"] == 0
    assert len(wecom.received("WangWu")[-1].text) == 682
    assert [row.what.split()[0] for row in sim.complaints] == ["the", "the", "safe", "unknown", "missing", "content"]


async def test_a_message_is_recalled_within_a_day(sim, wecom, qy):
    message_id = (await qy.call(SEND, text(sim)))["msgid"]
    assert (await qy.call(RECALL, {"msgid": "other"}))["errcode"] == 40058
    assert (await qy.call(RECALL, {"msgid": message_id}))["errcode"] == 0
    assert wecom.messages.recalled == {message_id}
    late = (await qy.call(SEND, text(sim)))["msgid"]
    sim.clock.advance(86_400)
    assert (await qy.call(RECALL, {"msgid": late}))["errcode"] == 40058


async def test_a_code_of_a_card_is_good_once(sim, wecom, qy):
    sent = await qy.call(SEND, card(sim, touser="WangWu|lisi"))
    assert wecom.received("lisi")[0].text == "合同审批\n3 万元"
    update = {"agentid": sim.wecom.corp.agent_id, "response_code": sent["response_code"]}
    update |= {"userids": ["wangwu", "Nobody"], "button": {"replace_name": "已同意"}}
    assert (await qy.call(UPDATE, update))["invaliduser"] == ["Nobody"]
    assert (wecom.received("WangWu")[-1].text, wecom.count_received("lisi")) == ("已同意", 1)
    assert (await qy.call(UPDATE, update))["errcode"] == 42022
    assert (await qy.call(UPDATE, {**update, "response_code": "x"}))["errcode"] == 40058
    assert (await qy.call(UPDATE, {**update, "button": {}}))["errcode"] == 40058


async def test_a_press_gives_a_fresh_code_for_the_whole_card(sim, wecom, qy, hook):
    await qy.call(SEND, card(sim, touser="WangWu|lisi"))
    pressed = await wecom.member_presses_card("wangwu", "yes", task_id="t1")
    assert (pressed.fields["TaskId"], pressed.fields["CardType"]) == ("t1", "button_interaction")
    update = {"agentid": sim.wecom.corp.agent_id, "response_code": pressed.fields["ResponseCode"], "atall": 1}
    update["template_card"] = {"card_type": "text_notice", "main_title": {"title": "已同意"}}
    assert (await qy.call(UPDATE, update))["errcode"] == 0
    assert wecom.received("lisi")[-1].text == "已同意"
    with pytest.raises(KeyError):
        await wecom.member_presses_card("WangWu", "maybe")
    with pytest.raises(KeyError):
        await wecom.member_presses_card("WangWu", "yes", task_id="t2")


async def test_a_code_ends_after_three_days_and_a_task_is_used_once(sim, wecom, qy):
    sent = await qy.call(SEND, card(sim))
    assert (await qy.call(SEND, card(sim)))["errcode"] == 42014
    sim.clock.advance(72 * 3600)
    update = {"agentid": sim.wecom.corp.agent_id, "response_code": sent["response_code"], "button": {"replace_name": "x"}}
    assert (await qy.call(UPDATE, update))["errcode"] == 40058


async def test_a_reply_to_a_press_changes_the_card(sim, wecom, qy, hook):
    from bot.simulator.documents import to_xml
    from bot.simulator.wecom.documents import envelope_of

    await qy.call(SEND, card(sim))
    envelope = envelope_of(wecom.corp)

    async def answer(seen):
        inner = {"ToUserName": "WangWu", "FromUserName": wecom.corp.corp_id, "CreateTime": 1, "MsgType": "update_button"}
        encrypted = envelope.encrypt(to_xml({**inner, "Button": {"ReplaceName": "已同意"}}).encode())
        nonce = seen.query["nonce"]
        outer = {"Encrypt": encrypted, "MsgSignature": envelope.sign("1", nonce, encrypted), "TimeStamp": 1, "Nonce": nonce}
        return 200, to_xml(outer).encode()

    hook.answer = answer
    await wecom.member_presses_card("WangWu", "yes")
    entry = wecom.received("WangWu")[-1]
    assert (entry.text, entry.via) == ("已同意", "passive")
    assert sim.complaints == []


@pytest.mark.parametrize("path", ["/wecom/cgi-bin/message/send"])
async def test_faults_hit_the_path_with_its_prefix(sim, wecom, qy, path):
    sim.faults.add_errcode(path, 45033)
    assert (await qy.call(SEND, text(sim)))["errcode"] == 45033
    assert (await qy.call(SEND, text(sim)))["errcode"] == 0
    assert sim.records.count_calls(path) == 2
