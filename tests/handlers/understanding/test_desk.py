"""Visits, reports, comments, taking over."""

import pytest


@pytest.mark.parametrize(
    ("said", "slots"),
    [
        ("拜访打卡 恒信集团 张江路88号 送样品", {"company": "恒信集团", "place": "张江路88号", "purpose": "送样品"}),
        (
            "昨天下午在软件园拜访签到 张伟 目的是验收",
            {"person": "张伟", "at": "2026-11-24T14:00:00+08:00", "place": "软件园", "purpose": "验收"},
        ),
        ("到恒信集团了 签到 设备巡检", {"company": "恒信集团", "purpose": "设备巡检"}),
        ("明天去拜访张伟", {"person": "张伟", "at": "2026-11-26T09:00:00+08:00"}),
        ("外出登记 下午去恒信集团 谈续约", {"company": "恒信集团", "at": "2026-11-25T14:00:00+08:00", "purpose": "谈续约"}),
    ],
)
def test_visits(said, slots, understand):
    meaning = understand(said)
    assert (meaning.intent, meaning.slots) == ("log_visit", slots)


@pytest.mark.parametrize(
    ("said", "kind", "text"),
    [
        ("日报：今天拜访3家，明天跟进恒信集团", "daily", "今天拜访3家，明天跟进恒信集团"),
        ("周报 本周新增线索12条", "weekly", "本周新增线索12条"),
        ("交日报 打了20个电话", "daily", "打了20个电话"),
    ],
)
def test_reports_keep_all_words(said, kind, text, understand):
    assert understand(said).slots == {"kind": kind, "text": text}


def test_comments(understand):
    assert understand("批注#1024：毛利太低 重新报").slots == {"ref": "1024", "text": "毛利太低 重新报"}
    assert understand("给张伟这条点评一下 跟进节奏要加快").slots == {"person": "张伟", "text": "跟进节奏要加快"}


def test_taking_over_and_giving_back(understand):
    assert understand("张伟的对话我来接").slots == {"person": "张伟"}
    assert understand("聊完了 交还给机器人").slots == {"release": True}
    assert understand("张伟的会话交还机器人").slots == {"person": "张伟", "release": True}
