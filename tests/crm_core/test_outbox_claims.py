"""Claiming and settling pages of messages: windows, replies' data, outcomes."""

from dataclasses import replace
from datetime import timedelta

from crm_core.accounts import Account
from crm_core.conversations import Message
from crm_core.messages import Address, Body
from crm_core.outbox import DatabaseOutbox, Settlement
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
