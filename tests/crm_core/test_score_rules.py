"""Points, grades and fading: whole lines that add up, the same whatever the order."""

from hypothesis import given
from hypothesis import strategies as st

from crm_core.score_rules import DEFAULT_RULES, Record, Scorer, ScoreRule, ScoringSettings

PRICE = ScoreRule("问过价格", "behaviour", "asked_price", 12, half_life_days=14, at_most=24)
RECENT = ScoreRule("近30天有跟进", "interaction", "followed_up", 2, within_days=30, at_most=10)
GONE = ScoreRule("取消关注", "behaviour", "unfollowed", 10, half_life_days=30, at_most=10, deducts=True)
DAYS = st.lists(st.integers(20_000, 20_400), min_size=1, max_size=12, unique=True).map(lambda days: sorted(days, reverse=True))
KINDS = st.sampled_from([rule.kind for rule in DEFAULT_RULES if rule.half_life_days or rule.within_days])
FACTS = st.dictionaries(KINDS, DAYS, max_size=6)


def points(rule: ScoreRule, days: list[int], today: int) -> int:
    return Scorer(ScoringSettings(rules=(PRICE,)), today)._faded(rule, days)[0]


def test_half_of_the_points_are_gone_after_a_half_life() -> None:
    assert [points(PRICE, [100], 100 + age) for age in (0, 7, 14, 28, 70)] == [12, 8, 6, 3, 0]
    assert points(PRICE, [101, 100, 99], 101) == 24
    assert points(PRICE, [105], 100) == 12  # a platform's clock ahead of ours


def test_what_has_a_window_counts_whole_until_it_closes() -> None:
    assert [points(RECENT, [100], 100 + age) for age in (0, 30, 31)] == [2, 2, 0]
    assert points(GONE, [100], 130) == -5


def test_a_score_has_its_grade_and_stays_within_its_bounds() -> None:
    scorer = Scorer(ScoringSettings(), 100)
    full = Record(
        company="东风", title="总经理", region="上海", mobile="+861", need="要", amount="20", wechat_id="w", email="e"
    )
    assert scorer.score(full, {}).score == 5 + 3 + 3 + 2 + 2 + 5 + 10 + 12 + 10
    rich = {rule.fact: [100, 99, 98] for rule in DEFAULT_RULES if rule.half_life_days and not rule.deducts}
    assert (scorer.score(full, rich).score, scorer.score(full, rich).grade) == (100, "A")
    assert scorer.score(Record(), {"unfollowed": [100]}).score == 0
    assert scorer.score(Record(), {}).grade == "D"


def test_rules_look_at_what_a_field_says() -> None:
    rules = (
        ScoreRule("大单", "key", "at_least", 20, "amount", at_least=100_000),
        ScoreRule("展会来的", "profile", "contains", 7, "source", ("展会", "会议")),
        ScoreRule("电话已验证", "key", "verified_phone", 9),
    )
    scorer = Scorer(ScoringSettings(rules=rules), 100)
    assert scorer.score(Record(amount="100,000", source="上海展会"), {}).score == 27
    assert scorer.score(Record(amount="20万左右", source=""), {}).score == 0
    assert scorer.score(Record(mobile="+861"), {"called": [3]}).score == 9
    assert scorer.score(Record(), {"called": [3]}).score == 0


@given(FACTS, st.integers(20_380, 20_500))
def test_lines_add_up_and_nothing_changes_before_it_is_due(facts: dict[str, list[int]], today: int) -> None:
    settings = ScoringSettings()
    made = Scorer(settings, today).score(Record(company="东风"), facts)
    lines = Scorer(settings, today).lines(Record(company="东风"), facts)
    assert made.score == min(100, max(0, sum(line.points for line in lines)))
    until = made.due_day or today + 400
    assert until > today
    later = min(until - 1, today + 400)
    if max((day for days in facts.values() for day in days), default=0) <= today:
        assert Scorer(settings, later).score(Record(company="东风"), facts).score == made.score


@given(FACTS)
def test_what_fades_comes_to_an_end(facts: dict[str, list[int]]) -> None:
    today, steps = 20_400, 0
    made = Scorer(ScoringSettings(), today).score(Record(), facts)
    while made.due_day is not None:
        made = Scorer(ScoringSettings(), made.due_day).score(Record(), facts)
        steps += 1
    assert made.score == 0
    assert steps < 400


def test_wrong_rules_are_told_with_their_key() -> None:
    rules = (
        ScoreRule("", "profil", "gibt", 0),
        ScoreRule("x", "key", "filled", 5, "age", half_life_days=3),
        ScoreRule("y", "key", "at_least", 5, "name"),
        ScoreRule("k", "behaviour", "keyword", 5, half_life_days=9999),
        ScoreRule("e", "behaviour", "event", 5),
        ScoreRule("e", "behaviour", "event", 5, event="x"),
    )
    keys = [key for key, _ in ScoringSettings(a_from=40, rules=rules).problems()]
    assert keys == [
        "a_from",
        *(f"rules[0].{name}" for name in ("name", "side", "kind", "points")),
        *("rules[1].field", "rules[1].half_life_days", "rules[2].field"),
        *("rules[3].words", "rules[3].at_most", "rules[4].event", "rules"),
    ]
    assert ScoringSettings(rules=DEFAULT_RULES).problems() == []


def test_digests_tell_what_has_to_be_done_again() -> None:
    first = ScoringSettings()
    more = ScoringSettings(rules=(*DEFAULT_RULES, PRICE))
    words = ScoringSettings(rules=(*DEFAULT_RULES, ScoreRule("防爆", "behaviour", "keyword", 5, words=("防爆",))))
    assert first.digest == ScoringSettings(candidate=(PRICE,)).digest
    assert first.digest != more.digest
    assert first.facts_digest == more.facts_digest != words.facts_digest


def test_a_rule_says_what_it_looks_at() -> None:
    assert ScoreRule("x", "key", "contains", 5, "source", ("展会",)).said() == "来源含有“展会”"
    assert ScoreRule("x", "key", "at_least", 5, "amount", at_least=3).said() == "预算达到3"
    assert ScoreRule("x", "behaviour", "event", 5, event="lottery").said() == "有过事件“lottery”"
