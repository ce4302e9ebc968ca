"""The callback addresses: authenticate, record, work, answer in time or let the outbox answer later.

Nothing is acknowledged that is not durable: what cannot be committed within four seconds is answered 503,
so that the platform repeats it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Protocol

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from tortoise.exceptions import ValidationError

from bot.channel import BadRequest, Channel, Forbidden, Received
from bot.intake import Intake
from bot.logs import number_requests
from bot.supervisor import Supervisor
from crm_core import inbox
from crm_core.conversations import InboundStatus, Outcome
from crm_core.errors import Unavailable
from crm_core.leases import Held
from crm_core.messages import Body, InboundMessage
from crm_core.ports import Core
from handlers.pipeline import NobodyWaits, Pipeline, Taken

log = structlog.get_logger(__name__)

COMMIT_GRACE_SECONDS = 0.4
"""How long past `reply_within` a promised passive answer may still need for its commit."""
STORED_WITHIN_SECONDS = 0.8
"""How long past that it is asked what became of work that failed."""
READING = 2048
"""Bodies on their way at once, of whoever; without a key one gets no further than here."""
BODY_WITHIN_SECONDS = 2.0
IN_FLIGHT = 1024
"""Requests worked on at once; more are told to come again, so that those inside stay fast and memory flat."""
PUT_OFF_SECONDS = 1.0
PUT_OFF = 2048
"""Refused requests that wait for their answer; beyond them a refusal is immediate, so that memory has an end."""
RESUMED_TOGETHER = 512
"""Messages of a crash worked on at once."""
ADDRESS = "/hook/"
"""In front of the channel's name."""
Answers = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Observer(Protocol):
    """Counts what happened; implemented by bot/metrics.py."""

    def callback(self, channel: str, status: int, seconds: float) -> None:
        """Note one answered callback."""


@dataclass(slots=True)
class _Waiter:
    """The request that may carry the answer. `take` and `give_up` exclude each other."""

    given_up: bool = False
    taken: bool = False

    def take(self) -> bool:
        if self.given_up:
            return False
        self.taken = True
        return True


@dataclass(slots=True)
class _Work:
    """A message being worked on, and the request that waits for it."""

    task: "asyncio.Task[Body | None]"
    waiter: _Waiter = field(default_factory=_Waiter)


