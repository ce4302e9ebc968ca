"""One world a test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.faults.world import World


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A world that ends with the test; `open` it first."""
    made = World(tmp_path)
    yield made
    await made.close()
