"""Looking for customers, and into the pool."""

import pytest


@pytest.mark.parametrize(
    ("said", "intent", "slots"),
    [
        ("上海的客户有哪些", "search", {"region": "上海"}),
        ("搜 智慧园区", "search", {"query": "智慧园区"}),
        ("带展会标签的 报价阶段的都列出来", "search", {"tags": ["展会"], "stage": "proposal"}),
        ("赢单的客户列表", "search", {"stage": "won"}),
        ("本月新增的客户有多少", "search", {"range": "this_month"}),
        ("搜一下做幼儿园的客户", "search", {"query": "幼儿园"}),
        ("公海有啥", "list_pool", {}),
        ("公海", "list_pool", {}),
        ("看看公海里上海的线索", "list_pool", {"region": "上海"}),
        ("公海搜 医疗器械", "list_pool", {"query": "医疗器械"}),
        ("公海里做教育的有吗", "list_pool", {"query": "教育"}),
    ],
)
def test_conditions(said, intent, slots, understand):
    meaning = understand(said)
    assert (meaning.intent, meaning.slots) == (intent, slots)
