"""Everybody is judged the same beside the product as in it, and nobody who was scored meanwhile is set back."""

import asyncio
import signal
from datetime import timedelta

import pytest

from crm_core import customers, score_pages, score_runs, scoring
from crm_core.customers import Contact
from crm_core.errors import Unavailable
from crm_core.leads import Lead
from crm_core.ports import Core
from crm_core.score_facts import ScoreFacts
from crm_core.score_pages import Judged, Order
from crm_core.score_rules import ScoreRule, ScoringSettings
from tests.crm_core.test_score_runs import say, under
from tests.factories import SYSTEM, make_customer_account, make_lead
from tests.fakes import FakeClock

RULES = ScoringSettings(
    rules=(
        ScoreRule("有公司", "profile", "filled", 30, "company"),
        ScoreRule("要防爆", "behaviour", "keyword", 20, words=("防爆",), half_life_days=30),
    )
)


def order_of(core: Core, noun: str = "lead", *, anew: bool = False) -> Order:
    return Order(core.db.url, noun, 0, anew, scoring.day_now(core), core.settings.scoring)


async def all_of(core: Core, order: Order, *, beside: bool) -> list[Judged]:
    return [page async for _, page in score_pages.pages(core, order, beside=beside)]


async def test_a_process_beside_judges_the_same(core: Core) -> None:
    for number in range(5):
        lead = await make_lead(core, f"客户{number}", company="东风" if number % 2 else "", title="总经理")
        await say(core, await make_customer_account(core, lead, external_id=f"o{number}"), "有没有防爆型号，多少钱")
    customer = await customers.add_customer(core, SYSTEM, name="云帆科技", region="上海")
    await customers.add_contact(core, SYSTEM, name="李四", customer_id=customer.id, decision_maker=True)
    new = under(core, RULES)
    for noun in ("lead", "contact"):
        for anew in (False, True):
            here = await all_of(new, order_of(new, noun, anew=anew), beside=False)
            beside = await all_of(new, order_of(new, noun, anew=anew), beside=True)
            assert here == beside
            assert sum(page.count for page in here) == (5 if noun == "lead" else 1)
            assert bool(here[0].facts) == anew


async def test_everybody_is_scored_beside_under_changed_rules(core: Core) -> None:
    people = [await make_lead(core, f"客户{number}", company="东风") for number in range(3)]
    await say(core, await make_customer_account(core, people[0]), "有没有防爆型号")
    customer = await customers.add_customer(core, SYSTEM, name="云帆科技")
    contact = await customers.add_contact(core, SYSTEM, name="李四", customer_id=customer.id)
    await score_runs.catch_up(core)
    new = under(core, RULES)
    assert await score_runs.catch_up(new, beside_from=0) >= 4
    assert [(await Lead.get(id=lead.id)).score for lead in people] == [50, 30, 30]
    assert (await Contact.get(id=contact.id)).score == 30
    assert [each.percent for each in await score_runs.progress(new)] == [100, 100]


@pytest.mark.parametrize("beside", [False, True])
async def test_who_was_scored_after_a_page_was_read_is_not_set_back(core: Core, clock: FakeClock, *, beside: bool) -> None:
    lead = await make_lead(core, company="东风")
    await score_runs.catch_up(core)
    new = under(core, RULES)
    await score_runs._begin(new)
    clock.advance(timedelta(minutes=5))
    [(asked, page)] = [each async for each in score_pages.pages(new, order_of(new), beside=beside)]
    clock.advance(1)
    await say(core, await make_customer_account(core, lead), "有没有防爆型号")
    await scoring.rescore(new, [lead.person_id])
    await new.db.run(score_runs._write_page("lead", page, asked - score_runs.OVERLAP, asked))
    assert (await Lead.get(id=lead.id)).score == 50


async def test_who_writes_while_everybody_is_read_anew_keeps_what_was_said_before(core: Core, clock: FakeClock) -> None:
    lead = await make_lead(core)
    account = await make_customer_account(core, lead)
    await say(core, account, "有没有防爆型号")
    await score_runs.catch_up(core)
    new = under(core, RULES)
    await score_runs._begin(new)
    clock.advance(60)
    await say(core, account, "在吗")
    await score_runs._recent(new)
    assert (await Lead.get(id=lead.id)).score == 20
    await score_runs.catch_up(new)
    assert (await Lead.get(id=lead.id)).score == 20
    assert "keyword" in (await ScoreFacts.get(person_id=lead.person_id)).days


async def test_a_process_that_ends_before_its_time_is_told(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        await make_lead(core, f"客户{number}")
    began: list[asyncio.subprocess.Process] = []
    start = asyncio.create_subprocess_exec

    async def watched(*words: object, **options: object) -> asyncio.subprocess.Process:
        began.append(await start(*words, **options))  # type: ignore[arg-type]
        return began[-1]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", watched)
    found = score_pages.pages(core, order_of(core), beside=True)
    assert (await anext(found))[1].count == 3
    began[0].send_signal(signal.SIGKILL)
    await began[0].wait()
    with pytest.raises((Unavailable, StopAsyncIteration)):
        await anext(found)
