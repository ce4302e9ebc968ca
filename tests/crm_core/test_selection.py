"""Conditions: checked strictly, and each selecting exactly whom it says, leads and contacts alike."""

from datetime import date, timedelta

import pytest

from crm_core import activities, conversion, segments
from crm_core.access import Role
from crm_core.activities import subject_of
from crm_core.customers import Contact, Customer, add_contact, add_customer
from crm_core.errors import Invalid
from crm_core.leads import Lead
from crm_core.segments import count_people
from crm_core.selection import Selection, birthday_words, check_conditions, people_sql
from tests.factories import SYSTEM, make_actor, make_lead


async def names(core, conditions=None, **values) -> list[str]:
    selection = Selection(conditions=conditions or {}, **values)

    def program():
        rows = yield people_sql(selection, core.clock.now(), limit=100)
        return [number for (number,) in rows]

    found = await core.db.read(program())
    assert found == sorted(found)
    assert await count_people(core, selection) == len(found)
    people = dict(await Lead.filter(status__in=["new", "following"]).values_list("person_id", "name"))
    people |= dict(await Contact.all().values_list("person_id", "name"))
    return [people[number] for number in found]


async def make_people(core):
    """A lead, a converted one, a discarded one, and a contact of a customer."""
    await make_lead(core, "线索甲", region="上海浦东", company="东风机械厂", need="数控机床")
    converted = await make_lead(core, "转化乙", region="北京")
    await conversion.convert(core, SYSTEM, converted.id)
    await make_lead(core, "无效丙", status="discarded")
    customer = await add_customer(core, SYSTEM, name="恒信集团", region="上海", grade="A")
    await add_contact(core, SYSTEM, name="联系丁", title="采购经理", customer_id=customer.id)


async def test_kinds(core):
    await make_people(core)
    assert await names(core) == ["线索甲", "转化乙", "联系丁"]
    assert await names(core, {"kind": "lead"}) == ["线索甲"]
    assert await names(core, {"kind": "customer"}) == ["转化乙", "联系丁"]


async def test_region_and_query_look_into_the_words(core):
    await make_people(core)
    assert await names(core, {"region": "上海"}) == ["线索甲", "联系丁"]
    assert await names(core, {"query": "机"}) == ["线索甲"]
    assert await names(core, {"query": "恒信"}) == ["联系丁"]
    assert await names(core, {"query": "采购"}) == ["联系丁"]
    for wild in ("%", "_", "!"):
        assert await names(core, {"query": wild}) == []


async def test_words_are_found_in_either_case_also_where_like_tells_them_apart(core):
    # PostgreSQL's LIKE tells the cases apart, SQLite's does not.
    await make_lead(core, "线索甲", company="ABC机械", region="Shanghai")
    assert await names(core, {"query": "abc"}) == await names(core, {"region": "SHANG"}) == ["线索甲"]


async def test_tags_must_all_be_there(core):
    await make_people(core)
    lead, contact = await Lead.get(name="线索甲"), await Contact.get(name="联系丁")
    await segments.add_tags(core, SYSTEM, lead.person_id, ["展会", "续费"])
    await segments.add_tags(core, SYSTEM, contact.person_id, ["展会"])
    assert await names(core, {"tags": ["展会"]}) == ["线索甲", "联系丁"]
    assert await names(core, {"tags": ["展会", "续费"]}) == ["线索甲"]
    assert await names(core, {"tags": ["没有"]}) == []


async def test_levels_by_tag_or_grade_and_normal_is_the_rest(core):
    await make_people(core)
    await segments.add_tags(core, SYSTEM, (await Lead.get(name="线索甲")).person_id, ["VIP"])
    assert await names(core, {"level": "vip"}) == ["线索甲", "联系丁"]
    assert await names(core, {"level": "key"}) == []
    assert await names(core, {"level": "normal"}) == ["转化乙"]
    await Customer.filter(name="恒信集团").update(grade="B")
    assert await names(core, {"level": "key"}) == ["联系丁"]


async def test_stage_is_what_the_newest_follow_up_says(core, clock):
    await make_people(core)
    lead, contact = await Lead.get(name="线索甲"), await Contact.get(name="联系丁")
    await activities.add_follow_up(core, SYSTEM, subject_of(lead), stage="proposal")
    clock.advance(60)
    await activities.add_follow_up(core, SYSTEM, subject_of(lead), summary="又聊了")
    await activities.add_follow_up(core, SYSTEM, subject_of(contact), stage="proposal")
    assert await names(core, {"stage": "proposal"}) == ["线索甲", "联系丁"]
    clock.advance(60)
    await activities.add_follow_up(core, SYSTEM, subject_of(await Customer.get(name="恒信集团")), stage="won")
    assert await names(core, {"stage": "proposal"}) == ["线索甲"]
    assert await names(core, {"stage": "won"}) == ["联系丁"]


