"""The clock of the simulated platforms: it runs with the wall clock and can be turned.

Windows, tokens, quotas and session addresses follow the turned time. What is written on pushes
follows the unturned time unless asked otherwise, because the product checks the freshness of a
push against its own clock, which nobody turns.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

SHANGHAI = timezone(timedelta(hours=8))  # the platforms count their days and months in Chinese time
DAY_SECONDS = 86_400
SHANGHAI_OFFSET_SECONDS = 8 * 3600


def wall_seconds() -> float:
    """Tell the wall clock's time in unix seconds."""
    return time.time()  # noqa: TID251 - the simulators stand apart from the product and have a clock of their own


class SimClock:
    """A clock that can be turned forward and set back to the source it runs with."""

    def __init__(self, source: Callable[[], float] = wall_seconds) -> None:
        self.source = source
        self.pushes_turned = False
        self._offset_seconds = 0.0

    def seconds(self) -> float:
        """Tell the platforms' time in unix seconds."""
        return self.source() + self._offset_seconds

    def milliseconds(self) -> int:
        """Tell the platforms' time in unix milliseconds."""
        return int(self.seconds() * 1000)

    def now(self) -> datetime:
        """Tell the platforms' time as an aware UTC instant."""
        return datetime.fromtimestamp(self.seconds(), UTC)

    def stamp(self) -> float:
        """Tell the time that pushes carry: unturned, unless `pushes_turned` is set."""
        return self.seconds() if self.pushes_turned else self.source()

    def advance(self, amount: timedelta | float) -> None:
        """Turn the clock forward by a duration, or by seconds."""
        self._offset_seconds += amount.total_seconds() if isinstance(amount, timedelta) else float(amount)

    def turn_to(self, moment: datetime) -> None:
        """Turn the clock to an aware instant."""
        self._offset_seconds = moment.timestamp() - self.source()

    def reset(self) -> None:
        """Go back to the source's time."""
        self._offset_seconds = 0.0

    @property
    def offset_seconds(self) -> float:
        """How far the clock is turned."""
        return self._offset_seconds

    def shanghai_day(self) -> int:
        """Tell the number of the current day in China, counted from 1970."""
        return int((self.seconds() + SHANGHAI_OFFSET_SECONDS) // DAY_SECONDS)

    def shanghai_month(self) -> str:
        """Name the current month in China, as 2026-11."""
        return self.now().astimezone(SHANGHAI).strftime("%Y-%m")
