"""Greetings and broadcasts."""

import pytest


@pytest.mark.parametrize(
    ("said", "intent", "slots"),
    [
        ("中秋给所有VIP发祝福", "schedule_greeting", {"holiday": "mid_autumn", "segment": {"level": "vip"}}),
        (
            "除夕晚上8点给我的客户发拜年祝福",
            "schedule_greeting",
            {"holiday": "spring_festival_eve", "time": "20:00", "segment": {"owner": "me"}},
        ),
        (
            "中秋前一天给上海的VIP客户发祝福",
            "schedule_greeting",
            {"at": "2027-09-14T09:00:00+08:00", "segment": {"region": "上海", "level": "vip"}},
        ),
        (
            "生日当天早上9点自动发生日祝福 给标签是老会员的",
            "schedule_greeting",
            {"birthday": True, "time": "09:00", "segment": {"tags": ["老会员"]}},
        ),
        ("群发#33发得咋样了", "broadcast_status", {"ref": "33"}),
        ("上周群发的效果", "broadcast_status", {"range": "last_week"}),
        ("第2个群发别发了", "cancel_broadcast", {"ref": "2"}),
        ("把那个群发撤了", "cancel_broadcast", {}),
    ],
)
def test_slots(said, intent, slots, understand):
    meaning = understand(said)
    assert (meaning.intent, meaning.slots) == (intent, slots)


@pytest.mark.parametrize(
    ("said", "when", "template"),
    [
        ("明天上午10点给上海的VIP群发新品上线通知", {"at": "2026-11-26T10:00:00+08:00"}, "新品上线通知"),
        ("马上群发 双12活动模板 给30天没联系的", {"now": True}, "双12活动"),
        ("每月1号给所有线索群发月刊", {"at": "2026-12-01T09:00:00+08:00", "repeat": "monthly:1"}, "月刊"),
        ("现在给标签是展会的客户群发邀请函", {"now": True}, "邀请函"),
        ("后天下午群发双旦促销给北京的客户", {"at": "2026-11-27T14:00:00+08:00"}, "双旦促销"),
    ],
)
def test_broadcasts(said, when, template, understand):
    slots = understand(said).slots
    assert slots["template"] == template
    assert {name: slots[name] for name in ("at", "now", "repeat") if name in slots} == when
