"""Scores follow what happens, what fades, and changed rules; from nothing the same as step by step."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm_core import activities, customers, leads, score_pages, score_runs, scoring
from crm_core.activities import subject_of
from crm_core.conversations import Message
from crm_core.customers import Contact
from crm_core.leads import Lead
from crm_core.ports import Core
from crm_core.score_facts import ScoreFacts
from crm_core.score_rules import ScoreRule, ScoringSettings
from tests.factories import SYSTEM, make_customer_account, make_lead
from tests.fakes import FakeClock


def under(core: Core, scoring_settings: ScoringSettings) -> Core:
    return replace(core, settings=replace(core.settings, scoring=scoring_settings))


async def say(
    core: Core, account: object, text: str = "在吗", *, event: str = "", status: str = "done", **values: object
) -> Message:
    number = await Message.all().count()
    made: Message = await Message.add(
        core,
        **{
            "channel": "wechat",
            "external_account": account.external_id,  # type: ignore[attr-defined]
            "account_id": account.id,  # type: ignore[attr-defined]
            "direction": "in",
            "kind": "event" if event else "text",
            "text": "" if event else text,
            "at": core.clock.now(),
            "status": status,
            "key": f"m:{number}",
            "payload": f'{{"event":"{event}"}}' if event else "",
            **values,
        },
    )
    return made


async def points(lead: Lead) -> int:
    return int((await Lead.get(id=lead.id)).score)


async def test_a_question_for_the_price_counts_soon_and_fades(core: Core, clock: FakeClock) -> None:
    lead = await make_lead(core)
    account = await make_customer_account(core, lead)
    await score_runs.catch_up(core)
    assert await points(lead) == 0
    clock.advance(60)
    await say(core, account, "多少钱一台")
    await score_runs.catch_up(core)
    assert await points(lead) == 12 + 3
    clock.advance(timedelta(days=14))
    await score_runs.catch_up(core)
    assert await points(lead) == 6 + 1
    clock.advance(timedelta(days=300))
    await score_runs.catch_up(core)
    lead = await Lead.get(id=lead.id)
    assert (lead.score, lead.grade, lead.score_due_day) == (0, "D", None)


async def test_fields_follow_ups_and_events_count(core: Core, clock: FakeClock) -> None:
    lead = await make_lead(core, company="东风机械", title="李总", mobile="13800138000", need="两台", amount="200000")
    account = await make_customer_account(core, lead)
    await score_runs.catch_up(core)
    assert await points(lead) == 5 + 3 + 5 + 10 + 12 + 10
    clock.advance(60)
    follow_up = await activities.add_follow_up(core, SYSTEM, subject_of(lead), method="phone", summary="聊过")
    await score_runs.catch_up(core)
    assert await points(lead) == 45 + 2 + 8  # and the phone is verified
    await activities.undo_follow_up(core, SYSTEM, follow_up.id)
    await score_runs.catch_up(core)
    assert await points(lead) == 45
    for event in ("subscribe", "scan", "click"):
        await say(core, account, event=event)
    await score_runs.catch_up(core)
    assert await points(lead) == 45 + 5 + 5 + 2
    lead = await leads.update(core, SYSTEM, lead.id, need="")
    await score_runs.catch_up(core)
    assert await points(lead) == 47


async def test_a_number_written_by_the_customer_verifies_the_record(core: Core) -> None:
    lead = await make_lead(core, mobile="13800138000")
    account = await make_customer_account(core, lead)
    await say(core, account, "我的电话 138 0013 8000")
    await score_runs.catch_up(core)
    assert await points(lead) == 5 + 8 + 10 + 3


async def test_a_reply_after_a_call_counts(core: Core, clock: FakeClock) -> None:
    lead = await make_lead(core)
    account = await make_customer_account(core, lead)
    await activities.add_follow_up(core, SYSTEM, subject_of(lead), method="wechat", summary="发了资料")
    clock.advance(3600)
    await say(core, account, "好的")
    await score_runs.catch_up(core)
    assert await points(lead) == 2 + 4 + 3


async def test_contacts_are_scored_too(core: Core) -> None:
    customer = await customers.add_customer(core, SYSTEM, name="云帆科技", region="上海")
    contact = await customers.add_contact(core, SYSTEM, name="李四", customer_id=customer.id, decision_maker=True)
    await score_runs.catch_up(core)
    contact = await Contact.get(id=contact.id)
    assert (contact.score, contact.grade) == (5 + 3 + 10, "D")


async def test_a_message_not_worked_on_yet_is_counted_when_it_is(core: Core, clock: FakeClock) -> None:
    lead = await make_lead(core)
    account = await make_customer_account(core, lead)
    await score_runs.catch_up(core)
    clock.advance(60)
    waiting = await say(core, account, "报价发我", status="open", account_id=None)
    await score_runs.catch_up(core)
    assert await points(lead) == 0
    clock.advance(5)
    await waiting.change(core, status="done", account_id=account.id)
    await score_runs.catch_up(core)
    assert await points(lead) == 15


async def test_changed_rules_count_for_everybody_page_by_page(
    core: Core, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(score_pages, "HERE_PAGE", 3)
    people = [await make_lead(core, f"客户{number}", company="东风") for number in range(10)]
    await score_runs.catch_up(core)
    assert [await points(lead) for lead in people] == [5] * 10
    clock.advance(120)
    await score_runs.catch_up(core)  # nothing is new any more
    new = under(core, ScoringSettings(rules=(ScoreRule("有公司", "profile", "filled", 30, "company"),)))
    await score_runs.catch_up(new, work_seconds=0)  # ended after a page
    assert sum([await points(lead) for lead in people]) == 3 * 30 + 7 * 5
    assert (await score_runs.progress(new))[0].percent < 100
    await score_runs.catch_up(new)
    assert [await points(lead) for lead in people] == [30] * 10
    assert {(await Lead.get(id=lead.id)).grade for lead in people} == {"C"}
    assert [each.percent for each in await score_runs.progress(new)] == [100, 100]


async def test_new_keywords_are_looked_for_in_old_messages(core: Core) -> None:
    lead = await make_lead(core)
    await say(core, await make_customer_account(core, lead), "有没有防爆型号")
    await score_runs.catch_up(core)
    rule = ScoreRule("要防爆", "behaviour", "keyword", 20, words=("防爆",), half_life_days=30)
    new = under(core, ScoringSettings(rules=(rule,)))
    await score_runs.catch_up(new)
    assert await points(lead) == 20


async def test_a_grade_set_by_hand_stands_apart(core: Core) -> None:
    lead = await make_lead(core, company="东风")
    await score_runs.catch_up(core)
    await scoring.set_grade(core, SYSTEM, "lead", lead.id, "A")
    await score_runs.catch_up(core)
    kept = await Lead.get(id=lead.id)
    assert (kept.grade, kept.hand_grade, kept.score_grade) == ("A", "A", "D")
    await leads.update(core, SYSTEM, lead.id, grade="")
    kept = await Lead.get(id=lead.id)
    assert (kept.grade, kept.hand_grade, kept.score_grade) == ("D", "", "D")


_STEPS = st.lists(
    st.sampled_from(["price", "phone", "scan", "wrote", "called", "day", "week", "undo", "need", "look"]), max_size=14
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=_STEPS)
async def test_step_by_step_is_the_same_as_from_nothing(core: Core, clock: FakeClock, steps: Sequence[str]) -> None:
    lead = await make_lead(core, mobile="13800138000")
    account = await make_customer_account(core, lead, external_id=f"o{lead.id}")
    follow_ups = []
    for step in steps:
        clock.advance(1)
        if step in ("price", "phone", "wrote"):
            await say(core, account, {"price": "报价", "phone": "打13800138000", "wrote": "你好"}[step])
        elif step == "scan":
            await say(core, account, event="scan")
        elif step == "called":
            follow_ups.append(await activities.add_follow_up(core, SYSTEM, subject_of(lead), method="phone", summary="x"))
        elif step == "undo" and follow_ups:
            await follow_ups.pop().change(core, undone_at=clock.now())
            await Lead.filter(id=lead.id).update(updated_at=clock.now())
        elif step in ("day", "week"):
            clock.advance(timedelta(days=1 if step == "day" else 7))
        elif step == "need":
            await leads.update(core, SYSTEM, lead.id, need=f"要{clock.now()}")
        else:
            await score_runs.catch_up(core)
    await score_runs.catch_up(core)
    stepwise = await Lead.get(id=lead.id)
    await ScoreFacts.filter(person_id=lead.person_id).delete()
    await Lead.filter(id=lead.id).update(score=0, score_grade="", grade="", score_due_day=None)
    await scoring.rescore(core, [lead.person_id])
    anew = await Lead.get(id=lead.id)
    assert (anew.score, anew.grade, anew.score_due_day) == (stepwise.score, stepwise.grade, stepwise.score_due_day)
