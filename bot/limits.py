"""Keeping to a platform's rate: never more than so many calls within any window of so many seconds."""

from collections import deque
from collections.abc import Sequence

from bot.channel import SendRate
from crm_core.clock import Clock

MARGIN_SECONDS = 0.02
"""The platform counts when a call arrives, we when it leaves; the way between is not always the same."""


class SlidingLimit:
    """Several rates at once, exact over every sliding window (a leaky bucket would let a first burst through)."""

    def __init__(self, rates: Sequence[SendRate], clock: Clock) -> None:
        self._clock = clock
        self._sent = [(rate, deque[float](maxlen=rate.count)) for rate in rates]

    def wait_seconds(self) -> float:
        """Tell how long until one more call may leave; 0 for now."""
        now = self._clock.monotonic()
        waits = [sent[0] + rate.seconds + MARGIN_SECONDS - now for rate, sent in self._sent if len(sent) == rate.count]
        return max(0.0, *waits) if waits else 0.0

    def count(self) -> None:
        """Note that a call leaves now."""
        now = self._clock.monotonic()
        for _, sent in self._sent:
            sent.append(now)
