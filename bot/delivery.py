"""The outbox loop: claim, keep to the rate, send, settle. Knows channels and queues, never campaigns.

A window of claimed messages rolls: at most twice the concurrency is claimed and unsettled at any time, which bounds
what a kill can leave in doubt. What ended is settled in the same commit as the next claim.
"""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import structlog

from bot.channel import Channel, SendReceipt, SendStatus
from bot.config import DeliverySettings
from bot.quotas import OnePlace, Place, Quota
from bot.supervisor import Supervisor
from crm_core.messages import Guarantee, OutboundMessage
from crm_core.outbox import SendQueue, Settlement
from crm_core.ports import Core

log = structlog.get_logger(__name__)

IDLE_SECONDS = 0.5
SEND_SECONDS = 15.0
QUICK_SECONDS = 0.3
"""While sends take less, as many again are claimed ahead."""
BREAK_AFTER = 8
"""Failures in a row that make the loop rest this channel."""
LONGEST_REST_SECONDS = 60.0
_FAILING = (SendStatus.RETRY, SendStatus.UNKNOWN)


class Observer(Protocol):
    """Counts what happened; implemented by bot/metrics.py."""

    def sent(self, channel: str, status: str) -> None:
        """Note one settled message."""


@dataclass(slots=True)
class _Breaker:
    """Rests a channel that fails again and again, longer each time, with jitter."""

    failures: int = 0
    rests: int = 0

    def note(self, receipt: SendReceipt) -> float:
        """Take one outcome; gives the seconds to rest."""
        if receipt.status not in _FAILING or receipt.pause_until:
            self.failures = self.rests = 0
            return 0.0
        self.failures += 1
        if self.failures < BREAK_AFTER:
            return 0.0
        self.failures = 0
        self.rests += 1
        return min(2.0 ** (self.rests - 1), LONGEST_REST_SECONDS) * random.uniform(0.7, 1.3)  # noqa: S311 - jitter, no secret


