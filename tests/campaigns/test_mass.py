"""Mass sending: chunks made once, the same key again, nobody twice, whoever must not get it left out with the reason."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from campaigns import audience, broadcasts, engine, mass_settling, platform_results, results, templates
from campaigns.broadcasts import Broadcast, Recipient
from campaigns.errors import Unusable
from campaigns.mass import MassQueue, MassSend
from campaigns.platform_results import PlatformResult, Report, note_mass
from campaigns.recipients import RecipientQueue
from crm_core.accounts import Account
from crm_core.db import Database
from crm_core.messages import Kind
from crm_core.outbox import Settlement
from crm_core.ports import Core
from crm_core.reach import MassRule, ReachRule
from tests.campaigns.conftest import make_broadcast, make_followers, make_running, with_settings

LEASE = timedelta(seconds=30)
TEXT = "新品上线，{日期}起"


@pytest.fixture
def core(core: Core) -> Core:
    """A channel with mass sending to four at once, and no cap of our own in the way."""
    rule = ReachRule(mass=MassRule(most=4, least=2, monthly=2))
    return with_settings(replace(core, reach={"wechat": rule}), frequency_cap=100)


async def make_mass(core, marketer, people: int, body: str = TEXT):
    made = await make_followers(core, people)
    return made, await make_running(core, marketer, kind="mass", body=body)


async def report(core, **values) -> None:
    at = core.clock.now()
    await core.db.run(note_mass(core, "wechat", Report(**{"raw_status": "send success", **values}), at))


async def test_a_chunk_is_claimed_whole_under_one_lease_and_one_key(core, marketer, clock):
    _, running = await make_mass(core, marketer, 5)
    queue = MassQueue(core)
    assert await queue.next_due("wechat") == clock.now()
    (first,) = await queue.claim("wechat", 50, LEASE)
    (second,) = await queue.claim("wechat", 50, LEASE)
    assert await queue.claim("wechat", 50, LEASE) == []
    assert (len(first.audience), len(second.audience)) == (3, 2)
    assert set(first.audience) | set(second.audience) == {f"o{number:04}" for number in range(1, 6)}
    assert first.body.text == second.body.text == "新品上线，11月25日起"
    assert first.key != second.key
    assert len(first.key.encode()) <= 30
    assert await results.counts(core, running.id) == {"claimed": 5}
    rows = await Recipient.filter(mass_id=first.id)
    assert {(row.lease_until, row.text, row.attempts) for row in rows} == {(clock.now() + LEASE, first.body.text, 1)}
    # The queue of single messages has nothing to do with it.
    assert await RecipientQueue(core).claim("wechat", 50, LEASE) == []
    assert await RecipientQueue(core).recover(everything=True) == 0


async def test_accepted_is_handed_over_until_the_report_and_sent_after_it(core, marketer, clock):
    made, running = await make_mass(core, marketer, 3)
    queue = MassQueue(core)
    (chunk,) = await queue.claim("wechat", 50, LEASE)
    await queue.settle([Settlement(chunk.id, "handed_over", external_id="900")])
    assert await results.counts(core, running.id) == {"handed_over": 3}
    assert (await Account.get(id=made[0][1].id)).last_broadcast_at == clock.now()
    await engine.run(core)
    assert (await Broadcast.get(id=running.id)).status == "finished"
    await report(core, external_id="900", total=3, filtered=3, sent=3)
    assert await results.counts(core, running.id) == {"sent": 3}
    await report(core, external_id="900", total=3, filtered=0, sent=0)  # a repeat changes nothing
    assert await results.counts(core, running.id) == {"sent": 3}


async def test_a_report_that_comes_before_its_number_is_known_is_kept(core, marketer):
    _, running = await make_mass(core, marketer, 3)
    queue = MassQueue(core)
    (chunk,) = await queue.claim("wechat", 50, LEASE)
    await report(core, external_id="900", total=3, filtered=2, sent=1, errors=1)
    assert await results.counts(core, running.id) == {"claimed": 3}
    await queue.settle([Settlement(chunk.id, "handed_over", external_id="900")])
    assert await results.counts(core, running.id) == {"sent": 1, "failed": 2}
    assert await results.failures(core, running.id) == {"filtered_by_platform": 1, "failed_at_platform": 1}
    assert (await PlatformResult.get()).applied_at is not None
    row = await MassSend.get()
    assert (row.status, row.total_count, row.filtered_count, row.sent_count, row.error_count) == ("finished", 3, 2, 1, 1)


async def test_a_refusal_in_the_report_fails_everybody(core, marketer):
    _, running = await make_mass(core, marketer, 2)
    queue = MassQueue(core)
    (chunk,) = await queue.claim("wechat", 50, LEASE)
    await queue.settle([Settlement(chunk.id, "handed_over", external_id="900")])
    await report(core, external_id="900", raw_status="err(20001)", total=2, filtered=2)
    assert await results.failures(core, running.id) == {"mass_err(20001)": 2}
    assert {row.claimed_at for row in await Recipient.all()} == {None}


@pytest.mark.parametrize("answer", ["unknown", "killed"])
async def test_without_an_answer_the_same_key_goes_again_to_the_same_people(core, marketer, clock, answer):
    _, running = await make_mass(core, marketer, 3)
    queue = MassQueue(core)
    (first,) = await queue.claim("wechat", 50, LEASE)
    if answer == "killed":
        queue = MassQueue(core)
        assert await queue.recover(everything=True) == 1
    else:
        await queue.settle([Settlement(first.id, "unknown", "no_answer")])
    clock.advance(61)
    (again,) = await queue.claim("wechat", 50, LEASE)
    assert (again.id, again.key, again.audience, again.attempt) == (first.id, first.key, first.audience, 2)
    await queue.settle([Settlement(again.id, "handed_over", external_id="900")])
    assert await results.counts(core, running.id) == {"handed_over": 3}


async def test_who_opts_out_in_doubt_is_unknown_and_not_sent_to_again(core, marketer, clock):
    made, running = await make_mass(core, marketer, 4)
    queue = MassQueue(core)
    (first,) = await queue.claim("wechat", 50, LEASE)
    await queue.settle([Settlement(first.id, "unknown", "no_answer")])
    await Account.filter(id=made[0][1].id).update(opted_out_at=clock.now())
    clock.advance(61)
    (again,) = await queue.claim("wechat", 50, LEASE)
    assert again.audience == first.audience[1:]
    assert await results.counts(core, running.id) == {"claimed": 3, "unknown": 1}


async def test_a_chunk_all_of_whom_opt_out_in_doubt_is_unknown_itself(core, marketer, clock):
    made, running = await make_mass(core, marketer, 2)
    queue = MassQueue(core)
    (first,) = await queue.claim("wechat", 50, LEASE)
    await queue.settle([Settlement(first.id, "unknown", "no_answer")])
    await Account.filter(id__in=[account.id for _, account in made]).update(opted_out_at=clock.now())
    clock.advance(61)
    assert await queue.claim("wechat", 50, LEASE) == []
    assert await results.counts(core, running.id) == {"unknown": 2}
    assert await results.failures(core, running.id) == {"no_answer": 2}
    row = await MassSend.get()
    assert (row.status, row.reason) == ("unknown", "no_answer")
    # The first call may have reached them: it counts as the last thing they got.
    assert {account.last_broadcast_at for account in await Account.filter(channel="wechat")} == {clock.now()}


async def test_after_a_day_the_key_is_forgotten_and_nothing_is_sent_again(core, marketer, clock):
    _, running = await make_mass(core, marketer, 3)
    queue = MassQueue(core)
    (first,) = await queue.claim("wechat", 50, LEASE)
    await queue.settle([Settlement(first.id, "unknown", "no_answer")])
    clock.advance(timedelta(hours=24))
    assert await queue.claim("wechat", 50, LEASE) == []
    assert await results.counts(core, running.id) == {"unknown": 3}


async def test_a_quota_holds_every_chunk_of_the_channel_back(core, marketer, clock):
    _, running = await make_mass(core, marketer, 5)
    queue = MassQueue(core)
    (first,) = await queue.claim("wechat", 50, LEASE)
    tomorrow = clock.now() + timedelta(hours=14)
    await queue.settle([Settlement(first.id, "retry", "mass_quota", retry_at=tomorrow)])
    assert await queue.claim("wechat", 50, LEASE) == []
    assert await queue.next_due("wechat") >= tomorrow
    assert await results.counts(core, running.id) == {"planned": 5}
    clock.advance(timedelta(hours=24))
    (again,) = await queue.claim("wechat", 50, LEASE)
    assert again.key == first.key


async def test_a_refused_chunk_fails_and_pauses_before_the_next_one(core, marketer):
    _, running = await make_mass(core, marketer, 5)
    queue = MassQueue(core)
    (first,) = await queue.claim("wechat", 50, LEASE)
    await queue.settle([Settlement(first.id, "refused", "content_refused"), Settlement(999, "sent")])
    assert await results.counts(core, running.id) == {"failed": 3, "planned": 2}
    assert (await Broadcast.get(id=running.id)).status == "paused"
    assert await queue.claim("wechat", 50, LEASE) == []
    assert await queue.next_due("wechat") is None
    await queue.settle([])


async def test_pause_cancel_and_quiet_hours_hold(core, marketer, clock):
    _, running = await make_mass(core, marketer, 3)
    queue = MassQueue(core)
    await broadcasts.pause(core, marketer, running.id)
    assert await queue.claim("wechat", 50, LEASE) == []
    await broadcasts.resume(core, marketer, running.id)
    clock.advance(timedelta(hours=12))
    assert await queue.claim("wechat", 50, LEASE) == []
    assert (await queue.next_due("wechat")) > clock.now()
    await broadcasts.cancel(core, marketer, running.id)
    clock.advance(timedelta(hours=12))
    assert await queue.claim("wechat", 50, LEASE) == []
    assert await results.counts(core, running.id) == {"cancelled": 3}
    assert await queue.claim("dingtalk", 50, LEASE) == []
    assert await queue.next_due("dingtalk") is None


async def test_the_cap_of_the_month_leaves_out_with_its_reason(core, marketer, clock):
    made = await make_followers(core, 3)
    queue = MassQueue(core)
    for number in range(2):
        await make_running(core, marketer, kind="mass", body=TEXT)
        (chunk,) = await queue.claim("wechat", 50, LEASE)
        await queue.settle([Settlement(chunk.id, "handed_over", external_id=str(number))])
    await make_followers(core, 1, first=4)
    third = await make_running(core, marketer, kind="mass", body=TEXT)
    assert await results.reasons(core, third.id) == {"mass_quota": 3}
    shown = await audience.preview(core, marketer, (await make_broadcast(core, marketer, kind="mass", body=TEXT)).id)
    assert (shown.total, shown.suppressed) == (4, {"mass_quota": 3})
    clock.advance(timedelta(days=7))  # December
    fourth = await make_running(core, marketer, kind="mass", body=TEXT)
    assert await results.reasons(core, fourth.id) == {}
    assert len(made) == 3


async def test_two_processes_make_one_chunk_of_everybody(core, marketer):
    _, running = await make_mass(core, marketer, 4)
    found = await asyncio.gather(*(MassQueue(core).claim("wechat", 50, LEASE) for _ in range(4)))
    assert [len(each[0].audience) for each in found if each] == [4]
    assert await MassSend.filter(broadcast_id=running.id).count() == 1


async def test_a_mass_template_says_the_same_to_everybody(core, marketer):
    with pytest.raises(Unusable) as error:
        await templates.create_template(core, marketer, name="群", kind="mass", body="{称呼}，{姓名}好")
    assert error.value.sentence() == "模板内容：群发接口对所有人内容相同，不能用{称呼}、{姓名}"
    made = await templates.create_template(core, marketer, name="群", kind="mass", body="好")
    with pytest.raises(Unusable):
        await templates.change_template(core, marketer, made.id, body="{公司}好")
    other = replace(core, reach={"wechat": ReachRule.always()})
    with pytest.raises(Unusable) as error:
        await make_broadcast(other, marketer, kind="mass", body="好")
    assert error.value.sentence() == "模板：这个渠道没有群发接口，请用文字模板"


@pytest.mark.parametrize(
    ("text", "kind", "media", "words"),
    [
        ("你好", Kind.TEXT, "", "你好"),
        ("图片：M_1，M-2\n秋季新品", Kind.IMAGE, "M_1,M-2", "秋季新品"),
        ("图文: MP1", Kind.NEWS, "MP1", ""),
        ("图片很好看", Kind.TEXT, "", "图片很好看"),
    ],
)
def test_the_first_line_may_name_pictures_or_an_article(text, kind, media, words):
    body = templates.body_of("mass", text)
    assert (body.kind, body.media_id, body.text) == (kind, media, words)


async def test_nobody_left_drops_the_chunk(core, marketer, clock):
    made, running = await make_mass(core, marketer, 2)
    queue = MassQueue(core)
    (first,) = await queue.claim("wechat", 50, LEASE)
    await queue.settle([Settlement(first.id, "retry", "not_sent")])
    await Account.filter(id__in=[account.id for _, account in made]).update(opted_out_at=clock.now())
    clock.advance(61)
    assert await queue.claim("wechat", 50, LEASE) == []
    assert (await MassSend.get()).status == "dropped"
    assert await results.reasons(core, running.id) == {"opted_out": 2}
    await engine.run(core)
    assert (await Broadcast.get(id=running.id)).status == "finished"


def test_the_day_of_a_key_ends_before_the_platforms() -> None:
    assert timedelta(hours=22) < mass_settling.KEY_KNOWN < timedelta(hours=24)
    assert platform_results.SUCCESS == "send success"


async def test_a_living_process_keeps_its_chunk_and_a_dead_ones_goes_again(core, marketer, clock):
    """Two processes on one database: the lease is renewed while the call is under way, however long that takes."""
    _, running = await make_mass(core, marketer, 3)
    living, other = MassQueue(core), MassQueue(core)
    (chunk,) = await living.claim("wechat", 50, LEASE)
    for _ in range(4):
        clock.advance(20)
        await living.renew()
        assert await other.recover(everything=False) == 0
        assert await other.claim("wechat", 50, LEASE) == []
    clock.advance(31)
    assert await living.recover(everything=False) == 0  # it stood still, but nobody took it
    await living.settle([Settlement(chunk.id, "handed_over", external_id="900")])
    assert await results.counts(core, running.id) == {"handed_over": 3}
    await living.renew()
    assert {row.lease_until for row in await MassSend.all()} == {None}

    await make_running(core, marketer, kind="mass", body=TEXT)
    (chunk,) = await living.claim("wechat", 50, LEASE)
    clock.advance(31)
    assert await other.recover(everything=False) == 1
    (again,) = await other.claim("wechat", 50, LEASE)
    assert again.key == chunk.key


async def test_leases_are_told_by_the_clock_of_the_database(core, marketer, clock, monkeypatch):
    await make_mass(core, marketer, 3)
    monkeypatch.setattr(Database, "skew", property(lambda _: timedelta(minutes=3)))
    await MassQueue(core).claim("wechat", 50, LEASE)
    assert (await MassSend.get()).lease_until == clock.now() + timedelta(minutes=3) + LEASE
