"""Assignment inside a unit: by rule, offers and their answers, exceptions, and a manager's word above it."""

import asyncio
import random
from dataclasses import replace
from datetime import timedelta

import pytest

from crm_core import assignment, assignment_profiles, change_sets, departments, distribution, employees, lead_exceptions, pools
from crm_core.access import Actor, Role
from crm_core.assignment import OfferOver, OutsideUnit
from crm_core.assignment_tables import Offer
from crm_core.conversations import Message
from crm_core.distribution_rules import AssignmentRule, AssignmentSettings
from crm_core.errors import NotFound, Refused
from crm_core.leads import ClaimCapReached, Lead
from crm_core.pool_claims import PoolClaim
from crm_core.pools import LeadOffered
from crm_core.ports import Core
from scheduler.jobs import offers
from tests.factories import SYSTEM, make_actor, make_lead
from tests.fakes import FakeClock

TURNS = AssignmentRule("轮流")


def with_rule(core: Core, rule: AssignmentRule = TURNS) -> Core:
    return replace(core, settings=replace(core.settings, assignment=AssignmentSettings(rules=(rule,))))


async def place(core: Core, name: str = "张伟", **values: object) -> Lead:
    lead = await make_lead(core, name, **values)
    await distribution.place(core, lead.id)
    return lead


async def asked(lead: Lead) -> list[tuple[int, str]]:
    return [(row.employee_id, row.status) for row in await Offer.filter(lead_id=lead.id).order_by("id")]


def number(actor: Actor) -> int:
    assert actor.employee_id is not None
    return actor.employee_id


async def test_each_in_turn_is_asked_and_silence_goes_on_to_the_next(core: Core, clock: FakeClock) -> None:
    core = with_rule(core)
    one, two = await make_actor(core, "小王", staff_id="wang"), await make_actor(core, "小李")
    first = await place(core)
    clock.advance(timedelta(seconds=1))
    second = await place(core, "李娜")
    assert await asked(first) == [(number(one), "open")]
    assert await asked(second) == [(number(two), "open")]
    notice = await Message.get(topic="assignment")
    assert notice.text == (
        f"新线索 #{first.id}：张伟\n原因：规则「轮流」，轮流\n"
        f"30分钟内回复“接受 #{first.id}”或“拒绝 #{first.id}”，不回复则转给下一位"
    )
    with pytest.raises(LeadOffered):
        await pools.claim(core, two, first.id)
    assert [lead.name for lead in await pools.find_in_pool(two)] == ["李娜"]
    clock.advance(timedelta(minutes=30))
    await offers.run(core)
    assert await asked(first) == [(number(one), "expired"), (number(two), "open")]
    (offer,) = [row for row in await assignment.list_open(two) if row.lead_id == first.id]
    assert (await assignment.accept(core, two, offer.id)).owner_id == number(two)
    with pytest.raises(OfferOver):
        await assignment.accept(core, two, offer.id)
    with pytest.raises(NotFound):
        await assignment.accept(core, one, offer.id)


async def test_after_the_last_refusal_a_manager_is_told_and_decides(core: Core) -> None:
    core = with_rule(core)
    one = await make_actor(core)
    boss = await make_actor(core, "管理员", Role.ADMIN, staff_id="boss")
    lead = await place(core)
    (offer,) = await assignment.list_open(one)
    await assignment.decline(core, one, offer.id, reason="太远")
    ((row, found),) = await lead_exceptions.list_open(boss)
    assert (found.id, row.reason) == (lead.id, "已问过1人，都没有接")
    assert "没有人接" in (await Message.get(topic="assignment")).text
    changes = await assignment.assign(core, boss, [lead.id], number(one))
    assert (await Lead.get(id=lead.id)).owner_id == number(one)
    assert await lead_exceptions.list_open(boss) == []
    _, steps = await assignment.explain(one, lead.id)
    assert [(step.what, step.why) for step in steps] == [
        ("小王：已拒绝", "规则「轮流」，轮流"),
        ("小王：直接分配", "管理员指定"),
    ]
    await change_sets.undo(core, boss, changes.id)
    assert (await Lead.get(id=lead.id)).owner_id is None
    assert len(await lead_exceptions.list_open(boss)) == 1


