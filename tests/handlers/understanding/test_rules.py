"""Rules that a phrase of the skeleton settles."""

import pytest

from handlers.understanding.rules import rule


def test_rule_fits_unless_its_exception_does():
    greeting = rule("x", "祝福", "提醒")
    assert greeting.fits("发祝福")
    assert not greeting.fits("提醒我发祝福")


@pytest.mark.parametrize(
    ("said", "intent"),
    [
        ("日报：今天拜访3家", "submit_report"),
        ("每周一提醒我交周报", "set_reminder"),
        ("点评第2条：价格别再让了", "comment"),
        ("拜访打卡 恒信集团", "log_visit"),
        ("接管张伟的会话", "handover"),
        ("聊完了 交还给机器人", "handover"),
        ("群发#33发得咋样了", "broadcast_status"),
        ("把那个群发撤了", "cancel_broadcast"),
        ("中秋给所有VIP发祝福", "schedule_greeting"),
        ("记得周五给李娜发祝福短信提醒我一下", "set_reminder"),
        ("公海有啥", "list_pool"),
        ("公海第3条我要了", "claim_lead"),
        ("把张伟放回公海", "release_lead"),
        ("把张伟转给陈思远", "transfer_lead"),
        ("看下漏斗", "show_funnel"),
        ("本月业绩咋样", "show_performance"),
        ("给张伟打上VIP标签", "tag_contact"),
        ("带展会标签的都列出来", "search"),
        ("给张伟建个商机 50万", "create_opportunity"),
    ],
)
def test_phenomena(said, intent, understand):
    assert understand(said).intent == intent
