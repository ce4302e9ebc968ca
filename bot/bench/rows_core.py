"""Promise 13: the core at a million people and ten million messages. Makes its own house, on SQLite or PostgreSQL.

`guanxi bench core` (`--quick`: a twentieth of it; `core-postgres`: on a private server). `GUANXI_BENCH_HOUSE` names a
SQLite file to keep the house in: made when it is not there yet.
"""

import os
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from bot.bench.core_filling import STAFF, House, build
from bot.bench.figures import Figure
from bot.bench.postgres import PostgresServer
from bot.models import MODEL_MODULES
from crm_core import dashboards, funnels, profiles, rollups, searching, timeline
from crm_core.access import Actor
from crm_core.clock import SystemClock, today
from crm_core.db import Database, DatabaseSettings
from crm_core.outbox import DatabaseOutbox
from crm_core.ports import Core, Program
from crm_core.segments import allowed_to, count_people
from crm_core.state import DatabaseState

HOUSE = "GUANXI_BENCH_HOUSE"
PEOPLE, MESSAGES, QUICK = 1_000_000, 10_000_000, 20
ASKED = 300
"""Times a look-up is asked for its 99th percentile."""
SYSTEM = Actor.of_system("bench")
SEGMENTS: Mapping[str, Mapping[str, Any]] = {
    "上海的VIP": {"region": "上海", "tags": ["VIP"]},
    "北京制造业30天没跟进": {
        "all": [{"region": "北京"}, {"field": "industry", "is": "=", "value": "制造业"}, {"inactive_days": 30}]
    },
    "评分60以上": {"field": "score", "is": ">=", "value": 60},
    "一周内点过菜单": {"did": "clicked", "within_days": 7},
}
RFM = (
    "SELECT c.customer_id, max(c.last_follow_up_at), count(*), coalesce(max(w.n), 0), coalesce(max(w.amount), 0)"
    " FROM contacts c LEFT JOIN (SELECT customer_id, count(*) AS n, sum(CAST(amount AS DECIMAL(18, 2))) AS amount"
    " FROM opportunities WHERE status = 'won' GROUP BY customer_id) w ON w.customer_id = c.customer_id"
    " WHERE c.merged_into_id IS NULL AND c.deleted_at IS NULL GROUP BY c.customer_id"
)
"""Recency, frequency and money of every customer with a contact."""


async def core(quick: bool) -> list[Figure]:
    """Measure on SQLite."""
    known = os.environ.get(HOUSE, "")
    with tempfile.TemporaryDirectory(prefix="guanxi-core-") as folder:
        path = Path(known) if known else Path(folder) / "house.db"
        return await _measure(f"sqlite://{path}", quick, there=path.exists())


async def core_on_postgres(quick: bool) -> list[Figure]:
    """Measure on a private PostgreSQL server."""
    server = PostgresServer().make()
    try:
        return await _measure(server.database(), quick, there=False)
    finally:
        server.stop()


