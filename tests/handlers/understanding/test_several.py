"""Sentences that name more than the slots take, and those that do not."""

import json

import pytest


@pytest.mark.parametrize(
    "text",
    [
        "领取 1 2 3",
        "领取1、2、3",
        "领取 赵晓东 和 孔云飞",
        "14点提醒我开会和16点提醒我打电话",
        "和汪国庆、赵晓东一起吃了饭",
        "第1条和第2条搞定了",
        "明天下午3点提醒我给张伟打电话，后天上午10点提醒我开会",
        "给张伟和李娜打上VIP标签",
        "把张伟、李娜转给王芳",
        "新线索 王五 13800138000 赵六 13900139000",
    ],
)
def test_more_is_named(understand, text):
    meaning = understand(text)
    assert meaning.more
    assert set(json.loads(meaning.to_json())) == {"intent", "confidence", "slots"}


@pytest.mark.parametrize(
    "text",
    [
        "领取第3条",
        "把张伟转给李娜",
        "跟张伟通了电话，李娜也在，他认可报价",
        "恒信集团的张伟赢单了",
        "第2条推到 8 点",
        "明天提醒我下午3点和张伟开会",
        "日报：跟进#1和#2，回款2万",
        "新线索 王五 13800138000 20台",
    ],
)
def test_no_more_is_named(understand, text):
    assert not understand(text).more
