"""Subscription notices: one for every yes."""

import pytest

SEND = "/cgi-bin/message/subscribe/bizsend"


def notice(**changes) -> dict:
    return {"touser": "oA", "template_id": "T1", "data": {"thing1": {"value": "发货提醒"}}, **changes}


async def test_a_yes_is_good_for_one(sim, api, program):
    sim.wechat.account.mode = "plain"
    await sim.wechat.answer_notice("oA", "T1", accept=False)
    assert (await api.wechat(SEND, notice()))["errcode"] == 43101
    await sim.wechat.answer_notice("oA", "T1")
    assert (await api.wechat(SEND, notice()))["errcode"] == 0
    assert (await api.wechat(SEND, notice()))["errcode"] == 43101
    await sim.settle()
    assert [entry.text for entry in sim.wechat.received("oA")] == ["发货提醒"]
    assert "subscribe_msg_sent_event" in program.seen[-1].body.decode()
    await sim.wechat.answer_notice("oA", "T1")
    await sim.wechat.switch_notice_off("oA", "T1")
    assert (await api.wechat(SEND, notice()))["errcode"] == 43101


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"touser": "oZ"}, 40003),
        ({"template_id": "T9"}, 40037),
        ({"data": {}}, 47003),
        ({"data": {"thing1": "x"}}, 47003),
        ({"miniprogram": {"appid": "wx1"}}, 41030),
    ],
)
async def test_refused(sim, api, changes, code):
    await sim.wechat.answer_notice("oA", "T1")
    sim.wechat.notices.template_ids = {"T1"}
    assert (await api.wechat(SEND, notice(**changes)))["errcode"] == code
