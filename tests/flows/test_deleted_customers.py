"""A deleted customer, with everybody and everything at it, is nowhere any more; and everywhere again when it is taken back."""

from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Any

import pytest

from campaigns import audience, broadcasts, engine, results
from campaigns.broadcasts import Broadcast
from campaigns.recipients import RecipientQueue
from crm_core import (
    change_sets,
    cleaning,
    contacts,
    conversion,
    customer_values,
    customers,
    dashboards,
    deletion,
    funnels,
    leads,
    life_cycle_counts,
    life_cycles,
    matching,
    merging,
    opportunities,
    overdue,
    rollups,
    scoring,
    searching,
    segments,
    stage_moves,
    transfers,
    win_loss,
)
from crm_core.access import Actor, Role
from crm_core.clock import today
from crm_core.customers import Contact, Customer
from crm_core.leads import Lead
from crm_core.life_cycle_rules import LifeCycle
from crm_core.ports import Core
from crm_core.selection import Selection
from scheduler import reminders
from scheduler.jobs import follow_up_due
from scheduler.reminders import Reminder
from tests.campaigns.conftest import make_broadcast, windowed
from tests.factories import SYSTEM, make_actor, make_customer_account, make_employee, make_lead
from tests.fakes import FakeClock
from tests.fingerprints import fingerprint

PHONE = "13812345678"
LEASE = timedelta(minutes=1)


@pytest.fixture
def reaching(core: Core) -> Core:
    """The core with one customers' channel, open at any time."""
    from dataclasses import replace

    from crm_core.reach import ReachRule

    return replace(core, reach={"wechat": ReachRule.always(), "dingtalk": ReachRule.always()})


class World:
    """An owner with one customer, its contact, deal, reminder and account."""

    def __init__(self, owner: Actor, boss: Actor, customer: Customer, contact: Contact, lead: Lead) -> None:
        self.owner, self.boss, self.customer, self.contact, self.lead = owner, boss, customer, contact, lead


async def build(core: Core) -> World:
    boss = await make_employee(core, "陈经理", Role.MANAGER)
    owner = await make_actor(core, "小王", manager_id=boss.id, staff_id="wang")
    from crm_core.employees import actor_of

    lead = await make_lead(core, "张伟", owner_id=owner.employee_id, company="云帆科技", mobile=PHONE, region="上海")
    await make_customer_account(core, lead)
    customer, contact = await conversion.convert(core, owner, lead.id)
    await customers.update_contact(core, owner, contact.id, birthday="1980-11-25")
    await customers.update_customer(core, owner, customer.id, industry="制造业", credit_code="91310000MA1FL0AB1X")
    deal = await opportunities.create(core, owner, customer_id=customer.id, name="网关", amount="1000")
    won = await opportunities.create(core, owner, customer_id=customer.id, name="交换机", amount="2000")
    await win_loss.win(core, owner, won.id)
    await stage_moves.advance(core, owner, deal.id, reason="先推进")
    await customers.add_customer(core, owner, name="云帆科技上海", parent_id=customer.id)
    at = core.clock.now() - timedelta(minutes=1)
    for kind, number in (("customer", customer.id), ("contact", contact.id)):
        await reminders.create(core, owner, text=f"联系{kind}", at=at, about_kind=kind, about_id=number)
    await core.db.run(customer_values.look_at_due(core))
    await core.db.run(life_cycles.look_at_due(core))
    return World(owner, await actor_of(boss), customer, contact, lead)


Asked = Callable[[Core, World], Awaitable[Any]]


async def _segment(core: Core, world: World) -> Any:
    return [
        await segments.count_people(core, Selection(conditions=condition))
        for condition in (
            {},
            {"kind": "customer"},
            {"not": {"region": "北京"}},
            {"field": "industry", "is": "=", "value": "制造业"},
        )
    ]


async def _found(core: Core, world: World) -> Any:
    return (
        (await searching.search(core, world.owner, {"query": "云帆"})).total,
        len(await searching.find_phone(core, world.owner, PHONE)),
        sorted(await searching.known_industries(["制造业"])),
    )


async def _duplicates(core: Core, world: World) -> Any:
    asked: tuple[dict[str, Any], ...] = (
        {"mobile": PHONE},
        {"company": "云帆科技有限公司"},
        {"credit_code": "91310000MA1FL0AB1X"},
        {"name": "张伟"},
    )
    return [[(one.kind, one.id) for one in await matching.find_duplicates(core, world.owner, **each)] for each in asked]


async def _hard(core: Core, world: World) -> Any:
    pairs = [("mobile", "+8613812345678"), ("credit_code", "91310000MA1FL0AB1X")]
    return await core.db.read(matching.hard_matches(pairs))


