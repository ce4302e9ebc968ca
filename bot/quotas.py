"""A rate shared by every process that sends for a channel, and remembered over a restart.

The count stands in the state store as one value, the ledger: when the calls of the last window arrived at the latest, and
which turns are given out. Whoever wants to send takes turns from it by a swap, a little ahead, and tells in the next swap
what became of them. A turn nobody tells of (its process was killed) counts as used at its very end. Times are the store's:
what a process knows of them it knows from before it asked, so that every error is on the side of waiting, whatever the
clocks of the machines show.
Reading order: Quota, then Ledger.
"""

import asyncio
import secrets
from bisect import insort
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Protocol

import msgspec
import structlog

from bot.channel import SendRate
from bot.limits import ARRIVES_SECONDS, SlidingLimit, Turn
from crm_core.clock import Clock
from crm_core.errors import CrmError
from crm_core.ports import StateStore

log = structlog.get_logger(__name__)

AHEAD_SECONDS = 0.6
"""How long before its time a turn may be taken, so that the way to the store costs nothing of the rate."""
LIFE_SECONDS = 0.5
"""How long a turn may be used once its time has come."""
LONGEST_WAIT_SECONDS = 0.5
"""How long a message waits for its turn before it looks whether the loop is stopping."""
LOOK_AGAIN_SECONDS = 0.1
GRAIN = 256
"""Calls that arrived within this part of the shortest window are one entry of the ledger."""
TRIES = 6
TELL_EVERY_SECONDS = 0.5
LASTS = timedelta(days=30)
"""Longer than any window: a ledger that is missing in a place that forgets was forgotten."""
HELD_SECONDS = AHEAD_SECONDS + LIFE_SECONDS + ARRIVES_SECONDS
"""A call whose turn is given out now has arrived by then."""
_SOON_SECONDS = 0.001


class Ledger(msgspec.Struct):
    """What is used and given out of a rate, in seconds of the store's clock."""

    used: list[tuple[float, int]] = []
    """When calls arrived at the latest, and how many; in order."""
    given: dict[str, float] = {}
    """Turns given out, and when a call of theirs arrives at the latest."""
    full_until: float = 0.0
    """Until then everything counts as used: who counted before did so elsewhere, or was forgotten."""

    def settle(self, now: float, ends: Mapping[str, float | None], rates: Sequence[SendRate]) -> None:
        """Take note of turns that ended so many seconds ago, or (None) were not used, and of those nobody told about."""
        latest = now + HELD_SECONDS
        for name, ago in ends.items():
            if self.given.pop(name, None) is not None and ago is not None:
                self.used.append((now - ago, 1))
        for name, until in list(self.given.items()):
            if until <= now:
                self.used.append((self.given.pop(name), 1))
        # A clock that was set back must not make us wait for an hour.
        self.given = {name: min(until, latest) for name, until in self.given.items()}
        self.full_until = min(self.full_until, now + 2 * HELD_SECONDS)
        longest, grain = max(rate.seconds for rate in rates), min(rate.seconds for rate in rates) / GRAIN
        counts: Counter[float] = Counter()
        for at, number in self.used:
            if min(at, latest) > now - longest:
                # Rounded up: counted a little longer than need be, never shorter. What is round already stays.
                counts[ceil(min(at, latest) / grain - 1e-3) * grain] += number
        self.used = sorted(counts.items())

    def give(self, now: float, wanted: int, rates: Sequence[SendRate]) -> tuple[dict[str, float], float]:
        """Give out up to so many turns: each with its name and the seconds until its time; and the wait for the next one."""
        taken = sorted([*(at for at, number in self.used for _ in range(number)), *self.given.values()])
        turns: dict[str, float] = {}
        while True:
            ready = [taken[-rate.count] + rate.seconds + _SOON_SECONDS for rate in rates if len(taken) >= rate.count]
            if self.full_until:
                ready += [self.full_until + rate.seconds for rate in rates]
            delay = max(0.0, *(at - now for at in ready)) if ready else 0.0
            if len(turns) >= wanted or delay > AHEAD_SECONDS:
                return turns, delay
            name = secrets.token_hex(5)
            turns[name] = delay
            self.given[name] = now + delay + LIFE_SECONDS + ARRIVES_SECONDS
            insort(taken, self.given[name])


class Keeping(Protocol):
    """What a ledger is kept by: the part of a state store that is needed."""

    async def add(self, key: str, value: str, *, lasts: timedelta) -> bool:
        """Keep a value only if there is none."""

    async def swap(self, key: str, old: str, new: str, *, lasts: timedelta) -> bool:
        """Replace a value only if it is still `old`."""


@dataclass(frozen=True, slots=True)
class Looked:
    """A ledger that was looked at: where and under which name it stands, and the time there."""

    store: Keeping
    key: str
    at: datetime
    value: str | None
    full_until: datetime | None = None
    """Until when everything counts as used, because nobody knows what was."""


class Place(Protocol):
    """Where ledgers are kept: one place for all processes at a time."""

    async def look(self, name: str) -> Looked:
        """Look at the ledger of a name."""


class OnePlace:
    """Ledgers in one store that forgets nothing."""

    def __init__(self, store: StateStore) -> None:
        self._store = store

    async def look(self, name: str) -> Looked:
        """Look at the ledger of a name."""
        key = f"quota:{name}"
        return Looked(self._store, key, *await self._store.look(key))


