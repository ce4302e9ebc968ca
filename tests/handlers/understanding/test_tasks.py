"""Reminders, task lists, postponing."""

import pytest


@pytest.mark.parametrize(
    ("said", "at", "action"),
    [
        ("下午3点提醒我给张总打电话", "2026-11-25T15:00", "给张总打电话"),
        ("明天提醒我下午3点开会", "2026-11-26T15:00", "开会"),
        ("明天下午3点开会提前10分钟提醒我", "2026-11-26T14:50", "开会"),
        ("9点提醒我打卡上班", "2026-11-26T09:00", "打卡上班"),
        ("提醒我明早给张伟发报价", "2026-11-26T09:00", "给张伟发报价"),
        ("帮我设个提醒 12月3号下午 续约", "2026-12-03T14:00", "续约"),
        ("加个待办 周五前把方案发给李娜", "2026-11-27T09:00", "把方案发给李娜"),
        ("中秋前一天提醒我送月饼", "2027-09-14T09:00", "送月饼"),
        ("一个半小时后喊我去接客户", "2026-11-25T11:30", "接客户"),
    ],
)
def test_reminders(said, at, action, understand):
    slots = understand(said).slots
    assert str(slots["at"]).startswith(at)
    assert action in slots["action"]
    assert "repeat" not in slots


@pytest.mark.parametrize("said", ["提醒我2月30号交报告", "提醒我明天25点开会", "提醒我给张伟打电话"])
def test_no_time_is_guessed(said, understand):
    meaning = understand(said)
    assert meaning.intent == "set_reminder"
    assert "at" not in meaning.slots


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("今天要干啥", "today"),
        ("下周的任务", "next_week"),
        ("过期的待办", "overdue"),
        ("查一下周五的待办", {"from": "2026-11-27", "to": "2026-11-27"}),
        ("12月1号到5号的日程", {"from": "2026-12-01", "to": "2026-12-05"}),
        ("我的待办", None),
    ],
)
def test_ranges_of_a_list(said, expected, understand):
    assert understand(said).slots.get("range") == expected


@pytest.mark.parametrize(
    ("said", "slots"),
    [
        ("第3条推到明天2点", {"ref": "3", "at": "2026-11-26T14:00:00+08:00"}),
        ("#12延后两小时", {"ref": "12", "at": "2026-11-25T12:00:00+08:00"}),
        ("把明天李娜的任务推到后天", {"person": "李娜", "at": "2026-11-27T09:00:00+08:00"}),
        ("第1条先放放", {"ref": "1"}),
    ],
)
def test_postponing(said, slots, understand):
    meaning = understand(said)
    assert (meaning.intent, meaning.slots) == ("snooze_task", slots)


def test_done_names_the_number_or_the_person(understand):
    assert understand("完成第3条").slots == {"ref": "3"}
    assert understand("李娜那个回访任务做完了").slots == {"person": "李娜"}


def test_whom_a_reminder_is_about_stays_in_its_words(understand):
    assert understand("给孙权设个提醒 明天下午三点 回访").slots["action"] == "孙权 回访"
