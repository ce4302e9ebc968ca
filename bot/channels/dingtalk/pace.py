"""When a call may leave: counted in this process alone, or (attached) together with every process that shares the store."""

from datetime import timedelta

from bot.channel import SendRate
from bot.limits import SlidingLimit, Turn
from bot.quotas import OnePlace, Quota
from crm_core.clock import Clock
from crm_core.ports import StateStore


class Pace:
    """The turns of one rate. A turn that was begun must be told to `end`."""

    def __init__(self, rate: SendRate, clock: Clock) -> None:
        self._rate = rate
        self._clock = clock
        self._own = SlidingLimit((rate,), clock)
        self._shared: Quota | None = None

    def attach(self, key: str, state: StateStore) -> None:
        """Count together with every process that uses this key in this store."""
        self._shared = Quota(key, (self._rate,), self._clock, OnePlace(state))

    async def begin(self, patience: float) -> Turn | timedelta:
        """Wait so many seconds for a turn at most and begin it, or tell how long there is none."""
        until = self._clock.monotonic() + patience
        if self._shared is not None:
            turn = await self._shared.turn(lambda: self._clock.monotonic() > until or self._known_wait() > patience)
            return timedelta(seconds=max(self._known_wait(), 1.0)) if turn is None else turn
        while wait := self._own.wait_seconds():
            if self._clock.monotonic() + wait > until:
                return timedelta(seconds=wait)
            await self._clock.sleep(wait)
        return self._own.begin()

    def end(self, turn: Turn) -> None:
        """Note that the answer has come."""
        (self._shared or self._own).end(turn)

    async def tell(self) -> None:
        """Let the other processes have back what is over."""
        if self._shared is not None:
            await self._shared.tell()

    def _known_wait(self) -> float:
        return self._shared.next_in() if self._shared else 0.0
