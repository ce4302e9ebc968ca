"""Everybody's scores, judged page by page: here for a small house, in a process of its own for a large one.

Reading and judging a million records takes seconds of a processor; beside the product they hold up no callback, and what is
left here is to write. The order comes on the standard input, then a byte asks for each page; pages go out, each a length and
a frame. When nobody asks any more the process ends. Reading order: `Order`, `pages`, `main`.
"""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import suppress
from datetime import datetime

import msgspec

from crm_core.db import Database, DatabaseSettings
from crm_core.errors import Unavailable
from crm_core.ports import Core, Program
from crm_core.score_facts import gather, write_days
from crm_core.score_rules import Facts, Scorer, ScoringSettings
from crm_core.scoring import LETTER, PAGE, ROWS, Change, Row, judge

BESIDE_FROM = 20_000
"""Records from which on it is worth a process of its own."""
BESIDE_PAGE = 1_000
HERE_PAGE = 500
SLICE = 100
"""Records judged between two turns of the event loop, under a millisecond."""
NICENESS = 5
"""The process gives way to whoever answers callbacks."""
_LENGTH_BYTES = 4
_STOP_SECONDS = 5.0
_ASK = b"."


class Order(msgspec.Struct, frozen=True):
    """What to judge: leads or contacts behind a number, as of a day; `anew`: from the messages and not from what is kept."""

    url: str
    noun: str
    after: int
    anew: bool
    day: int
    scoring: ScoringSettings


class Judged(msgspec.Struct, frozen=True):
    """A page: how many records up to which number, what changes of them, and what their people did if it was read anew."""

    last_id: int
    count: int
    changes: list[Change]
    facts: dict[int, str] = {}


async def pages(core: Core, order: Order, *, beside: bool) -> AsyncGenerator[tuple[datetime, Judged], None]:
    """Judge page by page, the next while one is written; each with an instant after which its records were read.

    Raises: Unavailable when the process beside ends before its time.
    """
    made = _beside(core, order) if beside else _here(core, order)
    try:
        async for page in made:
            yield page
    finally:
        await made.aclose()


async def _here(core: Core, order: Order) -> AsyncGenerator[tuple[datetime, Judged], None]:
    scorer, after = Scorer(order.scoring, order.day), order.after
    while True:
        asked = core.clock.now()
        rows, facts = await core.db.read(_read(order, after, HERE_PAGE))
        if not rows:
            return
        changes: list[Change] = []
        for start in range(0, len(rows), SLICE):
            changes += judge(scorer, rows[start : start + SLICE], facts)
            await asyncio.sleep(0)
        after = rows[-1][0]
        yield asked, _judged(rows, changes, facts)


async def _beside(core: Core, order: Order) -> AsyncGenerator[tuple[datetime, Judged], None]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONDONTWRITEBYTECODE": "1"}
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "crm_core.score_pages"), stdin=pipe, stdout=pipe, env=environment
    )
    try:
        if process.stdin is None or process.stdout is None:
            raise Unavailable
        process.stdin.write(msgspec.json.encode(order) + b"\n" + _ASK)
        asked = core.clock.now()
        while True:
            page = await _frame(process.stdout)
            if not page.count:
                return
            process.stdin.write(_ASK)
            now = core.clock.now()
            yield asked, page
            asked = now
    finally:
        await _end(process)


async def _frame(stream: asyncio.StreamReader) -> Judged:
    try:
        length = int.from_bytes(await stream.readexactly(_LENGTH_BYTES), "big")
        return msgspec.msgpack.decode(await stream.readexactly(length), type=Judged)
    except asyncio.IncompleteReadError as error:
        raise Unavailable from error


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()
    with suppress(TimeoutError):
        async with asyncio.timeout(_STOP_SECONDS):
            await process.wait()


def _read(order: Order, after: int, limit: int) -> Program[tuple[list[Row], dict[int, Facts] | None]]:
    letter = LETTER[order.noun]
    rows = yield f"{ROWS[order.noun]} WHERE {letter}.id > ? ORDER BY {letter}.id LIMIT ?", (after, limit)
    if not order.anew:
        return list(rows), None
    facts: dict[int, Facts] = {}
    for start in range(0, len(rows), PAGE):
        facts |= yield from gather(order.scoring, [row[1] for row in rows[start : start + PAGE]])
    return list(rows), facts


def _judged(rows: Sequence[Row], changes: list[Change], facts: dict[int, Facts] | None) -> Judged:
    kept = {person: write_days(days) for person, days in (facts or {}).items()}
    return Judged(rows[-1][0], len(rows), changes, kept)


def _pages(order: Order) -> Iterator[Judged]:
    """Judge page by page in this process, which does nothing else; an empty page is the last."""
    scorer, after = Scorer(order.scoring, order.day), order.after
    database = Database(DatabaseSettings(order.url, pool_size=1), ["crm_core.score_facts"])
    with asyncio.Runner() as runner:
        runner.run(database.open())
        try:
            while True:
                rows, facts = runner.run(database.read(_read(order, after, BESIDE_PAGE)))
                if not rows:
                    break
                after = rows[-1][0]
                yield _judged(rows, judge(scorer, rows, facts), facts)
        finally:
            runner.run(database.close())
    yield Judged(after, 0, [])


def main() -> None:
    """Read the order, then write a page for every byte that asks for one."""
    os.nice(NICENESS)
    asked, out = sys.stdin.buffer, sys.stdout.buffer
    encoder, made = msgspec.msgpack.Encoder(), _pages(msgspec.json.decode(asked.readline(), type=Order))
    with suppress(BrokenPipeError):
        while asked.read(1):
            encoded = encoder.encode(next(made, Judged(0, 0, [])))
            out.write(len(encoded).to_bytes(_LENGTH_BYTES, "big") + encoded)
            out.flush()
    os._exit(0)  # without closing a pipe that may be gone


if __name__ == "__main__":
    main()
