"""The life cycle over the database: found when due, woken by what happens, set by hand, kept as history."""

from datetime import timedelta

import pytest

from crm_core import activities, change_sets, customers, life_cycle_counts, life_cycles, purchases, win_loss
from crm_core.access import Role
from crm_core.accounts import Account
from crm_core.conversations import Message
from crm_core.customers import Customer
from crm_core.errors import Invalid, Refused
from crm_core.life_cycle_rules import LifeCycle
from crm_core.life_cycles import LifeCycleChange
from crm_core.ports import Core
from crm_core.sharing import share
from scheduler.jobs import life_cycles as job
from tests.factories import make_actor, make_deal, make_employee
from tests.fakes import FakeClock


async def state_of(number: int) -> str:
    return str((await Customer.get(id=number)).life_cycle)


async def settle(core: Core, clock: FakeClock) -> None:
    """Let what was written become old enough to be read, and look."""
    clock.advance(60)
    await job.run(core)
    await job.run(core)


async def test_a_customer_goes_through_its_life(core: Core, clock: FakeClock) -> None:
    actor = await make_actor(core)
    customer = await customers.add_customer(core, actor, name="云帆科技")
    await settle(core, clock)
    assert await state_of(customer.id) == "target"
    await activities.add_follow_up(core, actor, activities.subject_of(customer), method="phone")
    await settle(core, clock)
    assert await state_of(customer.id) == "potential"
    deal = await make_deal(core, actor, customer_id=customer.id)
    await settle(core, clock)
    assert await state_of(customer.id) == "opportunity"
    await win_loss.win(core, actor, deal.id, amount="50000")
    await settle(core, clock)
    assert await state_of(customer.id) == "user"
    for _ in range(2):
        await purchases.note_purchase(core, actor, customer.id, product="网关")
    await settle(core, clock)
    assert await state_of(customer.id) == "loyal"
    steps = [(row.from_state, row.to_state) for row in reversed(await life_cycles.history(actor, customer.id))]
    assert steps == [("target", "potential"), ("potential", "opportunity"), ("opportunity", "user"), ("user", "loyal")]
    seen = await life_cycle_counts.overview(core, actor)
    assert seen.counts[LifeCycle.LOYAL] == 1
    assert next((move.from_state, move.count, move.conversion_rate) for move in seen.moves) == (LifeCycle.TARGET, 1, 1.0)


async def test_silence_warns_first_then_sleeps_and_a_message_wakes(core: Core, clock: FakeClock) -> None:
    actor = await make_actor(core)
    customer = await customers.add_customer(core, actor, name="云帆科技")
    contact = await customers.add_contact(core, actor, name="李总", customer_id=customer.id)
    await purchases.note_purchase(core, actor, customer.id, product="网关", amount="100")
    account = await Account.add(core, channel="wechat", external_id="oLi", person_kind="customer", person_id=contact.person_id)
    await settle(core, clock)
    clock.advance(77 * 86400)
    await settle(core, clock)
    warned, count = await life_cycle_counts.list_warned(actor)
    assert ([row.id for row in warned], count) == ([customer.id], 1)
    clock.advance(20 * 86400)
    await settle(core, clock)
    assert await state_of(customer.id) == "dormant"
    assert (await Customer.get(id=customer.id)).status == "dormant"
    listed, _ = await life_cycle_counts.list_in(actor, [LifeCycle.DORMANT])
    assert [row.id for row in listed] == [customer.id]
    now = clock.now()
    await Message.add(
        core,
        channel="wechat",
        external_account="oLi",
        account_id=account.id,
        direction="in",
        kind="text",
        text="在吗",
        at=now,
        status="done",
        key="in:1",
    )
    await account.change(core, last_inbound_at=now)
    await settle(core, clock)
    assert await state_of(customer.id) == "user"
    assert "重新有了往来" in (await LifeCycleChange.filter(customer_id=customer.id).order_by("-id").first()).reason  # type: ignore[union-attr]
    clock.advance(400 * 86400)
    await settle(core, clock)
    assert await state_of(customer.id) == "lost"