async def test_load_region_skill_hours_capacity_and_absence_are_heeded(core: Core, clock: FakeClock) -> None:
    core = with_rule(core, AssignmentRule("地区", match=("region", "skill"), method="load", offer=False))
    names = ("忙", "远", "外行", "夜班", "满", "休假", "合适")
    people = {name: await make_actor(core, name) for name in names}
    good = {"regions": "上海、浙江", "skills": "网关"}
    for actor in people.values():
        await assignment_profiles.change(core, SYSTEM, number(actor), **good)
    change = lambda name, **values: assignment_profiles.change(core, SYSTEM, number(people[name]), **values)  # noqa: E731
    for _ in range(2):
        await make_lead(core, "旧", owner_id=number(people["忙"]))
    await make_lead(core, "旧", owner_id=number(people["满"]))
    await change("远", regions="广东")
    await change("外行", skills="机床")
    await change("夜班", work_hours="20:00-06:00")
    await change("满", capacity=1)
    await assignment_profiles.change(
        core, people["休假"], number(people["休假"]), away_from=clock.now(), away_until=clock.now() + timedelta(days=3)
    )
    lead = await place(core, region="上海", need="20台网关")
    assert (await Lead.get(id=lead.id)).owner_id == number(people["合适"])
    assert (await Offer.get(lead_id=lead.id)).reason == "规则「地区」，负责地区上海，专长对得上需求，名下线索0条"
    with pytest.raises(Refused):
        await assignment_profiles.change(core, people["忙"], number(people["忙"]), capacity=3)


async def test_what_comes_at_night_waits_for_the_morning(core: Core, clock: FakeClock) -> None:
    core = with_rule(core)
    actor = await make_actor(core)
    clock.advance(timedelta(hours=12))
    lead = await place(core)
    assert await asked(lead) == []
    assert await offers.run(core) == 0
    ((row, _),) = await lead_exceptions.list_open(SYSTEM)
    assert (row.status, row.reason) == ("waiting", "现在没有人上班")
    clock.advance(timedelta(hours=12))
    assert await offers.run(core) == 1
    assert await asked(lead) == [(number(actor), "open")]
    assert await lead_exceptions.list_open(SYSTEM) == []


async def test_who_has_left_is_neither_asked_nor_waited_for(core: Core) -> None:
    core = with_rule(core)
    one, two = await make_actor(core, "小王"), await make_actor(core, "小李")
    lead = await place(core)
    await employees.depart(core, SYSTEM, number(one))
    await offers.run(core)
    assert await asked(lead) == [(number(one), "expired"), (number(two), "open")]


async def test_one_of_many_answers_counts(core: Core) -> None:
    core = with_rule(core)
    one = await make_actor(core)
    await place(core)
    (offer,) = await assignment.list_open(one)
    outcomes = await asyncio.gather(*(assignment.accept(core, one, offer.id) for _ in range(20)), return_exceptions=True)
    assert sum(isinstance(each, Lead) for each in outcomes) == 1
    assert {type(each) for each in outcomes if not isinstance(each, Lead)} == {OfferOver}


async def test_many_leads_at_once_are_shared_out_evenly(core: Core) -> None:
    core = with_rule(core, AssignmentRule("轮流", offer=False))
    people = [await make_actor(core, f"员工{n}") for n in range(5)]
    rows = [await make_lead(core, f"客户{n}") for n in range(40)]
    await asyncio.gather(*(distribution.place(core, row.id) for row in rows))
    counts = [await Lead.filter(owner_id=number(each)).count() for each in people]
    assert counts == [8] * 5


