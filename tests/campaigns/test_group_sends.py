"""Group-send tasks: one a sender, text and chunk; what stops them; what a dead process leaves."""

from dataclasses import replace
from datetime import timedelta

import pytest

from campaigns import broadcasts, engine
from campaigns.broadcasts import Broadcast, Recipient
from campaigns.group_sends import (
    GroupSend,
    due_tasks,
    hold_chunk,
    next_chunks,
    note_cancelled,
    note_no_task,
    note_result,
    note_task,
    put_back,
    put_off,
)
from campaigns.recipients import RecipientQueue
from crm_core.access import Actor
from crm_core.accounts import Account
from crm_core.contact_follows import note_follow, note_unfollow
from crm_core.ports import Core
from crm_core.reach import ReachRule
from tests.campaigns.conftest import make_broadcast
from tests.factories import make_customer_account, make_employee, make_lead
from tests.fakes import FakeClock


@pytest.fixture
def core(core: Core) -> Core:
    return replace(
        core,
        reach={"wecom": ReachRule.always()},
        staff_channels=frozenset({"wecom"}),
        group_channels=frozenset({"wecom"}),
    )


async def seller(core: Core, user_id: str) -> int:
    employee = await make_employee(core, user_id)
    await Account.add(core, channel="wecom", external_id=user_id, person_kind="employee", person_id=employee.person_id)
    return int(employee.id)


async def customers(core: Core, owner_id: int | None, *external_ids: str, name: str = "客户") -> None:
    for external_id in external_ids:
        lead = await make_lead(core, f"{name}{external_id}", owner_id=owner_id)
        await make_customer_account(core, lead, external_id, "wecom")


async def running(core: Core, marketer: Actor, body: str = "新品到货") -> int:
    draft = await make_broadcast(core, marketer, body=body, channel="wecom")
    approved = await broadcasts.approve(core, marketer, draft.id)
    await engine.plan(core, approved.id)
    return int(approved.id)


async def words(number: int) -> list[str]:
    return sorted(await Recipient.filter(broadcast_id=number).values_list("status", flat=True))


async def test_chunks_are_of_one_sender_and_full_before_another_begins(core: Core, marketer: Actor) -> None:
    one, two = await seller(core, "one"), await seller(core, "two")
    for number in range(3):  # in turn, so that a page of everybody would mix the two
        await customers(core, one, f"wmA{number}")
        await customers(core, two, f"wmB{number}")
    await running(core, marketer)
    made = []
    while chunks := await next_chunks(core, "wecom", chunk=2):
        made += [(chunk.sender, len(chunk.people)) for chunk in chunks]
    assert sorted(made) == [("one", 1), ("one", 2), ("two", 1), ("two", 2)]


async def test_the_sender_is_who_has_the_contact(core: Core, marketer: Actor, clock: FakeClock) -> None:
    owner = await seller(core, "owner")
    await customers(core, owner, "wm1", "wm2", "wm3")
    await customers(core, None, "wm4", "wm5")
    for external_id, member in (("wm1", "owner"), ("wm1", "other"), ("wm2", "other"), ("wm4", "other")):
        await core.db.run(note_follow(core, "wecom", external_id, member, clock.now()))
    await core.db.run(note_follow(core, "wecom", "wm3", "other", clock.now()))
    await core.db.run(note_unfollow(core, "wecom", "wm3", "other", clock.now()))
    number = await running(core, marketer)
    senders = {}
    while chunks := await next_chunks(core, "wecom"):
        senders |= {person: chunk.sender for chunk in chunks for person in chunk.people}
    assert senders == {"wm1": "owner", "wm2": "other", "wm3": "owner", "wm4": "other"}
    assert (await Recipient.get(broadcast_id=number, status="failed")).reason == "no_sender"


async def test_texts_of_ones_own_are_tasks_of_ones_own(core: Core, marketer: Actor) -> None:
    owner = await seller(core, "owner")
    await customers(core, owner, "wm1", "wm2")
    await running(core, marketer, "{姓名}您好，我是{负责人}")
    chunks = await next_chunks(core, "wecom")
    assert sorted(chunk.text for chunk in chunks) == ["客户wm1您好，我是owner", "客户wm2您好，我是owner"]


async def test_few_personal_tasks_are_claimed_and_the_same_text_shares_one(core: Core, marketer: Actor) -> None:
    owner = await seller(core, "owner")
    await customers(core, owner, *(f"wm{number}" for number in range(7)))
    same = await make_lead(core, "客户wm6", owner_id=owner)
    await make_customer_account(core, same, "wmSame", "wecom")
    number = await running(core, marketer, "{姓名}您好")
    first, second = await next_chunks(core, "wecom"), await next_chunks(core, "wecom")
    assert [len(first), len(second)] == [5, 2]
    assert list(second[1].people) == ["wm6", "wmSame"]
    assert await words(number) == ["claimed"] * 8


async def test_a_chunk_is_held_right_before_its_call(core: Core, marketer: Actor, clock: FakeClock) -> None:
    await customers(core, await seller(core, "owner"), "wm1", "wm2")
    number = await running(core, marketer)
    (chunk,) = await next_chunks(core, "wecom")
    for _ in range(3):
        clock.advance(6 * 60)
        assert await core.db.run(hold_chunk(core, chunk)) == chunk
        assert await RecipientQueue(core).recover(everything=False) == 0
    await Account.filter(external_id="wm1").update(opted_out_at=clock.now())
    held = await core.db.run(hold_chunk(core, chunk))
    assert held is not None
    assert list(held.people) == ["wm2"]
    assert await words(number) == ["claimed", "planned"]
    await broadcasts.pause(core, marketer, number)
    assert await core.db.run(hold_chunk(core, held)) is None
    assert await words(number) == ["planned", "planned"]


