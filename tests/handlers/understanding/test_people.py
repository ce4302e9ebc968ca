"""Unknown people where a name may stand."""

import pytest

from handlers.understanding.mentions import PERSON, Sentence
from handlers.understanding.people import looks_like_name, mark_people, name_at_start


def people(text: str) -> list[str]:
    sentence = Sentence(text)
    mark_people(sentence)
    return [mention.value for mention in sentence.of(PERSON)]


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("跟刘海涛聊了", "刘海涛"),
        ("转给陈思远", "陈思远"),
        ("把赵敏的资料", "赵敏"),
        ("采购经理刘洋", "刘洋"),
        ("联系人诸葛明", "诸葛明"),
        ("林小舟 上周", "林小舟"),
        ("找李四谈", "李四"),
    ],
)
def test_unknown_people(said, name):
    assert people(said) == [name]


@pytest.mark.parametrize("said", ["跟方案有关", "给客户发", "和平时一样", "把金额改了", "约时间", "找关系", "谈续约", "给公司"])
def test_words_that_are_no_names(said):
    assert people(said) == []


def test_form_of_a_name():
    assert looks_like_name("欧阳静")
    assert not looks_like_name("方案")
    assert name_at_start("王晓燕的漏斗") == "王晓燕"
    assert name_at_start("本月业绩") is None