async def _measure(url: str, quick: bool, *, there: bool) -> list[Figure]:
    share = QUICK if quick else 1
    started = time.perf_counter()
    if not there:
        await build(url, PEOPLE // share, MESSAGES // share)
    made = time.perf_counter() - started
    async with _opened(url) as (opened, house):
        figures = [
            Figure("13", f"house of {house.people} people, {house.messages} messages", "kept" if there else f"{made:.0f} s")
        ]
        figures += await _dashboard(opened)
        figures += await _look_ups(opened, house)
        figures += await _segments(opened)
        figures += await _money(opened)
        figures += await _funnels(opened)
        return figures


@asynccontextmanager
async def _opened(url: str) -> AsyncIterator[tuple[Core, House]]:
    database = Database(DatabaseSettings(url), MODEL_MODULES)
    await database.open()
    try:
        clock, outbox = SystemClock(), DatabaseOutbox()
        made = Core(clock=clock, db=database, outbox=outbox, state=DatabaseState(database, clock))
        outbox.bind(made)

        def sizes() -> Program[tuple[int, int]]:
            rows = yield "SELECT (SELECT count(*) FROM people), (SELECT max(id) FROM messages)", ()
            return int(rows[0][0]) - STAFF, int(rows[0][1])

        people, messages = await database.read(sizes())
        yield made, House(people, messages, clock.now())
    finally:
        await database.close()


async def _dashboard(core: Core) -> list[Figure]:
    started = time.perf_counter()
    moved = await rollups.catch_up(core)
    caught_up = Figure("13", "messages counted after the fact", f"{moved} in {time.perf_counter() - started:.0f} s")
    worst = max([await _timed(partial(dashboards.dashboard, core, SYSTEM)) for _ in range(20)][1:])
    wrong = await rollups.differences(core)
    equal = "equal to the rows" if not wrong else f"differs: {wrong}"
    return [caught_up, _bound("dashboard, worst of 20", worst, 0.050, note=equal, good=not wrong)]


async def _look_ups(core: Core, house: House) -> list[Figure]:
    people = [STAFF + 1 + number * 7919 % house.people for number in range(ASKED)]

    async def pages(person: int) -> float:
        """Tell what the last page alone takes."""
        before, took = None, 0.0
        while True:
            started = time.perf_counter()
            page = await timeline.page(core, SYSTEM, person_id=person, before=before, limit=5)
            took = time.perf_counter() - started
            if page.next is None:
                return took
            before = page.next

    async def card(person: int) -> object:
        return await profiles.profile(core, SYSTEM, person)

    async def first_page(person: int) -> object:
        return await timeline.page(core, SYSTEM, person_id=person, limit=5)

    async def by_phone(number: str) -> object:
        return await searching.find_phone(core, SYSTEM, number)

    cards = [await _timed(partial(card, each)) for each in people]
    first = [await _timed(partial(first_page, each)) for each in people]
    last = [await pages(each) for each in people]
    half = house.people // 2
    numbers = [f"1{'38' if each <= STAFF + half else '39'}{each:08d}" for each in people]
    phones = [await _timed(partial(by_phone, each)) for each in numbers]
    return [
        _bound("contact card p99", _p99(cards), 0.010),
        _bound("timeline, first page p99", _p99(first), 0.010),
        _bound("timeline, last page p99", _p99(last), 0.010),
        _bound("search by phone p99", _p99(phones), 0.010),
    ]


async def _segments(core: Core) -> list[Figure]:
    figures = []
    for name, conditions in SEGMENTS.items():
        selection = allowed_to(SYSTEM, conditions)
        count = await count_people(core, selection)
        best = min([await _timed(partial(count_people, core, selection)) for _ in range(3)])
        figures.append(_bound(f"count of {name} ({count})", best, 0.300))
    return figures


async def _money(core: Core) -> list[Figure]:
    def all_of_them() -> Program[int]:
        rows = yield RFM, ()
        return len(rows)

    took = min([await _timed(lambda: core.db.read(all_of_them())) for _ in range(2)])
    return [_bound("recency, frequency, money of all", took, 2.5)]


async def _funnels(core: Core) -> list[Figure]:
    last, figures = today(core.clock), []
    for name, days in (("a month", 30), ("a year", 365)):
        ask = partial(funnels.funnel, core, SYSTEM, last - timedelta(days=days), last)
        figures.append(_bound(f"funnel of {name}, worst of 5", max([await _timed(ask) for _ in range(6)][1:]), 0.600))
    return figures


async def _timed(ask: Callable[[], Awaitable[object]]) -> float:
    started = time.perf_counter()
    await ask()
    return time.perf_counter() - started


def _p99(times: list[float]) -> float:
    return sorted(times)[int(len(times) * 0.99)]


def _bound(what: str, seconds: float, promise: float, *, note: str = "", good: bool = True) -> Figure:
    product = f"{seconds * 1000:.1f} ms" + (f", {note}" if note else "")
    return Figure("13", what, product, promise=f"<= {promise * 1000:.0f} ms", held=good and seconds <= promise)
