"""An import that is killed again and again: each row once, and all of it can still be taken back."""

import asyncio
import random
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bot.bench.place import SECRETS, Place
from bot.bench.rows_tables import HEAD, rows
from tests.crm_core.importing.conftest import csv_bytes

ALL = "SELECT count(*), count(DISTINCT mobile) FROM leads"


async def start(place: Place, *words: str) -> asyncio.subprocess.Process:
    import os

    pipe = asyncio.subprocess.PIPE
    environment = {**os.environ, **SECRETS}
    return await asyncio.create_subprocess_exec(*place.command(*words), stdout=pipe, stderr=pipe, env=environment)


def look(place: Place, sql: str) -> tuple[Any, ...]:
    with closing(sqlite3.connect(place.database)) as database:
        return tuple(database.execute(sql).fetchone())


async def kill_during_import(folder: Path, count: int, kills: int, seed: int) -> None:
    place, dice = Place(folder), random.Random(seed)
    await place.run("migrate")
    table = folder / "people.csv"
    table.write_bytes(csv_bytes([HEAD, *rows(count)]))
    killed = 0
    while killed < kills:
        process = await start(place, "import", "leads", str(table))
        seen = look(place, "SELECT coalesce(max(cursor), 0) FROM imports")[0]
        async with asyncio.timeout(60):
            while process.returncode is None and look(place, "SELECT coalesce(max(cursor), 0) FROM imports")[0] <= seen:
                await asyncio.sleep(0.01)
        await asyncio.sleep(dice.uniform(0, 0.15))
        if process.returncode is not None:
            break
        process.kill()
        await process.communicate()
        killed += 1
    assert killed > 0
    process = await start(place, "import", "leads", str(table))
    out, error = await process.communicate()
    assert process.returncode == 0, error.decode()
    assert f"新增{count}、重复0" in out.decode() or "已经导入过" in out.decode()
    assert look(place, ALL) == (count, count)
    assert look(place, "SELECT count(*), sum(new_count) FROM imports WHERE status = 'done'") == (1, count)
    assert look(place, "SELECT count(*) FROM changed_rows") == (count,)
    number = look(place, "SELECT id FROM imports WHERE status = 'done'")[0]
    await kill_during_undo(place, table, number, kills, dice)
    assert f"取回{count}处改动" in await place.run("import", "leads", "--undo", str(number))
    assert look(place, ALL) == (0, 0)
    assert look(place, "SELECT status FROM imports WHERE id = " + str(number)) == ("undone",)


async def kill_during_undo(place: Place, table: Path, number: int, kills: int, dice: random.Random) -> None:
    """Kill the undo while it is at it; a fresh import of the same file meanwhile is refused."""
    left = "SELECT count(*) FROM changed_rows"
    for _ in range(kills):
        process = await start(place, "import", "leads", "--undo", str(number))
        seen = look(place, left)[0]
        async with asyncio.timeout(60):
            while process.returncode is None and look(place, left)[0] >= seen:
                await asyncio.sleep(0.005)
        await asyncio.sleep(dice.uniform(0, 0.05))
        assert look(place, left)[0] > 0, "it was done before it could be killed"
        process.kill()
        await process.communicate()
        if look(place, left)[0] < 5_000:
            break
    again = await start(place, "import", "leads", str(table))
    _, error = await again.communicate()
    assert again.returncode, "the half of an undone import was imported again"
    assert "正在撤销" in error.decode()


@pytest.mark.timeout(180)
async def test_an_import_is_killed_a_few_times(tmp_path: Path) -> None:
    """Takes some seconds: each start of the command is half of one."""
    await kill_during_import(tmp_path, 12_000, 2, seed=1)


@pytest.mark.faults
@pytest.mark.timeout(600)
async def test_an_import_is_killed_often(tmp_path: Path) -> None:
    await kill_during_import(tmp_path, 60_000, 12, seed=2)