async def test_the_owner_is_warned_once(core: Core, clock: FakeClock) -> None:
    owner = await make_employee(core, staff_id="wang")
    customer = await Customer.add(core, name="云帆科技", owner_id=owner.id)
    clock.advance(80 * 86400)
    await job.run(core)
    assert await job.tell_all(core) in (0, 1)
    assert await job.tell_all(core) == 0
    told = await Message.filter(direction="out", topic="churn_warnings")
    assert [row.text.splitlines()[1] for row in told] == ["· 云帆科技（目标）"] or not core.staff_channels
    assert (await Customer.get(id=customer.id)).churn_told_at is not None


async def test_by_hand_with_a_reason_until_something_happens_and_taken_back(core: Core, clock: FakeClock) -> None:
    actor = await make_actor(core)
    customer = await customers.add_customer(core, actor, name="云帆科技")
    with pytest.raises(Invalid):
        await life_cycles.set_by_hand(core, actor, customer.id, LifeCycle.LOST, reason=" ")
    changed, set_id = await life_cycles.set_by_hand(core, actor, customer.id, LifeCycle.LOST, reason="搬走了")
    assert (changed.life_cycle, changed.status) == ("lost", "lost")
    await settle(core, clock)
    assert await state_of(customer.id) == "lost"
    await activities.add_follow_up(core, actor, activities.subject_of(customer), method="phone")
    await settle(core, clock)
    assert await state_of(customer.id) == "potential"
    other = await customers.add_customer(core, actor, name="南湖学校")
    _, set_id = await life_cycles.set_by_hand(core, actor, other.id, LifeCycle.DORMANT, reason="休假")
    await change_sets.undo(core, actor, set_id)
    assert await state_of(other.id) == "target"
    assert await LifeCycleChange.filter(customer_id=other.id).count() == 0


async def test_a_status_set_by_hand_is_taken_over(core: Core, clock: FakeClock) -> None:
    actor = await make_actor(core)
    customer = await customers.add_customer(core, actor, name="云帆科技")
    await customers.update_customer(core, actor, customer.id, status="lost")
    await settle(core, clock)
    assert await state_of(customer.id) == "lost"
    await settle(core, clock)
    assert await state_of(customer.id) == "lost"


async def test_a_collaborator_who_only_looks_may_not(core: Core) -> None:
    boss, helper = await make_actor(core, "陈总", Role.ADMIN), await make_actor(core, "小李")
    customer = await customers.add_customer(core, boss, name="云帆科技")
    assert helper.employee_id is not None
    await share(core, boss, customer.id, helper.employee_id)
    with pytest.raises(Refused):
        await life_cycles.set_by_hand(core, helper, customer.id, LifeCycle.LOST, reason="走了")


async def test_whom_to_call_next_follows_the_rhythm(core: Core, clock: FakeClock) -> None:
    actor = await make_actor(core)
    customer = await customers.add_customer(core, actor, name="云帆科技")
    await settle(core, clock)
    assert (await life_cycle_counts.list_to_contact(core, actor))[1] == 0
    row = await Customer.get(id=customer.id)
    assert row.next_contact_at - row.created_at == timedelta(days=60)
    clock.advance(61 * 86400)
    found, count = await life_cycle_counts.list_to_contact(core, actor)
    assert ([each.id for each in found], count) == ([customer.id], 1)


async def test_a_row_that_is_too_young_holds_up_those_behind_it(core: Core, clock: FakeClock) -> None:
    actor = await make_actor(core)
    first, second = [await customers.add_customer(core, actor, name=name) for name in ("云帆科技", "南湖学校")]
    await settle(core, clock)
    clock.advance(100)
    await activities.add_follow_up(core, actor, activities.subject_of(first), method="phone")
    clock.advance(-60)  # another process, or one that began before it: an older stamp with a larger number
    await activities.add_follow_up(core, actor, activities.subject_of(second), method="phone")
    clock.advance(59)
    await job.run(core)
    clock.advance(120)
    await job.run(core)
    assert [await state_of(row.id) for row in (first, second)] == ["potential"] * 2
