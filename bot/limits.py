"""Keeping to a platform's rate: never more than so many calls within any window of so many seconds.

What counts is when a call arrives there. We know only that it arrives after it left us and before its answer came; so a
call opens its window when its answer came, and the next one keeps to when it leaves. `SlidingLimit` is exact in one
process; `bot/quotas.py` shares the count with other processes and keeps it over a restart.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from bot.channel import SendRate
from crm_core.clock import Clock

MARGIN_SECONDS = 0.02
"""For calls of which only the leaving is noted."""
ARRIVES_SECONDS = 1.0
"""A call that has no answer yet has arrived by then; what takes longer hangs in its answer, not on its way."""


@dataclass(slots=True)
class Turn:
    """One call: when it left, and the latest moment at which it can have arrived."""

    left: float
    arrived_by: float


class SlidingLimit:
    """Several rates at once, exact over every sliding window (a leaky bucket would let a first burst through)."""

    def __init__(self, rates: Sequence[SendRate], clock: Clock) -> None:
        self._clock = clock
        self._turns = [(rate, deque[Turn]()) for rate in rates]

    def wait_seconds(self) -> float:
        """Tell how long until one more call may leave; 0 for now."""
        now = self._clock.monotonic()
        return max((_wait(rate, turns, now) for rate, turns in self._turns), default=0.0)

    def begin(self) -> Turn:
        """Note that a call leaves now, and keep hold of it until its answer comes."""
        now = self._clock.monotonic()
        return self._note(Turn(now, now + ARRIVES_SECONDS))

    def end(self, turn: Turn) -> None:
        """Note that the answer has come: the call arrived before now."""
        turn.arrived_by = min(turn.arrived_by, self._clock.monotonic())

    def count(self) -> None:
        """Note that a call leaves now, of whose answer nobody will tell."""
        now = self._clock.monotonic()
        self._note(Turn(now, now + MARGIN_SECONDS))

    def _note(self, turn: Turn) -> Turn:
        for _, turns in self._turns:
            turns.append(turn)
        return turn


def _wait(rate: SendRate, turns: deque[Turn], now: float) -> float:
    while turns and turns[0].arrived_by + rate.seconds <= now:
        turns.popleft()
    over = len(turns) - rate.count
    if over < 0:
        return 0.0
    return max(turns[index].arrived_by for index in range(over + 1)) + rate.seconds - now
