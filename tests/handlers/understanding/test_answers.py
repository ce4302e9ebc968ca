"""Bare answers to one question."""

import pytest

from handlers.understanding.answers import read_answer

KNOWN = ("张伟", "李娜", "微信访客115")


@pytest.mark.parametrize(
    ("slot", "text", "value"),
    [
        ("at", "明天上午10点", "2026-11-26T10:00:00+08:00"),
        ("at", "后天", "2026-11-27T09:00:00+08:00"),
        ("at", "下周三3点", "2026-12-02T15:00:00+08:00"),
        ("at", "3点", "2026-11-25T15:00:00+08:00"),
        ("at", "半小时后", "2026-11-25T10:30:00+08:00"),
        ("at", "两小时", "2026-11-25T12:00:00+08:00"),
        ("at", "改到周五", "2026-11-27T09:00:00+08:00"),
        ("at", "张伟", None),
        ("at", "2月30号", None),
        ("expected_close", "下月底", "2026-12-31"),
        ("repeat", "每周三三点", "weekly:WE"),
        ("person", "张伟", "张伟"),
        ("person", "是张总", "张伟"),
        ("person", "东风机械厂的张伟", "张伟"),
        ("company", "东风机械厂的张伟", "东风机械厂"),
        ("person", "汪国庆", "汪国庆"),
        ("person", "微信访客115", "微信访客115"),
        ("person", "Tom Lee", "Tom Lee"),
        ("person", "云帆科技", None),
        ("company", "云帆科技", "云帆科技"),
        ("person", "今天要做什么", None),
        ("person", "看下公海", None),
        ("person", "下午3点", None),
        ("person", "不知道", None),
        ("person", "帮助", None),
        ("assignee", "给李娜吧", "李娜"),
        ("ref", "第2条", "2"),
        ("ref", "2", "2"),
        ("ref", "第二个", "2"),
        ("ref", "张伟", None),
        ("action", "提醒我给张伟打电话", "给张伟打电话"),
        ("action", "要开会", "开会"),
        ("action", "明天下午3点", None),
        ("amount", "8万", "80000.00"),
        ("amount", "5000", "5000.00"),
        ("amount", "3千2", "3200.00"),
        ("amount", "40台", None),
        ("phone", "138 0000 0000", "13800000000"),
        ("phone", "1380000", None),
        ("tags", "VIP、重点", ["VIP", "重点"]),
        ("tags", "打上高意向标签", ["高意向"]),
        ("text", "价格别再让了，下周一再谈", "价格别再让了，下周一再谈"),
        ("template", "用新品通知模板", "新品通知"),
        ("now", "现在", True),
        ("holiday", "中秋节", "mid_autumn"),
        ("birthday", "生日那天", True),
        ("kind", "周报", "weekly"),
        ("segment", "上海的VIP", {"region": "上海", "level": "vip"}),
        ("unheard_of", "张伟", None),
        ("at", "  ", None),
    ],
)
def test_answer(slot, text, value, now):
    assert read_answer(slot, text, now, KNOWN) == value
