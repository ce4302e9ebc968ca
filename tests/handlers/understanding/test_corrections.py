"""What a speaker takes back in the same breath, and sentences that only look so."""

import pytest


@pytest.mark.parametrize(
    ("said", "slots"),
    [
        ("明天上午九点，不对，十点提醒我开会", {"at": "2026-11-26T10:00:00+08:00"}),
        ("明天晚上八点 不对 九点提醒我开会", {"at": "2026-11-26T21:00:00+08:00"}),
        ("后天提醒我 啊不 大后天提醒我交材料", {"at": "2026-11-28T09:00:00+08:00"}),
        ("跟张伟，说错了是李娜，通了电话 她同意了", {"person": "李娜", "method": "phone"}),
        ("张伟说预算30万 不对 是35万", {"person": "张伟", "amount": "350000.00"}),
        ("恒信集团，啊不，张伟回款5万", {"person": "张伟", "amount": "50000.00"}),
        ("张伟回款3万，不，5万", {"amount": "50000.00"}),
    ],
)
def test_the_second_thing_counts(said, slots, understand):
    found = understand(said).slots
    assert {name: found.get(name) for name in slots} == slots


@pytest.mark.parametrize(
    ("said", "slots"),
    [
        ("跟张伟聊了 颜色不对 明天重新送样", {"next_at": "2026-11-26T09:00:00+08:00"}),
        ("昨天跟李娜打电话，她说不对，明天再看", {"person": "李娜", "next_at": "2026-11-26T09:00:00+08:00"}),
        ("张伟回款5万，不是李娜付的", {"person": "张伟"}),
    ],
)
def test_what_is_no_correction_stays(said, slots, understand):
    found = understand(said).slots
    assert {name: found.get(name) for name in slots} == slots


def test_a_long_row_of_corrections_ends(understand):
    assert understand("张伟，不对，李娜，" * 200).confidence >= 0