async def test_a_units_lead_stays_in_the_unit(core: Core) -> None:
    east, south = [await departments.add(core, SYSTEM, name=name) for name in ("华东部", "华南部")]
    boss = await make_actor(core, "林经理", Role.MANAGER, department_id=east.id)
    near, far = await make_actor(core, "小王", department_id=east.id), await make_actor(core, "小李", department_id=south.id)
    lead = await make_lead(core)
    await distribution.distribute(core, SYSTEM, [lead.id], east.id)
    with pytest.raises(OutsideUnit):
        await assignment.assign(core, boss, [lead.id], number(far))
    await assignment.assign(core, boss, [lead.id], number(near))
    await assignment.assign(core, SYSTEM, [lead.id], number(far))
    moved = await Lead.get(id=lead.id)
    assert (moved.owner_id, moved.department_id) == (number(far), south.id)


async def test_the_cap_holds_for_accepting_too(core: Core) -> None:
    core = with_rule(core)
    actor = await make_actor(core)
    await place(core)
    core = replace(core, settings=replace(core.settings, pools=replace(core.settings.pools, claim_cap=1)))
    await make_lead(core, "旧", owner_id=number(actor))
    (offer,) = await assignment.list_open(actor)
    with pytest.raises(ClaimCapReached):
        await assignment.accept(core, actor, offer.id)
    assert (await Offer.get(id=offer.id)).status == "open"


async def claims_of(lead: Lead) -> list[tuple[int, bool]]:
    rows = await PoolClaim.filter(lead_id=lead.id).order_by("id")
    return [(row.employee_id, row.ended_at is None) for row in rows]


async def test_an_assignment_taken_back_leaves_no_trace_of_a_claim(core: Core) -> None:
    boss = await make_actor(core, "管理员", Role.ADMIN)
    one, two = await make_actor(core, "小王"), await make_actor(core, "小李")
    lead = await make_lead(core)
    await pools.claim(core, one, lead.id)
    changes = await assignment.assign(core, boss, [lead.id], number(two))
    assert await claims_of(lead) == [(number(one), False), (number(two), True)]
    await change_sets.undo(core, boss, changes.id)
    assert await claims_of(lead) == [(number(one), True)]
    assert (await Lead.get(id=lead.id)).owner_id == number(one)


async def test_a_lead_given_by_rule_is_taken_back_with_its_distribution(core: Core) -> None:
    core = with_rule(core, AssignmentRule("轮流", departments=("华东部",), offer=False))
    east = await departments.add(core, SYSTEM, name="华东部")
    boss = await make_actor(core, "管理员", Role.ADMIN)
    seller = await make_actor(core, "小王", department_id=east.id)
    lead = await make_lead(core)
    changes = await distribution.distribute(core, boss, [lead.id], east.id)
    assert await claims_of(lead) == [(number(seller), True)]
    await change_sets.undo(core, boss, changes.id)
    back = await Lead.get(id=lead.id)
    assert (back.owner_id, back.department_id, back.claimed_at) == (None, None, None)
    assert await claims_of(lead) == []
    assert await Offer.all().count() == 0


async def test_an_acceptance_taken_back_opens_the_offer_again_for_its_time(core: Core, clock: FakeClock) -> None:
    core = with_rule(core)
    one, two = await make_actor(core, "小王"), await make_actor(core, "小李")
    lead = await place(core)
    (offer,) = await assignment.list_open(one)
    await assignment.accept(core, one, offer.id)
    await pools.release(core, one, lead.id, undo=True)
    assert await asked(lead) == [(number(one), "open")]
    assert await claims_of(lead) == []
    clock.advance(timedelta(minutes=30))
    await offers.run(core)
    assert await asked(lead) == [(number(one), "expired"), (number(two), "open")]


async def test_managers_are_not_flooded_with_what_nobody_takes(core: Core, clock: FakeClock) -> None:
    core = with_rule(core)
    await make_actor(core, "管理员", Role.ADMIN, staff_id="boss")
    for n in range(30):
        await place(core, f"客户{n}")
        clock.advance(timedelta(seconds=1))
    told = await Message.filter(topic="assignment").order_by("id")
    assert [row.text.partition("（")[0] for row in told] == ["线索「客户0」", "又有线索没有人接，回复“待分配”看全部"]
    assert told[1].not_before == told[0].created_at + timedelta(minutes=5)
    assert len(await lead_exceptions.list_open(SYSTEM, limit=50)) == 30
    clock.advance(timedelta(minutes=6))
    await place(core, "张伟")
    assert (await Message.filter(topic="assignment").order_by("-id").first()).text.startswith("线索「张伟」")


