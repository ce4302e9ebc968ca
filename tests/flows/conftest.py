"""The started product for whole flows."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from crm_core.db import Database
from tests.house import House


@pytest_asyncio.fixture
async def house(db: Database, tmp_path: Path) -> AsyncIterator[House]:
    made = await House(db, tmp_path).start()
    yield made
    await made.stop()


@pytest_asyncio.fixture
async def late_house(db: Database, tmp_path: Path) -> AsyncIterator[House]:
    """A product that always answers later."""
    made = await House(db, tmp_path, server={"reply_within": "0s"}).start()
    yield made
    await made.stop()
