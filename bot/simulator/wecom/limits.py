"""Limits of WeCom: calls of one API, messages of the application a day and to one member, a robot's 20 a minute.

Above the limit of a member the platform drops messages without a word: the answer is still a success.
Source: protocols.md section 3.4, limits.
"""

from collections import Counter, deque

from bot.simulator.accounts import SimulatorOptions
from bot.simulator.calls import Refused, errcode
from bot.simulator.clock import SimClock

MINUTE_SECONDS, HOUR_SECONDS = 60.0, 3600.0
CALLS_PER_MINUTE, CALLS_PER_HOUR = 10_000, 150_000
MESSAGES_PER_ACCOUNT = 200  # a day
ROBOT_PER_MINUTE = 20


def out_of_limit() -> Refused:
    """Refuse for too many calls."""
    return errcode(45009, "api freq out of limit, hint: [simulated]")


class Limits:
    """Counts calls and messages."""

    def __init__(self, options: SimulatorOptions, clock: SimClock) -> None:
        self._options = options
        self._clock = clock
        self._calls: Counter[tuple[str, str, int]] = Counter()  # path, kind of window, its number
        self._blocked: dict[str, float] = {}
        self._windows = (-1, -1)
        self._member: dict[str, deque[float]] = {}
        self._robots: dict[str, deque[float]] = {}
        self._day = -1
        self.messages_today = 0
        self.dropped: Counter[str] = Counter()  # by member

    def spend_call(self, path: str) -> None:
        """Count a call of one API; above the limit the API is blocked for the length of the window."""
        if not self._options.wecom_base_limits:
            return
        now = self._clock.seconds()
        if self._blocked.get(path, 0.0) > now:
            raise out_of_limit()
        minute, hour = int(now // MINUTE_SECONDS), int(now // HOUR_SECONDS)
        if (minute, hour) != self._windows:
            kept = {("minute", minute), ("hour", hour)}
            self._calls = Counter({key: number for key, number in self._calls.items() if key[1:] in kept})
            self._windows = (minute, hour)
        windows = (("minute", minute, CALLS_PER_MINUTE, MINUTE_SECONDS), ("hour", hour, CALLS_PER_HOUR, HOUR_SECONDS))
        for kind, number, limit, block_seconds in windows:
            self._calls[path, kind, number] += 1
            if self._calls[path, kind, number] > limit:
                self._blocked[path] = now + block_seconds
                raise out_of_limit()

    def spend_messages(self, count: int) -> None:
        """Count messages of the application against its day."""
        day = self._clock.shanghai_day()
        if day != self._day:
            self._day, self.messages_today = day, 0
        if self.messages_today + count > self._options.wecom_accounts * MESSAGES_PER_ACCOUNT:
            raise out_of_limit()
        self.messages_today += count

    def takes(self, userid: str) -> bool:
        """Tell whether one more message reaches a member; one that does not is counted in `dropped`."""
        per_minute, per_hour = self._options.wecom_member_per_minute, self._options.wecom_member_per_hour
        now = self._clock.seconds()
        recent = self._member.setdefault(userid, deque())
        while recent and recent[0] <= now - HOUR_SECONDS:
            recent.popleft()
        last_minute = sum(1 for at in recent if at > now - MINUTE_SECONDS) if per_minute is not None else 0
        full = (per_minute is not None and last_minute >= per_minute) or (per_hour is not None and len(recent) >= per_hour)
        if full:
            self.dropped[userid] += 1
            return False
        if per_minute is not None or per_hour is not None:
            recent.append(now)
        return True

    def spend_robot(self, key: str) -> None:
        """Count one message of a group robot, in a sliding minute."""
        now = self._clock.seconds()
        recent = self._robots.setdefault(key, deque())
        while recent and recent[0] <= now - MINUTE_SECONDS:
            recent.popleft()
        if len(recent) >= ROBOT_PER_MINUTE:
            raise out_of_limit()
        recent.append(now)