async def test_many_leads_given_at_once_are_told_in_one_notice(core: Core, clock: FakeClock) -> None:
    core = with_rule(core, AssignmentRule("轮流", offer=False))
    await make_actor(core, "小王", staff_id="wang")
    for n in range(30):
        await place(core, f"客户{n}")
    told = await Message.filter(topic="assignment").order_by("id")
    assert [row.text[:6] for row in told] == ["分到一条线索"] * 5 + ["这几分钟分到"]
    assert clock.now() < told[-1].not_before <= clock.now() + timedelta(minutes=10)
    clock.advance(timedelta(minutes=11))
    await place(core, "张伟")
    assert "张伟" in (await Message.filter(topic="assignment").order_by("-id").first()).text


@pytest.mark.parametrize(
    ("rule", "other", "lead"),
    [
        (AssignmentRule("地区", match=("region",), offer=False), {"regions": "广东"}, {"region": "上海"}),
        (AssignmentRule("专长", match=("skill",), offer=False), {"skills": "机床"}, {"need": "20台网关"}),
        (AssignmentRule("上班", offer=False), {"work_hours": "20:00-06:00"}, {}),
        (AssignmentRule("工作日", offer=False), {"work_days": "67"}, {}),
        (AssignmentRule("上限", offer=False), {"capacity": 1}, {}),
    ],
)
async def test_each_thing_a_rule_heeds_leaves_out_whom_it_does_not_fit(
    core: Core, rule: AssignmentRule, other: dict[str, object], lead: dict[str, object]
) -> None:
    core = with_rule(core, rule)
    wrong, right = await make_actor(core, "不合适"), await make_actor(core, "合适")
    for actor in (wrong, right):
        await assignment_profiles.change(core, SYSTEM, number(actor), regions="上海", skills="网关")
    await assignment_profiles.change(core, SYSTEM, number(wrong), **other)
    await make_lead(core, "旧", owner_id=number(wrong))  # fills a capacity of one
    for n in range(3):
        row = await place(core, f"客户{n}", **lead)
        assert (await Lead.get(id=row.id)).owner_id == number(right)


async def test_round_robin_takes_turns_and_load_takes_whoever_has_least(core: Core) -> None:
    one, two = await make_actor(core, "小王"), await make_actor(core, "小李")
    for _ in range(3):
        await make_lead(core, "旧", owner_id=number(one))
    turns = with_rule(core, AssignmentRule("轮流", offer=False))
    rows = [await place(turns, f"客户{n}") for n in range(4)]
    assert [(await Lead.get(id=row.id)).owner_id for row in rows] == [number(one), number(two)] * 2
    load = with_rule(core, AssignmentRule("少的先", method="load", offer=False))
    rows = [await place(load, f"新客{n}") for n in range(3)]  # five and two before
    assert [(await Lead.get(id=row.id)).owner_id for row in rows] == [number(two)] * 3


async def test_several_placed_together_take_turns_as_one_by_one(core: Core) -> None:
    core = with_rule(core, AssignmentRule("少的先", method="load", offer=False))
    people = [await make_actor(core, f"员工{n}") for n in range(3)]
    await make_lead(core, "旧", owner_id=number(people[0]))
    rows = [await make_lead(core, f"客户{n}") for n in range(5)]
    placed = await distribution.place_all(core, [row.id for row in rows])
    assert [placed[row.id].offered_to for row in rows] == [number(people[n]) for n in (1, 2, 0, 1, 2)]


