"""Several records in one message, and messages that stay one."""

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_core.clock import SHANGHAI
from handlers.understanding.messages import parse_each

NOW = datetime(2026, 11, 25, 10, 0, tzinfo=SHANGHAI)
KNOWN = ("张伟", "李娜", "王总=王建国", "恒信集团", "陈晨")


def told(text: str) -> list[tuple[str, object]]:
    return [(each.intent, each.slots.get("person") or each.slots.get("company")) for each in parse_each(text, NOW, KNOWN)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "昨天跟张伟通了电话，他嫌贵。上午拜访了李娜，同意试用",
            [("log_follow_up", "张伟"), ("log_follow_up", "李娜")],
        ),
        (
            "1、张伟电话沟通，预算30万\n2、李娜微信说下周给答复\n3、恒信集团回款5万",
            [("log_follow_up", "张伟"), ("log_follow_up", "李娜"), ("log_payment", "恒信集团")],
        ),
        (
            "跟张伟通了电话 对报价认可 跟李娜吃了饭 她想月底签",
            [("log_follow_up", "张伟"), ("log_follow_up", "李娜")],
        ),
        ("张伟赢单了 30万；李娜那单丢了 嫌贵", [("win_opportunity", "张伟"), ("lose_opportunity", "李娜")]),
        (
            "恒信集团回款5万，另外给陈晨发了邮件 等她回复",
            [("log_payment", "恒信集团"), ("log_follow_up", "陈晨")],
        ),
        (
            "新线索 周凯 13512345678 要网关；新线索 吴磊 15900001234 展会来的",
            [("create_lead", "周凯"), ("create_lead", "吴磊")],
        ),
    ],
)
def test_each_customer_has_a_record(text, expected):
    assert told(text) == expected


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("昨天跟张伟通了电话，他嫌贵。下周三再约他", "log_follow_up"),
        ("跟张伟通了电话，李娜也在，他认可报价", "log_follow_up"),
        ("恒信集团的张伟说价格可以 李娜介绍的", "log_follow_up"),
        ("日报：拜访张伟。给李娜报价。恒信集团回款5万", "submit_report"),
        ("把张伟转给李娜", "transfer_lead"),
        ("给张伟和李娜打上VIP标签", "tag_contact"),
        ("你好", "unknown"),
    ],
)
def test_one_matter_stays_one(text, intent):
    found = parse_each(text, NOW, KNOWN)
    assert [each.intent for each in found] == [intent]


def test_each_part_keeps_its_own_times():
    first, second = parse_each("昨天下午跟张伟通了电话 明天再聊；李娜上午微信说可以 周五签", NOW, KNOWN)
    assert first.slots["at"] == "2026-11-24T14:00:00+08:00"
    assert first.slots["next_at"] == "2026-11-26T09:00:00+08:00"
    assert second.slots["next_at"] == "2026-11-27T09:00:00+08:00"


PIECES = ["张伟", "李娜说", "跟恒信集团", "通了电话", "。", "；", "\n", "2、", "明天", "，另外", " ", "回款5万", "13800138000"]


@given(st.one_of(st.text(max_size=120), st.lists(st.sampled_from(PIECES), max_size=30).map("".join)))
@settings(max_examples=200, deadline=None)
def test_nothing_raises_and_something_is_found(text):
    assert 1 <= len(parse_each(text, NOW, KNOWN)) <= 10
