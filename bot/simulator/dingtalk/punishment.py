"""The punishment of an address that calls too much: for five minutes nothing but status 1111, or a page.

Source: protocols.md section 4.5, rate limits: over 10 000 calls in 20 s of one address.
"""

from collections import deque

from bot.simulator.calls import Answer, Call, Handler
from bot.simulator.clock import SimClock
from bot.simulator.dingtalk.knobs import Knobs
from bot.simulator.records import Json

WINDOW_SECONDS = 20.0
PUNISHED_SECONDS = 300.0
PAGE = b"<html><head><title>deny</title></head><body>punish</body></html>"
DENIED: Json = {"status": 1111, "wait": 5, "source": "x5", "punish": "deny", "uuid": "simulated"}


class Punishment:
    """Stands before every call of both API hosts."""

    def __init__(self, clock: SimClock, knobs: Knobs) -> None:
        self._clock = clock
        self._knobs = knobs
        self._recent: deque[float] = deque()
        self.ends_at = 0.0

    def punish(self, seconds: float = PUNISHED_SECONDS) -> None:
        """Refuse everything for a while."""
        self.ends_at = self._clock.seconds() + seconds

    def guard(self, handlers: dict[str, Handler]) -> dict[str, Handler]:
        """Put the punishment before some handlers."""
        return {path: self._guarded(handler) for path, handler in handlers.items()}

    def _guarded(self, handler: Handler) -> Handler:
        def handle(call: Call) -> Json | Answer:
            self._count()
            if self._clock.seconds() >= self.ends_at:
                return handler(call)
            return Answer(data=PAGE, content_type="text/html") if self._knobs.punish_html else DENIED

        return handle

    def _count(self) -> None:
        limit = self._knobs.ip_calls
        if limit is None:
            return
        now = self._clock.seconds()
        while self._recent and self._recent[0] <= now - WINDOW_SECONDS:
            self._recent.popleft()
        self._recent.append(now)
        if len(self._recent) > limit:
            self.punish()
            self._recent.clear()
