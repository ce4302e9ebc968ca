"""What a follow-up sentence says: the contact, the summary, the next step."""

import pytest


@pytest.mark.parametrize(
    ("said", "at", "next_at"),
    [
        ("周一跟张伟电话聊的", "2026-11-23T09:00:00+08:00", None),
        ("周一跟张伟电话聊了 周五再聊", "2026-11-23T09:00:00+08:00", "2026-11-27T09:00:00+08:00"),
        ("跟张伟聊完了 她让我12月3号下午带合同过去", None, "2026-12-03T14:00:00+08:00"),
        ("上午拜访了张伟 他有点犹豫 下个月再去一趟", "2026-11-25T09:00:00+08:00", "2026-12-01T09:00:00+08:00"),
        ("李娜说合同还在法务 月中问一下进度", None, "2026-12-15T09:00:00+08:00"),
        ("今天下午3点去见了李娜，她不太满意", "2026-11-25T15:00:00+08:00", None),
        ("刚跟张伟通完电话，没问题", "2026-11-25T10:00:00+08:00", None),
        ("跟李娜聊到明年的采购计划", None, None),
    ],
)
def test_times_go_where_they_belong(said, at, next_at, understand, now):
    slots = understand(said, now.replace(hour=16) if "下午3点" in said else now).slots
    assert (slots.get("at"), slots.get("next_at")) == (at, next_at)


def test_method_is_that_of_the_contact_and_not_of_the_next_step(understand):
    assert "method" not in understand("李娜说老板不在 大后天微信她").slots
    assert understand("跟李娜电话聊了 后天微信发资料").slots["method"] == "phone"


def test_summary_leaves_the_opening_and_the_next_step_out(understand):
    slots = understand("昨天跟张伟通了电话，嫌交期长，下周三约他谈合同").slots
    assert slots["summary"] == "嫌交期长"
    assert slots["next_action"] == "约他谈合同"


def test_difference_is_no_amount(understand):
    assert "amount" not in understand("跟张伟聊了，他想便宜两万").slots


def test_step_without_a_time_is_kept(understand):
    slots = understand("跟张伟聊了，挺满意，下一步给他寄样品").slots
    assert slots["next_action"] == "给他寄样品"
    assert "next_at" not in slots


def test_telling_after_the_step_is_still_told(understand):
    slots = understand("跟张伟聊了，下周三再约，预算50万").slots
    assert "预算50万" in slots["summary"]
    assert slots["amount"] == "500000.00"


@pytest.mark.parametrize(
    ("said", "summary", "action"),
    [
        ("昨天拜访了张伟，对方要求月底前交货", "对方要求月底前交货", "交货"),
        ("张伟说下周一四点来公司，预算两万五", "说下周一四点来公司", "来公司"),
        ("李娜反馈年底前付款", "反馈年底前付款", "付款"),
        ("跟李娜通了电话，她希望周五看样机", "她希望周五看样机", "看样机"),
        ("给张伟打电话没人接，明天再打", "没人接", "打电话"),
        ("张伟方案还在看，下周三再谈", "方案还在看", "再谈"),
    ],
)
def test_nothing_the_customer_said_is_lost(said, summary, action, understand):
    slots = understand(said).slots
    assert summary in slots["summary"]
    assert action in slots["next_action"]
