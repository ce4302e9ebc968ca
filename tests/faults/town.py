"""A real `guanxi serve` among simulated platforms, to be killed, stopped and starved."""

import asyncio
import random
import sqlite3
import sys
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg

from bot.bench.place import Place, Running, ask, free_port, start_platform
from crm_core.postgres_programs import in_words_of_postgres


class Town:
    """A filled database, the platforms, and the product that is started again and again."""

    def __init__(self, place: Place, platform: Running) -> None:
        self.place = place
        self.platform = platform
        self.product: Running | None = None
        self.kills = 0
        self.others: list[Running] = []
        """Other processes of the product, on the same database."""

    async def start(self) -> Running:
        self.product = await self.place.serve()
        return self.product

    async def copy(self, *words: str, command: Sequence[str] = ()) -> tuple[Place, Running]:
        """Start another process of the product on the same database, `serve` with these words or a command of its own."""
        folder = self.place.folder / f"copy{len(self.others)}"
        folder.mkdir()
        place = replace(self.place, folder=folder, port=free_port())
        words_of_its_own = (*command[:3], str(place.write_settings()), *command[3:]) if command else ()
        running = await place.serve(command=words_of_its_own or place.command("serve", *words))
        self.others.append(running)
        return place, running

    async def kill_often(self, times: int, seed: int, done: "asyncio.Event | None" = None, *, at_most: float = 0.5) -> int:
        """Kill and start the product at random moments, until so many times or until done; tells how often."""
        dice = random.Random(seed)
        while self.kills < times and not (done and done.is_set()):
            await asyncio.sleep(dice.uniform(0.02, at_most))
            assert self.product is not None
            await self.product.kill()
            self.kills += 1
            await self.start()
        return self.kills

    async def control(self, path: str, body: object = None) -> Any:
        """Ask or tell the simulators something."""
        return await ask(f"http://127.0.0.1:{self.platform.port}/_sim/{path}", body)

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Read the database beside the product, in portable SQL."""
        if self.place.server:
            with ThreadPoolExecutor(1) as thread:  # a test's own loop runs here
                return thread.submit(asyncio.run, _rows(self.place.server, sql, values)).result()
        with closing(sqlite3.connect(f"file:{self.place.database}?mode=ro", uri=True)) as raw:
            return raw.execute(sql, values).fetchall()


async def _rows(url: str, sql: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(url)
    try:
        text, _ = in_words_of_postgres(sql)
        return [tuple(row) for row in await connection.fetch(text, *values)]
    finally:
        await connection.close()


@asynccontextmanager
async def town(
    folder: Path, people: int, *, keep: bool = False, where: str = "", **extra: dict[str, Any]
) -> AsyncIterator[Town]:
    """Build a town with so many customers; everything in it ends with the block.

    `where`: the address of an empty database on a server, else a file in the folder.
    """
    platform = await start_platform(people, keep=keep)
    made = Town(Place(folder, simulator_port=platform.port, extra=extra, server=where), platform)
    # In a process of its own: one process opens one database (see crm_core/db.py).
    code = "import sys, bot.bench.filling as b; b.fill_now(sys.argv[1], int(sys.argv[2]))"
    filling = await asyncio.create_subprocess_exec(sys.executable, "-c", code, made.place.database_url, str(people))
    assert await filling.wait() == 0
    try:
        yield made
    finally:
        for running in (made.product, *made.others):
            if running is not None:
                await running.kill()
        await platform.kill()
