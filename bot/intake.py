"""Brings the messages that wait at the same time into one transaction, so that a busy hour costs few statements."""

import asyncio
from collections import deque
from dataclasses import dataclass
from functools import partial

from bot.supervisor import Supervisor
from crm_core.errors import Unavailable
from crm_core.messages import InboundMessage
from crm_core.ports import Core
from handlers.members import AtOnce
from handlers.pipeline import Arrived, Taken
from handlers.taking import take_all

DURABLE_WITHIN_SECONDS = 3.0
"""Platforms give up after five; the answer needs a little way too."""
TOGETHER = 64
"""Messages in one transaction, so that the first of them does not wait for too many others."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    arrived: Arrived
    taken: "asyncio.Future[Taken]"
    until: float

    def end(self, result: Taken | BaseException) -> None:
        """Give the result to whoever still waits for it."""
        if self.taken.done():
            return
        if isinstance(result, BaseException):
            self.taken.set_exception(result)
        else:
            self.taken.set_result(result)


class Intake:
    """Takes messages one transaction after another; what comes meanwhile shares the next one."""

    def __init__(self, core: Core, supervisor: Supervisor, at_once: AtOnce) -> None:
        self._core = core
        self._at_once = at_once
        self._supervisor = supervisor
        self._waiting: deque[_Waiting] = deque()
        self._running = False

    async def take(self, message: InboundMessage, *, passive: bool) -> Taken:
        """Take one message; durable when it returns.

        Raises: Unavailable; TimeoutError when it could not be made durable in time.
        """
        taken: asyncio.Future[Taken] = asyncio.get_running_loop().create_future()
        until = self._core.clock.monotonic() + DURABLE_WITHIN_SECONDS
        self._waiting.append(_Waiting(Arrived(message, passive), taken, until))
        if not self._running:
            self._running = True
            self._supervisor.start("intake", self._run())
        return await taken

    async def _run(self) -> None:
        try:
            while self._waiting:
                # Whatever has arrived by now comes along: fewer, fuller transactions, and nobody waits for it when idle.
                await asyncio.sleep(0)
                batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), TOGETHER))]
                await self._take(batch)
        finally:
            self._running = False
            # Cut off in the middle: nobody may wait for ever.
            for each in self._waiting:
                each.end(Unavailable())
            self._waiting.clear()

    async def _take(self, batch: list[_Waiting]) -> None:
        left = batch[0].until - self._core.clock.monotonic()
        program = partial(take_all, self._core, [each.arrived for each in batch], self._at_once)
        try:
            async with asyncio.timeout(max(left, 0)):
                (found,) = await asyncio.gather(self._core.db.run(program), return_exceptions=True)
        except TimeoutError as error:
            found = error
        if isinstance(found, list):
            for each, taken in zip(batch, found, strict=True):
                each.end(taken)
        elif len(batch) == 1 or isinstance(found, Unavailable | TimeoutError):
            for each in batch:
                each.end(found)
        else:
            # One of them cannot be worked on; the others must not suffer for it.
            for each in batch:
                await self._take([each])
