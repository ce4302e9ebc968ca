"""Where only context decides."""

import pytest


@pytest.mark.parametrize(
    ("said", "intent"),
    [
        ("明天去拜访张伟", "log_visit"),
        ("上午拜访了张伟 他觉得太贵", "log_follow_up"),
        ("到恒信集团了 签到", "log_visit"),
        ("李娜成交了", "win_opportunity"),
        ("跟李娜通了电话 成交了", "log_follow_up"),
        ("张伟没戏了", "lose_opportunity"),
        ("昨天跟张伟见面 他说没戏了", "log_follow_up"),
        ("张伟那单到合同阶段了", "advance_opportunity"),
        ("恒信集团回款5万", "log_payment"),
        ("张伟说下周回款5万", "log_follow_up"),
        ("报销交通费56元", "log_expense"),
        ("跟张伟聊了 明天给他出报价", "log_follow_up"),
        ("给张伟出个报价 网关20台 单价1200", "create_quote"),
        ("张伟换号了 13712345678", "update_contact"),
        ("张伟生日是哪天", "show_contact"),
        ("上次跟张伟聊到哪了", "show_contact"),
        ("跟张伟聊了 记得下周三提醒我约他", "log_follow_up"),
        ("提醒我给张伟打个电话问合同签了没", "set_reminder"),
        ("张总叫我明天过去", "log_follow_up"),
        ("今天天气不错", "unknown"),
        ("🐶🐶🐶", "unknown"),
    ],
)
def test_intents_by_context(said, intent, understand):
    assert understand(said).intent == intent


def test_doubt_is_shown(understand):
    assert understand("asdf").confidence < 0.6
    assert understand("昨天跟张伟通了电话").confidence >= 0.6


def test_a_look_up_is_never_a_new_lead(understand):
    for said in ("看下新线索的资料", "看看新客户的资料", "查一下新来的客户的联系方式", "看下13800138000的资料"):
        assert understand(said).intent != "create_lead", said
    meaning = understand("看下微信访客115的资料")
    assert (meaning.intent, meaning.slots) == ("show_contact", {"person": "微信访客115"})


@pytest.mark.parametrize(
    ("said", "intent"),
    [
        ("云帆科技的智能网关改成60万", "advance_opportunity"),
        ("把云帆科技的网关项目调到60万吧", "advance_opportunity"),
        ("云帆科技 预计1月底成交", "advance_opportunity"),
        ("刚和云帆科技通了电话，预计1月底成交", "log_follow_up"),
        ("孙权电话错了，应该是13800139124", "update_contact"),
    ],
)
def test_what_changes_a_record_is_no_note(understand, said, intent):
    assert understand(said).intent == intent
