"""Ledgers that move between Redis and the database: never one call too many, whatever happens to Redis.

Time is simulated, and so is Redis: what matters is when each process hears of what.
"""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from bot.quota_home import QuotaHome
from bot.quotas import Quota
from bot.redis_state import RedisGone, SharedState
from tests.bot.test_quotas import DINGTALK, Platform, Process, SimulatedClock, finish, run_for
from tests.fakes import MemoryState


class Network:
    """The way of one process to Redis, which may break for it alone."""

    def __init__(self, redis: MemoryState) -> None:
        self._redis = redis
        self.broken = False

    def _way(self) -> MemoryState:
        if self.broken:
            raise RedisGone
        return self._redis

    async def add(self, key: str, value: str, *, lasts: timedelta) -> bool:
        return await self._way().add(key, value, lasts=lasts)

    async def swap(self, key: str, old: str, new: str, *, lasts: timedelta) -> bool:
        return await self._way().swap(key, old, new, lasts=lasts)

    async def look(self, key: str) -> tuple[datetime, str | None]:
        return await self._way().look(key)


class House:
    """Workers of one database and one Redis."""

    def __init__(self, seed: int, count: int = 2, slow: float = 0.05) -> None:
        self.clock = SimulatedClock()
        self.dice = random.Random(seed)
        self.platform = Platform(self.clock, self.dice, slow=slow)
        self.redis, self.database = MemoryState(self.clock), MemoryState(self.clock)
        self.networks = [Network(self.redis) for _ in range(count)]
        self.shared = [SharedState(network, self.database) for network in self.networks]  # type: ignore[arg-type]
        self.processes = [self.process(shared) for shared in self.shared]

    def process(self, shared: SharedState) -> Process:
        made = Process(MemoryState(self.clock), self.platform, [DINGTALK], senders=0)
        made.quota = Quota("wechat", [DINGTALK], self.clock, QuotaHome(shared, self.database, self.clock))
        return made.begin(30)

    async def run(self, seconds: float) -> int:
        before = len(self.platform.arrived)
        await run_for(self.clock, seconds)
        return len(self.platform.arrived) - before

    def mend(self, networks: Sequence[int]) -> None:
        for number in networks:
            self.networks[number].broken = False
            self.shared[number].degraded = False

    async def end(self) -> None:
        await finish(self.clock, self.processes)
        self.platform.check([DINGTALK])


async def test_ledgers_stand_in_redis_while_it_answers() -> None:
    house = House(1)
    await house.run(10)
    assert await house.redis.get(next(iter(house.redis._values)))
    assert not [key for key in house.database._values if key.startswith("quota:")]
    assert await house.run(10) >= 180
    await house.end()


@pytest.mark.parametrize("seed", range(4))
async def test_redis_that_breaks_for_one_or_for_all_lets_no_call_too_many_through(seed: int) -> None:
    house = House(seed)
    await house.run(house.dice.uniform(5, 8))
    for broken in ((0,), (1,), (0, 1)):
        for number in broken:
            house.networks[number].broken = True
        await house.run(house.dice.uniform(0.5, 4))
        assert await house.run(8) >= 60, "the database goes on counting"
        house.mend((0, 1))
        await house.run(70)  # and back to Redis
    await house.end()
    assert len(house.platform.arrived) > 20 * 180


@pytest.mark.parametrize("seed", range(4))
async def test_flush_is_noticed_and_waited_out(seed: int) -> None:
    house = House(seed)
    for _ in range(5):
        await house.run(house.dice.uniform(5, 8))
        house.redis._values.clear()
    assert await house.run(10) >= 80
    await house.end()
