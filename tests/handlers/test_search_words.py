"""Words of a search become conditions; whole sentences of conditions are known as a search."""

import re

import pytest

from crm_core.conditions import check_conditions
from handlers.search_words import FORM, read_conditions


@pytest.mark.parametrize(
    ("text", "conditions"),
    [
        ("30天没跟进", {"inactive_days": 30}),
        ("预算50万以上", {"field": "budget", "is": ">=", "value": 500000}),
        ("预算8千以内", {"field": "budget", "is": "<=", "value": 8000}),
        ("展会来的", {"field": "source", "is": "contains", "value": "展会"}),
        ("来自抖音", {"field": "source", "is": "contains", "value": "抖音"}),
        ("评分60以上", {"field": "score", "is": ">=", "value": 60}),
        ("a级", {"field": "grade", "is": "=", "value": "A"}),
        ("VIP", {"tag": "VIP"}),
        ("制造业", {"query": "制造"}),
        ("零售业", {"field": "industry", "is": "=", "value": "零售业"}),
        ("北京 30天没跟进", {"all": [{"region": "北京"}, {"inactive_days": 30}]}),
        ("上海的客户有哪些", {"all": [{"region": "上海"}, {"kind": "customer"}]}),
        ("我的客户", {"all": [{"owner": "me"}, {"kind": "customer"}]}),
        ("我名下", {"owner": "me"}),
        ("", {}),
    ],
)
def test_words_become_conditions(text, conditions):
    found = read_conditions(text, tags={"VIP"}, industries={"零售业"})
    assert found == conditions
    check_conditions(found)


@pytest.mark.parametrize("text", ["北京 制造业 30天没跟进", "预算50万以上 展会来的", "30天没跟进的客户", "A级 上海"])
def test_a_sentence_of_conditions_is_a_search(text):
    assert re.fullmatch(FORM, text)


@pytest.mark.parametrize(
    "text", ["张伟 李娜", "昨天跟张伟通了电话，毕业", "提醒我 30天没跟进 联系张伟", "毕业", "给张伟打上VIP标签"]
)
def test_other_sentences_are_none(text):
    assert not re.fullmatch(FORM, text)