class Lane:
    """The delivery of one channel."""

    def __init__(
        self,
        core: Core,
        channel: Channel,
        queues: Sequence[SendQueue],
        supervisor: Supervisor,
        settings: DeliverySettings,
        observer: Observer | None = None,
        place: Place | None = None,
    ) -> None:
        self._core = core
        self._channel = channel
        self._queues = queues
        self._supervisor = supervisor
        self._settings = settings
        self._observer = observer
        self._quota = Quota(channel.name, channel.limits.rates, core.clock, place or OnePlace(core.state))
        self._patience = settings.lease.total_seconds() / 3
        self._breaker = _Breaker()
        self._wake = asyncio.Event()
        self._under_way = 0
        self._todo: asyncio.Queue[tuple[int, list[OutboundMessage]]] = asyncio.Queue()
        self._senders: set[asyncio.Task[None]] = set()
        self._free = 0
        self._done: list[list[Settlement]] = [[] for _ in queues]
        self._settled = True
        self._rest_until = 0.0
        self._rested_at = 0.0
        self._typical_seconds = 0.0
        self._woken = True
        self._asked = False
        self._empty_until = [0.0] * len(queues)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended = asyncio.Event()
        self._ended.set()
        self.stopping = False

    @property
    def name(self) -> str:
        """The channel's name."""
        return self._channel.name

    def wake(self, channel: str | None = None) -> None:
        """Look at the queues now, if this channel is meant; may be called from another thread."""
        if channel in (None, self.name) and not self._asked and self._loop is not None:
            self._asked = True
            self._loop.call_soon_threadsafe(self._wake.set)

    async def run(self) -> None:
        """Send until told to stop."""
        self._ended.clear()
        self._loop = asyncio.get_running_loop()
        try:
            while not self.stopping:
                self._woken = self._wake.is_set()
                if self._asked:
                    self._empty_until = [0.0] * len(self._queues)
                self._asked = False
                self._wake.clear()
                await self._settle_and_claim()
                await self._quota.tell()
                if not any(self._done):
                    await self._idle()
        finally:
            self._ended.set()

    async def stop(self, *, within: float) -> None:
        """Claim no more, let what began end for so many seconds, settle everything; what is cut off becomes unknown."""
        self.stopping = True
        self._wake.set()
        try:
            async with asyncio.timeout(within):
                await self._quota.close()
                await self._ended.wait()
                while self._under_way:
                    await asyncio.sleep(0.02)
                    # Settled as they end: one send that hangs must not leave the others in doubt.
                    await self._settle()
        except TimeoutError:
            log.warning("drain_cut_off", channel=self.name, sends=self._under_way)
        senders = set(self._senders)
        for task in senders:
            task.cancel()
        if senders:
            await asyncio.wait(senders, timeout=1.0)
        while not self._todo.empty():  # claimed, and provably never begun
            queue_number, group = self._todo.get_nowait()
            self._under_way -= len(group)
            for message in group:
                receipt = SendReceipt(SendStatus.RETRY, "resting", retry_at=self._core.clock.now())
                self._note(queue_number, message, receipt, self._core.clock.monotonic())
        await self._settle()
        await self._quota.close()

    async def _idle(self) -> None:
        try:
            async with asyncio.timeout(IDLE_SECONDS):
                await self._wake.wait()
        except TimeoutError:
            return

    def _room(self) -> int:
        concurrency = self._settings.concurrency
        # Claimed ahead only while sends are quick: a pause or an opt-out must hold within a second.
        ahead = concurrency if self._typical_seconds < QUICK_SECONDS else 0
        # What is done is settled before or with what is claimed now, so it takes no room; unless settling failed.
        free = concurrency + ahead - self._under_way if self._settled else 0
        # Claim in halves, so that a commit is shared by many rows.
        return min(free, concurrency) if free >= concurrency // 2 or not self._under_way else 0

    async def _settle_and_claim(self) -> None:
        now = self._core.clock.monotonic()
        room = self._room() if now >= self._rest_until and self._quota.next_in() < self._patience else 0
        claimed: list[tuple[int, list[OutboundMessage]]] = []
        # Both programs reach the writer together, settling first, and share one commit. What was claimed is sent also
        # when settling failed: a claimed row that nobody sends would end as unknown.
        failures = await asyncio.gather(self._settle(), self._claim(room, claimed), return_exceptions=True)
        for queue_number, messages in claimed:
            for group in _grouped(messages, self._channel.limits.page):
                self._under_way += len(group)
                self._todo.put_nowait((queue_number, group))
                if len(self._senders) < self._settings.concurrency and self._todo.qsize() > self._free:
                    self._begin_sender()
        for failure in failures:
            if failure is not None:
                raise failure

    async def _claim(self, room: int, claimed: list[tuple[int, list[OutboundMessage]]]) -> None:
        for number, queue in enumerate(self._queues):
            if room <= 0:
                break
            if not self._under_way and not self._woken:  # idle: look beside the writer before asking it
                due = await queue.next_due(self._channel.name)
                if due is None or due > self._core.clock.now():
                    continue
            now = self._core.clock.monotonic()
            if now < self._empty_until[number]:
                continue
            messages = await queue.claim(self._channel.name, room, self._settings.lease)
            if len(messages) < room:
                # It gave all it has; whatever is queued later says so. Asking at every turn would hold up the others.
                self._empty_until[number] = now + IDLE_SECONDS
            room -= len(messages)
            if messages:
                claimed.append((number, messages))

    async def _settle(self) -> None:
        numbers = [number for number, done in enumerate(self._done) if done]
        failures = await asyncio.gather(*map(self._settle_queue, numbers), return_exceptions=True)
        self._settled = not any(failures)
        for failure in failures:
            if failure is not None:
                raise failure

    async def _settle_queue(self, number: int) -> None:
        done, self._done[number] = self._done[number], []
        try:
            await self._queues[number].settle(done)
        except BaseException:
            self._done[number] = done + self._done[number]
            raise

    def _begin_sender(self) -> None:
        # A task for each sender and not for each message: making one costs as much as a third of a send.
        task = self._supervisor.start(f"sender:{self.name}", self._sender())
        self._senders.add(task)
        task.add_done_callback(self._senders.discard)

    async def _sender(self) -> None:
        while True:
            self._free += 1
            try:
                queue_number, group = await self._todo.get()
            finally:
                self._free -= 1
            await self._send(queue_number, group)

    async def _send(self, queue_number: int, group: list[OutboundMessage]) -> None:
        receipts = [SendReceipt(SendStatus.UNKNOWN, "cut_off")] * len(group)
        begun = self._core.clock.monotonic()
        try:
            found = await self._send_in_turn(group)
            receipts = found if len(found) == len(group) else [SendReceipt(SendStatus.UNKNOWN, "wrong_count")] * len(group)
        except Exception:  # whatever a channel raises belongs to these messages alone
            log.exception("send_failed", channel=self.name)
            receipts = [SendReceipt(SendStatus.UNKNOWN, "send_failed")] * len(group)
        finally:
            self._under_way -= len(group)
            for message, receipt in zip(group, receipts, strict=True):
                self._note(queue_number, message, receipt, begun)
            self._wake_when_worth_it()

    def _wake_when_worth_it(self) -> None:
        # A commit for each message would be slow; one for the whole window would leave the line empty meanwhile.
        half = self._settings.concurrency // 2
        if sum(map(len, self._done)) >= half or self._under_way <= half:
            self._wake.set()

    async def _send_in_turn(self, group: list[OutboundMessage]) -> list[SendReceipt]:
        # Given back before its lease ends, after which another process might decide about it.
        until = self._core.clock.monotonic() + self._patience
        turn = await self._quota.turn(lambda: self._rests() or self._core.clock.monotonic() >= until)
        if turn is None:
            at = self._core.clock.now() + timedelta(seconds=self._quota.next_in())
            return [SendReceipt(SendStatus.RETRY, "resting", retry_at=at)] * len(group)
        begun = self._core.clock.monotonic()
        try:
            async with asyncio.timeout(SEND_SECONDS):
                return await self._channel.send(group)
        except TimeoutError:
            return [SendReceipt(SendStatus.UNKNOWN, "no_answer")] * len(group)
        finally:
            self._quota.end(turn)
            took = self._core.clock.monotonic() - begun
            self._typical_seconds += (took - self._typical_seconds) / 8

    def _rests(self) -> bool:
        return self.stopping or self._core.clock.monotonic() < self._rest_until

    def _note(self, queue_number: int, message: OutboundMessage, receipt: SendReceipt, begun: float) -> None:
        if self._observer:
            self._observer.sent(self._channel.name, receipt.status.value)
        clock = self._core.clock
        # What began before the last rest says nothing new: one burst of failures is one failure.
        if receipt.reason != "resting" and begun >= self._rested_at:
            rest = self._breaker.note(receipt)
            if receipt.pause_until:
                rest = max(rest, (receipt.pause_until - clock.now()).total_seconds())
            if rest:
                self._rested_at = clock.monotonic()
                self._rest_until = max(self._rest_until, clock.monotonic() + rest)
                log.warning("channel_rests", channel=self._channel.name, seconds=round(rest, 1), reason=receipt.reason)
        status = receipt.status
        if status is SendStatus.UNKNOWN and self._channel.limits.keyed and message.guarantee is Guarantee.AT_MOST_ONCE:
            status = SendStatus.RETRY  # the platform knows the key: sending it again cannot double it
        self._done[queue_number].append(
            Settlement(message.id, status.value, receipt.reason, receipt.external_id, receipt.retry_at)
        )


def _grouped(messages: Sequence[OutboundMessage], page: int) -> list[list[OutboundMessage]]:
    """Put messages with the same words to different people into one call, where the platform can."""
    if page <= 1:
        return [[message] for message in messages]
    groups: dict[object, list[list[OutboundMessage]]] = {}
    for message in messages:
        alone = bool(message.address.conversation or message.reply_data)
        pages = groups.setdefault(message.id if alone else repr(message.body), [[]])
        people = {each.address for each in pages[-1]}
        if len(people) >= page or message.address in people:
            pages.append([])
        pages[-1].append(message)
    return [group for pages in groups.values() for group in pages]