async def test_who_is_put_back_is_as_if_never_claimed_unless_decided(core: Core, marketer: Actor) -> None:
    await customers(core, await seller(core, "owner"), "wm1", "wm2")
    number = await running(core, marketer)
    (chunk,) = await next_chunks(core, "wecom")
    await Recipient.filter(id=chunk.people["wm1"]).update(status="unknown", reason="lease_ended")
    await core.db.run(put_back(core, list(chunk.people.values())))
    await core.db.run(note_no_task(core, chunk, "retry", "late"))
    assert await words(number) == ["planned", "unknown"]
    row = await Recipient.get(broadcast_id=number, status="planned")
    assert (row.attempts, row.claimed_at, row.lease_until, row.not_before) == (0, None, None, None)


async def test_consent_pause_and_quiet_hours_hold_at_the_claim(core: Core, marketer: Actor, clock: FakeClock) -> None:
    owner = await seller(core, "owner")
    await customers(core, owner, "wm1", "wm2")
    number = await running(core, marketer)
    await Account.filter(external_id="wm1").update(opted_out_at=clock.now())
    await broadcasts.pause(core, marketer, number)
    assert await next_chunks(core, "wecom") == []
    await broadcasts.resume(core, marketer, number)
    clock.advance(13 * 3600)  # 23:00 in Shanghai
    assert await next_chunks(core, "wecom") == []
    clock.advance(11 * 3600)
    (chunk,) = await next_chunks(core, "wecom")
    assert list(chunk.people) == ["wm2"]
    assert await words(number) == ["claimed", "suppressed"]


async def test_what_a_dead_process_left_is_unknown_and_not_made_again(core: Core, marketer: Actor, clock: FakeClock) -> None:
    await customers(core, await seller(core, "owner"), "wm1")
    number = await running(core, marketer)
    assert len(await next_chunks(core, "wecom")) == 1
    await RecipientQueue(core).recover(everything=True)
    assert await words(number) == ["unknown"]
    assert await next_chunks(core, "wecom") == []


async def test_a_task_its_results_and_its_end(core: Core, marketer: Actor, clock: FakeClock) -> None:
    await customers(core, await seller(core, "owner"), "wm1", "wm2", "wm3", "wm4")
    number = await running(core, marketer)
    (chunk,) = await next_chunks(core, "wecom")
    await core.db.run(note_task(core, "wecom", chunk, external_id="M1", failed=["wm1"]))
    assert await words(number) == ["failed", "handed_over", "handed_over", "handed_over"]
    (task,) = await core.db.read(due_tasks("wecom", clock.now()))
    assert (task.sender, task.external_id, task.cancelled) == ("owner", "M1", False)
    finals = [
        await core.db.run(note_result(core, task, person, status, clock.now()))
        for person, status in (("wm2", 1), ("wm3", 3), ("wm4", 0), ("wm1", 1), ("wmForeign", 1))
    ]
    assert finals == [True, True, False, True, True]
    assert await words(number) == ["failed", "failed", "handed_over", "sent"]
    await core.db.run(put_off(core, task, confirmed=True, done=False))
    assert await core.db.read(due_tasks("wecom", clock.now())) == []
    clock.advance(3600)
    assert len(await core.db.read(due_tasks("wecom", clock.now()))) == 1
    await core.db.run(note_cancelled(core, task))
    assert await words(number) == ["cancelled", "failed", "failed", "sent"]
    assert (await GroupSend.get()).closed_at is not None


async def test_no_task_is_tried_again_only_when_surely_not_made(core: Core, marketer: Actor, clock: FakeClock) -> None:
    await customers(core, await seller(core, "owner"), "wm1")
    number = await running(core, marketer)
    (chunk,) = await next_chunks(core, "wecom")
    await core.db.run(note_no_task(core, chunk, "retry", "busy"))
    assert await next_chunks(core, "wecom") == []
    clock.advance(60)
    (chunk,) = await next_chunks(core, "wecom")
    await core.db.run(note_no_task(core, chunk, "refused", "bad_recipient"))
    assert await words(number) == ["failed"]
    assert (await Broadcast.get(id=number)).channel == "wecom"


async def test_a_cancellation_is_asked_for_at_once_and_then_by_the_pauses(
    core: Core, marketer: Actor, clock: FakeClock
) -> None:
    await customers(core, await seller(core, "owner"), "wm1")
    number = await running(core, marketer)
    (chunk,) = await next_chunks(core, "wecom")
    await core.db.run(note_task(core, "wecom", chunk, external_id="M1", failed=[]))
    (task,) = await core.db.read(due_tasks("wecom", clock.now()))
    clock.advance(timedelta(days=2))
    await core.db.run(put_off(core, task, confirmed=False, done=False))
    clock.advance(1)
    assert await core.db.read(due_tasks("wecom", clock.now())) == []
    await broadcasts.cancel(core, marketer, number)
    clock.advance(1)
    (task,) = await core.db.read(due_tasks("wecom", clock.now()))
    assert task.cancelled
    await core.db.run(put_off(core, task, confirmed=False, done=False))  # the platform refused
    clock.advance(timedelta(hours=4))
    assert await core.db.read(due_tasks("wecom", clock.now())) == []
    clock.advance(timedelta(hours=2))
    assert len(await core.db.read(due_tasks("wecom", clock.now()))) == 1


async def test_only_words_can_be_a_task(core: Core, marketer: Actor) -> None:
    from campaigns.errors import Unusable

    with pytest.raises(Unusable):
        await make_broadcast(core, marketer, kind="wechat_template", body="TPL", channel="wecom")
