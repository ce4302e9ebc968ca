"""On which database a fault is tried: long tests on both, the others on the one of this run."""

import pytest
import pytest_asyncio

from tests.conftest import new_database, on_postgres

BOTH = ("sqlite", "postgres")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "server" in metafunc.fixturenames:
        is_long = metafunc.definition.get_closest_marker("faults") is not None
        metafunc.parametrize("server", BOTH if is_long else BOTH[on_postgres() :][:1], indirect=True)


@pytest_asyncio.fixture
async def server(request: pytest.FixtureRequest) -> str:
    """The address of an empty database on a server; empty text: the town keeps its own file."""
    return await new_database() if request.param == "postgres" else ""
