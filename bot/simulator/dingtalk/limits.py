"""Limits of DingTalk: calls a second for one API, calls a month, the custom robot's 20 a minute.

Source: protocols.md section 4.5, rate limits and custom group robot.
"""

from collections import Counter, deque
from dataclasses import dataclass, field

from bot.simulator.accounts import SimulatorOptions
from bot.simulator.calls import code, errcode
from bot.simulator.clock import SimClock

SECOND_CODE = "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi"
MONTH_CODE = "Forbidden.AccessDenied.ApiCountLimitForOrg"
ROBOT_PER_MINUTE = 20
ROBOT_BLOCK_SECONDS = 600.0
MINUTE_SECONDS = 60.0


class Limits:
    """Counts calls against the limits of an application."""

    def __init__(self, options: SimulatorOptions, clock: SimClock) -> None:
        self._options = options
        self._clock = clock
        self._recent: dict[str, deque[float]] = {}
        self.monthly_calls: Counter[str] = Counter()  # by month, 2026-11
        self.rejected = 0  # calls above the limit of a second

    def spend(self, path: str, *, older: bool = False) -> None:
        """Count one API call; refuse above the limits of the second and the month, in the older form if asked."""
        if self.is_month_used_up():
            raise errcode(90020, "API调用次数超限") if older else code(MONTH_CODE, status=403)
        limit = self._options.dingtalk_qps
        if limit is not None and self._is_too_fast(path, limit):
            self.rejected += 1
            raise errcode(90018, "您的服务器调用钉钉开放平台接口超限") if older else code(SECOND_CODE, status=403)
        self.monthly_calls[self._clock.shanghai_month()] += 1

    def count_push(self) -> None:
        """Count one push to the application: it uses the month's quota as well."""
        self.monthly_calls[self._clock.shanghai_month()] += 1

    def is_month_used_up(self) -> bool:
        """Tell whether the month's quota is gone."""
        limit = self._options.dingtalk_monthly_calls
        return limit is not None and self.monthly_calls[self._clock.shanghai_month()] >= limit

    def _is_too_fast(self, path: str, limit: int) -> bool:
        now = self._clock.seconds()
        recent = self._recent.setdefault(path, deque())
        while recent and recent[0] <= now - 1.0:
            recent.popleft()
        if len(recent) >= limit:
            return True
        recent.append(now)
        return False


@dataclass(slots=True)
class RobotLimit:
    """The 20 messages a minute of one custom robot, and its block of 10 minutes."""

    recent: deque[float] = field(default_factory=deque)
    blocked_until: float = 0.0

    def spend(self, now: float, *, older: bool = False) -> None:
        """Count one message; above the limit the robot is blocked, which was once said with another code."""
        too_fast = (
            errcode(130101, "send too fast, exceed 20 times per minute") if older else errcode(410100, "发送速度太快而限流")
        )
        if now < self.blocked_until:
            raise too_fast
        while self.recent and self.recent[0] <= now - MINUTE_SECONDS:
            self.recent.popleft()
        if len(self.recent) >= ROBOT_PER_MINUTE:
            self.blocked_until = now + ROBOT_BLOCK_SECONDS
            raise too_fast
        self.recent.append(now)
