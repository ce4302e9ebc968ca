"""Search: pages of people, masked, found by a number only by those who may read it."""

from dataclasses import replace

import pytest

from crm_core import conversion, pool_claims, searching
from crm_core.access import Role
from crm_core.errors import Invalid, Refused
from crm_core.pool_rules import PoolSettings
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


async def test_a_token_finds_only_with_the_right_to_read_each_kind(core):
    await make_lead(core, mobile="13800138000")
    actor = await make_actor(core, "陈经理", Role.ADMIN)
    kinds = ("leads:read", "contacts:read", "customers:read")
    for missing in kinds:
        narrow = actor.narrowed(frozenset(kinds) - {missing})
        for attempt in (searching.search(core, narrow, {}), searching.find_phone(core, narrow, "13800138000")):
            with pytest.raises(Refused):
                await attempt
    assert (await searching.search(core, actor.narrowed(frozenset(kinds)), {})).total == 1


async def test_leads_of_the_pool_count_towards_the_number_of_the_day(core):
    core = replace(core, settings=replace(core.settings, pools=PoolSettings(views_a_day=3)))
    wang, boss = await make_actor(core), await make_actor(core, "陈总", Role.ADMIN)
    for number in range(5):
        await make_lead(core, f"线索{number}", region="上海")
    own = await make_lead(core, "自己的", region="上海", owner_id=wang.employee_id)
    first = await searching.search(core, wang, {"region": "上海"}, limit=2)
    assert (len(first.hits), first.left_out) == (2, 0)
    rest = await searching.search(core, wang, {"region": "上海"}, after=first.next or 0)
    assert ([hit.name for hit in rest.hits], rest.left_out) == (["线索2", "自己的"], 2)
    again = await searching.search(core, wang, {"region": "上海"})
    assert ([hit.person_id for hit in again.hits], again.left_out) == ([own.person_id], 5)
    assert await pool_claims.views_left(core, wang) == 0
    assert len((await searching.search(core, boss, {"region": "上海"})).hits) == 6
