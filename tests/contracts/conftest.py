"""The places the suites of the ports run in."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from crm_core.ports import Core, StateStore
from tests.contracts.places import PLACES, Place
from tests.contracts.places import place as open_place
from tests.fakes import FakeClock
from tests.redis_server import RedisServer


@pytest_asyncio.fixture(scope="session")
async def redis_server() -> AsyncIterator[RedisServer]:
    """One private server for all suites of this process."""
    server = await RedisServer().start()
    yield server
    server.close()


@pytest_asyncio.fixture(params=PLACES)
async def place(
    request: pytest.FixtureRequest, core: Core, clock: FakeClock, redis_server: RedisServer
) -> AsyncIterator[Place]:
    async with open_place(request.param, core, clock, redis_server) as opened:
        yield opened


@pytest.fixture
def state(place: Place) -> StateStore:
    return place.state