@dataclass(slots=True)
class _Given:
    """A turn of ours: its name in the ledger, from when until when it may be used, on this process's own clock."""

    name: str
    start: float
    end: float


class Quota:
    """The turns of one channel. Without rates everybody's turn is now."""

    def __init__(self, name: str, rates: Sequence[SendRate], clock: Clock, place: Place) -> None:
        self._name = name
        self._rates = tuple(rates)
        self._clock = clock
        self._place = place
        # Besides: exact whatever a clock outside does.
        self._own = SlidingLimit(rates, clock)
        self._ready: deque[_Given] = deque()
        self._used: dict[str, Turn] = {}
        self._unused: set[str] = set()
        self._waiting = 0
        self._look_at = 0.0
        self._tell_at = 0.0
        self._next_at = 0.0
        self._closed = False
        self._asking = asyncio.Lock()

    async def turn(self, give_up: Callable[[], bool]) -> Turn | None:
        """Wait for a turn and begin it; None when the caller gave up. It must be told to `end`."""
        self._waiting += 1
        try:
            while not (self._closed or give_up()):
                wait = await self._wait()
                if not wait:
                    return self._begin()
                await self._clock.sleep(min(wait, LONGEST_WAIT_SECONDS))
            return None
        finally:
            self._waiting -= 1

    def end(self, turn: Turn) -> None:
        """Note that the answer has come."""
        self._own.end(turn)

    def next_in(self) -> float:
        """Tell how long nobody gets a turn, as far as is known; what would wait longer than its lease is better not claimed."""
        return max(0.0, self._next_at - self._clock.monotonic())

    async def tell(self) -> None:
        """Let the others have back what is over, when nobody here waits for a turn."""
        now = self._clock.monotonic()
        if self._used and not self._waiting and now >= self._tell_at:
            self._tell_at = now + TELL_EVERY_SECONDS
            with suppress(CrmError):
                async with self._asking:
                    await self._exchange(0)

    async def close(self) -> None:
        """Give nobody a turn any more, and tell the others what was used and what was not; once more when calls have ended."""
        self._closed = True
        self._unused |= {given.name for given in self._ready}
        self._ready.clear()
        async with self._asking:
            if self._used or self._unused:
                with suppress(CrmError):  # what was not told counts as used to its end
                    await self._exchange(0)

    def _begin(self) -> Turn:
        turn = self._own.begin()
        if self._rates:
            self._used[self._ready.popleft().name] = turn
        return turn

    async def _wait(self) -> float:
        if not self._rates:
            return 0.0
        if self._ready_in() is None:
            async with self._asking:
                # Somebody may have brought turns for everybody while this one waited.
                if self._ready_in() is None and self._clock.monotonic() >= self._look_at:
                    await self._ask()
        # No waiting from here on: whoever is told that it is its turn begins it at once.
        ready = self._ready_in()
        if ready is None:
            return max(self._look_at - self._clock.monotonic(), _SOON_SECONDS)
        return max(ready, self._own.wait_seconds())

    def _ready_in(self) -> float | None:
        """Tell how long until the next turn we have may be used; None when we have none."""
        now = self._clock.monotonic()
        while self._ready and (self._closed or self._ready[0].end <= now):
            self._unused.add(self._ready.popleft().name)
        return max(0.0, self._ready[0].start - now) if self._ready else None

    async def _ask(self) -> None:
        try:
            wait = await self._exchange(self._waiting)
        except CrmError as error:
            # No turn without the count; what waits is claimed and stays ours until the store is back.
            log.warning("quota_unknown", channel=self._name, code=error.code)
            wait = LONGEST_WAIT_SECONDS
        # Not to be asked at every moment: what is under way may end and bring the next turn nearer.
        pause = max(LOOK_AGAIN_SECONDS, min(rate.seconds for rate in self._rates) / 100)
        now = self._clock.monotonic()
        self._look_at = now + (0.0 if self._ready else min(wait, pause))
        self._next_at = now + (0.0 if self._ready else wait)

    async def _exchange(self, wanted: int) -> float:
        for _ in range(TRIES):
            before = self._clock.monotonic()
            seen = await self._place.look(self._name)
            after = self._clock.monotonic()
            now = seen.at.timestamp()
            ends = self._ends(before)
            ledger = msgspec.json.decode(seen.value, type=Ledger) if seen.value else Ledger()
            is_new = seen.full_until is not None and seen.full_until.timestamp() > ledger.full_until
            if seen.full_until is not None and is_new:
                ledger.full_until = seen.full_until.timestamp()
            ledger.settle(now, ends, self._rates)
            turns, wait = ledger.give(now, wanted, self._rates)
            if not (turns or ends or is_new):
                return wait
            if await _replace(seen, msgspec.json.encode(ledger).decode()):
                for name in ends:
                    self._used.pop(name, None)
                    self._unused.discard(name)
                for name, delay in turns.items():
                    self._ready.append(_Given(name, after + delay, before + delay + LIFE_SECONDS))
                return wait
        return LOOK_AGAIN_SECONDS / 4

    def _ends(self, now: float) -> dict[str, float | None]:
        used = {name: now - turn.arrived_by for name, turn in self._used.items() if turn.arrived_by <= now}
        return {**used, **dict.fromkeys(self._unused)}


async def _replace(seen: Looked, new: str) -> bool:
    if seen.value is None:
        return await seen.store.add(seen.key, new, lasts=LASTS)
    return await seen.store.swap(seen.key, seen.value, new, lasts=LASTS)
