"""Another program holds the database: nothing can be written meanwhile."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

import asyncpg

from crm_core.db import DatabaseSettings


@asynccontextmanager
async def locked(settings: DatabaseSettings) -> AsyncIterator[None]:
    """Keep everybody else from writing messages while the block runs."""
    if settings.embedded:
        with closing(sqlite3.connect(settings.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
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
