"""What a puller has to remember, in the database itself: the cursor, and when we looked at the account first.

A shared Redis may forget; a forgotten cursor would fetch three days again, and a forgotten first look would answer them.
"""

from datetime import datetime, timedelta

from crm_core.ports import Core
from crm_core.state import DatabaseState

_FOR_EVER = timedelta(days=3650)
_SLACK = timedelta(minutes=1)
"""Times of the platform are whole seconds of its own clock; what was said while we started is answered."""


class Positions:
    """The memory of one account."""

    def __init__(self, core: Core, account: str) -> None:
        self.store = DatabaseState(core.db, core.clock)
        self._clock = core.clock
        self._account = account

    async def cursor(self) -> str:
        """Tell where to go on; "" for the oldest the platform keeps."""
        return await self.store.get(self._key("cursor")) or ""

    async def move(self, cursor: str) -> None:
        """Go on from here: everything before is recorded."""
        await self.store.set(self._key("cursor"), cursor, lasts=_FOR_EVER)

    async def first_look(self) -> datetime:
        """Tell when this account was looked at first; noted now if it never was."""
        now = (self._clock.now() - _SLACK).isoformat()
        await self.store.add(self._key("since"), now, lasts=_FOR_EVER)
        return datetime.fromisoformat(await self.store.get(self._key("since")) or now)

    async def is_my_poll(self, every: timedelta) -> bool:
        """Tell whether this process makes the next look without an event; one of several does."""
        return await self.store.add(self._key("poll"), "1", lasts=every)

    def _key(self, what: str) -> str:
        return f"kf_{what}:{self._account}"

    @property
    def lock(self) -> str:
        """The name of the lock that lets one process pull at a time."""
        return f"kf_pull:{self._account}"
