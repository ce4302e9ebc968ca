"""Delivery: what becomes of each outcome, pages, pauses, the breaker, a stop in the middle; over the real outbox."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest_asyncio

from bot.channel import ChannelLimits, SendReceipt, SendStatus
from bot.config import DeliverySettings
from bot.delivery import BREAK_AFTER, Lane
from bot.supervisor import Supervisor
from crm_core.accounts import Account
from crm_core.conversations import Message
from crm_core.messages import Address, Body, Guarantee, OutboundMessage
from crm_core.outbox import DatabaseOutbox
from crm_core.ports import Core
from crm_core.reach import ReachRule, Window
from tests.factories import make_customer_account, make_lead
from tests.fakes import FakeClock
from tests.waiting import until


class ScriptedChannel:
    """A channel that answers as told, and SENT when told nothing."""

    def __init__(self, name: str = "wechat", *, page: int = 1, keyed: bool = False, reach: ReachRule | None = None) -> None:
        self.name = name
        self.limits = ChannelLimits(timedelta(seconds=5), 2048, page=page, keyed=keyed, reach=reach or ReachRule.always())
        self.calls: list[list[OutboundMessage]] = []
        self.script: list[SendReceipt] = []
        self.hold: asyncio.Event | None = None

    async def send(self, messages: Sequence[OutboundMessage]) -> list[SendReceipt]:
        self.calls.append(list(messages))
        if self.hold:
            await self.hold.wait()
        receipt = self.script.pop(0) if self.script else SendReceipt(SendStatus.SENT, external_id="m1")
        return [receipt] * len(messages)


class Bench:
    """A lane over the real outbox."""

    def __init__(self, core: Core, channel: ScriptedChannel) -> None:
        self.core = core
        self.channel = channel
        self.supervisor = Supervisor()
        assert isinstance(core.outbox, DatabaseOutbox)
        self.lane = Lane(core, channel, (core.outbox,), self.supervisor, DeliverySettings(concurrency=4))  # type: ignore[arg-type]
        core.outbox.on_put = self.lane.wake
        self.supervisor.keep("lane", self.lane.run)

    async def put(self, key: str, text: str = "好", **values: object) -> None:
        await self.core.outbox.put(Address(self.channel.name, "someone"), Body(text=text), key=key, **values)  # type: ignore[arg-type]

    async def status(self, key: str, wanted: str) -> Message:
        return await until(lambda: Message.get_or_none(key=key, status=wanted))

    async def requeued(self, key: str) -> Message:
        """Tried once, settled, and waiting for its next try."""
        return await until(lambda: Message.get_or_none(key=key, status="queued", attempts=1, lease_until=None))

    async def stop(self) -> None:
        await self.lane.stop(within=2)
        await self.supervisor.finish(within=1)
        await self.supervisor.stop_loops(within=1)


@pytest_asyncio.fixture
async def bench(core: Core) -> AsyncIterator[Bench]:
    made = Bench(core, ScriptedChannel())
    yield made
    await made.stop()


async def test_message_is_sent_once_and_noted(bench: Bench) -> None:
    await bench.put("one")
    await bench.put("one")
    row = await bench.status("one", "sent")
    assert (len(bench.channel.calls), row.external_id, row.attempts) == (1, "m1", 1)


async def test_silence_towards_a_customer_is_unknown_and_not_repeated(bench: Bench, clock: FakeClock) -> None:
    bench.channel.script = [SendReceipt(SendStatus.UNKNOWN, "no_answer")]
    await bench.put("doubtful")
    await bench.status("doubtful", "unknown")
    clock.advance(timedelta(days=1))
    await bench.put("next")
    await bench.status("next", "sent")
    assert len(bench.channel.calls) == 2


async def test_silence_towards_an_employee_is_repeated(bench: Bench, clock: FakeClock) -> None:
    bench.channel.script = [SendReceipt(SendStatus.UNKNOWN, "no_answer")]
    await bench.put("notice", guarantee=Guarantee.AT_LEAST_ONCE)
    await bench.requeued("notice")
    clock.advance(timedelta(seconds=2))
    assert (await bench.status("notice", "sent")).attempts == 2


async def test_silence_on_a_keyed_channel_goes_again_with_the_same_key(core: Core, clock: FakeClock) -> None:
    bench = Bench(core, ScriptedChannel(keyed=True))
    bench.channel.script = [SendReceipt(SendStatus.UNKNOWN, "no_answer")]
    await bench.put("keyed")
    await bench.requeued("keyed")
    clock.advance(timedelta(seconds=2))
    await bench.status("keyed", "sent")
    assert [call[0].key for call in bench.channel.calls] == ["keyed", "keyed"]
    await bench.stop()


async def test_refusal_is_final_with_its_reason(bench: Bench) -> None:
    bench.channel.script = [SendReceipt(SendStatus.REFUSED, "43004")]
    await bench.put("refused")
    assert (await bench.status("refused", "failed")).reason == "43004"


async def test_expired_message_is_not_sent(bench: Bench, core: Core, clock: FakeClock) -> None:
    await bench.put("old", expires_at=clock.now() - timedelta(seconds=1))
    await bench.status("old", "expired")
    assert bench.channel.calls == []


async def test_closed_window_keeps_the_message_for_the_next_one(core: Core) -> None:
    rule = ReachRule(message=Window(1, timedelta(hours=48)))
    core = replace(core, reach={"wechat": rule})
    core.outbox.bind(core)  # type: ignore[attr-defined]
    account = await make_customer_account(core, await make_lead(core), message_window_at=core.clock.now())
    bench = Bench(core, ScriptedChannel(reach=rule))
    for number in range(2):
        await bench.put(f"reply{number}", account_id=account.id)
        await bench.status(f"reply{number}", "kept" if number else "sent")
    assert (await Account.get(id=account.id)).waiting_count == 1
    assert len(bench.channel.calls) == 1
    await bench.stop()


async def test_passing_refusal_gives_the_window_back(core: Core, clock: FakeClock) -> None:
    rule = ReachRule(message=Window(1, timedelta(hours=48)))
    core = replace(core, reach={"wechat": rule})
    core.outbox.bind(core)  # type: ignore[attr-defined]
    account = await make_customer_account(core, await make_lead(core), message_window_at=core.clock.now())
    bench = Bench(core, ScriptedChannel(reach=rule))
    bench.channel.script = [SendReceipt(SendStatus.RETRY, "-1")]
    await bench.put("reply", account_id=account.id)
    await bench.requeued("reply")
    clock.advance(timedelta(seconds=2))
    await bench.status("reply", "sent")
    await bench.stop()


async def test_same_words_to_many_people_share_calls(core: Core) -> None:
    channel = ScriptedChannel("dingtalk", page=20)
    bench = Bench(core, channel)
    bench.lane._settings = DeliverySettings(concurrency=50)
    async with core.db.transaction():
        for number in range(45):
            await core.outbox.put(Address("dingtalk", f"p{number}"), Body(text="通知"), key=f"n{number}")
    await until(lambda: _count(45))
    assert sorted(len(call) for call in channel.calls) == [5, 20, 20]
    await bench.stop()


async def _count(wanted: int) -> bool:
    return await Message.filter(status="sent").count() == wanted


async def test_channel_that_keeps_failing_is_left_alone_for_a_while(bench: Bench, clock: FakeClock) -> None:
    bench.channel.script = [SendReceipt(SendStatus.RETRY, "refused_connection")] * 100
    for number in range(BREAK_AFTER * 3):
        await bench.put(f"m{number}")
    await until(lambda: bench.lane._rest_until > 0)
    calls = len(bench.channel.calls)
    for _ in range(50):
        await asyncio.sleep(0)
    assert len(bench.channel.calls) <= calls + 4
    bench.channel.script = []
    for _ in range(5):
        clock.advance(timedelta(seconds=70))
        bench.lane.wake()
        await asyncio.sleep(0.02)
    await until(lambda: _count(BREAK_AFTER * 3))


async def test_stop_settles_what_began(bench: Bench) -> None:
    bench.channel.hold = asyncio.Event()
    await bench.put("under_way")
    await until(lambda: bench.channel.calls)
    stopping = asyncio.ensure_future(bench.lane.stop(within=2))
    await asyncio.sleep(0)
    bench.channel.hold.set()
    await stopping
    assert (await Message.get(key="under_way")).status == "sent"


async def test_claims_of_a_dead_process_are_decided_at_start(core: Core) -> None:
    for key, guarantee in (("customer", Guarantee.AT_MOST_ONCE), ("employee", Guarantee.AT_LEAST_ONCE)):
        await core.outbox.put(Address("wechat", "x"), Body(text="好"), key=key, guarantee=guarantee)
    outbox = core.outbox
    assert isinstance(outbox, DatabaseOutbox)
    assert len(await outbox.claim("wechat", 10, timedelta(seconds=60))) == 2
    assert await outbox.recover(everything=False) == 0
    assert await outbox.recover(everything=True) == 2
    assert (await Message.get(key="customer")).status == "unknown"
    assert (await Message.get(key="employee")).status == "queued"


async def test_one_hanging_send_leaves_the_others_in_no_doubt_at_a_stop(bench: Bench) -> None:
    bench.channel.hold = asyncio.Event()
    await bench.put("hangs")
    await until(lambda: bench.channel.calls)
    bench.channel.hold = None
    for number in range(5):
        await bench.put(f"good{number}")
    await until(lambda: len(bench.channel.calls) == 6)
    await bench.lane.stop(within=0.3)
    assert await Message.filter(key__startswith="good", status="sent").count() == 5
    assert (await Message.get(key="hangs")).status == "unknown"


async def test_channel_that_raises_leaves_no_message_claimed(bench: Bench, core: Core) -> None:
    async def broken(messages: Sequence[OutboundMessage]) -> list[SendReceipt]:
        raise KeyError("a fault of the channel")

    bench.channel.send = broken  # type: ignore[method-assign]
    await bench.put("one")
    assert (await bench.status("one", "unknown")).reason == "send_failed"


async def test_same_words_twice_to_one_person_are_two_messages(core: Core) -> None:
    channel = ScriptedChannel("dingtalk", page=20)
    bench = Bench(core, channel)
    async with core.db.transaction():
        for number in range(2):
            await core.outbox.put(Address("dingtalk", "same"), Body(text="通知"), key=f"n{number}")
    await until(lambda: _count(2))
    assert [len(call) for call in channel.calls] == [1, 1]
    await bench.stop()


async def test_what_was_claimed_and_never_begun_is_given_back_at_a_stop(bench: Bench) -> None:
    bench.channel.hold = asyncio.Event()
    for number in range(8):  # twice the concurrency: half of them wait behind those that hang
        await bench.put(f"m{number}")
    await until(lambda: len(bench.channel.calls) == 4)
    await until(lambda: Message.filter(status="claimed").count())
    await bench.lane.stop(within=0.3)
    assert await Message.filter(status="unknown").count() == 4
    assert await Message.filter(status="queued").count() == 4


async def test_every_wake_finds_what_it_was_about(bench: Bench) -> None:
    """The clock stands still: a claim that came too early would never be made again."""
    for number in range(20):
        await bench.put(f"m{number}")
        await bench.status(f"m{number}", "sent")
