"""What two records have in common, and what the rules make of it."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_core.match_rules import (
    COMPANY,
    DEFAULT_RULES,
    DOUBTFUL,
    FIELDS,
    HARD,
    SAME,
    Facts,
    IdentitySettings,
    OverwriteSettings,
    Rule,
    conflicts,
    in_common,
    judge,
)
from tests.fakes import FakeClock

NOW = FakeClock().now()


def facts(name: str = "", company: str = "", *, source: str = "", campaign: str = "", region: str = "", **ids: str) -> Facts:
    known = {kind: frozenset({value}) for kind, value in ids.items()}
    return Facts(name, company, region, source, campaign, NOW, known)


def test_a_mobile_alone_makes_the_same_and_says_why() -> None:
    verdict = judge(facts("张伟", mobile="1"), facts("老张", mobile="1"), DEFAULT_RULES)
    assert (verdict.action, verdict.score, verdict.reasons, verdict.hard) == (SAME, 100, ("手机号相同",), True)


def test_two_different_ids_of_one_kind_are_never_the_same() -> None:
    one = facts("张伟", "东风机械", mobile="1", email="a@b.cn")
    for other in (facts("张伟", "东风机械", mobile="1", email="c@d.cn"), facts("张伟", "东风机械", mobile="2", email="a@b.cn")):
        verdict = judge(one, other, DEFAULT_RULES)
        assert verdict.action == DOUBTFUL
        assert verdict.conflicts
        assert verdict.reasons[-1].endswith("不同")
    same_anyway = Rule(("name",), action=SAME, weight=100)
    assert judge(facts("张伟", mobile="1"), facts("张伟", mobile="2"), [same_anyway]).action == DOUBTFUL


def test_two_openids_of_one_channel_contradict_and_two_channels_do_not() -> None:
    one = Facts(accounts=frozenset({("wechat", "o1")}))
    assert conflicts(one, Facts(accounts=frozenset({("wechat", "o2")}))) == ("account",)
    assert conflicts(one, Facts(accounts=frozenset({("wecom", "w1")}))) == ()
    kf, member = Facts(accounts=frozenset({("kf", "wm1")})), Facts(accounts=frozenset({("wecom", "wm1")}))
    assert judge(kf, member, DEFAULT_RULES).action == SAME


@pytest.mark.parametrize(
    ("one", "other", "reasons", "action"),
    [
        (facts("张伟", "东风机械"), facts("张伟", "东风机械有限公司"), ("姓名相同", "公司相同"), DOUBTFUL),
        (facts("张伟", "东风机械"), facts("章伟", "东风机械公司"), ("姓名同音", "公司相同"), DOUBTFUL),
        (facts("张伟", "东风机械设备"), facts("张伟", "东风机械设各"), ("姓名相同", "公司名称相近"), DOUBTFUL),
        (facts("张伟", region="上海"), facts("张伟", region="上海"), ("姓名相同", "地区相同"), DOUBTFUL),
        (facts("张伟", landline="1"), facts("张伟", landline="1"), ("座机相同", "姓名相同"), DOUBTFUL),
        (facts("张伟"), facts("张伟"), (), ""),
        (facts("微信访客1", region="上海"), facts("微信访客1", region="上海"), (), ""),
        (facts("李娜", "东风机械"), facts("张伟", "东风机械"), (), ""),
    ],
)
def test_soft_evidence_is_doubtful_and_told(one: Facts, other: Facts, reasons: tuple[str, ...], action: str) -> None:
    verdict = judge(one, other, DEFAULT_RULES)
    assert (verdict.reasons, verdict.action) == (reasons, action)
    assert verdict.score < 100


def test_source_campaign_and_time_narrow_a_rule() -> None:
    rule = Rule(("name",), action=SAME, weight=90, same_source=True, same_campaign=True, within_days=3)
    one = facts("张伟", source="展会", campaign="春季")
    assert judge(one, one, [rule]).action == SAME
    for other in (facts("张伟", source="官网", campaign="春季"), facts("张伟", source="展会")):
        assert judge(one, other, [rule]).action == ""
    late = Facts("张伟", source="展会", campaign="春季", at=NOW + timedelta(days=4))
    assert judge(one, late, [rule]).action == ""


def test_the_same_name_of_one_source_within_days_is_a_double_upload() -> None:
    one, other = facts("张伟", "东风机械", source="展会"), facts("张伟", "东风机械公司", source="展会")
    assert judge(one, other, DEFAULT_RULES).action == SAME


@pytest.mark.parametrize(
    ("one", "other", "action"),
    [
        (facts(company="东风机械有限公司"), facts(company="东风机械"), SAME),
        (facts(company="上海东风机械"), facts(company="东风机械"), DOUBTFUL),
        (facts(company="上海东风机械"), facts(company="北京东风机械"), ""),
        (facts(company="云帆科技"), facts(company="云凡科技"), DOUBTFUL),
        (facts(company="甲公司", credit_code="X"), facts(company="乙公司", credit_code="X"), SAME),
        (facts(company="东风机械", credit_code="X"), facts(company="东风机械", credit_code="Y"), DOUBTFUL),
    ],
)
def test_companies_by_name_and_credit_code(one: Facts, other: Facts, action: str) -> None:
    assert judge(one, other, DEFAULT_RULES, kind=COMPANY).action == action


def test_what_a_stronger_word_says_is_not_counted_twice() -> None:
    alone = judge(facts("张伟", "东风机械"), facts("张伟", "东风机械"), [Rule(("name", "company"), weight=80)])
    assert judge(facts("张伟", "东风机械"), facts("张伟", "东风机械"), DEFAULT_RULES).score == alone.score == 80


def test_wrong_settings_are_told() -> None:
    bad = Rule(("shoe_size",), kind="dog", action="maybe", weight=0)
    assert {key for key, _ in bad.problems()} == {"all_of", "kind", "action", "weight"}
    assert Rule(("mobile",), kind=COMPANY).problems()
    assert Rule(()).problems()
    assert all(not rule.problems() for rule in DEFAULT_RULES)
    assert OverwriteSettings(name="never").problems() == [("name", "只能是 newest、keep 或 ask")]
    assert IdentitySettings(near_percent=10).problems()
    assert IdentitySettings().problems() == []


names = st.sampled_from(["", "张伟", "章伟", "张玮", "李娜", "微信访客1"])
companies = st.sampled_from(["", "东风机械", "东风机械有限公司", "上海东风机械", "云帆科技"])
values = st.frozensets(st.sampled_from(["1", "2", "3"]), max_size=2)
anything = st.builds(
    lambda name, company, ids: Facts(name, company, ids={kind: one for kind, one in ids.items() if one}),
    names,
    companies,
    st.fixed_dictionaries({kind: values for kind in HARD if kind != "account"}),
)


@given(anything, anything)
def test_comparing_knows_no_order_and_never_merges_what_contradicts(one: Facts, other: Facts) -> None:
    assert in_common(one, other) == in_common(other, one)
    assert in_common(one, other) <= set(FIELDS)
    verdict, mirrored = judge(one, other, DEFAULT_RULES), judge(other, one, DEFAULT_RULES)
    assert verdict == mirrored
    assert not (verdict.action == SAME and conflicts(one, other))
    assert 0 <= verdict.score <= 100
