"""Each kind of thing that happens changes the score soon after, and with it the tags of rules that ask for it."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from crm_core import (
    activities,
    collecting,
    leads,
    purchases,
    rule_tagging,
    score_runs,
    scoring,
    segments,
    stage_moves,
    win_loss,
)
from crm_core.activities import subject_of
from crm_core.customers import Contact, add_contact, add_customer
from crm_core.leads import Lead
from crm_core.ports import Core
from crm_core.score_rules import ScoreRule, ScoringSettings
from crm_core.segments import Tag, Tagging
from crm_core.tag_rules import TagRule, TagSettings
from scheduler.jobs import scores
from tests.crm_core.test_score_runs import points, say
from tests.factories import SYSTEM, make_customer_account, make_deal, make_lead
from tests.fakes import FakeClock


def ruled(kind: str, **values: object) -> ScoreRule:
    return ScoreRule(kind, "behaviour", kind, 10, half_life_days=30, **values)  # type: ignore[arg-type]


def under(core: Core, *rules: ScoreRule, tags: tuple[TagRule, ...] = ()) -> Core:
    changed = replace(core.settings, scoring=ScoringSettings(rules=rules), tags=TagSettings(tags))
    return replace(core, settings=changed)


OF_MESSAGES = [
    (ruled("wrote"), {"text": "在吗"}),
    (ruled("asked_price"), {"text": "多少钱一台"}),
    (ruled("gave_phone"), {"text": "打13900139000"}),
    (ruled("keyword", words=("防爆",)), {"text": "有防爆的吗"}),
    (ruled("followed"), {"event": "subscribe"}),
    (ruled("followed"), {"event": "add_external_contact"}),
    (ruled("scanned"), {"event": "scan"}),
    (ruled("menu_clicked"), {"event": "click"}),
    (ruled("signed_up"), {"event": "sign_up"}),
    (ruled("event", event="lottery"), {"event": "lottery"}),
]


@pytest.mark.parametrize(("rule", "message"), OF_MESSAGES)
async def test_what_somebody_writes_or_does_counts(core: Core, clock: FakeClock, rule: ScoreRule, message: dict) -> None:
    core = under(core, rule)
    lead = await make_lead(core)
    account = await make_customer_account(core, lead)
    await scores.run(core)
    clock.advance(5)
    await say(core, account, **message)
    await scores.run(core)
    assert await points(lead) == 10
    clock.advance(timedelta(days=30))  # half of it is gone
    await scores.run(core)
    assert await points(lead) == 5


async def _follow_up(core: Core, lead: Lead) -> None:
    await activities.add_follow_up(core, SYSTEM, subject_of(lead), method="phone", summary="聊过")


async def _form(core: Core, lead: Lead) -> None:
    await collecting.collect(core, SYSTEM, {"name": "张伟", "mobile": "13800138000"}, source="官网")


async def _record(core: Core, lead: Lead) -> None:
    await leads.update(core, SYSTEM, lead.id, need="两台")


OF_RECORDS = [
    (ruled("followed_up"), _follow_up),
    (ruled("called"), _follow_up),
    (ruled("form"), _form),
    (ScoreRule("need", "key", "filled", 10, "need"), _record),
]


@pytest.mark.parametrize(("rule", "happens"), OF_RECORDS)
async def test_follow_ups_forms_and_changes_count(
    core: Core, clock: FakeClock, rule: ScoreRule, happens: Callable[[Core, Lead], Awaitable[None]]
) -> None:
    core = under(core, rule)
    lead = await make_lead(core, mobile="13800138000")
    await scores.run(core)
    clock.advance(5)
    await happens(core, lead)
    await scores.run(core)
    assert await points(lead) == 10


async def test_a_deal_that_goes_on_and_what_was_bought_count_for_the_people_of_the_customer(
    core: Core, clock: FakeClock
) -> None:
    core = under(core, ruled("deal_moved"), replace(ruled("bought"), points=7))
    customer = await add_customer(core, SYSTEM, name="云帆科技")
    contact = await add_contact(core, SYSTEM, name="李四", customer_id=customer.id)
    deal = await make_deal(core, SYSTEM, customer_id=customer.id)
    await scores.run(core)

    async def score() -> int:
        return (await Contact.get(id=contact.id)).score

    assert await score() == 0
    await stage_moves.advance(core, SYSTEM, deal.id, reason="客户催得急")
    await scores.run(core)
    assert await score() == 10
    clock.advance(timedelta(days=1))
    await purchases.note_purchase(core, SYSTEM, customer.id, product="网关")
    await scores.run(core)
    assert await score() == 10 + 7
    clock.advance(timedelta(days=1))
    await win_loss.win(core, SYSTEM, deal.id, amount="10000")
    await scores.run(core)
    told = await scoring.explain(core, SYSTEM, subject_of(await Contact.get(id=contact.id)))
    assert {line.rule.kind: len(line.days) for line in told.lines} == {"deal_moved": 2, "bought": 2}
    assert await score() == told.score > 17


async def test_what_was_taken_back_counts_no_more(core: Core, clock: FakeClock) -> None:
    core = under(core, ruled("deal_moved"), replace(ruled("bought"), points=7))
    customer = await add_customer(core, SYSTEM, name="云帆科技")
    contact = await add_contact(core, SYSTEM, name="李四", customer_id=customer.id)
    deal = await make_deal(core, SYSTEM, customer_id=customer.id)
    await scores.run(core)
    await stage_moves.advance(core, SYSTEM, deal.id, reason="客户催得急")
    bought = await purchases.note_purchase(core, SYSTEM, customer.id, product="网关")
    await scores.run(core)
    assert (await Contact.get(id=contact.id)).score == 17
    clock.advance(5)
    await purchases.undo_purchase(core, SYSTEM, bought.id)
    await stage_moves.undo_last(core, SYSTEM, deal.id)
    await scores.run(core)
    assert (await Contact.get(id=contact.id)).score == 0


HOT = {"field": "score", "is": ">=", "value": 10}


def tag(name: str, condition: dict) -> TagRule:
    return TagRule(name, msgspec.json.encode(condition).decode(), "系统")


async def tagged(name: str) -> dict[int, bool]:
    row = await Tag.get_or_none(name=name)
    return {} if row is None else dict(await Tagging.filter(tag_id=row.id).values_list("person_id", "manual"))


async def test_tags_follow_a_score_at_once_both_ways(core: Core, clock: FakeClock) -> None:
    core = under(core, ruled("wrote"), tags=(tag("高分", HOT), tag("别的", {"tag": "人工"})))
    lead = await make_lead(core)
    account = await make_customer_account(core, lead)
    await scores.run(core)
    await rule_tagging.run_due(core)
    clock.advance(5)
    await say(core, account)
    await scores.run(core)
    assert await tagged("高分") == {lead.person_id: False}
    assert (await Tag.get(name="高分")).group == "系统"
    clock.advance(timedelta(days=60))
    await scores.run(core)
    assert await tagged("高分") == {}


async def test_a_hand_set_tag_outlives_every_score(core: Core, clock: FakeClock) -> None:
    core = under(core, ruled("wrote"), tags=(tag("高分", HOT),))
    lead = await make_lead(core)
    account = await make_customer_account(core, lead)
    await segments.add_tags(core, SYSTEM, lead.person_id, ["高分"])
    await scores.run(core)
    clock.advance(5)
    await say(core, account)
    await scores.run(core)
    clock.advance(timedelta(days=90))
    await scores.run(core)
    await rule_tagging.run_due(core)
    await rule_tagging.run_rule(core, SYSTEM, "高分")
    assert await tagged("高分") == {lead.person_id: True}


async def test_changed_score_rules_have_the_tags_set_over_everybody(core: Core, clock: FakeClock) -> None:
    tags = (tag("高分", HOT),)
    old = under(core, ScoreRule("公司", "profile", "filled", 5, "company"), tags=tags)
    rows = [await make_lead(core, f"客户{n}", company="东风") for n in range(3)]
    await scores.run(old)
    await rule_tagging.run_due(old)
    assert await tagged("高分") == {}
    clock.advance(60)
    new = under(core, ScoreRule("公司", "profile", "filled", 15, "company"), tags=tags)
    await score_runs.catch_up(new)
    await rule_tagging.run_due(new)
    assert set(await tagged("高分")) == {row.person_id for row in rows}


async def test_a_new_lead_has_its_tags_with_its_first_score(core: Core) -> None:
    core = under(core, ScoreRule("公司", "profile", "filled", 15, "company"), tags=(tag("高分", HOT),))
    lead = await make_lead(core, company="东风")
    await scoring.rescore(core, [lead.person_id])
    assert await tagged("高分") == {lead.person_id: False}
