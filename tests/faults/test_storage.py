"""Fault rows 8 and 10: a locked database and a full disk; nothing is acknowledged that is not durable."""

import asyncio
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bot.bench.load import Job, run_load
from bot.bench.place import ask
from crm_core.db import DatabaseSettings
from tests.faults.town import Town, town
from tests.locked import locked
from tests.postgres import PostgresServer


async def one(made: Town, first: int) -> str:
    """The status of one message, sent once."""
    seen = await run_load(Job(made.place.port, count=1, connections=1, first_message=first))
    return next(iter(seen.statuses))


async def back_within(made: Town, seconds: float, first: int) -> None:
    begun = time.monotonic()
    while await one(made, first) != "200":
        first += 1
        assert time.monotonic() - begun < seconds


def stored(made: Town) -> int:
    return int(made.rows("SELECT count(*) FROM messages WHERE direction = 'in' AND external_id <> ''")[0][0])


@pytest.mark.slow  # the database stays locked for some seconds
async def test_locked_database_is_answered_503_in_time_and_is_back_at_once(tmp_path: Path, server: str) -> None:
    async with town(tmp_path, 50, where=server) as made:
        await made.start()
        assert await one(made, 0) == "200"
        before = stored(made)
        async with locked(DatabaseSettings(made.place.database_url)):
            seen = await run_load(Job(made.place.port, count=20, connections=20, first_message=100))
        assert set(seen.statuses) == {"503"}
        assert seen.worst < 4500
        await back_within(made, 5, 1000)
        assert stored(made) <= before + 2
        assert made.product is not None
        assert made.product.process.returncode is None


def small_disk(folder: Path) -> Path | None:
    """Mount a small file system, where this machine lets us."""
    disk = folder / "disk"
    disk.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", disk], capture_output=True, check=False)
    return disk if done.returncode == 0 else None


@pytest.mark.faults
@pytest.mark.timeout(120)
async def test_full_disk_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    disk = small_disk(tmp_path)
    if disk is None:
        pytest.skip("no right to mount a small file system here; the writer's own test fills a database instead")
    try:
        await fill_the_disk(disk)
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


async def fill_the_disk(disk: Path) -> None:
    async with town(disk, 50) as made:
        await made.start()
        ballast = disk / "ballast"
        free = os.statvfs(disk)
        ballast.write_bytes(b"x" * (free.f_bavail * free.f_frsize - 64 * 1024))
        seen = await run_load(Job(made.place.port, count=400, connections=20, keep_bodies=True))
        assert seen.statuses.get("503", 0) > 0, seen.statuses
        assert seen.worst < 4500
        acknowledged = sum(1 for bodies in seen.bodies if not bodies[0].startswith("!"))
        assert stored(made) == acknowledged
        ballast.unlink()
        await back_within(made, 5, 10_000)
        assert made.rows("PRAGMA integrity_check") == [("ok",)]
        assert made.product is not None
        assert made.product.process.returncode is None


def test_unwritable_folder_is_one_sentence_and_status_1(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        soft, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
        assert soft  # root may write everywhere: a file in the way of the folder does the same
    (tmp_path / "data").write_text("in the way")
    (tmp_path / "config.toml").write_text('[core]\ndata_dir = "data"\n[database]\nurl = "sqlite://data/guanxi.db"\n')
    done = subprocess.run(
        [sys.executable, "-m", "bot", "--config", tmp_path / "config.toml", "serve"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


async def test_reading_goes_on_while_nothing_can_be_written(tmp_path: Path, server: str) -> None:
    async with town(tmp_path, 20, where=server) as made:
        token = await made.place.run("token", "create", "reader", "--role", "admin")
        await made.start()
        async with locked(DatabaseSettings(made.place.database_url)), asyncio.timeout(3):
            listed = await ask(f"http://127.0.0.1:{made.place.port}/api/v1/leads?limit=5", token=token)
        assert len(listed["items"]) == 5


@pytest.mark.faults  # a server is frozen for longer than a platform waits, and killed
@pytest.mark.timeout(180)
async def test_server_that_freezes_or_dies_costs_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    server = await asyncio.to_thread(PostgresServer().make)
    try:
        async with town(tmp_path, 50, where=server.database()) as made:
            await made.start()
            for stop, go_on in ((server.freeze, server.thaw), (server.kill, server.start)):
                first = 1000 + stored(made) * 100
                assert await one(made, first) == "200"
                before = stored(made)
                stop()
                seen = await run_load(Job(made.place.port, count=40, connections=20, first_message=first + 1))
                assert set(seen.statuses) == {"503"}
                assert seen.worst < 4500
                await asyncio.to_thread(go_on)
                await back_within(made, 5, first + 50)
                # What was on its way when the server froze may have arrived; the platform repeats it.
                assert before + 1 <= stored(made) <= before + 60
            assert made.product is not None
            assert made.product.process.returncode is None
            again = await run_load(Job(made.place.port, count=40, connections=20, first_message=first + 1))
            assert set(again.statuses) == {"200"}
    finally:
        server.thaw()
        server.stop()
