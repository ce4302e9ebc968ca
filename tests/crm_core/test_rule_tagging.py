"""Tags of rules: set on whoever changed, taken off again, and never one that a hand has set."""

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from crm_core import rule_tagging, segments, tagging
from crm_core.access import Role
from crm_core.accounts import Account
from crm_core.conversations import Message
from crm_core.errors import Refused
from crm_core.leads import Lead
from crm_core.rule_tagging import Done, NoSuchRule, TagRuleRun
from crm_core.segments import Tag, Tagging
from crm_core.tag_rules import TagRule, TagSettings
from crm_core.tagging import TagSetByRule
from scheduler.jobs import tag_rules as job
from tests.factories import SYSTEM, make_actor, make_customer_account, make_lead


def with_rules(core, *rules: tuple[str, dict]):
    made = tuple(TagRule(name, msgspec.json.encode(conditions).decode(), "系统") for name, conditions in rules)
    return replace(core, settings=replace(core.settings, tags=TagSettings(made)))


HOT = ("高分", {"field": "score", "is": ">=", "value": 60})


async def tagged(name: str) -> dict[int, bool]:
    tag = await Tag.get(name=name)
    return dict(await Tagging.filter(tag_id=tag.id).values_list("person_id", "manual"))


async def test_a_rule_is_run_over_everybody_first_and_then_over_whoever_changed(core, clock):
    core = with_rules(core, HOT)
    hot, cold = await make_lead(core, "热", score=80), await make_lead(core, "冷")
    assert await rule_tagging.run_due(core) == [Done("高分", 1, 0)]
    assert await tagged("高分") == {hot.person_id: False}
    assert (await Tag.get(name="高分")).group == "系统"
    clock.advance(60)
    assert await job.run(core) == 0
    await cold.change(core, score=90)
    await hot.change(core, score=10)
    assert await rule_tagging.run_due(core) == [Done("高分", 1, 1)]
    assert await tagged("高分") == {cold.person_id: False}


async def test_what_a_hand_has_set_stays(core, clock):
    core = with_rules(core, HOT)
    lead = await make_lead(core, "冷")
    await segments.add_tags(core, SYSTEM, lead.person_id, ["高分"])
    await rule_tagging.run_due(core)
    await rule_tagging.run_rule(core, SYSTEM, "高分")
    assert await tagged("高分") == {lead.person_id: True}
    await lead.change(core, score=70)
    clock.advance(1)
    await rule_tagging.run_due(core)
    assert await tagged("高分") == {lead.person_id: True}


async def test_whoever_writes_is_looked_at_again(core, clock):
    core = with_rules(core, ("来过消息", {"did": "wrote", "within_days": 7}))
    lead = await make_lead(core)
    account = await make_customer_account(core, lead)
    await rule_tagging.run_due(core)
    clock.advance(timedelta(minutes=5))
    await Account.filter(id=account.id).update(last_inbound_at=clock.now())
    await Message.add(
        core,
        channel="wechat",
        external_account="o",
        account_id=account.id,
        direction="in",
        kind="text",
        at=clock.now(),
        status="done",
        key="k1",
    )
    assert await rule_tagging.run_due(core) == [Done("来过消息", 1, 0)]
    clock.advance(timedelta(days=8))
    assert await rule_tagging.run_due(core) == [Done("来过消息", 0, 1)]


async def test_a_changed_rule_is_run_over_everybody_at_once(core):
    await make_lead(core, "热", score=80)
    await rule_tagging.run_due(with_rules(core, HOT))
    strict = with_rules(core, ("高分", {"field": "score", "is": ">=", "value": 90}))
    assert await rule_tagging.run_due(strict) == [Done("高分", 0, 1)]
    assert (await TagRuleRun.get()).taken_count == 1


async def test_many_changes_at_once_are_looked_at_whole(core, clock, monkeypatch):
    core = with_rules(core, HOT)
    await rule_tagging.run_due(core)
    monkeypatch.setattr(rule_tagging, "MOST_CHANGED", 2)
    for number in range(4):
        await make_lead(core, f"热{number}", score=80)
    clock.advance(1)
    assert await rule_tagging.run_due(core) == [Done("高分", 4, 0)]


async def test_taking_off_what_a_rule_sets_again_is_told(core):
    core = with_rules(core, HOT)
    lead = await make_lead(core, "热", score=80)
    await rule_tagging.run_due(core)
    await segments.add_tags(core, SYSTEM, lead.person_id, ["VIP"])
    with pytest.raises(TagSetByRule):
        await tagging.take_off(core, SYSTEM, lead.person_id, ["高分"])
    assert await tagging.take_off(core, SYSTEM, lead.person_id, ["VIP"]) == ["高分"]
    await Lead.filter(id=lead.id).update(score=0)
    assert await tagging.take_off(core, SYSTEM, lead.person_id, ["高分"]) == []


async def test_on_demand_by_those_who_may(core):
    core = with_rules(core, HOT)
    await make_lead(core, "热", score=80)
    with pytest.raises(Refused):
        await rule_tagging.run_rule(core, await make_actor(core), "高分")
    marketer = await make_actor(core, "小美", Role.MARKETER)
    with pytest.raises(NoSuchRule):
        await rule_tagging.run_rule(core, marketer, "没有")
    assert await rule_tagging.run_rule(core, marketer, "高分") == Done("高分", 1, 0)
    [(rule, count, ran_at)] = await rule_tagging.rule_states(core)
    assert (rule.name, count, ran_at) == ("高分", 1, core.clock.now())
