"""One database a test process, emptied between tests; a clock moved by hand; the network limited to loopback."""

import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.models import MODEL_MODULES
from crm_core.db import Database, DatabaseSettings
from crm_core.outbox import DatabaseOutbox
from crm_core.ports import Core
from crm_core.state import DatabaseState
from tests.fakes import FakeClock


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail a test that connects to anything but this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if isinstance(address, tuple) and str(address[0]) not in ("127.0.0.1", "::1", "localhost"):
            raise AssertionError(f"a test tried to reach {address[0]}")
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest_asyncio.fixture(scope="session")
async def _database(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Database]:
    path: Path = tmp_path_factory.mktemp("db") / "test.db"
    database = Database(DatabaseSettings(f"sqlite://{path}", durability="process"), MODEL_MODULES)
    await database.open()
    await database.migrate()
    yield database
    await database.close()


@pytest_asyncio.fixture
async def db(_database: Database) -> AsyncIterator[Database]:
    """The one database, empty."""
    yield _database
    await _database.empty()


@pytest.fixture
def clock() -> FakeClock:
    """2026-11-25 10:00 in Shanghai, a Wednesday; moves by `advance` alone."""
    return FakeClock()


@pytest_asyncio.fixture
async def core(db: Database, clock: FakeClock) -> AsyncIterator[Core]:
    """The bundle every use case needs, over the real database."""
    outbox = DatabaseOutbox()
    made = Core(clock=clock, db=db, outbox=outbox, state=DatabaseState(db, clock), staff_channels=frozenset({"dingtalk"}))
    outbox.bind(made)
    yield made
