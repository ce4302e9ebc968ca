"""The vocabulary of pushes is that of the vectors."""

import pytest

from bot.simulator.documents import to_xml
from bot.simulator.wecom import contact_events, messages
from bot.simulator.wecom.replies import parse

MEMBER = {"FromUserName": "zhangsan", "AgentID": "1000007"}
EXTERNAL = "wmDemoExternal0001"


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("QYI-001", {**MEMBER, **messages.text("请假一天🙏"), "MsgId": "7000000000000000001"}),
        ("QYI-002", {**MEMBER, **messages.image("MID1", "http://p.qpic.cn/x"), "MsgId": "7000000000000000002"}),
        ("QYI-004", {**MEMBER, **messages.video("MID3", "T3"), "MsgId": "7000000000000000004"}),
        ("QYI-005", {**MEMBER, **messages.location(23.134, 113.358, "位置", 20), "MsgId": "7000000000000000005"}),
        (
            "QYI-006",
            {
                **MEMBER,
                **messages.link("t", "d", "https://e.com/?a=1&b=2", "https://e.com/p.png"),
                "MsgId": "7000000000000000006",
            },
        ),
        ("QYI-020", contact_events.added("zhangsan", EXTERNAL, "store_88", "WELCOME-CODE-1")),
        ("QYI-021", contact_events.added("zhangsan", EXTERNAL, None, None)),
        ("QYI-022", contact_events.edited("zhangsan", EXTERNAL)),
        ("QYI-023", contact_events.added("zhangsan", EXTERNAL, "store_88", "WELCOME-CODE-2", half=True)),
        ("QYI-025", contact_events.left("zhangsan", EXTERNAL)),
        (
            "QYI-033",
            {**MEMBER, **messages.template_card("key1", "task1", "vote_interaction", "RC1", {"Q1": ["O1", "O2"]})},
        ),
    ],
)
def test_the_vectors_hold_the_same_fields(load_cases, name, fields):
    case = next(case for case in load_cases("wecom_inbound") if case["id"] == name)
    head = {"ToUserName": "ww7c2b9e01d4f3a865", "FromUserName": "sys", "CreateTime": 1_795_161_600}
    assert parse(to_xml(head | fields).encode()) == parse(case["plaintext"].encode())


def test_a_report_of_the_place_has_the_names_of_the_vectors(load_cases):
    case = next(case for case in load_cases("wecom_inbound") if case["id"] == "QYI-011")
    wanted = parse(case["plaintext"].encode())
    assert set(messages.report_location(23.104, 113.320)) | {"ToUserName", "FromUserName", "CreateTime", "AgentID"} == set(
        wanted
    )


def test_a_change_of_the_tags_may_name_its_strategy():
    assert "StrategyId" not in contact_events.tag_changed("create", "t")
    assert contact_events.tag_changed("shuffle", "g", "tag_group", 1)["StrategyId"] == 1
