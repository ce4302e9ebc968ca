"""The reachability ledger: may this account be written to now, how many are left, until when, what reopens it.

A channel states its windows as a `ReachRule`; the use of a window is counted on the account's row
(`message_window_*`, `event_window_*`), in the transaction that claims the send.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Window:
    """A right to write: `count` messages within `lasts` of what opened it."""

    count: int
    lasts: timedelta


@dataclass(frozen=True, slots=True)
class MassRule:
    """What one mass call of a channel may hold, and how many of them a person gets in a calendar month (None: any)."""

    most: int = 10_000
    least: int = 2
    monthly: int | None = 4


@dataclass(frozen=True, slots=True)
class ReachRule:
    """When a channel lets us write to a person of our own accord.

    `message` opens with the person's message, `event` with a follow, menu click or scan. None on both: always open.
    `mass` tells that it has mass sending, which needs no window.
    """

    message: Window | None = None
    event: Window | None = None
    mass: MassRule | None = None

    @classmethod
    def always(cls) -> "ReachRule":
        """Say that the channel has no window."""
        return cls()

    @property
    def windowed(self) -> bool:
        """Whether a window must be open."""
        return self.message is not None or self.event is not None


@dataclass(frozen=True, slots=True)
class WindowUse:
    """When a window was opened last and how many messages went through it since."""

    opened_at: datetime | None
    used: int


@dataclass(frozen=True, slots=True)
class Reach:
    """The answer: open now, how many are left, until when, and what would reopen it."""

    open: bool
    left: int | None = None
    until: datetime | None = None
    reopens_by: str = ""


def _left(window: Window | None, use: WindowUse, now: datetime) -> tuple[int, datetime | None]:
    if window is None or use.opened_at is None or now >= use.opened_at + window.lasts:
        return 0, None
    return max(0, window.count - use.used), use.opened_at + window.lasts


def reach_of(rule: ReachRule, message: WindowUse, event: WindowUse, now: datetime) -> Reach:
    """Work out whether an account may be written to now; pure."""
    if not rule.windowed:
        return Reach(open=True)
    by_message, message_until = _left(rule.message, message, now)
    by_event, event_until = _left(rule.event, event, now)
    if by_message + by_event == 0:
        return Reach(open=False, left=0, reopens_by="客户再发一条消息")
    until = max(u for left, u in ((by_message, message_until), (by_event, event_until)) if left and u)
    return Reach(open=True, left=by_message + by_event, until=until, reopens_by="客户再发一条消息")
