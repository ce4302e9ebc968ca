"""Tag rules as settings."""

from datetime import timedelta

import pytest

from crm_core.tag_rules import TagRule, TagSettings

GOOD = TagRule("高分", '{"field": "score", "is": ">=", "value": 60}', "系统")


def test_a_good_rule_has_no_problems():
    assert TagSettings((GOOD,)).problems() == []
    assert GOOD.condition == {"field": "score", "is": ">=", "value": 60}
    assert GOOD.digest != TagRule("高分", '{"tag": "VIP"}').digest


@pytest.mark.parametrize(
    ("rule", "key"),
    [
        (TagRule("", "{}"), "rules[0].name"),
        (TagRule("x", "{}", "长" * 65), "rules[0].group"),
        (TagRule("x", "{"), "rules[0].conditions"),
        (TagRule("x", "[]"), "rules[0].conditions"),
        (TagRule("x", '{"city": "上海"}'), "rules[0].conditions"),
        (TagRule("x", '{"owner": "me"}'), "rules[0].conditions"),
        (TagRule("x", '{"any": [{"not": {"tag": "x"}}]}'), "rules[0].conditions"),
        (TagRule("x", '{"tags": ["x"]}'), "rules[0].conditions"),
    ],
)
def test_what_is_wrong_is_told_with_its_key(rule, key):
    [(found, sentence)] = TagSettings((rule,)).problems()
    assert found == key
    assert sentence


def test_two_rules_for_one_tag_and_a_hurry_are_told():
    assert [key for key, _ in TagSettings((GOOD, GOOD), timedelta(seconds=1)).problems()] == ["rules", "whole_every"]
