"""Rules are tried by the engine that counts, and nothing is written."""

from dataclasses import replace

import pytest

from crm_core import score_runs, scoring
from crm_core.access import Role
from crm_core.errors import Invalid, Refused
from crm_core.leads import Lead
from crm_core.ports import Core
from crm_core.score_rules import ScoreRule, ScoringSettings
from crm_core.score_trials import adjusted, table, what_if
from tests.crm_core.test_score_runs import say
from tests.factories import SYSTEM, make_actor, make_customer_account, make_lead


async def test_a_trial_tells_what_the_change_then_does(core: Core) -> None:
    people = [
        await make_lead(core, f"客户{n}", company="东风" if n % 2 else "", amount="9" if n % 3 else "") for n in range(12)
    ]
    await score_runs.catch_up(core)
    await scoring.set_grade(core, SYSTEM, "lead", people[1].id, "A")
    candidate = adjusted(core.settings.scoring, "有公司 50分；有预算 15")
    before = {lead.id: lead.score_grade for lead in await Lead.all()}
    trial = await what_if(core, SYSTEM, candidate)
    assert {lead.id: lead.score_grade for lead in await Lead.all()} == before
    new = replace(core, settings=replace(core.settings, scoring=candidate))
    await score_runs.catch_up(new)
    after = {lead.id: lead.score_grade for lead in await Lead.all()}
    assert (trial.counted, trial.changed) == (12, sum(before[number] != after[number] for number in before))
    for was, becomes, count in table(trial):
        assert count == sum((before[number], after[number]) == (was, becomes) for number in before)
    assert trial.held_count == 1
    assert all(after[each.lead_id] == each.new_grade for each in trial.samples)


async def test_new_words_are_looked_for_in_messages(core: Core) -> None:
    lead = await make_lead(core)
    await say(core, await make_customer_account(core, lead), "要防爆的")
    await score_runs.catch_up(core)
    rule = ScoreRule("要防爆", "behaviour", "keyword", 80, words=("防爆",))
    trial = await what_if(core, SYSTEM, ScoringSettings(rules=(rule,)))
    assert trial.samples[0].new_score == 80


async def test_a_manager_counts_the_team_and_a_salesperson_nothing(core: Core) -> None:
    boss, sales = await make_actor(core, "老陈", Role.MANAGER), await make_actor(core)
    await make_lead(core, "公海的", company="东风")
    await make_lead(core, "自己的", company="东风", owner_id=boss.employee_id)
    await make_lead(core, "别队的", company="东风", owner_id=sales.employee_id)
    await score_runs.catch_up(core)
    trial = await what_if(core, boss, adjusted(core.settings.scoring, "有公司 90"))
    assert "别队的" not in {each.name for each in trial.samples}
    assert trial.counted == 2
    with pytest.raises(Refused):
        await what_if(core, sales, core.settings.scoring)


def test_a_sentence_adjusts_rules() -> None:
    settings = ScoringSettings()
    made = adjusted(settings, "问过价格 20分 半衰7天 封顶30分，删除 扫过码，A级 80，C 10")
    price = next(rule for rule in made.rules if rule.name == "问过价格")
    assert (price.points, price.half_life_days, price.at_most) == (20, 7, 30)
    assert "扫过码" not in {rule.name for rule in made.rules}
    assert (made.a_from, made.c_from, len(made.rules)) == (80, 10, len(settings.in_force) - 1)
    for words in ("没这条 5", "问过价格", "问过价格 很多"):
        with pytest.raises(Invalid):
            adjusted(settings, words)
