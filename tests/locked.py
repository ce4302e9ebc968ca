"""Another program holds the database: nothing can be written meanwhile."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

import asyncpg

from crm_core.db import DatabaseSettings


@asynccontextmanager
async def locked(settings: DatabaseSettings) -> AsyncIterator[None]:
    """Keep everybody else from writing messages while the block runs."""
    if settings.embedded:
        with closing(sqlite3.connect(settings.path, isolation_level=None, timeout=0)) as other:
            await _begin(other)
            try:
                yield
            finally:
                other.execute("ROLLBACK")
        return
    connection = await asyncpg.connect(settings.url)
    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE messages IN ACCESS EXCLUSIVE MODE")
            yield
    finally:
        await connection.close()


async def _begin(other: sqlite3.Connection) -> None:
    """Take the lock as soon as nobody has it; the loop goes on, for whoever has it may need a turn to give it back."""
    async with asyncio.timeout(10):
        while True:
            try:
                other.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                await asyncio.sleep(0.01)
            else:
                return
