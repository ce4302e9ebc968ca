"""Quotes, payments and expenses."""

import pytest


@pytest.mark.parametrize(
    ("said", "items", "discount"),
    [
        ("给张伟出个报价 智能网关20台 单价1200 九折", [("智能网关", 20, "1200.00")], "0.90"),
        (
            "报价单 恒信集团 网关 10台 每台¥3,500，摄像头 40个 单价两百八",
            [("网关", 10, "3500.00"), ("摄像头", 40, "280.00")],
            None,
        ),
        ("给李娜做份报价：培训服务3天 单价两千八 打95折", [("培训服务", 3, "2800.00")], "0.95"),
        ("给张伟报价 20台网关 单价1200", [("网关", 20, "1200.00")], None),
        ("给恒信集团开一份报价单 智能门锁两百套 单价1.2k", [("智能门锁", 200, "1200.00")], None),
        ("给张伟出个报价 网关20台", [("网关", 20, None)], None),
    ],
)
def test_quotes(said, items, discount, understand):
    slots = understand(said).slots
    assert [(item["product"], item["quantity"], item.get("unit_price")) for item in slots["items"]] == items
    assert slots.get("discount") == discount


@pytest.mark.parametrize(
    ("said", "slots"),
    [
        ("恒信集团回款5万 银行转账", {"company": "恒信集团", "amount": "50000.00", "method": "transfer"}),
        ("收到李娜现金八百块定金", {"person": "李娜", "amount": "800.00", "method": "cash"}),
        (
            "李娜刚才付了5000 支付宝",
            {"person": "李娜", "amount": "5000.00", "at": "2026-11-25T10:00:00+08:00", "method": "alipay"},
        ),
        ("收到张伟支票两万", {"person": "张伟", "amount": "20000.00", "method": "check"}),
        ("报销交通费56元", {"amount": "56.00", "category": "交通费"}),
        ("打车费35块5报销", {"amount": "35.50", "category": "打车费"}),
        ("记个费用 住宿费480 出差见张伟", {"person": "张伟", "amount": "480.00", "category": "住宿费"}),
    ],
)
def test_payments_and_expenses(said, slots, understand):
    assert understand(said).slots == slots
