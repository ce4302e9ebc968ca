"""Promise 15: how fast the outbox is worked off on PostgreSQL, every commit durable, and that nobody gets a row twice."""

import asyncio
import json
import sys
from dataclasses import dataclass

import asyncpg

from bot.bench.figures import Figure
from bot.bench.filling import Town, build
from bot.bench.outbox_worker import BATCH, CHANNEL
from bot.bench.postgres import NoServer, empty_database, server
from bot.models import MODEL_MODULES
from crm_core.clock import SystemClock
from crm_core.conversations import OutboundStatus
from crm_core.db import Database, DatabaseSettings
from crm_core.messages import Address, Body, Guarantee
from crm_core.outbox import insert_rows, outgoing_row
from crm_core.ports import Program

PAGE = 500
WORKERS = 4


async def outbox(quick: bool) -> list[Figure]:
    """Measure promise 15: one worker for the rate, then four at once for doubles."""
    rows = 20_000 if quick else 100_000
    try:
        async with server() as address:
            turns = [await _work_off(address, rows, 1) for _ in range(1 if quick else 2)]
            crowd = await _work_off(address, rows, WORKERS)
    except NoServer as missing:
        return [Figure("15", "rows claimed and completed a second on PostgreSQL", str(missing))]
    best = max(turns, key=lambda turn: turn.rate)
    what = f"rows claimed and completed a second on PostgreSQL, batch {BATCH}"
    whole = all(turn.good for turn in turns)
    return [
        Figure("15", f"{what}, 1 worker", f"{best.rate:.0f}", promise=">= 20000", held=whole and best.rate >= 20_000),
        Figure("15", f"{what}, {WORKERS} workers", f"{crowd.rate:.0f}"),
        Figure("15", f"rows of {rows} that two of {WORKERS} workers got", str(crowd.doubles), promise="0", held=crowd.good),
    ]


@dataclass(frozen=True, slots=True)
class _Turn:
    """What came of one queue. `left`: rows that did not end as sent at the first try."""

    rate: float
    doubles: int
    left: int

    @property
    def good(self) -> bool:
        return not self.doubles and not self.left


async def _work_off(address: str, rows: int, workers: int) -> _Turn:
    async with empty_database(address) as url:
        await build(url, Town(2_000, history=20_000))
        await _queue(url, rows)
        started = [await _start(url) for _ in range(workers)]
        told = [json.loads(line) for line in await asyncio.gather(*map(_run, started))]
        connection = await asyncpg.connect(url)
        sql = "SELECT count(*) FROM messages WHERE channel = $1 AND (status <> 'sent' OR attempts <> 1)"
        left = await connection.fetchval(sql, CHANNEL)
        await connection.close()
    numbers = [number for each in told for number in each["claimed"]]
    return _Turn(rows / max(each["seconds"] for each in told), len(numbers) - len(set(numbers)), int(left))


async def _queue(url: str, rows: int) -> None:
    """Queue notices to people of the house, as the product does."""
    db, now = Database(DatabaseSettings(url), MODEL_MODULES), SystemClock().now()

    def page(first: int) -> Program[None]:
        notices = [
            outgoing_row(
                now,
                Address(CHANNEL, f"staff{number % 200}"),
                Body(text=f"【客户消息】王伟：第{number}条，多少钱一台"),
                key=f"bench:{number}",
                status=OutboundStatus.QUEUED,
                guarantee=Guarantee.AT_LEAST_ONCE,
            )
            for number in range(first, min(first + PAGE, rows))
        ]
        yield from insert_rows(notices)

    await db.open()
    try:
        for first in range(0, rows, PAGE):
            await db.run(page(first))
    finally:
        await db.close()
    connection = await asyncpg.connect(url)
    await connection.execute("ANALYZE")  # the server would do so by itself, a minute later
    await connection.close()


async def _start(url: str) -> asyncio.subprocess.Process:
    command = (sys.executable, "-m", "bot.bench.outbox_worker", url)
    process = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
    if process.stdout is None or await process.stdout.readline() != b"ready\n":
        raise RuntimeError("a worker of the outbox did not start")
    return process


async def _run(process: asyncio.subprocess.Process) -> bytes:
    out, _ = await process.communicate(b"go\n")
    return out
