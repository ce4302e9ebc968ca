"""The clock, and the one place where UTC becomes Shanghai time and back."""

import asyncio
import time
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from typing import Protocol
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


class Clock(Protocol):
    """What the time is, and waiting for it; tests move it by hand."""

    def now(self) -> datetime:
        """Tell the instant, aware, in UTC."""

    def monotonic(self) -> float:
        """Tell seconds that never jump, for durations inside a process."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Tell the instant, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Tell seconds since an arbitrary start."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait on the event loop."""
        await asyncio.sleep(seconds)


def to_local(at: datetime) -> datetime:
    """Turn an instant into Shanghai wall time."""
    return at.astimezone(SHANGHAI)


def local_day(at: datetime) -> date:
    """Tell the Shanghai date of an instant."""
    return to_local(at).date()


def today(clock: Clock) -> date:
    """Tell the Shanghai date of now."""
    return local_day(clock.now())


def at_local(day: date, hour_minute: time_of_day) -> datetime:
    """Tell the UTC instant of a Shanghai date and time of day."""
    return datetime.combine(day, hour_minute, tzinfo=SHANGHAI).astimezone(UTC)


def day_bounds(day: date) -> tuple[datetime, datetime]:
    """Tell the half-open UTC range of one Shanghai day."""
    start = at_local(day, time_of_day())
    return start, at_local(day + timedelta(days=1), time_of_day())
