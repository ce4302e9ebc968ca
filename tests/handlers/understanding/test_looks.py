"""Questions about one customer and searches for many."""

import pytest


@pytest.mark.parametrize(
    ("said", "intent"),
    [
        ("王总哪家公司的", "show_contact"),
        ("李娜多久没联系了", "show_contact"),
        ("恒信集团谁在跟", "show_contact"),
        ("张伟，资料", "show_contact"),
        ("张伟有微信吗", "show_contact"),
        ("武汉客户", "search"),
        ("初步接触的都有谁", "search"),
        ("今年成交的客户", "search"),
        ("关键词 智能锁", "search"),
        ("张伟问什么时候发货", "log_follow_up"),
        ("李娜说有没有现货", "log_follow_up"),
    ],
)
def test_who_is_asked_about(said, intent, understand):
    assert understand(said).intent == intent