async def _dashboard(core: Core, world: World) -> Any:
    board = await dashboards.dashboard(core, world.owner)
    return board.totals["customers"], board.totals["opportunities_open"], dict(board.opportunities_by_status)


async def _funnel(core: Core, world: World) -> Any:
    day = today(core.clock)
    found = await funnels.funnel(core, world.owner, day, day)
    stages = [(each.count, each.left_count) for each in found.stages]
    return stages, found.won_count, found.forecast.amount if found.forecast else None


async def _customer_flow(core: Core, world: World) -> Any:
    from dataclasses import replace

    from tests.factories import with_opportunities

    bare = with_opportunities(core, replace(core.settings.opportunities, enabled=False))
    return (await funnels.funnel(bare, world.owner, today(core.clock), today(core.clock))).customer_counts


async def _deals(core: Core, world: World) -> Any:
    return [row.id for row in await opportunities.find(world.owner)]


async def _life(core: Core, world: World) -> Any:
    counts = (await life_cycle_counts.overview(core, world.owner)).counts
    listed = [row.id for row in (await life_cycle_counts.list_in(world.owner, list(LifeCycle)))[0]]
    return dict(counts), listed


async def _ranking(core: Core, world: World) -> Any:
    return (await customer_values.ranking(core, world.owner)).customers


async def _transfer(core: Core, world: World) -> Any:
    return await transfers.count(core, world.boss, world.owner.employee_id or 0)


async def _tree(core: Core, world: World) -> Any:
    branch = await Customer.get(name="云帆科技上海")
    return [unit.name for unit in await contacts.tree_of(core, world.owner, branch.id)]


async def _todos(core: Core, world: World) -> Any:
    return [row.text for row in await reminders.list_open(core, world.owner)]


async def _birthday(core: Core, world: World) -> Any:
    return await segments.count_people(core, Selection().on_birthday(date(2026, 11, 25)))


READERS: dict[str, Asked] = {
    "birthday": _birthday,
    "segment": _segment,
    "search": _found,
    "duplicates": _duplicates,
    "hard matches": _hard,
    "dashboard": _dashboard,
    "funnel": _funnel,
    "customer flow": _customer_flow,
    "deals": _deals,
    "life cycles": _life,
    "ranking": _ranking,
    "transfer": _transfer,
    "tree": _tree,
    "todos": _todos,
}


async def seen(core: Core, world: World) -> dict[str, Any]:
    return {name: await ask(core, world) for name, ask in READERS.items()}


async def test_every_reader_forgets_it_and_knows_it_again(core: Core) -> None:
    world = await build(core)
    start, before = await fingerprint(core), await seen(core, world)
    assert await rollups.differences(core) == {}
    _, changes = await deletion.delete_customer(core, world.owner, world.customer.id)
    gone = await seen(core, world)
    assert {name for name in READERS if gone[name] == before[name]} == set()
    assert gone["segment"] == [0, 0, 0, 0]
    assert (before["birthday"], gone["birthday"]) == (1, 0)
    assert gone["search"] == (0, 0, [])
    assert gone["duplicates"] == [[], [], [], []] or gone["duplicates"][1] == [("customer", world.customer.id + 1)]
    assert gone["hard matches"] == {}
    assert gone["dashboard"] == (1, 0, {})
    assert gone["funnel"][1:] == (0, 0)
    assert all(count == (0, 0) for count in gone["funnel"][0])
    assert gone["deals"] == []
    assert gone["transfer"] == transfers.Counts(customers=1)
    assert gone["tree"] == ["云帆科技上海"]
    assert gone["todos"] == []
    assert await rollups.differences(core) == {}
    await change_sets.undo(core, world.owner, changes.id)
    assert await seen(core, world) == before
    assert await fingerprint(core) == start
    assert await rollups.differences(core) == {}


async def test_nobody_is_reminded_of_it(core: Core, clock: FakeClock) -> None:
    world = await build(core)
    await deletion.delete_customer(core, world.owner, world.customer.id)
    assert await reminders.fire_due(core) == 0
    assert set(await Reminder.all().values_list("status", "reason")) == {("cancelled", "deleted")}
    clock.advance(400 * 86400)
    await follow_up_due.run(core)
    assert await overdue.list_overdue(core, world.owner) == []
    await core.db.run(life_cycles.look_at_due(core))
    row = await Customer.get(id=world.customer.id)
    assert (row.churn_warned_at, row.next_contact_at) == (None, None)


