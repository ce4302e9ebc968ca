"""Pipelines as settings: conditions, what is missing, and what is wrong with a pipeline."""

import tomllib
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from bot.config import SettingsProblems, parse
from crm_core.activities import METHOD_LABELS
from crm_core.errors import Invalid
from crm_core.pipeline_rules import (
    CONDITIONS,
    DEFAULT_PIPELINE,
    METHOD_WORDS,
    Facts,
    OpportunitySettings,
    PipelineSettings,
    StageSettings,
    checked_day,
    checked_values,
    missing,
)

OWN = """
[opportunities]
stuck_days = 10
departments_without = ["门店"]

[[opportunities.pipelines]]
name = "channel"
label = "渠道"
[[opportunities.pipelines.stages]]
name = "visit"
label = "上门看货"
[[opportunities.pipelines.stages]]
name = "sample"
label = "寄样试用"
probability = 40
requires = ["follow_up:visit", "days:3", "field:行业", "quote", "decision_maker", "contact"]
stuck_days = 5

[[opportunities.repeat_purchases]]
product = "网关"
after_days = 180
"""


def test_a_pipeline_of_the_settings_is_read() -> None:
    settings = parse(tomllib.loads(OWN), {}, Path("/srv")).core.opportunities
    assert [stage.label for stage in settings.pipeline("channel").stages] == ["上门看货", "寄样试用"]
    assert (settings.stuck_after("channel", "sample"), settings.stuck_after("channel", "visit")) == (5, 10)
    assert settings.repeat_purchases[0].kind == "repeat"
    assert OpportunitySettings().pipeline("gone") is DEFAULT_PIPELINE


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (('"visit"', '"Visit"'), "阶段名称 Visit 不能用"),
        (('"visit"', '"won"'), "阶段名称 won 不能用"),
        (('"quote"', '"luck"'), "条件 luck 不认识"),
        (("follow_up:visit", "follow_up:pigeon"), "条件 follow_up:pigeon 不认识"),
        (("days:3", "days:x"), "条件 days:x 不认识"),
        (("probability = 40", "probability = 101"), "不能超过 100"),
        (("寄样试用", "上门看货"), "阶段 sample 出现了两次"),
        (('label = "上门看货"', 'label = ""'), "阶段 visit 缺少 label"),
        (("stuck_days = 10", "stuck_days = 0"), "需要大于 0"),
        (("after_days = 180", 'after_days = 180\nkind = "again"'), "kind 只能是 repeat、upgrade、cross"),
        (("after_days = 180", 'after_days = 180\nkind = "cross"'), "需要写 propose"),
        (('name = "channel"', 'name = "渠道"'), "名称只能用小写字母"),
    ],
)
def test_every_mistake_is_told(change: tuple[str, str], sentence: str) -> None:
    with pytest.raises(SettingsProblems) as found:
        parse(tomllib.loads(OWN.replace(*change, 1)), {}, Path("/srv"))
    assert sentence in str(found.value)


def test_two_pipelines_of_one_name_and_one_without_stages_are_told() -> None:
    settings = OpportunitySettings(pipelines=(PipelineSettings("a"), PipelineSettings("a")))
    assert [sentence for _, sentence in settings.problems()] == ["a 出现了两次", "a：至少需要一个阶段", "a：至少需要一个阶段"]


def test_conditions_of_skipped_stages_are_asked_for_too() -> None:
    assert missing(DEFAULT_PIPELINE, "initial", "negotiation", Facts()) == (
        "登记联系人",
        "有跟进记录",
        "填写产品",
        "填写预计金额",
        "明确关键决策人",
    )
    known = Facts(filled=frozenset({"amount", "product"}), methods=frozenset({"phone"}), contact_count=1)
    assert missing(DEFAULT_PIPELINE, "initial", "negotiation", known) == ("明确关键决策人",)
    assert missing(DEFAULT_PIPELINE, "negotiation", "qualified", Facts()) == ()


@pytest.mark.parametrize(
    ("condition", "met", "said"),
    [
        ("follow_up:visit", Facts(methods=frozenset({"visit"})), "有一次拜访跟进"),
        ("days:3", Facts(days_in_stage=3), "在当前阶段满3天"),
        ("field:行业", Facts(filled=frozenset({"行业"})), "填写行业"),
        ("quote", Facts(quoted=True), "已报价"),
        ("decision_maker", Facts(decision_maker=True), "明确关键决策人"),
        ("contact", Facts(contact_count=1), "登记联系人"),
        ("expected_close_on", Facts(filled=frozenset({"expected_close_on"})), "填写预计成交日期"),
        ("probability", Facts(filled=frozenset({"probability"})), "填写把握"),
        ("competitor", Facts(filled=frozenset({"competitor"})), "写明竞争对手"),
    ],
)
def test_each_condition_is_met_by_what_it_measures(condition: str, met: Facts, said: str) -> None:
    track = PipelineSettings("p", "", (StageSettings("a", "甲"), StageSettings("b", "乙", requires=(condition,))))
    assert OpportunitySettings(pipelines=(track,)).problems() == []
    assert missing(track, "a", "b", Facts()) == (said,)
    assert missing(track, "a", "b", met) == ()


def test_methods_are_called_as_everywhere_else() -> None:
    assert all(METHOD_LABELS[method] == word for method, word in METHOD_WORDS.items())  # type: ignore[index]
    assert all(METHOD_WORDS.get(condition) is None for condition in CONDITIONS)


def test_values_are_made_exact_or_refused() -> None:
    assert checked_values({"amount": "1.005", "name": " 网关 ", "probability": 0}) == {
        "amount": Decimal("1.01"),
        "name": "网关",
        "probability": 0,
    }
    assert checked_day("retry_on", "2028-02-29") == date(2028, 2, 29)
    for wrong in ({"amount": "-0.01"}, {"amount": "Infinity"}, {"probability": True}, {"probability": "60"}):
        with pytest.raises(Invalid):
            checked_values(wrong)