async def test_a_refusal_is_taken_back_while_nobody_has_the_lead(core: Core, clock: FakeClock) -> None:
    core = with_rule(core)
    one, two = await make_actor(core, "小王"), await make_actor(core, "小李")
    lead = await place(core)
    (offer,) = await assignment.list_open(one)
    await assignment.decline(core, one, offer.id)
    with pytest.raises(NotFound):
        await assignment.take_decline_back(core, two, offer.id)
    await assignment.take_decline_back(core, one, offer.id)
    assert await asked(lead) == [(number(one), "open"), (number(two), "overridden")]
    await assignment.decline(core, one, offer.id)  # both were asked: now a manager decides
    assert len(await lead_exceptions.list_open(SYSTEM)) == 1
    await assignment.take_decline_back(core, one, offer.id)
    assert await lead_exceptions.list_open(SYSTEM) == []
    await assignment.decline(core, one, offer.id)
    clock.advance(timedelta(minutes=31))
    with pytest.raises(OfferOver):
        await assignment.take_decline_back(core, one, offer.id)


async def test_the_same_leads_given_at_once_in_any_order_go_to_one_of_those_named(core: Core) -> None:
    sellers = [await make_actor(core, f"销售{n}") for n in range(4)]
    rows = [(await make_lead(core, f"客户{n}")).id for n in range(12)]
    orders = [random.Random(seed).sample(rows, len(rows)) for seed in range(12)]
    takers = [number(sellers[n % 4]) for n in range(12)]
    given = (assignment.assign(core, SYSTEM, order, taker) for order, taker in zip(orders, takers, strict=True))
    await asyncio.gather(*given)
    assert len({row.owner_id for row in await Lead.all()}) == 1
    claims = await PoolClaim.filter(ended_at=None)
    assert sorted(claim.lead_id for claim in claims) == sorted(rows)


async def test_a_lead_claimed_and_given_at_once_has_one_open_claim(core: Core) -> None:
    sellers = [await make_actor(core, f"销售{n}") for n in range(8)]
    row = await make_lead(core)
    both = [pools.claim(core, seller, row.id) for seller in sellers]
    both += [assignment.assign(core, SYSTEM, [row.id], number(seller)) for seller in sellers]
    await asyncio.gather(*both, return_exceptions=True)
    (claim,) = await PoolClaim.filter(ended_at=None)
    assert claim.employee_id == (await Lead.get(id=row.id)).owner_id


async def test_nobody_is_asked_for_more_than_they_have_room_and_the_rest_waits(core: Core, clock: FakeClock) -> None:
    settings = replace(core.settings, assignment=AssignmentSettings(capacity=3, rules=(TURNS,)))
    core = replace(core, settings=settings)
    seller = await make_actor(core)
    boss = await make_actor(core, "管理员", Role.ADMIN, staff_id="boss")
    await make_lead(core, "旧", owner_id=number(seller))
    rows = [await make_lead(core, f"客户{n}") for n in range(8)]
    await distribution.place_all(core, [row.id for row in rows[:4]])
    for row in rows[4:]:
        await distribution.place(core, row.id)
    assert [offer.lead_id for offer in await assignment.list_open(seller)] == [row.id for row in rows[:2]]
    listed = await lead_exceptions.list_open(boss)
    assert {(row.status, row.reason) for row, _ in listed} == {("waiting", "大家都有线索还没答复")}
    assert (len(listed), await Message.filter(topic="assignment").count()) == (6, 0)
    assert await offers.run(core) == 0
    (first, _) = await assignment.list_open(seller)
    await assignment.accept(core, seller, first.id)
    assert await offers.run(core) == 0
    clock.advance(timedelta(minutes=30))
    assert await offers.run(core) == 2  # one ended, and there is room for one
    assert [offer.lead_id for offer in await assignment.list_open(seller)] == [rows[2].id]


async def test_many_offers_at_once_are_told_in_one_notice_that_counts_them(core: Core, clock: FakeClock) -> None:
    core = with_rule(core)
    await make_actor(core, "小王", staff_id="wang")
    for n in range(20):
        await place(core, f"客户{n}")
    told = await Message.filter(topic="assignment").order_by("id")
    assert [row.text[:4] for row in told[:5]] == ["新线索 "] * 5
    assert [row.text for row in told[5:]] == [
        "有20条线索等待答复，没有逐条通知；每条30分钟内不答复就转给下一位。回复“待接受”查看。"
    ]
    assert clock.now() < told[-1].not_before <= clock.now() + timedelta(minutes=6)
