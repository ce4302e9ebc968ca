"""Fillers around a sentence change nothing; words that only look like fillers stay."""

import pytest

from handlers.understanding.framing import inside


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("嗯 那个，张伟回款5万哈", "张伟回款5万"),
        ("你好，查一下张伟 谢谢啦😊", "查一下张伟"),
        ("对了 明天提醒我开会～～", "明天提醒我开会"),
        ("小助手，今天的待办", "今天的待办"),
        ("那个张伟的电话", "那个张伟的电话"),
        ("机器人接着回", "机器人接着回"),
        ("#7✅", "#7✅"),
        ("谢谢", "谢谢"),
        ("😊😊", "😊😊"),
    ],
)
def test_what_is_left_inside(said, left):
    assert inside(said) == left


def test_fillers_do_not_change_the_meaning(understand):
    plain = understand("昨天跟李娜通了电话 她嫌贵")
    for framed in ("嗯 昨天跟李娜通了电话 她嫌贵", "昨天跟李娜通了电话 她嫌贵哈 谢谢", "喂，昨天跟李娜通了电话 她嫌贵😊"):
        assert understand(framed) == plain