class Gateway:
    """Takes callbacks for every configured channel."""

    def __init__(
        self,
        core: Core,
        channels: Mapping[str, Channel],
        pipeline: Pipeline,
        supervisor: Supervisor,
        *,
        max_body: int,
        reply_within: timedelta,
        observer: Observer | None = None,
    ) -> None:
        self._core = core
        self._channels = channels
        self._pipeline = pipeline
        self._supervisor = supervisor
        self._max_body = max_body
        self._reply_within = reply_within
        self._observer = observer
        self._intake = Intake(core, supervisor, pipeline.at_once)
        self._working: dict[int, _Work] = {}
        self._held = Held("messages", "open")
        self._in_flight = 0
        self._put_off = 0
        self._reading = 0
        self.closing = False

    def before(self, others: Answers) -> Answers:
        """Give a handler that answers callbacks itself and leaves everything else to the application.

        A router for many addresses and its middlewares cost a tenth of a callback.
        """

        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            if isinstance(request, web.Request) and request.path.startswith(ADDRESS):
                return await number_requests(request, self.handle)
            return await others(request)

        return handle

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one callback with the statuses of the contract."""
        started = self._core.clock.monotonic()
        name = request.path.removeprefix(ADDRESS)
        self._in_flight += 1
        try:
            response = await self._answer(request, name)
        finally:
            self._in_flight -= 1
        if self._observer:
            self._observer.callback(
                name if name in self._channels else "?", response.status, self._core.clock.monotonic() - started
            )
        return response

    async def _answer(self, request: web.Request, name: str) -> web.Response:
        channel = self._channels.get(name)
        if channel is None:
            return web.Response(status=404)
        if request.method not in ("GET", "POST"):
            return web.Response(status=405, headers={"Allow": "GET, POST"})
        if self.closing or self._in_flight - self._reading - self._put_off > IN_FLIGHT or self._reading > READING:
            return await self._put_off_a_while()
        try:
            body = await self._read(request)
            if body is None:
                return web.Response(status=413)
            received = await channel.receive(request, body)
        except Forbidden as error:
            return _refuse(name, 403, error)
        except BadRequest as error:
            return _refuse(name, 400, error)
        if received.handshake is not None:
            # The text is the asker's own; no browser may take it for a page.
            return web.Response(
                text=received.handshake.text,
                content_type=received.handshake.content_type,
                headers={"X-Content-Type-Options": "nosniff"},
            )
        return await self._take_all(channel, received)

    async def _put_off_a_while(self) -> web.Response:
        """Tell a request that is one too many to come again; not at once, or those who ask again would be all we serve."""
        if not self.closing and self._put_off < PUT_OFF:
            self._put_off += 1
            try:
                await asyncio.sleep(PUT_OFF_SECONDS)
            finally:
                self._put_off -= 1
        return web.Response(status=503, headers={"Retry-After": "1"})

    async def _read(self, request: web.Request) -> bytes | None:
        """Read the body; None when it is over the cap. Raises: BadRequest for one that is slow, broken or cut off."""
        if request.content_length is not None and request.content_length > self._max_body:
            return None
        whole = request.content.is_eof() and "Content-Encoding" not in request.headers
        if whole and (request.content_length or self._max_body + 1) <= self._max_body:
            return request.content.read_nowait()  # it came in one piece, as nearly all do: nothing to wait for
        # Counted apart: whoever sends slowly must not use up the places of those who work.
        self._reading += 1
        try:
            async with asyncio.timeout(BODY_WITHIN_SECONDS):
                return await self._read_capped(request)
        except (TimeoutError, ConnectionError, web.RequestPayloadError, HttpProcessingError) as error:
            # aiohttp would read on after the answer, and log what it finds.
            request.content.set_exception(TimeoutError())
            raise BadRequest("body") from error
        finally:
            self._reading -= 1

    async def _read_capped(self, request: web.Request) -> bytes | None:
        parts, size = [], 0
        async for part in request.content.iter_any():
            size += len(part)
            if size > self._max_body:
                return None
            parts.append(part)
        return b"".join(parts)

    async def _take_all(self, channel: Channel, received: Received) -> web.Response:
        try:
            reply = await self.take(channel.name, received)
        except (Unavailable, TimeoutError):
            log.warning("not_durable", channel=channel.name)
            return web.Response(status=503)
        except ValidationError as error:  # an id no platform gives, too long for its column
            return _refuse(channel.name, 400, error)
        return channel.answer(received, reply)

    async def take(self, channel: str, received: Received) -> Body | None:
        """Record and work on what a channel got, from a callback or by itself; gives the passive reply.

        Raises: Unavailable or TimeoutError when a message could not be made durable.
        """
        deadline = received.reply_deadline  # none at all is not the same as no time at all
        if deadline is None:
            deadline = self._channels[channel].limits.reply_deadline
        within = min(self._reply_within, deadline)
        reply: Body | None = None
        for message in received.messages:
            reply = await self._take(message, within.total_seconds())
        return reply

    async def _take(self, message: InboundMessage, within: float) -> Body | None:
        """Record and work on one message; gives the passive reply, or None when there is none (yet)."""
        started = self._core.clock.monotonic()
        now = self._core.clock.now()
        if message.at > now:
            # A signed message may still carry any time: one from the future must not keep a window open for ever.
            message = replace(message, at=now)
        taken = await self._intake.take(message, passive=within > 0)
        if taken.done:
            return taken.recorded.reply if taken.recorded.outcome == Outcome.PASSIVE.value else None
        work = self._working.get(taken.recorded.id) or self._begin(taken, message, passive=within > 0)
        return await self._wait(work, within - (self._core.clock.monotonic() - started), message)

    def _begin(self, taken: Taken, message: InboundMessage, *, passive: bool) -> _Work:
        # Where no answer can leave in the same exchange (Stream), none may be promised, however quick the work is.
        waiter = _Waiter(given_up=not passive)
        # A repeat of what is still open may be worked on in another process, which has its lease.
        recorded = taken.recorded
        work = self._pipeline.work(recorded.id, message, waiter, held=recorded.new, begun=taken.begun)
        return self._keep(recorded.id, _Work(self._supervisor.start(f"message:{recorded.id}", work), waiter))

    def _keep(self, message_id: int, work: _Work) -> _Work:
        self._working[message_id] = work
        self._held.add([message_id], inbox.LEASE)
        work.task.add_done_callback(partial(self._forget, message_id))
        return work

    def _forget(self, message_id: int, _: "asyncio.Task[Body | None]") -> None:
        self._working.pop(message_id, None)
        if not self.closing:  # else `let_go` tells what was not done
            self._held.remove([message_id])

    async def _wait(self, work: _Work, seconds: float, message: InboundMessage) -> Body | None:
        # `wait`, not `wait_for`: the work goes on when the request may not wait any longer.
        await asyncio.wait({work.task}, timeout=max(seconds, 0))
        if not work.task.done() and work.waiter.taken:
            await asyncio.wait({work.task}, timeout=COMMIT_GRACE_SECONDS)
        if not work.task.done():
            if work.waiter.taken:
                raise TimeoutError
            work.waiter.given_up = True
            return None
        if work.task.cancelled() or work.task.exception() is not None:
            return await self._stored(message)
        return work.task.result()

    async def _stored(self, message: InboundMessage) -> Body | None:
        """Decide after a failure whether this may be acknowledged: what is stored says so."""
        async with asyncio.timeout(STORED_WITHIN_SECONDS):
            recorded = await self._core.db.run(inbox.find(message.key))
        if recorded.status == InboundStatus.OPEN.value:
            raise TimeoutError
        return recorded.reply if recorded.outcome == Outcome.PASSIVE.value else None

    async def renew(self) -> None:
        """Tell the other processes that what is worked on here still is."""
        if self._held and not self._core.db.alone:
            await self._core.db.run(partial(self._held.renew, self._core))

    async def let_go(self) -> None:
        """Leave what is not done to whoever takes it over, now that this process ends."""
        if self._held and not self._core.db.alone:
            with suppress(Unavailable):  # then its lease ends by itself
                await self._core.db.run(self._held.let_go())

    async def resume(self, *, older_than: timedelta | None = None) -> int:
        """Work on what a crash or a failed commit left open, oldest first; tells how many.

        Replies go through the outbox. `older_than` leaves alone what a request is only just beginning to work on.
        """
        count, after = 0, 0
        until = self._core.clock.now() - older_than if older_than else None
        while rows := await inbox.take_over(self._core, until, after_id=after):
            after = rows[-1][0]
            # All of the page are renewed from now on, also those whose turn comes later.
            self._held.add([number for number, _ in rows], inbox.LEASE)
            try:
                count += await self._resume_page(rows)
            finally:
                if not self.closing:
                    self._held.remove([number for number, _ in rows if number not in self._working])
        return count

    async def _resume_page(self, rows: Sequence[tuple[int, InboundMessage]]) -> int:
        count = 0
        for message_id, message in rows:
            if message_id in self._working:
                continue
            count += 1
            task = self._supervisor.start(f"message:{message_id}", self._pipeline.work(message_id, message, NobodyWaits()))
            work = self._keep(message_id, _Work(task, _Waiter(given_up=True)))
            if self._supervisor.count > RESUMED_TOGETHER:
                await asyncio.wait({work.task})
        return count


def _refuse(channel: str, status: int, error: Exception) -> web.Response:
    # One warning without the body; one generic refusal, so that nobody learns what was wrong.
    log.warning("callback_refused", channel=channel, status=status, why=type(error).__name__)
    return web.Response(status=status)
