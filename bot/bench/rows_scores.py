"""Scores: everybody counted anew under changed rules, in the background, while callbacks come in."""

import asyncio
import sqlite3
import tempfile
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

from bot.bench.figures import Figure
from bot.bench.filling import EMPLOYEES, fill
from bot.bench.load import Job, Seen, run_load
from bot.bench.place import Place, Running, start_platform
from bot.models import MODEL_MODULES
from crm_core.clock import SystemClock
from crm_core.db import Database, DatabaseSettings
from crm_core.ports import Program
from crm_core.score_facts import day_of
from crm_core.score_rules import ScoringSettings

LEADS, QUICK_LEADS = 1_000_000, 50_000
PEOPLE = 2_000
RATE = 500.0
TURN_SECONDS = 10
LIMIT_SECONDS = 600
PROMISED_SECONDS, PROMISED_P99_MS = 60.0, 25.0
FAR = 60_000_000
PAGE = 20_000
_SERIES = "WITH RECURSIVE n (x) AS (SELECT {} UNION ALL SELECT x + 1 FROM n WHERE x < {})"


async def scores(quick: bool) -> list[Figure]:
    """Measure how long it takes to score all leads while 500 callbacks a second come, and how those are answered."""
    number = QUICK_LEADS if quick else LEADS
    with tempfile.TemporaryDirectory(prefix="guanxi-bench-") as folder:
        platform = await start_platform(PEOPLE)
        place = Place(Path(folder), simulator_port=platform.port)
        try:
            await fill(place.database, PEOPLE, history=20_000)
            await _add_leads(place.database, number)
            product = await place.serve()
            try:
                seen, seconds = await _watched(place, product)
            finally:
                await product.stop()
            scored = _read(place.database, "SELECT count(*) FROM leads WHERE score > 0 AND grade <> ''")[0]
        finally:
            await platform.kill()
    worst = max(seen, key=lambda each: each.p99)
    good = all(each.acknowledged == sum(each.statuses.values()) for each in seen)
    return [
        Figure(
            "scores",
            f"{number:,} leads scored anew, {scored:,} with points",
            f"{seconds:.1f} s",
            promise=f"<= {PROMISED_SECONDS:g} s",
            held=seconds <= PROMISED_SECONDS,
        ),
        Figure(
            "scores",
            f"p99 at {RATE:.0f} callbacks/s meanwhile, the worst {TURN_SECONDS} s (p50 {worst.p50:.1f} ms)",
            f"{worst.p99:.1f} ms",
            promise=f"<= {PROMISED_P99_MS:g} ms",
            held=good and worst.p99 <= PROMISED_P99_MS,
        ),
    ]


async def _watched(place: Place, product: Running) -> tuple[list[Seen], float]:
    """Send callbacks turn by turn until all leads are scored."""
    seen = []
    for turn in range(LIMIT_SECONDS // TURN_SECONDS):
        count = int(RATE * TURN_SECONDS)
        seen.append(
            await run_load(Job(product.port, count=count, rate=RATE, connections=100, first_message=FAR + turn * count))
        )
        started, ended = _read(place.database, "SELECT started_at, ended_at FROM score_runs WHERE name = 'lead'")
        if ended:
            return seen, (datetime.fromisoformat(ended) - datetime.fromisoformat(started)).total_seconds()
    raise RuntimeError("the scores were not done in time")


def _read(path: Path, query: str) -> tuple[str, str]:
    with closing(sqlite3.connect(path)) as database:
        found: tuple[str, str] = database.execute(query).fetchone()
        return found


async def _add_leads(path: Path, number: int) -> None:
    """Make leads whose people have done something, and tell that the messages are read already."""
    database = Database(DatabaseSettings(f"sqlite://{path}", durability="process"), MODEL_MODULES)
    await database.open()
    try:
        first = PEOPLE + EMPLOYEES + 1_000
        for start in range(first, first + number, PAGE):
            await database.run(_page(start, min(start + PAGE, first + number) - 1))
            await asyncio.sleep(0)
        await database.run(_cursors())
    finally:
        await database.close()


def _page(first: int, last: int) -> Program[None]:
    # Long since scored: else they would all be looked at as just changed.
    now = SystemClock().now() - timedelta(hours=1)
    series, day = _SERIES.format(first, last), day_of(now)
    times = (now, now)
    yield f"INSERT INTO people (id, created_at, updated_at) {series} SELECT x, ?, ? FROM n", times  # noqa: S608 - our own numbers
    yield (
        "INSERT INTO leads (person_id, name, company, title, mobile, email, source, channel, region, need, amount, raw_text,"  # noqa: S608
        " score, grade, status, owner_id, pool, intent_count, claim_count, chained_at, name_key, company_key, created_at,"
        f" updated_at) {series} SELECT x, '客户' || x, CASE WHEN x % 3 = 0 THEN '' ELSE '公司' || (x % 5000) END,"
        " CASE x % 5 WHEN 0 THEN '总经理' WHEN 1 THEN '采购' ELSE '' END, '+861' || (3000000000 + x), NULL, '展会', 'wechat',"
        " CASE WHEN x % 2 = 0 THEN '上海' ELSE '' END, CASE WHEN x % 4 = 0 THEN '想要两台设备' ELSE '' END,"
        f" CASE WHEN x % 6 = 0 THEN '200000' ELSE '' END, '', 0, '', 'new', x % {EMPLOYEES} + 1, '', 1, 1, ?, 'k',"
        " 'k', ?, ? FROM n",
        (now, *times),
    )
    newest = f"({day} - x % 40)"
    yield (
        f"INSERT INTO score_facts (person_id, days, created_at, updated_at) {series} SELECT x, CASE WHEN x % 10 < 3 THEN ''"  # noqa: S608
        f" ELSE '{{\"wrote\":[' || {newest} || ',' || ({newest} - 3) || ',' || ({newest} - 9) || '],\"asked_price\":['"
        f" || {newest} || '],\"scanned\":[' || ({newest} - 12) || '],\"followed_up\":[' || ({newest} - 1) || ']}}' END,"
        " ?, ? FROM n",
        times,
    )


def _cursors() -> Program[None]:
    now, read = SystemClock().now(), ScoringSettings().facts_digest
    for noun in ("lead", "contact"):
        yield (
            "INSERT INTO score_runs (name, digest, facts_digest, last_id, done_count, total_count, created_at, updated_at)"
            " VALUES (?, 'before', ?, 0, 0, 0, ?, ?)",
            (noun, read, now, now),
        )
    yield (
        "INSERT INTO score_runs (name, digest, facts_digest, last_id, done_count, total_count, created_at, updated_at)"
        " SELECT 'messages', '', '', max(id), 0, 0, ?, ? FROM messages",
        (now, now),
    )
    yield (
        "INSERT INTO score_runs (name, digest, facts_digest, last_id, changed_at, done_count, total_count, created_at,"
        " updated_at) VALUES ('changes', '', '', 0, ?, 0, 0, ?, ?)",
        (now, now, now),
    )
