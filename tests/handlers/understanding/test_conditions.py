"""What selects customers."""

import pytest

from handlers.understanding.conditions import find_region, inactive_days, read_segment, split_tags
from handlers.understanding.mentions import Sentence


@pytest.mark.parametrize(
    ("said", "segment"),
    [
        ("给所有VIP", {"level": "vip"}),
        ("上海的VIP客户", {"region": "上海", "level": "vip"}),
        ("我的客户", {"owner": "me"}),
        ("所有客户", {"kind": "customer"}),
        ("全部客户", {"kind": "customer"}),
        ("所有线索", {"kind": "lead"}),
        ("标签是老会员的", {"tags": ["老会员"]}),
        ("老客户", {"tags": ["老客户"]}),
        ("30天没联系的", {"inactive_days": 30}),
        ("重点客户", {"level": "key"}),
        ("普通客户", {"level": "normal"}),
        ("报价阶段的客户", {"stage": "proposal"}),
        ("杭州的客户", {"region": "杭州"}),
        ("带展会标签的客户", {"tags": ["展会"]}),
        ("两周没跟进的线索", {"inactive_days": 14, "kind": "lead"}),
        ("标签是大客户的上海客户", {"tags": ["大客户"], "region": "上海"}),
    ],
)
def test_segments(said, segment):
    sentence = Sentence(said)
    sentence.build()
    assert read_segment(sentence) == segment


def test_parts():
    assert find_region("在黑龙江的") == "黑龙江"
    assert split_tags("大客户、续费和高意向") == ["大客户", "续费", "高意向"]
    assert [inactive_days(said) for said in ("半年没联系", "一个月未跟进", "联系了")] == [180, 30, None]
