"""Pools as settings: conditions, terms, when a lead goes back."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from crm_core.pool_rules import Condition, PoolKind, PoolSettings, ReturnRule, Trait, return_at

START = datetime(2026, 11, 1, tzinfo=UTC)
DAY = timedelta(days=1)
LEAD = Trait(
    "官网表单", "web", "双十一", "上海浦东", "20台网关 东风机械厂", 60, "B", datetime(2026, 11, 25, 14, tzinfo=UTC)
)  # 22:00 there


@pytest.mark.parametrize(
    ("condition", "fits"),
    [
        (Condition(), True),
        (Condition(sources=("展会", "官网")), True),
        (Condition(sources=("展会",)), False),
        (Condition(channels=("web",), campaigns=("双十一",), regions=("上海",), words=("网关",), grades=("B",)), True),
        (Condition(regions=("北京",)), False),
        (Condition(min_score=60, max_score=60), True),
        (Condition(min_score=61), False),
        (Condition(max_score=59), False),
        (Condition(time_from=time(21), time_until=time(6)), True),
        (Condition(time_from=time(9), time_until=time(18)), False),
        (Condition(weekdays=(3,)), True),
        (Condition(weekdays=(6, 7)), False),
    ],
)
def test_every_named_thing_must_fit(condition: Condition, fits: bool) -> None:
    assert condition.fits(LEAD) is fits


def test_a_condition_says_itself() -> None:
    said = Condition(
        sources=("官网",), regions=("上海",), min_score=60, time_from=time(21), time_until=time(6), weekdays=(1, 5)
    )
    assert said.say() == "来源官网，地区上海，评分≥60，21:00-06:00进来，星期一五"
    assert Condition().say() == "全部线索"


@pytest.mark.parametrize(
    ("claimed", "reclaim", "protection", "after"),
    [(None, 30, 7, 30), (0, 30, 7, 30), (0, 3, 7, 7), (2, 3, 7, 9), (-100, 3, 7, 3)],
)
def test_a_lead_goes_back_after_its_days_but_not_within_its_protection(claimed, reclaim, protection, after):
    terms = PoolSettings(reclaim_days=reclaim, protection_days=protection).terms_for("", "")
    claimed_at = None if claimed is None else START + claimed * DAY
    assert return_at(START, claimed_at, terms, None) == START + after * DAY


def test_a_running_contract_keeps_it_and_an_ended_one_sends_it_back() -> None:
    terms = PoolSettings(returns=(ReturnRule(grades=("A",), after_contract_days=10),)).terms_for("A", "")
    end = date(2026, 12, 31)
    midnight = datetime(2026, 12, 31, 16, tzinfo=UTC)
    assert return_at(START, None, PoolSettings().terms_for("", ""), end) == midnight
    assert return_at(START + 100 * DAY, None, terms, end) == midnight + 10 * DAY


def test_whoever_claims_is_protected_whatever_became_of_a_contract() -> None:
    terms = PoolSettings(protection_days=20, returns=(ReturnRule(grades=("A",), after_contract_days=10),)).terms_for("A", "")
    over, soon = date(2025, 1, 1), date(2026, 11, 2)
    assert return_at(START, START, terms, over) == START + 30 * DAY
    assert return_at(START, START, terms, soon) == START + 20 * DAY
    assert return_at(START, START - 100 * DAY, terms, soon) == datetime(2026, 11, 2, 16, tzinfo=UTC) + 10 * DAY


def test_problems_name_what_is_wrong() -> None:
    wrong = PoolSettings(
        kinds=(
            PoolKind("a", roles=("king",)),
            PoolKind("a", when=Condition(min_score=9, max_score=1, weekdays=(8,))),
            PoolKind(""),
        ),
        returns=(ReturnRule(reclaim_days=0),),
    )
    assert wrong.problems() == [
        ("kinds", "a 出现了两次"),
        ("kinds", "a：角色 king 不认识"),
        ("kinds", "a：max_score 不能小于 min_score"),
        ("kinds", "a：weekdays 只能是 1（周一）到 7（周日）"),
        ("kinds", "name 需要1到32个字"),
        ("returns", "reclaim_days 需要大于 0"),
    ]
    assert PoolSettings().problems() == []


def test_without_a_number_of_days_only_a_contract_sends_a_lead_back() -> None:
    settings = PoolSettings(reclaim_days=0, returns=(ReturnRule(grades=("A",), reclaim_days=30, after_contract_days=10),))
    assert return_at(START, None, settings.terms_for("B", ""), None) > START + 100_000 * DAY
    assert settings.soonest == 27 * DAY
    assert PoolSettings(reclaim_days=0).soonest > 100_000 * DAY
    end = date(2026, 12, 31)
    assert return_at(START, None, settings.terms_for("A", ""), end) == datetime(2026, 12, 31, 16, tzinfo=UTC) + 10 * DAY
