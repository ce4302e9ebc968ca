"""What people did becomes days, whatever the order it is told in."""

import random
from datetime import timedelta

from crm_core import activities
from crm_core.activities import subject_of
from crm_core.ports import Core
from crm_core.score_facts import day_of, gather, read_days, write_days
from crm_core.score_rules import ScoreRule, ScoringSettings
from tests.crm_core.test_score_runs import say
from tests.factories import SYSTEM, make_customer_account, make_lead
from tests.fakes import START, FakeClock

TODAY = day_of(START)


async def test_texts_events_and_follow_ups_are_sorted_out(core: Core) -> None:
    words = ScoreRule("要防爆", "behaviour", "keyword", 5, words=("防爆",))
    drawn = ScoreRule("抽过奖", "behaviour", "event", 5, event="lottery")
    lead = await make_lead(core, mobile="13800138000")
    account = await make_customer_account(core, lead)
    for text in ("有防爆的吗，多少钱", "打 138-0013-8000"):
        await say(core, account, text)
    for event in ("click", "lottery", "unsubscribe", "enter_session"):
        await say(core, account, event=event)
    await say(core, account, payload='{"event":"subscribe","data":{"scene":"展会"}}', kind="event", text="")
    await activities.add_follow_up(core, SYSTEM, subject_of(lead), method="phone", summary="x")
    found = await core.db.read(gather(ScoringSettings(rules=(words, drawn)), [lead.person_id]))
    facts = found[lead.person_id]
    assert set(facts) == {
        *("wrote", "asked_price", "gave_phone", "verified", words.fact, "menu_clicked", "event:lottery", "unfollowed"),
        *("followed", "scanned", "followed_up", "called"),
    }
    assert set(map(tuple, facts.values())) == {(TODAY,)}


async def test_the_order_of_what_happened_makes_no_difference(core: Core, clock: FakeClock) -> None:
    told = [("报价", 0), ("在吗", 3), ("电话13900139000", 3), ("多少钱", 9), ("好的", 20)]
    seen = []
    for turn in range(4):
        lead = await make_lead(core, f"客户{turn}")
        account = await make_customer_account(core, lead, external_id=f"o{turn}")
        random.Random(turn).shuffle(told)
        for text, days in told:
            await say(core, account, text, at=START - timedelta(days=days))
        seen.append((await core.db.read(gather(ScoringSettings(), [lead.person_id])))[lead.person_id])
    assert all(facts == seen[0] for facts in seen)
    assert seen[0]["wrote"] == [TODAY, TODAY - 3, TODAY - 9, TODAY - 20]


async def test_only_the_newest_days_and_messages_are_kept(core: Core) -> None:
    lead = await make_lead(core)
    account = await make_customer_account(core, lead)
    for days in range(30, 0, -1):
        await say(core, account, at=START - timedelta(days=days))
    facts = (await core.db.read(gather(ScoringSettings(), [lead.person_id])))[lead.person_id]
    assert facts["wrote"] == [TODAY - age for age in range(1, 13)]


async def test_a_form_counts_on_the_day_it_came(core: Core) -> None:
    lead = await make_lead(core, channel="form:site")
    facts = (await core.db.read(gather(ScoringSettings(), [lead.person_id])))[lead.person_id]
    assert facts == {"form": [TODAY]}


def test_days_are_written_and_read() -> None:
    assert read_days(write_days({"wrote": [3, 1]})) == {"wrote": [3, 1]}
    assert (write_days({}), read_days(""), read_days(None)) == ("", {}, {})
