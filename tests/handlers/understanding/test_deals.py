"""Opportunities, funnel and performance."""

import pytest


@pytest.mark.parametrize(
    ("said", "slots"),
    [
        (
            "给恒信集团建个商机 智能网关 50万 六成把握 预计12月20号关单",
            {
                "company": "恒信集团",
                "product": "智能网关",
                "amount": "500000.00",
                "probability": 60,
                "expected_close": "2026-12-20",
            },
        ),
        ("新商机 李娜 CRM系统 3.5w 五五开", {"person": "李娜", "product": "CRM系统", "amount": "35000.00", "probability": 50}),
        ("恒信集团的商机推进到商务谈判", {"company": "恒信集团", "stage": "negotiation"}),
        ("张伟的单子把握提到九成", {"person": "张伟", "probability": 90}),
        ("李娜的商机金额改成两千八 月底关单", {"person": "李娜", "amount": "2800.00", "expected_close": "2026-11-30"}),
        ("恒信集团赢单了 50万", {"company": "恒信集团", "amount": "500000.00"}),
        ("李娜那单丢了 嫌贵", {"person": "李娜", "reason": "嫌贵"}),
        ("恒信集团丢了 因为预算被砍", {"company": "恒信集团", "reason": "预算被砍"}),
        ("王总那单黄了", {"person": "王建国"}),
        ("陈思远本季度的销售漏斗", {"assignee": "陈思远", "range": "this_quarter"}),
        ("我这个月业绩", {"range": "this_month"}),
        ("11月1号到15号业绩多少", {"range": {"from": "2026-11-01", "to": "2026-11-15"}}),
    ],
)
def test_slots(said, slots, understand):
    assert understand(said).slots == slots
