"""Short answers and questions about use."""

import pytest

from handlers.understanding.short import help_topic, short_answer

ANSWERS = {
    "help": "帮助 help 怎么用啊 你都能干啥 你能做什么 功能 菜单 使用说明 有什么功能 ？",
    "cancel": "取消 算了 退出 不录了 算了不录了 不弄了 取消吧 当我没说 先不记了 停 cancel 不填了",
    "confirm": "对 是的 嗯嗯 好的 ok 没错 没问题 可以 行 确认 对的对的 嗯 👌 就这样 好滴 yes 对对对",
    "deny": "不 不是 不对 否 no 不行 错了 不要 不是这个 不对不对 不是他 nope",
}


@pytest.mark.parametrize(("said", "intent"), [(said, intent) for intent, words in ANSWERS.items() for said in words.split()])
def test_short_answers(said, intent):
    assert short_answer(said) == intent
    assert short_answer(f" {said}。") == intent


@pytest.mark.parametrize("said", ["嗯嗯 没错", "对，就是他", "ok 没问题"])
def test_answers_of_two_words(said):
    assert short_answer(said) == "confirm"


@pytest.mark.parametrize("said", ["取消群发#33", "不跟了", "好客户", "对张伟", "帮我查", "", "...", "停车费20元", "行程"])
def test_sentences_that_say_more(said):
    assert short_answer(said) is None


@pytest.mark.parametrize(
    ("said", "topic"),
    [
        ("怎么录线索", "录线索"),
        ("如何群发？", "群发"),
        ("报价怎么做", "报价"),
        ("帮助 公海", "公海"),
        ("业绩怎么样", None),
        ("怎么了", None),
    ],
)
def test_topics(said, topic):
    assert help_topic(said) == topic
