"""One database a test process, emptied between tests; a clock moved by hand; the network limited to loopback.

`GUANXI_TEST_DATABASE=postgres` runs everything on a private PostgreSQL server, one for the run, with a database for each
test process; tests marked `sqlite_only` are about the embedded database and are left out then.
"""

import os
import secrets
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
from tests.postgres import PostgresServer

SERVER = "GUANXI_TEST_POSTGRES"
"""Where the server of this run is; set by the process that started it for those it starts."""
_server: list[PostgresServer] = []


def on_postgres() -> bool:
    return os.environ.get("GUANXI_TEST_DATABASE", "sqlite") == "postgres"


def pytest_configure(config: pytest.Config) -> None:
    # With xdist this runs in the process that starts the others first; they find the server's address.
    if on_postgres():
        server_address()


def server_address() -> str:
    """Tell where the server of this run is, with a place for the database's name; it is started when first asked for."""
    if SERVER not in os.environ:
        _server.append(PostgresServer().make())
        os.environ[SERVER] = _server[0].url("{}")
    return os.environ[SERVER]


def pytest_unconfigure(config: pytest.Config) -> None:
    while _server:
        _server.pop().stop()
        os.environ.pop(SERVER, None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not on_postgres():
        return
    for item in items:
        mark = item.get_closest_marker("sqlite_only")
        if mark is not None:
            item.add_marker(pytest.mark.skip(reason=f"SQLite only: {mark.args[0]}"))


async def new_database() -> str:
    """Make an empty database on the server of this run; gives its address."""
    import asyncpg

    name = f"guanxi_{os.getpid()}_{secrets.token_hex(4)}"
    connection = await asyncpg.connect(server_address().format("postgres"))
    try:
        await connection.execute(f'CREATE DATABASE "{name}"')
    finally:
        await connection.close()
    return server_address().format(name)


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
    url = await new_database() if on_postgres() else f"sqlite://{path}"
    database = Database(DatabaseSettings(url, durability="process"), MODEL_MODULES)
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
