"""The delivery queue of broadcasts: claimed once, settled once, nothing doubled by a kill, left out when it must be."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from campaigns import broadcasts, engine, results
from campaigns.broadcasts import Broadcast, Recipient
from campaigns.recipients import RecipientQueue
from crm_core.accounts import Account
from crm_core.conversations import Message
from crm_core.messages import Guarantee, Kind
from crm_core.outbox import GIVE_UP_AFTER, Settlement
from tests.campaigns.conftest import make_broadcast, make_followers, make_running, uncapped, windowed, with_settings

LEASE = timedelta(seconds=30)


def outcome(messages, status: str, **values) -> list[Settlement]:
    return [Settlement(message.id, status, **values) for message in messages]


async def test_a_page_is_claimed_rendered_and_stored_before_the_send(core, marketer, clock):
    await make_followers(core, 3)
    running = await make_running(core, marketer)
    queue = RecipientQueue(core)
    messages = await queue.claim("wechat", 2, LEASE)
    assert [each.address.external_id for each in messages] == ["o0001", "o0002"]
    first = messages[0]
    row = await Recipient.get(id=first.id)
    assert first.body.text == row.text == "张丁，新品到了"
    assert first.key == f"broadcast:{running.id}:{row.person_id}"
    assert first.guarantee is Guarantee.AT_MOST_ONCE
    assert (row.status, row.lease_until, row.attempts) == ("claimed", clock.now() + LEASE, 1)
    assert len(await queue.claim("wechat", 10, LEASE)) == 1
    assert await queue.claim("wechat", 10, LEASE) == []


async def test_settled_rows_carry_their_outcome_and_the_account_the_time(core, marketer, clock):
    made = await make_followers(core, 4)
    running = await make_running(core, marketer)
    queue = RecipientQueue(core)
    a, b, c, d = await queue.claim("wechat", 10, LEASE)
    clock.advance(1)
    await queue.settle(
        [
            Settlement(a.id, "sent", external_id="m1"),
            Settlement(b.id, "handed_over"),
            Settlement(c.id, "refused", "48001"),
            Settlement(d.id, "unknown", "timeout"),
        ]
    )
    assert await results.counts(core, running.id) == {"sent": 1, "handed_over": 1, "failed": 1, "unknown": 1}
    assert await results.failures(core, running.id) == {"48001": 1, "timeout": 1}
    sent = await Recipient.get(id=a.id)
    assert (sent.sent_at, sent.external_id, sent.lease_until) == (clock.now(), "m1", None)
    times = [(await Account.get(id=account.id)).last_broadcast_at for _, account in made]
    assert times == [clock.now(), clock.now(), None, clock.now()]
    await engine.run(core)
    assert (await Broadcast.get(id=running.id)).status == "finished"


async def test_settling_twice_or_what_was_never_claimed_changes_nothing(core, marketer):
    await make_followers(core, 2)
    running = await make_running(core, marketer)
    queue = RecipientQueue(core)
    (message,) = await queue.claim("wechat", 1, LEASE)
    await queue.settle(outcome([message], "sent"))
    await queue.settle(outcome([message], "refused"))
    other = await Recipient.get(broadcast_id=running.id, status="planned")
    await queue.settle([Settlement(other.id, "sent")])
    await queue.settle([])
    assert await results.counts(core, running.id) == {"sent": 1, "planned": 1}


async def test_a_refusal_for_a_passing_reason_goes_again_with_the_same_text_and_key(core, marketer, clock):
    made = await make_followers(core, 1)
    await make_running(core, marketer)
    queue = RecipientQueue(core)
    (first,) = await queue.claim("wechat", 1, LEASE)
    await made[0][0].change(core, name="改了名")
    await queue.settle(outcome([first], "retry", reason="45011", retry_at=clock.now() + timedelta(seconds=60)))
    assert await queue.next_due("wechat") == clock.now() + timedelta(seconds=60)
    assert await queue.claim("wechat", 1, LEASE) == []
    clock.advance(60)
    (second,) = await queue.claim("wechat", 1, LEASE)
    assert (second.key, second.body.text, second.attempt) == (first.key, first.body.text, 2)


async def test_retries_end(core, marketer, clock):
    await make_followers(core, 1)
    running = await make_running(core, marketer)
    queue = RecipientQueue(core)
    for _ in range(GIVE_UP_AFTER):
        (message,) = await queue.claim("wechat", 1, LEASE)
        await queue.settle(outcome([message], "retry", reason="busy"))
        clock.advance(61)
    assert await results.counts(core, running.id) == {"failed": 1}


@pytest.mark.parametrize(("keyed", "after"), [(False, {"unknown": 2, "planned": 1}), (True, {"planned": 3})])
async def test_after_a_kill_claimed_rows_are_unknown_or_go_again_where_there_is_a_key(core, marketer, clock, keyed, after):
    await make_followers(core, 3)
    running = await make_running(core, marketer)
    before = await RecipientQueue(core).claim("wechat", 2, LEASE)
    reborn = RecipientQueue(core, {"wechat": keyed})
    assert await reborn.recover(everything=True) == 2
    assert await reborn.recover(everything=True) == 0
    assert await results.counts(core, running.id) == after
    clock.advance(1)
    again = await reborn.claim("wechat", 10, LEASE)
    assert {each.key for each in before} & {each.key for each in again} == ({each.key for each in before} if keyed else set())
    assert len(again) == (3 if keyed else 1)


async def test_an_unanswered_send_on_a_keyed_channel_is_repeated_with_its_key(core, marketer, clock):
    await make_followers(core, 1)
    await make_running(core, marketer)
    queue = RecipientQueue(core, {"wechat": True})
    (first,) = await queue.claim("wechat", 1, LEASE)
    await queue.settle(outcome([first], "unknown"))
    clock.advance(2)
    (second,) = await queue.claim("wechat", 1, LEASE)
    assert second.key == first.key


async def test_an_ended_lease_of_another_process_is_recovered_an_own_one_never(core, marketer, clock):
    await make_followers(core, 2)
    running = await make_running(core, marketer)
    gone, living = RecipientQueue(core), RecipientQueue(core)
    await gone.claim("wechat", 1, LEASE)
    (mine,) = await living.claim("wechat", 1, LEASE)
    assert await living.recover(everything=False) == 0
    # The wall clock jumps a day ahead while a send is on its way.
    clock.set(clock.now() + timedelta(days=1))
    assert await living.recover(everything=False) == 1
    await living.settle(outcome([mine], "sent"))
    assert await results.counts(core, running.id) == {"unknown": 1, "sent": 1}


async def test_a_late_answer_beats_the_unknown_of_an_ended_lease(core, marketer, clock):
    await make_followers(core, 1)
    running = await make_running(core, marketer)
    slow = RecipientQueue(core)
    (message,) = await slow.claim("wechat", 1, LEASE)
    clock.advance(31)
    await RecipientQueue(core).recover(everything=False)
    await slow.settle(outcome([message], "sent"))
    assert await results.counts(core, running.id) == {"sent": 1}


async def test_pause_cancel_and_resume_hold_from_the_next_claim_on(core, marketer):
    await make_followers(core, 4)
    running = await make_running(core, marketer)
    queue = RecipientQueue(core)
    assert len(await queue.claim("wechat", 1, LEASE)) == 1
    await broadcasts.pause(core, marketer, running.id)
    assert await queue.claim("wechat", 1, LEASE) == []
    assert await queue.next_due("wechat") is None
    await broadcasts.resume(core, marketer, running.id)
    assert len(await queue.claim("wechat", 1, LEASE)) == 1
    await broadcasts.cancel(core, marketer, running.id)
    assert await queue.claim("wechat", 1, LEASE) == []
    assert await results.counts(core, running.id) == {"claimed": 2, "cancelled": 2}


async def test_who_opts_out_or_unfollows_during_the_run_is_left_out(core, marketer, clock):
    made = await make_followers(core, 3)
    running = await make_running(core, marketer)
    await made[0][1].change(core, opted_out_at=clock.now())
    await made[1][1].change(core, unfollowed_at=clock.now())
    (message,) = await RecipientQueue(core).claim("wechat", 1, LEASE)
    assert message.address.external_id == "o0003"
    assert await results.reasons(core, running.id) == {"opted_out": 1, "unfollowed": 1}


async def test_many_left_out_in_a_row_do_not_hide_who_comes_after(core, marketer, clock):
    made = await make_followers(core, 15)
    await make_running(core, marketer)
    await Account.filter(id__in=[account.id for _, account in made[:14]]).update(opted_out_at=clock.now())
    (message,) = await RecipientQueue(core).claim("wechat", 1, LEASE)
    assert message.address.external_id == "o0015"


async def test_two_broadcasts_at_once_keep_the_cap(core, marketer):
    core = with_settings(core, frequency_cap=1)
    await make_followers(core, 2)
    first = await make_running(core, marketer)
    second = await make_running(core, marketer)
    queue = RecipientQueue(core)
    messages = await queue.claim("wechat", 10, LEASE)
    assert len(messages) == 2
    await queue.settle(outcome(messages, "sent"))
    assert await results.counts(core, first.id) == {"sent": 2}
    assert await results.counts(core, second.id) == {"suppressed": 2}
    assert await results.reasons(core, second.id) == {"frequency_cap": 2}


async def test_a_failed_send_does_not_use_up_the_cap_an_unknown_one_does(core, marketer):
    core = with_settings(core, frequency_cap=1)
    await make_followers(core, 2)
    await make_running(core, marketer)
    queue = RecipientQueue(core)
    failed, unknown = await queue.claim("wechat", 10, LEASE)
    await queue.settle([*outcome([failed], "refused"), *outcome([unknown], "unknown")])
    second = await make_running(core, marketer)
    assert await results.counts(core, second.id) == {"planned": 1, "suppressed": 1}


async def test_broadcasts_take_turns(core, marketer):
    core = uncapped(core)
    await make_followers(core, 4)
    first, second = await make_running(core, marketer), await make_running(core, marketer)
    queue = RecipientQueue(core)
    keys = [(await queue.claim("wechat", 1, LEASE))[0].key.split(":")[1] for _ in range(4)]
    assert keys == [str(first.id), str(second.id)] * 2


async def test_nothing_is_claimed_in_the_quiet_hours(core, marketer, clock):
    await make_followers(core, 1)
    await make_running(core, marketer)
    queue = RecipientQueue(core)
    clock.set(datetime(2026, 11, 25, 13, 0, tzinfo=UTC))
    assert await queue.claim("wechat", 1, LEASE) == []
    assert await queue.next_due("wechat") == datetime(2026, 11, 26, 0, 30, tzinfo=UTC)
    clock.set(datetime(2026, 11, 26, 0, 30, tzinfo=UTC))
    assert len(await queue.claim("wechat", 1, LEASE)) == 1


async def test_a_window_is_spent_in_the_claim_and_given_back_when_nothing_went_out(core, marketer, clock):
    core = windowed(core)
    ((_, account),) = await make_followers(core, 1, message_window_at=clock.now(), message_window_used=4)
    running = await make_running(core, marketer)
    queue = RecipientQueue(core)
    (message,) = await queue.claim("wechat", 1, LEASE)
    assert (await Account.get(id=account.id)).message_window_used == 5
    await queue.settle(outcome([message], "retry"))
    assert (await Account.get(id=account.id)).message_window_used == 4
    await Account.filter(id=account.id).update(message_window_used=5)
    clock.advance(2)
    assert await queue.claim("wechat", 1, LEASE) == []
    assert await results.reasons(core, running.id) == {"window_closed": 1}


async def test_the_platform_is_believed_when_it_says_the_window_is_closed(core, marketer, clock):
    core = windowed(core)
    ((_, account),) = await make_followers(core, 1, message_window_at=clock.now())
    running = await make_running(core, marketer)
    queue = RecipientQueue(core)
    await queue.settle(outcome(await queue.claim("wechat", 1, LEASE), "window_closed", reason="45015"))
    assert await results.counts(core, running.id) == {"suppressed": 1}
    assert (await Account.get(id=account.id)).message_window_at is None


async def test_a_platform_template_needs_no_window(core, marketer):
    core = windowed(core)
    await make_followers(core, 1)
    body = "TM0001\nfirst：{称呼}，您好\nremark: 详情：见附件\nurl: https://example.com/a:b"
    await make_running(core, marketer, kind="wechat_template", body=body)
    (message,) = await RecipientQueue(core).claim("wechat", 1, LEASE)
    assert (message.body.kind, message.body.template_id) == (Kind.TEMPLATE, "TM0001")
    assert message.body.template_data == {"first": "张丁，您好", "remark": "详情：见附件"}
    assert message.body.url == "https://example.com/a:b"


async def test_too_many_errors_pause_the_broadcast_and_tell_its_author(core, marketer):
    await make_followers(core, 30)
    running = await make_running(core, marketer)
    queue = RecipientQueue(core)
    await queue.settle(outcome(await queue.claim("wechat", 10, LEASE), "sent"))
    await queue.settle(outcome(await queue.claim("wechat", 11, LEASE), "refused", reason="48001"))
    paused = await Broadcast.get(id=running.id)
    assert (paused.status, paused.pause_reason) == ("paused", "error_share")
    assert await queue.claim("wechat", 10, LEASE) == []
    assert (await Message.get(direction="out")).text == "群发「新品通知」失败过多，已自动暂停，请检查后恢复或取消"
    # Resumed, the count begins anew.
    await broadcasts.resume(core, marketer, running.id)
    await queue.settle(outcome(await queue.claim("wechat", 9, LEASE), "refused", reason="48001"))
    assert (await Broadcast.get(id=running.id)).status == "running"


async def test_two_claimers_never_get_the_same_person(core, marketer):
    await make_followers(core, 40)
    await make_running(core, marketer)
    first, second = RecipientQueue(core), RecipientQueue(core)
    pages = await asyncio.gather(*(queue.claim("wechat", 7, LEASE) for queue in (first, second) for _ in range(4)))
    numbers = [message.id for page in pages for message in page]
    assert len(numbers) == len(set(numbers)) == 40


async def test_kills_at_every_step_lose_and_double_nobody(core, marketer, clock):
    await make_followers(core, 30)
    draft = await make_broadcast(core, marketer)
    running = await broadcasts.approve(core, marketer, draft.id)
    sent: list[str] = []
    while (await Broadcast.get(id=running.id)).status == "running":
        queue = RecipientQueue(core)
        await queue.recover(everything=True)
        await core.db.run(engine.plan_page(core, running.id, 7))
        page = await queue.claim("wechat", 3, LEASE)
        sent += [message.key for message in page]
        await queue.settle(outcome(page[:-1], "sent"))
        await engine.run(core)
        clock.advance(1)
    assert len(sent) == len(set(sent)) == 30
    found = await results.counts(core, running.id)
    assert found["sent"] + found["unknown"] == 30
    assert found["unknown"] <= 10


TEMPLATE = {"kind": "wechat_template", "body": "TM0001\nfirst: {称呼}，您好"}


@pytest.mark.parametrize(
    ("passed", "after"),
    [
        (timedelta(0), {"planned": 3}),
        (timedelta(minutes=8, seconds=59), {"planned": 3}),
        (timedelta(minutes=9), {"planned": 1, "unknown": 2}),
        (timedelta(hours=-1), {"planned": 1, "unknown": 2}),  # the wall clock went back: nobody knows how long it was
    ],
)
async def test_after_a_kill_platform_templates_go_again_while_the_platform_knows_their_key(
    core, marketer, clock, passed, after
):
    core = with_settings(core, frequency_cap=1)
    await make_followers(core, 3)
    running = await make_running(core, marketer, **TEMPLATE)
    before = await RecipientQueue(core).claim("wechat", 2, LEASE)
    clock.set(clock.now() + passed)
    reborn = RecipientQueue(core)
    assert await reborn.recover(everything=True) == 2
    assert await results.counts(core, running.id) == after
    again = await reborn.claim("wechat", 10, LEASE)
    assert len(again) == after["planned"]
    if "unknown" not in after:
        assert {each.key for each in before} < {each.key for each in again}
        await reborn.settle(outcome(again, "sent"))
        assert await results.counts(core, running.id) == {"sent": 3}


async def test_an_unanswered_platform_template_goes_again_for_nine_minutes_and_is_unknown_then(core, marketer, clock):
    await make_followers(core, 1)
    running = await make_running(core, marketer, **TEMPLATE)
    queue = RecipientQueue(core)
    (first,) = await queue.claim("wechat", 1, LEASE)
    await queue.settle(outcome([first], "unknown", reason="no_answer"))
    clock.advance(5 * 60)
    (second,) = await queue.claim("wechat", 1, LEASE)
    assert (second.key, second.body) == (first.key, first.body)
    # From the first send on: a later one does not make the platform remember longer.
    await queue.settle(outcome([second], "unknown", reason="no_answer"))
    clock.advance(4 * 60)
    assert await queue.claim("wechat", 1, LEASE) == []
    assert await results.counts(core, running.id) == {"unknown": 1}
    assert await results.failures(core, running.id) == {"no_answer": 1}
    await engine.run(core)
    assert (await Broadcast.get(id=running.id)).status == "finished"


async def test_what_may_have_arrived_is_never_called_failed_cancelled_or_left_out(core, marketer, clock):
    await make_followers(core, 4)
    running = await make_running(core, marketer, **TEMPLATE)
    queue = RecipientQueue(core)
    page = await queue.claim("wechat", 3, LEASE)
    await queue.settle(outcome(page, "unknown"))
    clock.advance(2)
    refused, left_out = await queue.claim("wechat", 2, LEASE)
    await queue.settle([*outcome([refused], "refused", reason="43004"), *outcome([left_out], "retry", reason="-1")])
    row = await Recipient.get(id=left_out.id)
    await Account.filter(id=row.account_id).update(opted_out_at=clock.now())
    clock.advance(4)
    page = await queue.claim("wechat", 1, LEASE)
    assert (await Recipient.get(id=left_out.id)).status == "unknown"
    await queue.settle(outcome(page, "retry", reason="-1"))
    await broadcasts.cancel(core, marketer, running.id)
    assert await results.counts(core, running.id) == {"unknown": 3, "cancelled": 1}
    assert await Recipient.filter(status="unknown", claimed_at__isnull=True).count() == 0


async def test_a_greeting_that_may_have_arrived_keeps_its_key(core, marketer, clock):
    await make_followers(core, 1)
    running = await make_running(core, marketer, **TEMPLATE)
    await Recipient.filter(broadcast_id=running.id).update(greeting_key="mid_autumn:1:2027-09-15")
    queue = RecipientQueue(core)
    await queue.settle(outcome(await queue.claim("wechat", 1, LEASE), "unknown"))
    await broadcasts.cancel(core, marketer, running.id)
    assert (await Recipient.get()).greeting_key
