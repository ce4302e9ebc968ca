"""Carries messages to a callback as WeChat and WeCom do: 5 seconds, up to three times, the same MsgId.

Every repeat has a new timestamp, nonce and signature. A repeat leaves when the time of the one
before is over, never earlier, also after a quick failure. Any status but 200 counts as one.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import aiohttp

from bot.simulator.accounts import SimulatorOptions
from bot.simulator.clock import SimClock
from bot.simulator.documents import Document, Fields
from bot.simulator.replies import BrokenReply, PassiveReply

Write = Callable[[Fields, float], Document]  # a message and the time of the push
Read = Callable[[Document, Fields, bytes], PassiveReply]  # the body of a 200 answer; raises BrokenReply


@dataclass(frozen=True, slots=True)
class Attempt:
    """One delivery of a message and what came back."""

    document: Document
    status: int | None  # None: no answer in time, or no connection
    body: bytes
    seconds: float
    reply: PassiveReply | None  # None: nothing usable
    problem: str = ""


@dataclass(slots=True)
class Delivery:
    """A pushed message with all its attempts."""

    fields: Fields
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def reply(self) -> PassiveReply | None:
        """What the platform took as the answer; None if there was no usable one."""
        usable = [attempt.reply for attempt in self.attempts if attempt.reply is not None]
        return next((reply for reply in usable if not reply.is_empty), usable[0] if usable else None)

    @property
    def text(self) -> str:
        """The text of the passive reply, empty if there was none."""
        return self.reply.text if self.reply else ""

    @property
    def is_broken(self) -> bool:
        """Tell whether the message was given up."""
        return bool(self.attempts) and self.reply is None

    @property
    def message_id(self) -> str:
        """The MsgId, empty for events."""
        return str(self.fields.get("MsgId", ""))

    @property
    def statuses(self) -> list[int | None]:
        """The HTTP statuses, in order."""
        return [attempt.status for attempt in self.attempts]

    @property
    def problems(self) -> list[str]:
        """What went wrong, in order."""
        return [attempt.problem for attempt in self.attempts if attempt.problem]


class Pusher:
    """Sends to one callback address what `write` makes of a message, and lets `read` understand the answer."""

    def __init__(self, options: SimulatorOptions, clock: SimClock, *, write: Write, read: Read) -> None:
        self.callback_url = ""
        self.session: aiohttp.ClientSession | None = None
        self._options = options
        self._clock = clock
        self._write = write
        self._read = read

    async def verify(self, query: Mapping[str, str], expected: bytes, *, within: float | None = None) -> bool:
        """Verify the callback address: it has to answer what is expected and nothing else, in the time of a push or less."""
        push_seconds = self._options.push_timeout_seconds
        limit = aiohttp.ClientTimeout(total=min(within or push_seconds, push_seconds))
        try:
            async with self._open_session().get(self.callback_url, params=query, timeout=limit) as response:
                return response.status == 200 and await response.read() == expected
        except (aiohttp.ClientError, TimeoutError):
            return False

    async def push(self, fields: Fields) -> Delivery:
        """Deliver a message, repeating it until it is answered with 200."""
        delivery = Delivery(fields)
        seconds, count = self._options.push_timeout_seconds, self._options.push_attempts
        for number in range(count):
            attempt = await self._attempt(fields, seconds)
            delivery.attempts.append(attempt)
            if attempt.status == 200:
                break
            if number < count - 1 and attempt.seconds < seconds:
                await asyncio.sleep(seconds - attempt.seconds)
        return delivery

    async def push_overlapping(self, fields: Fields, *, repeat_after: float, attempts: int = 3) -> Delivery:
        """Send repeats while the first delivery is still being worked on, its connection kept open."""
        seconds = self._options.push_timeout_seconds
        late = (self._attempt_later(fields, number * repeat_after, seconds) for number in range(attempts))
        return Delivery(fields, list(await asyncio.gather(*late)))

    async def _attempt_later(self, fields: Fields, delay_seconds: float, timeout: float) -> Attempt:
        if delay_seconds:
            await asyncio.sleep(delay_seconds)
        return await self._attempt(fields, timeout)

    async def _attempt(self, fields: Fields, timeout: float) -> Attempt:
        document = self._write(fields, self._clock.stamp())
        started = time.monotonic()
        try:
            status, body = await self._post(document, timeout)
        except (aiohttp.ClientError, TimeoutError) as error:
            return Attempt(document, None, b"", time.monotonic() - started, None, type(error).__name__)
        seconds = time.monotonic() - started
        if status != 200:
            return Attempt(document, status, body, seconds, None, f"status {status}")
        try:
            return Attempt(document, status, body, seconds, self._read(document, fields, body))
        except BrokenReply as error:
            return Attempt(document, status, body, seconds, None, str(error))

    async def _post(self, document: Document, timeout: float) -> tuple[int, bytes]:
        headers = {"Content-Type": document.content_type}
        limit = aiohttp.ClientTimeout(total=timeout)
        session = self._open_session()
        async with session.post(
            self.callback_url, params=document.query, data=document.body, headers=headers, timeout=limit, allow_redirects=False
        ) as response:
            return response.status, await response.read()

    def _open_session(self) -> aiohttp.ClientSession:
        if self.session is None:
            raise RuntimeError("the simulator is not started")
        return self.session
