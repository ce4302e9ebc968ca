"""Fakes that implement a whole port."""

import asyncio
from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)


class FakeClock:
    """A clock that only moves when told to; sleepers wake when their time has come."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self._elapsed = 0.0
        self._sleepers: list[tuple[float, asyncio.Event]] = []

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        event = asyncio.Event()
        self._sleepers.append((self._elapsed + seconds, event))
        await event.wait()

    def advance(self, by: timedelta | float) -> None:
        seconds = by.total_seconds() if isinstance(by, timedelta) else by
        self._now += timedelta(seconds=seconds)
        self._elapsed += seconds
        for due, event in self._sleepers:
            if due <= self._elapsed:
                event.set()
        self._sleepers = [(due, event) for due, event in self._sleepers if not event.is_set()]

    def set(self, at: datetime) -> None:
        """Turn the calendar clock (not the monotonic one), as an operator or NTP would."""
        self._now = at


class MemoryState:
    """`StateStore` in memory."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self._values: dict[str, tuple[str, datetime]] = {}

    async def get(self, key: str) -> str | None:
        value, until = self._values.get(key, (None, None))
        return value if until is not None and until > self._clock.now() else None

    async def set(self, key: str, value: str, *, lasts: timedelta) -> None:
        self._values[key] = (value, self._clock.now() + lasts)

    async def add(self, key: str, value: str, *, lasts: timedelta) -> bool:
        if await self.get(key) is not None:
            return False
        await self.set(key, value, lasts=lasts)
        return True

    async def delete(self, key: str) -> None:
        self._values.pop(key, None)

    async def swap(self, key: str, old: str, new: str, *, lasts: timedelta) -> bool:
        if await self.get(key) != old:
            return False
        await self.set(key, new, lasts=lasts)
        return True

    async def discard(self, key: str, value: str) -> bool:
        if await self.get(key) != value:
            return False
        await self.delete(key)
        return True

    async def look(self, key: str) -> tuple[datetime, str | None]:
        return self._clock.now(), await self.get(key)
