"""Merges that meet others at once, and what became of a field since: nothing is lost, and a later word stands."""

import asyncio
from typing import Any

import pytest

from crm_core import access, activities, change_sets, customers, deletion, leads, merging, opportunities, overwriting
from crm_core.activities import FollowUp, subject_of
from crm_core.change_sets import ChangeSet, LaterChangesFirst
from crm_core.customers import Contact, Customer
from crm_core.errors import Conflict, CrmError
from crm_core.leads import Lead
from crm_core.opportunities import Opportunity
from crm_core.ports import Core
from tests.factories import SYSTEM, make_lead
from tests.fakes import FakeClock
from tests.fingerprints import fingerprint


async def test_two_merges_that_cross_are_one(core: Core) -> None:
    one, two = await make_lead(core, "一一"), await make_lead(core, "二二")
    start = await fingerprint(core)
    pairs = ((one.id, two.id), (two.id, one.id))
    done = await asyncio.gather(*(merging.merge(core, SYSTEM, "lead", *pair) for pair in pairs), return_exceptions=True)
    made = [each for each in done if isinstance(each, ChangeSet)]
    assert len(made) == 1
    assert [type(each) for each in done if not isinstance(each, ChangeSet)] == [merging.AlreadyMerged]
    await change_sets.undo(core, SYSTEM, made[0].id)
    assert await fingerprint(core) == start


async def test_many_crossing_merges_leave_one_story(core: Core) -> None:
    made = [await make_lead(core, f"线索{number}", need=f"需求{number}") for number in range(5)]
    for lead in made:
        await activities.add_follow_up(core, SYSTEM, subject_of(lead), summary=lead.name)
    start = await fingerprint(core)
    ids = [lead.id for lead in made]
    pairs = [(keep, drop) for keep in ids for drop in ids if keep != drop]
    done = await asyncio.gather(*(merging.merge(core, SYSTEM, "lead", *pair) for pair in pairs), return_exceptions=True)
    assert all(isinstance(each, ChangeSet | Conflict) for each in done), done
    standing = await Lead.filter(merged_into_id=None)
    assert len(standing) == 1
    assert set(await Lead.exclude(merged_into_id=None).values_list("merged_into_id", flat=True)) == {standing[0].id}
    assert standing[0].intent_count == 5
    assert set(await FollowUp.all().values_list("subject_id", flat=True)) == {standing[0].id}
    assert len(await merging.needs_of(standing[0])) == 5
    for changes in sorted((each for each in done if isinstance(each, ChangeSet)), key=lambda each: -each.id):
        await change_sets.undo(core, SYSTEM, changes.id)
    assert await fingerprint(core) == start


@pytest.mark.parametrize("number", range(4))
async def test_what_is_written_while_it_is_merged_is_found_under_both(core: Core, number: int) -> None:
    keep, drop = await make_lead(core, "一一"), await make_lead(core, "二二")
    subject = subject_of(drop)  # looked up before the merge
    steps = [activities.add_follow_up(core, SYSTEM, subject, summary=f"第{each}次") for each in range(3)]
    steps.insert(number, merging.merge(core, SYSTEM, "lead", keep.id, drop.id))  # type: ignore[arg-type]
    done: list[Any] = await asyncio.gather(*steps)
    kept = await Lead.get(id=keep.id)
    assert {row.summary for row in await activities.history(subject_of(kept), 10)} == {"第0次", "第1次", "第2次"}
    changes = next(each for each in done if isinstance(each, ChangeSet))
    await change_sets.undo(core, SYSTEM, changes.id)
    # What the merge had moved goes back; what was written to the one record since stays with it.
    apart = [await activities.history(subject_of(await Lead.get(id=one)), 10) for one in (keep.id, drop.id)]
    assert sorted(row.summary for rows in apart for row in rows) == ["第0次", "第1次", "第2次"]


async def test_undo_of_a_merge_keeps_what_was_changed_by_hand_since(core: Core, clock: FakeClock) -> None:
    """A later word about the same field stands, and is counted; everything else goes back."""
    keep = await make_lead(core, "一一")
    drop = await make_lead(core, "二二", mobile="13800138000", title="采购")
    changes = await merging.merge(core, SYSTEM, "lead", keep.id, drop.id)
    clock.advance(60)
    await leads.update(core, SYSTEM, keep.id, mobile="13900139000")
    done = await change_sets.undo(core, SYSTEM, changes.id)
    row = await Lead.get(id=keep.id)
    assert (row.mobile, row.title, row.intent_count) == ("+8613900139000", "", 1)
    assert (await Lead.get(id=drop.id)).mobile == "+8613800138000"
    assert (done.left, done.stayed) == (1, 0)


async def test_undo_of_a_merge_waits_for_what_was_overwritten_since(core: Core) -> None:
    """A later change that can be taken back itself is taken back first."""
    keep, drop = await make_lead(core, "一一"), await make_lead(core, "二二", mobile="13800138000")
    start = await fingerprint(core)
    changes = await merging.merge(core, SYSTEM, "lead", keep.id, drop.id)
    later = await overwriting.overwrite(core, SYSTEM, "lead", keep.id, {"title": "经理"})
    with pytest.raises(LaterChangesFirst):
        await change_sets.undo(core, SYSTEM, changes.id)
    await change_sets.undo(core, SYSTEM, later.set_id)
    await change_sets.undo(core, SYSTEM, changes.id)
    assert await fingerprint(core) == start


@pytest.mark.parametrize("rounds", [4])
async def test_nobody_is_left_behind_at_a_customer_that_goes(core: Core, rounds: int) -> None:
    """Merged and deleted at once, while somebody adds a contact and a deal: each hangs on what stands, or went with it."""
    for _ in range(rounds):
        keep, drop = [await customers.add_customer(core, SYSTEM, name=name) for name in ("东风机械", "东风机械厂")]
        await customers.add_contact(core, SYSTEM, name="张伟", customer_id=drop.id)
        done = await asyncio.gather(
            merging.merge(core, SYSTEM, "customer", keep.id, drop.id),
            customers.add_contact(core, SYSTEM, name="李娜", customer_id=drop.id),
            opportunities.create(core, SYSTEM, customer_id=drop.id, name="网关"),
            deletion.delete_customer(core, SYSTEM, drop.id),
            return_exceptions=True,
        )
        assert all(not isinstance(each, BaseException) or isinstance(each, CrmError) for each in done), done
        standing = set(await access.visible(Customer, SYSTEM).values_list("id", flat=True))
        for model in (Contact, Opportunity):
            seen: list[Any] = list(await access.visible(model, SYSTEM).values_list("customer_id", flat=True))
            assert set(seen) <= standing
