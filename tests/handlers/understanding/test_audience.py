"""Who gets a message to many: what the segment holds is in it, and what it cannot hold makes the meaning unsure."""

import pytest

WHEN = " 明天10点"


@pytest.mark.parametrize(
    ("whom", "segment"),
    [
        ("展会来的线索", {"kind": "lead", "query": "展会"}),
        ("抖音过来的线索", {"kind": "lead", "query": "抖音"}),
        ("医疗行业的客户", {"query": "医疗"}),
        ("上海做餐饮的VIP", {"region": "上海", "level": "vip", "query": "餐饮"}),
        ("所有客户", {"kind": "customer"}),
        ("公司所有客户", {"kind": "customer"}),
        ("我的客户", {"owner": "me"}),
        ("名下客户", {"owner": "me"}),
        ("标签是老会员的", {"tags": ["老会员"]}),
        ("普通客户", {"level": "normal"}),
        ("报价阶段的客户", {"stage": "proposal"}),
        ("30天没联系的客户", {"inactive_days": 30}),
        ("大家", None),
    ],
)
def test_held_conditions(understand, whom, segment):
    meaning = understand(f"给{whom}群发新品{WHEN}")
    assert (meaning.intent, meaning.slots.get("segment")) == ("schedule_broadcast", segment)
    assert meaning.confidence >= 0.6
    assert meaning.slots["template"] == "新品"


@pytest.mark.parametrize(
    "whom",
    [
        "50个VIP",
        "前50个VIP",
        "十个客户",
        "两百个客户",
        "一半VIP",
        "部分客户",
        "上周来的线索",
        "本周新增的线索",
        "上个月成交的客户",
        "新客户",
        "没买过的客户",
        "除了张伟的客户",
        "张伟的客户",
        "预算50万以上的客户",
        "女客户",
        "会员",
    ],
)
def test_conditions_that_cannot_be_held_are_asked_about(understand, whom):
    meaning = understand(f"给{whom}群发新品{WHEN}")
    assert meaning.intent == "schedule_broadcast"
    assert meaning.confidence < 0.6


@pytest.mark.parametrize("text", ["给张伟发个生日祝福", "祝张伟生日快乐", "张伟生日给他发祝福"])
def test_a_person_is_greeted_alone(understand, text):
    assert understand(text).slots["segment"] == {"query": "张伟"}


def test_two_people_are_asked_about(understand):
    assert understand("给张伟和李娜发中秋祝福").confidence < 0.6
