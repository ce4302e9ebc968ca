"""`restore` is killed at any moment: the database is the whole old one or the whole new one, and the next try works."""

import asyncio
import os
import random
import shutil
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

import asyncpg
import pytest

from bot.bench.place import SECRETS, Place
from bot.models import all_models
from crm_core.clock import SystemClock
from crm_core.copying import Fingerprint, fingerprints
from crm_core.stores import PostgresStore, SqliteStore, tables_of
from tests.conftest import new_database

PEOPLE = 2000
KILLS = 16
Prints = dict[str, Fingerprint]
FILL = "import sys, bot.bench.filling as b; b.fill_now(sys.argv[1], int(sys.argv[2]))"
GO_ON = "UPDATE leads SET region = '上海' WHERE id % 3 = 0; DELETE FROM leads WHERE id % 50 = 0"
"""What is written after the backup."""
MARK = "state_entries"
"""On a server, a restore leaves its mark among these rows."""


async def run(place: Place, *words: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *place.command(*words),
        env={**os.environ, **SECRETS},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )


async def succeed(place: Place, *words: str) -> float:
    """Run a command to its good end; tells how long that took."""
    began = SystemClock().monotonic()
    process = await run(place, *words)
    _, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return SystemClock().monotonic() - began


async def fill(place: Place) -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", FILL, place.database_url, str(PEOPLE))
    assert await process.wait() == 0


async def prints_of(store: SqliteStore | PostgresStore) -> Prints:
    found = await fingerprints(store, tables_of(all_models()), lambda *_: None)
    return {name: each for name, each in found.items() if name != MARK}


async def prints_of_file(path: Path) -> Prints:
    store = SqliteStore(path)
    try:
        assert store.raw.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        return await prints_of(store)
    finally:
        await store.close()


class Moments:
    """When to kill: at any time of the run, or a little after something happened to the files."""

    def __init__(self, place: Place, seconds: float, dice: random.Random) -> None:
        self._place = place
        self._seconds = seconds
        self._dice = dice

    async def come(self, number: int, process: asyncio.subprocess.Process) -> None:
        database, store = self._place.database, self._place.folder / "data"
        before = database.stat().st_ino
        seen: list[Callable[[], bool]] = [
            lambda: (database.parent / f".{database.name}.restoring").exists(),
            lambda: any(store.glob("backups/.before-restore-*")),
            lambda: any(store.glob("backups/before-restore-*")),
            lambda: database.stat().st_ino != before,
        ]
        if number % 3 == 0:
            await asyncio.sleep(self._dice.uniform(0.3, 1.0) * self._seconds)
            return
        happened = seen[number % len(seen)]
        while process.returncode is None and not happened():
            await asyncio.sleep(0.001)
        await asyncio.sleep(self._dice.choice([0.0, self._dice.uniform(0, 0.01), self._dice.uniform(0, 0.05)]))


@asynccontextmanager
async def killed(place: Place, moments: Moments, number: int) -> AsyncIterator[None]:
    process = await run(place, "restore", str(place.folder / "one.db"))
    try:
        await moments.come(number, process)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.communicate()
    yield


def change(path: Path) -> None:
    """Let the database go on after its backup; what is committed last stands in the write-ahead file alone."""
    raw = sqlite3.connect(path)
    raw.execute("PRAGMA journal_mode=WAL")
    for statement in GO_ON.split("; "):
        raw.execute(statement)
    raw.commit()
    for name in ("", "-wal"):
        shutil.copy(f"{path}{name}", f"{path}{name}.kept")
    raw.close()


def put_back(place: Place) -> None:
    """Make the place as it was after `change`, as a killed process leaves it."""
    for beside in place.folder.glob(f"*{place.database.name}*"):
        if beside.suffix != ".kept":
            beside.unlink()
    for name in ("", "-wal"):
        shutil.copy(f"{place.database}{name}.kept", f"{place.database}{name}")


@pytest.mark.faults  # two dozen processes
@pytest.mark.timeout(300)
async def test_restore_of_a_file_killed_at_any_moment(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.write_settings()
    await fill(place)
    await succeed(place, "backup", str(place.folder / "one.db"))
    change(place.database)
    put_back(place)
    old = await prints_of_file(place.database)
    put_back(place)
    seconds = await succeed(place, "restore", str(place.folder / "one.db"))
    new = await prints_of_file(place.database)
    assert old["leads"] != new["leads"]
    dice, seen = random.Random(5), {"old": 0, "new": 0}
    moments = Moments(place, seconds, dice)
    for number in range(KILLS):
        put_back(place)
        async with killed(place, moments, number):
            found = await prints_of_file(place.database)
            assert found in (old, new), [name for name in found if found[name] not in (old[name], new[name])]
            seen["new" if found == new else "old"] += 1
        if number % 7 == 5:  # what the killed one left lying about does no harm to the next
            await succeed(place, "restore", str(place.folder / "one.db"))
            assert await prints_of_file(place.database) == new
            assert not list(place.folder.glob(".*.restoring*"))
            assert not list((place.folder / "data" / "backups").glob(".*"))
    assert all(seen.values()), seen
    put_back(place)
    async with killed(place, moments, 1):
        running = await place.serve()
        assert await running.stop() == 0
    with closing(sqlite3.connect(place.database)) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


@pytest.mark.faults  # a dozen processes and a server
@pytest.mark.timeout(300)
async def test_restore_on_a_server_killed_at_any_moment(tmp_path: Path) -> None:
    place = Place(tmp_path, server=await new_database())
    place.write_settings()
    await fill(place)
    await succeed(place, "backup", str(place.folder / "one.db"))
    connection = await asyncpg.connect(place.server)
    try:
        _, seconds = await restore_on_server(place, 60.0)
        new = await prints_of_server(connection, place)
        await connection.execute(GO_ON)
        old = await prints_of_server(connection, place)
        assert old["leads"] != new["leads"]
        dice, seen = random.Random(6), {"old": 0, "new": 0}
        for _ in range(8):
            await connection.execute(GO_ON)
            ended, _ = await restore_on_server(place, dice.uniform(0.0, seconds))
            found = await prints_of_server(connection, place)
            assert found in (old, new), [name for name in found if found[name] not in (old[name], new[name])]
            assert found == new or not ended
            seen["new" if found == new else "old"] += 1
        assert seen["old"], seen
        await succeed(place, "restore", str(place.folder / "one.db"))
        assert await prints_of_server(connection, place) == new
        assert not list((place.folder / "data").glob("restoring-*"))
        await succeed(place, "audit", "verify")
    finally:
        await connection.close()


async def restore_on_server(place: Place, within: float) -> tuple[bool, float]:
    """Restore, killed so many seconds after the server is first written to; tells whether it ended, and its seconds."""
    process = await run(place, "restore", str(place.folder / "one.db"))
    while process.returncode is None and not any((place.folder / "data").glob("restoring-*/current.db")):
        await asyncio.sleep(0.001)
    began = SystemClock().monotonic()
    try:
        async with asyncio.timeout(within):
            return await process.wait() == 0, SystemClock().monotonic() - began
    except TimeoutError:
        process.send_signal(signal.SIGKILL)
        return False, within
    finally:
        await process.communicate()


async def prints_of_server(connection: asyncpg.Connection, place: Place) -> Prints:
    """Look once the server has noticed that the killed one is gone."""
    ours = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND backend_type = 'client backend'"
    )
    async with asyncio.timeout(20):
        while await connection.fetchval(ours):
            await asyncio.sleep(0.05)
    store = await PostgresStore.open(place.server)
    try:
        return await prints_of(store)
    finally:
        await store.close()
