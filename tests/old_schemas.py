"""Databases as older versions left them, made by the steps themselves.

In a process of its own: a database that is closed takes that of the tests with it.
"""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_MAKE = """
import asyncio, sys
from bot.models import MODEL_MODULES
from crm_core.db import Database, DatabaseSettings

async def make(url, last):
    database = Database(DatabaseSettings(url, durability="process"), MODEL_MODULES)
    await database.open()
    await database.migrate(last=last)
    await database.close()

asyncio.run(make(*sys.argv[1:]))
"""


def make_schema(url: str, last: str = "") -> None:
    """Take the steps up to this one; an empty name is the newest."""
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", _MAKE, url, last], check=True, env=environ, timeout=50, capture_output=True)


def become_older(database: Path, last: str) -> None:
    """Let a file be one of an older schema, with the rows and columns that were there then."""
    older = database.with_name(f"{database.name}.{last}")
    make_schema(f"sqlite://{older}", last)
    with closing(sqlite3.connect(older)) as raw:
        raw.execute("ATTACH ? AS newer", (str(database),))
        for (table,) in raw.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'").fetchall():
            there = {row[1] for row in raw.execute(f'PRAGMA newer.table_info("{table}")')}
            columns = [row[1] for row in raw.execute(f'PRAGMA main.table_info("{table}")') if row[1] in there]
            if table.startswith(("sqlite_", "tortoise_")) or not columns:
                continue
            names = ", ".join(f'"{name}"' for name in columns)
            raw.execute(f'INSERT INTO main."{table}" ({names}) SELECT {names} FROM newer."{table}"')
        raw.commit()
    for suffix in ("-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)
    older.replace(database)
