"""A small world to break things in: a filled database, simulated platforms, and the product in a process of its own."""

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from bot.bench.filling import fill
from bot.bench.load import Job, Seen, run_load
from bot.bench.place import Place, Running, ask, start_platform
from bot.bench.rows_sending import start_broadcast

LOOK_EVERY_SECONDS = 0.1


class World:
    """Started with `open`, ended with `close`; the product may be started and killed as often as one likes."""

    def __init__(self, folder: Path) -> None:
        self.place = Place(folder)
        self.platform: Running | None = None
        self.product: Running | None = None
        self.tokens: tuple[str, str] = ("", "")
        self.kills = 0

    async def open(self, people: int, *, settings: dict[str, dict[str, Any]] | None = None, tokens: bool = True) -> None:
        """Make so many customers, the platforms they are on, and two API tokens (one may not approve its own broadcast)."""
        self.platform = await start_platform(people, keep=True)
        self.place.simulator_port = self.platform.port
        self.place.extra = settings or {}
        await fill(self.place.database, people)
        if tokens:
            author = await self.place.run("token", "create", "author", "--role", "admin")
            self.tokens = (author, await self.place.run("token", "create", "approver", "--role", "admin"))

    async def close(self) -> None:
        """End every process."""
        for running in (self.product, self.platform):
            if running is not None:
                await running.kill()

    async def serve(self, command: Sequence[str] = ()) -> None:
        """Start the product and wait until it is ready."""
        self.product = await self.place.serve(command=command)

    async def kill(self) -> None:
        """End the product as a power cut would."""
        assert self.product is not None
        await self.product.kill()
        self.kills += 1

    async def stop(self) -> tuple[int, float]:
        """Ask the product to end; gives its exit status and the seconds it took."""
        assert self.product is not None
        begun = time.monotonic()
        return await self.product.stop(), time.monotonic() - begun

    async def load(self, count: int, **more: Any) -> Seen:
        """Send callbacks of people, from a process of its own."""
        return await run_load(Job(self.place.port, count=count, **more))

    async def sim(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Drive or ask the platforms."""
        assert self.platform is not None
        return await ask(f"http://127.0.0.1:{self.platform.port}/_sim/{path}", body if body is not None else {})

    async def api(self, path: str, body: object = None) -> Any:
        """Ask the product's API as the author."""
        return await ask(f"http://127.0.0.1:{self.place.port}/api/v1/{path}", body, token=self.tokens[0])

    async def broadcast(self, conditions: dict[str, object] | None = None) -> int:
        """Start a broadcast to the people of these conditions."""
        return await start_broadcast(self.place, *self.tokens, conditions=conditions)

    def read(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Read the database beside the product, or after it is gone."""
        with closing(sqlite3.connect(self.place.database, timeout=10)) as database:
            return database.execute(query, values).fetchall()

    def one(self, query: str, *values: object) -> Any:
        """Read one value."""
        return self.read(query, *values)[0][0]

    def recipients(self) -> dict[str, int]:
        """Count the people of all broadcasts by status."""
        return dict(self.read("SELECT status, count(*) FROM recipients GROUP BY status"))

    async def received(self, platform: str = "wechat_oa", via: str = "custom") -> dict[str, int]:
        """Tell who received how many messages, on one way."""
        lines = (await self.sim("chat", {"platform": platform}))["items"]
        counts: dict[str, int] = {}
        for line in lines:
            if line["direction"] == "out" and line["via"] == via:
                counts[line["person"]] = counts.get(line["person"], 0) + 1
        return counts

    def whole(self) -> bool:
        """Tell whether the database file is intact."""
        return self.one("PRAGMA integrity_check") == "ok"


async def until(check: Callable[[], bool | Awaitable[bool]], within: float, what: str) -> float:
    """Wait until something is so; gives the seconds it took. Processes of their own tell nobody when they are done."""
    begun = time.monotonic()
    while True:
        found = check()
        if found if isinstance(found, bool) else await found:
            return time.monotonic() - begun
        assert time.monotonic() - begun < within, f"not within {within} s: {what}"
        await asyncio.sleep(LOOK_EVERY_SECONDS)
