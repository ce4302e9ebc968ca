"""Claiming and settling pages of messages: windows, replies' data, outcomes."""

from dataclasses import replace
from datetime import timedelta

import pytest

from crm_core.accounts import Account
from crm_core.conversations import Message
from crm_core.messages import Address, Body
from crm_core.outbox import DatabaseOutbox, Settlement, take_waiting
from crm_core.ports import Core
from crm_core.reach import ReachRule, Window
from tests.factories import make_customer_account, make_lead

LEASE = timedelta(seconds=30)
RULE = ReachRule(message=Window(3, timedelta(hours=48)))


async def outbox_of(core: Core, account: Account, count: int) -> DatabaseOutbox:
    bound = DatabaseOutbox()
    bound.bind(replace(core, reach={"wechat": RULE}))
    async with core.db.transaction():
        for number in range(count):
            await bound.put(account.address, Body(text=f"第{number}条"), key=f"k{number}", account_id=account.id)
    return bound


async def test_one_person_gets_as_many_as_the_window_allows_the_oldest_first_and_the_rest_is_kept(core: Core) -> None:
    lead = await make_lead(core)
    account = await make_customer_account(core, lead, message_window_at=core.clock.now(), message_window_used=1)
    outbox = await outbox_of(core, account, 4)
    assert [message.body.text for message in await outbox.claim("wechat", 10, LEASE)] == ["第0条", "第1条"]
    assert await Message.filter(status="kept").order_by("id").values_list("text", flat=True) == ["第2条", "第3条"]
    after = await Account.get(id=account.id)
    assert (after.message_window_used, after.waiting_count) == (3, 2)


async def test_each_sent_message_keeps_its_own_number_and_reason(core: Core) -> None:
    outbox = core.outbox
    assert isinstance(outbox, DatabaseOutbox)
    for number in range(4):
        await outbox.put(Address("wechat", f"o{number}"), Body(text="好"), key=f"k{number}")
    first, second, third, fourth = await outbox.claim("wechat", 10, LEASE)
    await outbox.settle(
        [
            Settlement(first.id, "sent", external_id="m1"),
            Settlement(second.id, "handed_over", "confirm", external_id="m2"),
            Settlement(third.id, "refused", "40003"),
            Settlement(fourth.id, "unknown", "no_answer"),
        ]
    )
    rows = await Message.all().order_by("id").values_list("status", "external_id", "reason", "lease_until")
    assert rows == [
        ("sent", "m1", "", None),
        ("handed_over", "m2", "confirm", None),
        ("failed", "", "40003", None),
        ("unknown", "", "no_answer", None),
    ]
    await outbox.settle([Settlement(fourth.id, "sent", external_id="late")])
    assert (await Message.get(id=fourth.id)).status == "unknown"


async def lost(core: Core, count: int = 1) -> tuple[DatabaseOutbox, Account, list[int]]:
    """Messages whose process stood still so long that another one has decided about them."""
    account = await make_customer_account(core, await make_lead(core), message_window_at=core.clock.now())
    slow = await outbox_of(core, account, count)
    await Message.all().update(topic="reply")
    numbers = [message.id for message in await slow.claim("wechat", 10, LEASE)]
    core.clock.advance(LEASE * 2)  # type: ignore[attr-defined]
    quick = DatabaseOutbox()
    quick.bind(core)
    assert await quick.recover(everything=False) == count
    assert await Message.filter(status="unknown", reason="lease_ended").count() == count
    assert (await Account.get(id=account.id)).waiting_count == count
    return slow, account, numbers


async def test_late_word_that_it_was_sent_beats_an_ended_lease_and_it_is_not_given_again(core: Core) -> None:
    slow, account, (first, second, third) = await lost(core, 3)
    await slow.settle([Settlement(first, "sent", external_id="m1"), Settlement(third, "handed_over")])
    rows = await Message.all().order_by("id").values_list("status", "external_id", "reason")
    assert rows == [("sent", "m1", ""), ("unknown", "", "lease_ended"), ("handed_over", "", "")]
    assert (await Account.get(id=account.id)).waiting_count == 1
    assert await core.db.run(take_waiting(core, account.id, room_bytes=2000)) == ["第1条"]
    await slow.settle([Settlement(second, "sent")])
    assert (await Message.get(id=second)).reason == "given_again"  # too late: it is said already


@pytest.mark.parametrize(
    ("word", "status", "waiting"),
    [("retry", "queued", 0), ("refused", "failed", 0), ("window_closed", "kept", 1), ("unknown", "unknown", 1)],
)
async def test_other_late_words_beat_an_ended_lease_too(core: Core, word: str, status: str, waiting: int) -> None:
    slow, account, (number,) = await lost(core)
    await slow.settle([Settlement(number, word, "40003")])
    assert (await Message.get(id=number)).status == status
    assert (await Account.get(id=account.id)).waiting_count == waiting