async def test_inactive_days_count_from_the_last_follow_up_or_the_record(core, clock):
    await make_people(core)
    clock.advance(timedelta(days=30))
    await activities.add_follow_up(core, SYSTEM, subject_of(await Lead.get(name="线索甲")), summary="聊过")
    await make_lead(core, "新来的")
    assert await names(core, {"inactive_days": 30}) == ["转化乙", "联系丁"]
    assert await names(core, {"inactive_days": 31}) == []


async def test_owner_and_team(core):
    await make_people(core)
    await Lead.filter(name="线索甲").update(owner_id=7)
    await Contact.filter(name="联系丁").update(owner_id=8)
    await Contact.filter(name="转化乙").update(owner_id=None)
    assert await names(core, {"owner": "me"}, me=7) == ["线索甲"]
    assert await names(core, {"owner": "me"}, me=None) == []
    assert await names(core, owners=(8,)) == ["联系丁"]
    await Lead.filter(name="线索甲").update(owner_id=None)
    assert await names(core, owners=(8,)) == ["线索甲", "联系丁"]


async def test_a_manager_draws_from_the_own_team_alone(core):
    await make_people(core)
    await Contact.filter(name="联系丁").update(owner_id=999)
    manager = await make_actor(core, "老张", Role.MANAGER)
    marketer = await make_actor(core, "小美", Role.MARKETER)
    segment = await segments.create_segment(core, manager, name="全部", conditions={})
    assert await segments.count_segment(core, manager, segment) == 1
    assert await segments.count_segment(core, marketer, segment) == 3


async def test_pages_by_person_and_an_upper_end(core):
    for number in range(5):
        await make_lead(core, f"线索{number}")
    everyone = [lead.person_id for lead in await Lead.all().order_by("person_id")]

    def page(after, until, limit):
        rows = yield people_sql(Selection(), core.clock.now(), after=after, until=until, limit=limit)
        return [number for (number,) in rows]

    assert await core.db.read(page(0, None, 2)) == everyone[:2]
    assert await core.db.read(page(everyone[1], everyone[3], 5)) == everyone[2:4]


@pytest.mark.parametrize(
    ("conditions", "key"),
    [
        ({"city": "上海"}, "conditions.city"),
        ({"tags": "VIP"}, "conditions.tags"),
        ({"tags": []}, "conditions.tags"),
        ({"tags": [1]}, "conditions.tags"),
        ({"region": ""}, "conditions.region"),
        ({"region": "长" * 65}, "conditions.region"),
        ({"stage": "later"}, "conditions.stage"),
        ({"level": "gold"}, "conditions.level"),
        ({"kind": ["lead"]}, "conditions.kind"),
        ({"owner": "小王"}, "conditions.owner"),
        ({"inactive_days": 0}, "conditions.inactive_days"),
        ({"inactive_days": True}, "conditions.inactive_days"),
        ({"inactive_days": "30"}, "conditions.inactive_days"),
        ({"query": None}, "conditions.query"),
        ([], "conditions"),
    ],
)
def test_what_is_no_condition_is_refused_by_its_key(conditions, key):
    with pytest.raises(Invalid) as error:
        check_conditions(conditions)
    assert error.value.fields["field"] == key


def test_a_selection_survives_being_written_down():
    selection = Selection({"tags": ["VIP"], "inactive_days": 30}, me=3, owners=(3, 4), birthday=date(2026, 11, 25))
    assert Selection.from_json(selection.to_json()) == selection
    assert selection.with_conditions('{"kind": "lead"}').conditions == {"kind": "lead"}


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (date(2026, 11, 25), {"11-25", "lunar:10-17", "lunar:10L-17"}),
        (date(2027, 2, 28), {"02-28", "02-29", "lunar:01-23", "lunar:01L-23"}),
        (date(2028, 2, 28), {"02-28", "lunar:02-04", "lunar:02L-04"}),
        (date(2027, 2, 5), {"02-05", "lunar:12-29", "lunar:12L-29", "lunar:12-30", "lunar:12L-30"}),
        (date(2028, 7, 2), {"07-02", "lunar:05L-10"}),
    ],
)
def test_the_birthdays_of_a_day(day, words):
    assert set(birthday_words(day)) == words
