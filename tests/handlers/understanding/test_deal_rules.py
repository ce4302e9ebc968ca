"""Deals and money in a few words."""

import pytest


@pytest.mark.parametrize(
    ("said", "intent"),
    [
        ("张伟那单拿下了🎉", "win_opportunity"),
        ("恒信集团赢单了 50万", "win_opportunity"),
        ("李娜签合同了", "win_opportunity"),
        ("恒信集团中标了", "win_opportunity"),
        ("李娜那单丢了 嫌贵", "lose_opportunity"),
        ("张总那单没戏了 被竞品抢了", "lose_opportunity"),
        ("王总那单黄了", "lose_opportunity"),
        ("收到李娜现金八百块定金", "log_payment"),
        ("昨天张伟微信支付了¥12,000", "log_payment"),
        ("请李娜吃饭花了320", "log_expense"),
        ("停车费20元", "log_expense"),
        ("报价单 恒信集团 网关10台", "create_quote"),
    ],
)
def test_deals_and_money(said, intent, understand):
    assert understand(said).intent == intent


@pytest.mark.parametrize("said", ["张伟下个月初签约", "赢单的客户列表", "李娜希望能成交", "本月成交率"])
def test_deal_that_is_not_made_yet(said, understand):
    assert understand(said).intent != "win_opportunity"
