"""Reports of template messages: only a failure changes anything, also one that comes before the send is settled."""

from datetime import timedelta

import pytest

from campaigns import results
from campaigns.broadcasts import Recipient
from campaigns.platform_results import PERIODIC, PlatformResult, apply_waiting, note_template, reason_of
from campaigns.recipients import RecipientQueue
from crm_core.conversations import Message
from crm_core.messages import Body, Kind
from crm_core.outbox import Settlement, queue
from tests.campaigns.conftest import make_followers, make_running

LEASE = timedelta(seconds=30)


async def told(core, account, **values) -> None:
    report = {"external_id": "m1", "delivered": False, "raw_status": "failed:user block", **values}
    await core.db.run(note_template(core, "wechat", account.id, at=core.clock.now(), **report))


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("failed:user block", "user_blocked"),
        ("failed: system failed", "system_failed"),
        ("failed:freq limit", "freq_limit"),
        ("failed:other thing", "failed:other_thing"),
    ],
)
def test_a_failure_has_a_stable_code(raw: str, reason: str) -> None:
    assert reason_of(raw) == reason


async def test_a_failure_corrects_the_recipient_and_a_success_writes_nothing(core, marketer):
    made = await make_followers(core, 2)
    running = await make_running(core, marketer, kind="wechat_template", body="T1\nfirst: 好")
    recipients = RecipientQueue(core)
    a, b = await recipients.claim("wechat", 10, LEASE)
    await recipients.settle([Settlement(a.id, "sent", external_id="m1"), Settlement(b.id, "sent", external_id="m2")])
    await told(core, made[1][1], external_id="m2", delivered=True, raw_status="success")
    await told(core, made[0][1])
    assert await results.counts(core, running.id) == {"sent": 1, "failed": 1}
    assert (await Recipient.get(id=a.id)).reason == "user_blocked"
    assert await PlatformResult.all().count() == 0


async def test_a_failure_before_the_settling_waits_for_it(core, marketer):
    made = await make_followers(core, 1)
    running = await make_running(core, marketer, kind="wechat_template", body="T1\nfirst: 好")
    recipients = RecipientQueue(core)
    (a,) = await recipients.claim("wechat", 10, LEASE)
    await told(core, made[0][1])
    await told(core, made[0][1])
    await apply_waiting(core)
    assert await results.counts(core, running.id) == {"claimed": 1}
    await recipients.settle([Settlement(a.id, "sent", external_id="m1")])
    await PERIODIC.run(core)
    assert await results.counts(core, running.id) == {"failed": 1}
    assert (await PlatformResult.get()).applied_at is not None


async def test_a_message_of_the_outbox_is_corrected_too(core, marketer):
    ((_, account),) = await make_followers(core, 1)
    number = await core.db.run(
        queue(core, account.address, Body(kind=Kind.TEMPLATE, template_id="T1"), key="k", account_id=account.id)
    )
    await Message.filter(id=number).update(status="sent", external_id="m1")
    await told(core, account)
    row = await Message.get(id=number)
    assert (row.status, row.reason) == ("failed", "user_blocked")
