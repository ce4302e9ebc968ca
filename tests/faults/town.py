"""A real `guanxi serve` among simulated platforms, to be killed, stopped and starved."""

import asyncio
import random
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

from bot.bench.place import Place, Running, ask, start_platform


class Town:
    """A filled database, the platforms, and the product that is started again and again."""

    def __init__(self, place: Place, platform: Running) -> None:
        self.place = place
        self.platform = platform
        self.product: Running | None = None
        self.kills = 0

    async def start(self) -> Running:
        self.product = await self.place.serve()
        return self.product

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
        """Read the database beside the product."""
        with closing(sqlite3.connect(f"file:{self.place.database}?mode=ro", uri=True)) as raw:
            return raw.execute(sql, values).fetchall()


@asynccontextmanager
async def town(folder: Path, people: int, *, keep: bool = False, **extra: dict[str, Any]) -> AsyncIterator[Town]:
    """Build a town with so many customers; everything in it ends with the block."""
    platform = await start_platform(people, keep=keep)
    made = Town(Place(folder, simulator_port=platform.port, extra=extra), platform)
    # In a process of its own: one process opens one database (see crm_core/db.py).
    code = "import pathlib, sys, bot.bench.filling as b; b.fill_now(pathlib.Path(sys.argv[1]), int(sys.argv[2]))"
    filling = await asyncio.create_subprocess_exec(sys.executable, "-c", code, str(made.place.database), str(people))
    assert await filling.wait() == 0
    try:
        yield made
    finally:
        if made.product is not None:
            await made.product.kill()
        await platform.kill()
