"""Who gets a lead, as settings: what is wrong with them, and whom a rule chooses."""

from datetime import UTC, datetime, time, timedelta

from crm_core.distribution_rules import (
    AssignmentRule,
    AssignmentSettings,
    Candidate,
    DistributionRule,
    DistributionSettings,
    ScriptSettings,
    ScriptText,
    choose,
    is_working,
)
from crm_core.pool_rules import Condition, Trait

WEDNESDAY = datetime(2026, 11, 25, 2, tzinfo=UTC)  # 10:00 there
HOURS = {"work_from": time(9), "work_until": time(18)}


def test_problems_name_what_is_wrong() -> None:
    rules = (DistributionRule("a"), DistributionRule("a", when=Condition(weekdays=(0,))), DistributionRule(" "))
    assert DistributionSettings(rules=rules).problems() == [
        ("rules", "a 出现了两次"),
        ("rules", "每条规则都需要 name"),
        ("rules", "a：weekdays 只能是 1（周一）到 7（周日）"),
    ]
    wrong = AssignmentRule("b", method="dice", match=("age",), most_offers=0)
    assert AssignmentSettings(rules=(wrong,)).problems() == [
        ("rules", "b：method 只能是 round_robin、load"),
        ("rules", "b：match 不认识 age"),
        ("rules", "b：answer_within 和 most_offers 需要大于 0"),
    ]
    assert ScriptSettings(items=(ScriptText("空", ""),)).problems() == [
        ("items", "「空」需要写 title、text，以及 words 或 stage")
    ]


def test_a_rule_chooses_and_says_why_or_why_not() -> None:
    one, two = Candidate(1, "小王", 3, turn=5, **HOURS), Candidate(2, "小李", 5, turn=2, **HOURS)  # type: ignore[arg-type]
    lead = Trait(region="上海")
    taken = choose(AssignmentRule("轮流"), lead, [one, two], WEDNESDAY)
    assert (taken.candidate, taken.reason) == (two, "规则「轮流」，轮流")
    taken = choose(AssignmentRule("少的", method="load"), lead, [one, two], WEDNESDAY)
    assert (taken.candidate, taken.reason) == (one, "规则「少的」，名下线索3条")
    nobody = choose(AssignmentRule("地区", match=("region",)), lead, [one, two], WEDNESDAY)
    assert (nobody.candidate, nobody.reason, nobody.later) == (None, "没有人负责上海", False)
    later = choose(AssignmentRule("轮流"), lead, [one, two], WEDNESDAY + timedelta(hours=10))
    assert (later.candidate, later.reason, later.later) == (None, "现在没有人上班", True)
    assert choose(AssignmentRule("轮流", any_time=True), lead, [one], WEDNESDAY + timedelta(hours=10)).candidate == one
    assert choose(AssignmentRule("轮流"), lead, [], WEDNESDAY).reason == "单位里没有可分配的在职销售"


def test_days_off_count_unless_somebody_has_days_of_their_own() -> None:
    sunday = WEDNESDAY + timedelta(days=4)
    assert not is_working(Candidate(1, "小王", **HOURS), sunday)  # type: ignore[arg-type]
    assert is_working(Candidate(1, "小王", work_days=(6, 7), **HOURS), sunday)  # type: ignore[arg-type]
