"""Identity: the check of one new lead against a million others, on the embedded database, with the files on disk."""

import asyncio
import random
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from bot.bench.figures import Figure
from bot.bench.filling import name_of
from bot.models import MODEL_MODULES
from crm_core import cleaning, leads, matching
from crm_core.access import Actor
from crm_core.clock import SystemClock
from crm_core.db import Database, DatabaseSettings
from crm_core.name_keys import company_key, person_key, warm_up
from crm_core.outbox import DatabaseOutbox
from crm_core.ports import Core, Program
from crm_core.state import DatabaseState

PEOPLE, QUICK_PEOPLE = 1_000_000, 50_000
CHECKS, QUICK_CHECKS = 2_000, 300
PROMISED_MS = 10.0
WORDS = "东风华创新联合盛通达安瑞云海天宏远大中科信泰恒金龙凯博鑫源光明正德兴业"
TRADES = ("机械", "科技", "贸易", "电子", "网络", "物流", "建材", "食品", "医疗", "教育")
REGIONS = ("上海", "北京", "广州", "深圳", "杭州", "成都", "武汉", "南京")
SYSTEM = Actor.of_system("bench")
Insert = tuple[str, tuple[object, ...]]


def company_of(number: int) -> str:
    """Make up a company's name; most differ in one character from some other."""
    size = len(WORDS)
    core = WORDS[number % size] + WORDS[number // size % size] + WORDS[number // size**2 % size]
    return f"{core}{TRADES[number % len(TRADES)]}有限公司"


async def identity(quick: bool) -> list[Figure]:
    """Measure the check of a new lead, and the check with what it leads to: a merge, a case, or nothing."""
    people, checks = (QUICK_PEOPLE, QUICK_CHECKS) if quick else (PEOPLE, CHECKS)
    with tempfile.TemporaryDirectory(prefix="guanxi-bench-") as folder:
        path = Path(folder) / "identity.db"
        database = Database(DatabaseSettings(f"sqlite://{path}"), MODEL_MODULES)
        await database.open()
        try:
            await database.migrate()
            await asyncio.to_thread(fill, path, people)
            core = _core(database)
            warm_up()
            looked, cpu, floor = await _measure_checks(core, people, checks)
            examined = await _measure_examining(core, people, checks // 4)
        finally:
            await database.close()
    what = f"against {people:,} leads and contacts"
    return [
        _figure(f"check of a new lead {what}, p99", looked, floor),
        Figure("identity", f"of it the processor's time {what}, p99", f"{_p99(cpu):.1f} ms (p50 {cpu[len(cpu) // 2]:.1f})"),
        _figure(f"check, merge or case, durable, {what}, p99", examined),
    ]


def fill(path: Path, people: int) -> None:
    """Make half as many leads and half as many contacts at customers, by plain inserts; the indexes are made afterwards."""
    now = str(SystemClock().now())
    with closing(sqlite3.connect(path)) as raw:
        wanted = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN"
        indexes = raw.execute(f"{wanted} ('leads', 'contacts', 'customers')").fetchall()
        for name, _ in indexes:
            raw.execute(f'DROP INDEX "{name}"')
        for number in range(1, people + 1):
            for sql, values in _rows_of(number):
                raw.execute(sql, (*values, now, now))
        for _, sql in indexes:
            raw.execute(sql)
        raw.commit()


def _rows_of(number: int) -> Iterator[Insert]:
    name, company, region = name_of(number * 7), company_of(number // 4), REGIONS[number % len(REGIONS)]
    mobile, key = f"+861{3_000_000_000 + number}", person_key(name_of(number * 7))
    yield "INSERT INTO people (id, created_at, updated_at) VALUES (?, ?, ?)", (number,)
    if number % 2:
        yield (
            "INSERT INTO leads (person_id, name, company, title, mobile, email, source, channel, region, need, amount,"
            " raw_text, score, grade, status, owner_id, pool, intent_count, claim_count, name_key, company_key,"
            " created_at, updated_at)"
            " VALUES (?, ?, ?, '', ?, ?, '展会', '', ?, '', '', '', 0, '', 'new', 1, '', 1, 0, ?, ?, ?, ?)",
            (number, name, company, mobile, f"u{number}@example.cn", region, key, company_key(company)),
        )
        return
    customer = (number + 2) // 4
    if number % 4 == 2:
        yield (
            "INSERT INTO customers (id, name, kind, industry, region, grade, status, value_grade, owner_id, name_key,"
            " created_at, updated_at) VALUES (?, ?, 'organisation', '', ?, '', 'active', '', 1, ?, ?, ?)",
            (customer, company, region, company_key(company)),
        )
    yield (
        "INSERT INTO contacts (person_id, customer_id, owner_id, name, title, mobile, decision_maker, name_key, created_at,"
        " updated_at) VALUES (?, ?, 1, ?, '', ?, ?, ?, ?, ?)",
        (number, customer, name, mobile, False, key),
    )


def _core(database: Database) -> Core:
    clock, outbox = SystemClock(), DatabaseOutbox()
    core = Core(clock=clock, db=database, outbox=outbox, state=DatabaseState(database, clock))
    outbox.bind(core)
    return core


async def _new_lead(core: Core, people: int, chance: random.Random) -> int:
    """Record a lead as they come: some known by their number, some by name and company, most new."""
    number, kind = chance.randint(1, people), chance.random()
    mobile = f"1{3_000_000_000 + number}" if kind < 0.3 else f"1{9_000_000_000 + chance.randint(0, 10**8)}"
    company = company_of(number // 4) if kind < 0.8 else company_of(number // 4)[:-4] + "设备公司"
    name = name_of(number * 7 if kind < 0.6 else number)
    lead = await leads.add(
        core, SYSTEM, name=name, company=company, mobile=mobile, region=REGIONS[number % len(REGIONS)], source="官网"
    )
    return int(lead.id)


async def _measure_checks(core: Core, people: int, checks: int) -> tuple[list[float], list[float], list[float]]:
    """Give what each check took, of it the processor's time, and what reading one row by its number took beside it."""
    chance = random.Random(1)
    took: list[float] = []
    cpu: list[float] = []
    floor: list[float] = []
    for _ in range(checks):
        lead_id = await _new_lead(core, people, chance)
        begun = time.perf_counter()
        await core.db.read(_one_row(lead_id))
        floor.append((time.perf_counter() - begun) * 1000)
        begun, used = time.perf_counter(), time.process_time()
        record = await core.db.read(matching.facts_of("lead", lead_id))
        if record is None:
            raise RuntimeError("the lead just recorded is not there")
        await core.db.read(matching.judged_candidates(core, record.facts, exclude=("lead", lead_id)))
        took.append((time.perf_counter() - begun) * 1000)
        cpu.append((time.process_time() - used) * 1000)
    return sorted(took), sorted(cpu), sorted(floor)


def _one_row(number: int) -> Program[int]:
    rows = yield "SELECT person_id FROM leads WHERE id = ?", (number,)
    return int(rows[0][0])


async def _measure_examining(core: Core, people: int, checks: int) -> list[float]:
    chance, took = random.Random(2), []
    for _ in range(checks):
        lead_id = await _new_lead(core, people, chance)
        begun = time.perf_counter()
        await cleaning.examine(core, lead_id)
        took.append((time.perf_counter() - begun) * 1000)
    return sorted(took)


def _figure(what: str, took: list[float], floor: Sequence[float] = ()) -> Figure:
    p99 = _p99(took)
    shown = f"{p99:.1f} ms (p50 {took[len(took) // 2]:.1f}, max {took[-1]:.1f})"
    if not floor:
        return Figure("identity", what, shown)
    beside = f"one row: {_p99(floor):.1f} ms (p50 {floor[len(floor) // 2]:.1f})"
    return Figure("identity", what, shown, beside, promise=f"<= {PROMISED_MS:g} ms", held=p99 <= PROMISED_MS)


def _p99(took: Sequence[float]) -> float:
    return took[int(len(took) * 0.99)]
