"""Search: pages of people, masked, found by a number only by those who may read it."""

import pytest

from crm_core import conversion, searching
from crm_core.access import Role
from crm_core.errors import Invalid
from tests.factories import SYSTEM, make_actor, make_lead


async def test_pages_in_order_with_the_total_once(core):
    made = [await make_lead(core, f"线索{number}", region="上海") for number in range(5)]
    first = await searching.search(core, SYSTEM, {"region": "上海"}, limit=2)
    assert (first.total, [hit.person_id for hit in first.hits]) == (5, [lead.person_id for lead in made[:2]])
    rest = await searching.search(core, SYSTEM, {"region": "上海"}, after=first.next or 0, limit=9, count=False)
    assert (rest.total, rest.next, len(rest.hits)) == (None, None, 3)
    with pytest.raises(Invalid):
        await searching.search(core, SYSTEM, {"city": "上海"})


async def test_a_converted_one_is_shown_as_the_contact(core):
    wang = await make_actor(core)
    lead = await make_lead(core, company="云帆", mobile="13800138000", owner_id=wang.employee_id)
    _, contact = await conversion.convert(core, wang, lead.id)
    [hit] = (await searching.search(core, SYSTEM, {})).hits
    assert (hit.kind, hit.id, hit.company, hit.owner, hit.mobile) == ("contact", contact.id, "云帆", "小王", "138****8000")


async def test_a_number_finds_nobody_for_those_who_see_it_masked(core):
    wang = await make_actor(core)
    lead = await make_lead(core, mobile="13800138000", owner_id=wang.employee_id)
    assert [hit.person_id for hit in await searching.find_phone(core, wang, "138 0013 8000")] == [lead.person_id]
    for other in (await make_actor(core, "小李"), await make_actor(core, "小看", Role.VIEWER)):
        assert await searching.find_phone(core, other, "13800138000") == []
    assert await searching.find_phone(core, wang, "云帆") == []


async def test_words_that_are_industries(core):
    assert await searching.known_industries(["制造业"]) == set()