async def test_what_happens_later_wakes_nobody_up(core: Core) -> None:
    world = await build(core)
    _, changes = await deletion.delete_customer(core, world.owner, world.customer.id)
    for look in (life_cycles.look_at_due, customer_values.look_at_due):
        await Customer.filter(id=world.customer.id).update(life_due_at=None, value_due_at=None)
        assert await core.db.run(look(core)) == 1
        assert await core.db.run(look(core)) == 0
    await change_sets.undo(core, world.owner, changes.id)
    row = await Customer.get(id=world.customer.id)
    assert row.deleted_at is None
    assert row.life_due_at is not None
    assert row.life_due_at.year < 2999


async def test_its_number_may_be_recorded_again(core: Core) -> None:
    world = await build(core)
    other = await make_actor(core, "小李")
    with pytest.raises(matching.LeadDuplicate):
        await matching.refuse_known(core, other, name="张伟", mobile=PHONE)
    await deletion.delete_customer(core, world.owner, world.customer.id)
    await matching.refuse_known(core, other, name="张伟", mobile=PHONE)
    fresh = await leads.add(core, other, name="张伟", mobile=PHONE)
    assert (await cleaning.examine(core, fresh.id)).merged_into is None
    assert [one.id for one in await matching.find_duplicates(core, other, mobile=PHONE)] == [fresh.id]


async def test_a_case_about_it_is_closed_and_open_again(core: Core) -> None:
    world = await build(core)
    twin = await make_lead(core, "张伟", owner_id=world.owner.employee_id, company="云帆科技")
    assert (await cleaning.examine(core, twin.id)).cases
    waiting = await cleaning.waiting(world.owner).count()
    assert waiting > 0
    _, changes = await deletion.delete_customer(core, world.owner, world.customer.id)
    assert await cleaning.waiting(world.owner).count() == 0
    assert await cleaning.next_case(core, world.owner) is None
    await change_sets.undo(core, world.owner, changes.id)
    assert await cleaning.waiting(world.owner).count() == waiting


async def test_its_contact_is_not_scored(core: Core) -> None:
    world = await build(core)
    await deletion.delete_customer(core, world.owner, world.customer.id)
    await Contact.filter(id=world.contact.id).update(score=7)
    await scoring.rescore(core, [world.contact.person_id])
    assert (await Contact.get(id=world.contact.id)).score == 7


async def to_all(core: Core) -> Broadcast:
    marketer = await make_actor(core, "小美", Role.MARKETER)
    return await make_broadcast(core, marketer, conditions={"kind": "customer"})


async def approved(core: Core, draft: Broadcast) -> None:
    await broadcasts.approve(core, SYSTEM, draft.id)
    await engine.run(core)


async def test_a_broadcast_planned_later_leaves_its_contact_out(reaching: Core) -> None:
    world = await build(reaching)
    draft = await to_all(reaching)
    assert (await audience.preview(reaching, SYSTEM, draft.id)).total == 1
    await deletion.delete_customer(reaching, world.owner, world.customer.id)
    assert (await audience.preview(reaching, SYSTEM, draft.id)).total == 0
    await approved(reaching, draft)
    assert await results.counts(reaching, draft.id) == {}


@pytest.mark.parametrize("narrow", [False, True])
async def test_a_broadcast_planned_before_does_not_reach_its_contact(reaching: Core, clock: FakeClock, narrow: bool) -> None:
    world = await build(reaching)
    draft = await to_all(reaching)
    await audience.preview(reaching, SYSTEM, draft.id)
    await approved(reaching, draft)
    assert await results.counts(reaching, draft.id) == {"planned": 1}
    await deletion.delete_customer(reaching, world.owner, world.customer.id)
    queue = RecipientQueue(windowed(reaching) if narrow else reaching)
    assert await queue.claim("wechat", 10, LEASE) == []
    assert await results.reasons(reaching, draft.id) == {"gone": 1}


async def test_two_of_a_broadcast_who_became_one_get_it_once(reaching: Core) -> None:
    made = [await make_lead(reaching, name) for name in ("张伟", "张卫")]
    for number, lead in enumerate(made):
        await make_customer_account(reaching, lead, f"oTwin{number}")
    marketer = await make_actor(reaching, "小美", Role.MARKETER)
    draft = await make_broadcast(reaching, marketer)
    await audience.preview(reaching, SYSTEM, draft.id)
    await approved(reaching, draft)
    assert await results.counts(reaching, draft.id) == {"planned": 2}
    await merging.merge(reaching, SYSTEM, "lead", made[0].id, made[1].id)
    assert len(await RecipientQueue(reaching).claim("wechat", 10, LEASE)) == 1
    assert await results.reasons(reaching, draft.id) == {"gone": 1}
