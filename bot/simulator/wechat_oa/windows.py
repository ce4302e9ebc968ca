"""How many customer-service messages an account may still send to a person, and until when.

Source: protocols.md section 2.2, customer-service message: 5 within 48 h after a message; 3 within
a minute after following, a menu click or a scan; without a limit within 48 h after a payment.
"""

from dataclasses import dataclass

from bot.simulator.calls import errcode
from bot.simulator.clock import SimClock

HOURS_48_SECONDS = 48 * 3600.0
RULES: dict[str, tuple[float, int | None]] = {  # what the person did: seconds, messages (None: no limit)
    "message": (HOURS_48_SECONDS, 5),
    "menu": (60.0, 3),
    "follow": (60.0, 3),
    "scan": (60.0, 3),
    "payment": (HOURS_48_SECONDS, None),
}


@dataclass(slots=True)
class Grant:
    """What one action of a person allows."""

    ends_at: float
    left: int | None


class Windows:
    """The open windows of every person."""

    def __init__(self, clock: SimClock) -> None:
        self._clock = clock
        self._grants: dict[str, dict[str, Grant]] = {}
        self.rules = dict(RULES)

    def open(self, openid: str, action: str) -> None:
        """Open the window of an action anew; its count starts again."""
        seconds, count = self.rules[action]
        self._grants.setdefault(openid, {})[action] = Grant(self._clock.seconds() + seconds, count)

    def close(self, openid: str) -> None:
        """Close all windows, as unfollowing does."""
        self._grants.pop(openid, None)

    def spend(self, openid: str) -> None:
        """Use one message, of the window that ends first; refuse if none is open or left."""
        now = self._clock.seconds()
        grants = [grant for grant in self._grants.get(openid, {}).values() if grant.ends_at > now]
        if not grants:
            raise errcode(45015, "response out of time limit or subscription is canceled rid: simulated")
        usable = [grant for grant in grants if grant.left != 0]
        if not usable:
            raise errcode(45047, "out of response count limit rid: simulated")
        grant = min(usable, key=lambda grant: grant.ends_at)
        if grant.left is not None:
            grant.left -= 1

    def count_left(self, openid: str) -> int | None:
        """Count the messages still allowed now; None is without a limit."""
        now = self._clock.seconds()
        open_grants = [grant.left for grant in self._grants.get(openid, {}).values() if grant.ends_at > now]
        return None if None in open_grants else sum(left for left in open_grants if left is not None)
