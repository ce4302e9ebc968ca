"""Daily and per-minute limits of the Official Account's API calls, counted by Chinese days.

Source: protocols.md section 2.2, quota (older table); every number may be changed by a test.
"""

from collections import deque

from bot.simulator.calls import errcode
from bot.simulator.clock import SimClock
from bot.simulator.records import Json

MINUTE_SECONDS = 60.0
DAILY = {
    "/cgi-bin/token": 2_000,
    "/cgi-bin/stable_token": 500_000,
    "/cgi-bin/message/custom/send": 500_000,
    "/cgi-bin/message/template/send": 100_000,
    "/cgi-bin/message/mass/send": 100,
    "/cgi-bin/message/mass/sendall": 100,
    "/cgi-bin/message/mass/preview": 100,
    "/cgi-bin/user/get": 500,
    "/cgi-bin/user/info": 5_000_000,
    "/cgi-bin/user/info/batchget": 5_000_000,
    "/cgi-bin/qrcode/create": 100_000,
    "/cgi-bin/media/upload": 5_000,
}
PER_MINUTE = {"/cgi-bin/message/mass/send": 60, "/cgi-bin/message/mass/sendall": 60}
UNLISTED_DAILY = 1_000_000


class Quotas:
    """Counts calls by path and day."""

    def __init__(self, clock: SimClock) -> None:
        self._clock = clock
        self._day = clock.shanghai_day()
        self._used: dict[str, int] = {}
        self._minute: dict[str, deque[float]] = {}
        self.daily = dict(DAILY)
        self.per_minute = dict(PER_MINUTE)

    def spend(self, path: str) -> None:
        """Count one call; refuse above the limits of the minute (45011) and the day (45009)."""
        self._turn_day()
        used = self._used.get(path, 0)
        if used >= self.daily.get(path, UNLISTED_DAILY):
            raise errcode(45009, "reach max api daily quota limit rid: simulated")
        if path in self.per_minute:
            self._spend_minute(path, self.per_minute[path])
        self._used[path] = used + 1

    def describe(self, path: str) -> Json:
        """Tell limit, use and rest of a path, as openapi/quota/get does."""
        self._turn_day()
        limit, used = self.daily.get(path, UNLISTED_DAILY), self._used.get(path, 0)
        return {"daily_limit": limit, "used": used, "remain": limit - used}

    def reset(self) -> None:
        """Give every path its whole day again."""
        self._used.clear()

    def _turn_day(self) -> None:
        day = self._clock.shanghai_day()
        if day != self._day:
            self._day = day
            self._used.clear()

    def _spend_minute(self, path: str, limit: int) -> None:
        now = self._clock.seconds()
        recent = self._minute.setdefault(path, deque())
        while recent and recent[0] <= now - MINUTE_SECONDS:
            recent.popleft()
        if len(recent) >= limit:
            raise errcode(45011, "api minute-quota reach limit, must slower, retry next minute rid: simulated")
        recent.append(now)
