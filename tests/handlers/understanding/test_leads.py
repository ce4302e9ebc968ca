"""New leads, claiming, releasing, handing over."""

import pytest


def test_all_of_a_lead_in_one_line(understand):
    slots = understand(
        "新线索 盛达物流 运营总监李志强 138 0013 8000 微信号lzq_88888 邮箱a@b.cn 苏州 展会认识的 想要20台网关 预算3.5w"
    ).slots
    assert slots == {
        "person": "李志强",
        "company": "盛达物流",
        "phone": "13800138000",
        "email": "a@b.cn",
        "wechat_id": "lzq_88888",
        "source": "展会",
        "title": "运营总监",
        "amount": "35000.00",
        "region": "苏州",
        "need": "20台网关",
    }


@pytest.mark.parametrize(
    ("said", "source"),
    [
        ("抖音来的", "抖音"),
        ("来自官网", "官网"),
        ("老客户转介绍", "老客户转介绍"),
        ("通过朋友介绍", "朋友介绍"),
        ("公众号上加的", "公众号"),
        ("扫码来的", "扫码"),
        ("来源：行业协会", "行业协会"),
    ],
)
def test_sources_as_said(said, source, understand):
    assert understand(f"新线索 刘芳 13755556666 {said}").slots["source"] == source


def test_who_introduced_is_not_who_is_new(understand):
    slots = understand("来了个新客户 是张总介绍的 叫李强").slots
    assert (slots["person"], slots["source"]) == ("李强", "张总介绍")


@pytest.mark.parametrize(
    ("said", "intent", "slots"),
    [
        ("领取 恒信集团", "claim_lead", {"company": "恒信集团"}),
        ("公海第3条我要了", "claim_lead", {"ref": "3"}),
        ("领取刘海涛", "claim_lead", {"person": "刘海涛"}),
        ("#36退回公海吧 预算太低", "release_lead", {"ref": "36", "reason": "预算太低"}),
        ("因为一直不接电话 把李娜退回公海", "release_lead", {"person": "李娜", "reason": "一直不接电话"}),
        ("把张伟转给陈思远", "transfer_lead", {"person": "张伟", "assignee": "陈思远"}),
        ("张伟转给李娜 我要休假", "transfer_lead", {"person": "张伟", "assignee": "李娜", "reason": "我要休假"}),
        ("第4条分配给林小舟跟进", "transfer_lead", {"ref": "4", "assignee": "林小舟"}),
    ],
)
def test_pool_and_colleagues(said, intent, slots, understand):
    meaning = understand(said)
    assert (meaning.intent, meaning.slots) == (intent, slots)


@pytest.mark.parametrize(
    ("said", "slots"),
    [
        ("新线索 诸葛亮 卧龙咨询 13800138055", {"person": "诸葛亮", "company": "卧龙咨询"}),
        ("新线索 李明 13912345678 苏州精工 官网 要5台", {"company": "苏州精工", "source": "官网", "need": "5台"}),
        ("新线索 曹操 13800138055 微信 caocao666", {"person": "曹操", "wechat_id": "caocao666"}),
        ("新线索 王芳 13800138055 想买5台网关下周二要样品", {"need": "5台网关下周二要样品"}),
    ],
)
def test_nothing_said_of_a_lead_is_lost(understand, said, slots):
    found = understand(said).slots
    assert slots.items() <= found.items()


@pytest.mark.parametrize("said", ["新线索 张伟 13800138000 电话咨询", "新线索 张伟 13800138000 做广告的"])
def test_words_of_the_story_are_no_company(understand, said):
    assert "company" not in understand(said).slots


def test_an_account_is_no_source(understand):
    assert "source" not in understand("新线索 曹操 13800138055 微信 caocao666").slots
