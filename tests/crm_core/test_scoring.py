"""Scoring one person: explained, the best listed, a grade set by hand with its undo."""

import pytest

from crm_core import change_sets, customers, score_runs, scoring
from crm_core.access import Role
from crm_core.activities import load_subject
from crm_core.errors import Invalid, NotFound, Refused
from crm_core.leads import Lead, LeadNotOwned
from crm_core.ports import Core
from tests.factories import SYSTEM, make_actor, make_deal, make_lead


async def test_an_explanation_is_of_this_moment(core: Core) -> None:
    lead = await make_lead(core, company="东风")
    told = await scoring.explain(core, SYSTEM, await load_subject(SYSTEM, "lead", lead.id))
    assert (told.score, told.grade, [line.rule.name for line in told.lines]) == (5, "D", ["有公司"])
    deal = await make_deal(core, SYSTEM)
    with pytest.raises(Invalid):
        await scoring.explain(core, SYSTEM, await load_subject(SYSTEM, "opportunity", deal.id))


async def test_rescoring_takes_leads_and_contacts_and_no_stamp(core: Core) -> None:
    lead = await make_lead(core, company="东风")
    contact = await customers.add_contact(core, SYSTEM, name="李四", title="厂长")
    stamp = (await Lead.get(id=lead.id)).updated_at
    await scoring.rescore(core, [lead.person_id, contact.person_id, 999_999])
    lead = await Lead.get(id=lead.id)
    assert (lead.score, lead.grade, lead.updated_at) == (5, "D", stamp)
    assert (await customers.Contact.get(id=contact.id)).score == 13


async def test_the_best_are_listed_to_whoever_may_see_them(core: Core) -> None:
    mine, other = await make_actor(core), await make_actor(core, "小李")
    for number, owner in enumerate((mine, other, mine)):
        await make_lead(core, f"客户{number}", company="东风", amount="1" if number else "", owner_id=owner.employee_id)
    await score_runs.catch_up(core)
    assert [(lead.name, lead.score) for lead in await scoring.top(mine)] == [("客户2", 17), ("客户0", 5)]


async def test_a_grade_by_hand_needs_the_right_and_is_taken_back(core: Core) -> None:
    mine, viewer = await make_actor(core), await make_actor(core, "看", Role.VIEWER)
    lead, pooled = await make_lead(core, owner_id=mine.employee_id), await make_lead(core, "公海")
    changes = await scoring.set_grade(core, mine, "lead", lead.id, "a")
    assert (await Lead.get(id=lead.id)).grade == "A"
    await change_sets.undo(core, mine, changes.id)
    kept = await Lead.get(id=lead.id)
    assert (kept.grade, kept.hand_grade) == ("", "")
    with pytest.raises(Refused):
        await scoring.set_grade(core, viewer, "lead", lead.id, "A")
    with pytest.raises(LeadNotOwned):
        await scoring.set_grade(core, mine, "lead", pooled.id, "A")
    with pytest.raises(NotFound):
        await scoring.set_grade(core, mine, "lead", 999, "A")
    with pytest.raises(Invalid):
        await scoring.set_grade(core, mine, "customer", lead.id, "A")


async def test_an_explanation_needs_the_right_to_read_its_noun(core: Core) -> None:
    contact = await customers.add_contact(core, SYSTEM, name="李四")
    boss = await make_actor(core, "陈经理", Role.ADMIN)
    with pytest.raises(Refused):
        await scoring.explain(core, boss.narrowed(frozenset({"leads:read"})), await load_subject(SYSTEM, "contact", contact.id))
