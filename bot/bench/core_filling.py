"""A full house to measure the core on: a million people, their history and ten million messages, made in minutes.

Rows go in beside the ORM, whole pages at once; what a column does not say stands at its default, so that a new column needs
no word here. Messages of all accounts are mixed, as they are where people write to us every day.
"""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import asyncpg

from bot.bench.filling import name_of
from bot.bench.load import openid_of
from bot.models import MODEL_MODULES, all_models
from crm_core.clock import SystemClock
from crm_core.db import Database, DatabaseSettings
from crm_core.stores import Kind, Table, tables_of

PAGE = 50_000
STAFF = 50
DAYS = 700
REGIONS = ("北京", "上海", "广东深圳", "浙江杭州", "江苏苏州", "四川成都", "湖北武汉", "山东青岛", "福建厦门", "陕西西安")
INDUSTRIES = ("制造业", "零售", "教育", "医疗", "物流", "软件", "餐饮", "建筑")
SOURCES = ("展会", "官网", "抖音", "老客户转介绍", "公众号", "扫码", "百度")
STAGES = ("initial", "qualified", "proposal", "negotiation", "contract")
METHODS = ("phone", "wechat", "visit", "meeting")
TAGS = ("VIP", "重点", "展会", "老客户", "网关", "续费")
_EMPTY = {Kind.COUNT: None, Kind.TEXT: "", Kind.TRUTH: False, Kind.MONEY: None, Kind.INSTANT: None, Kind.DAY: None}
Rows = Iterator[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class House:
    """How many people (half leads, half contacts) and messages; `now` is what everything is counted back from."""

    people: int
    messages: int
    now: datetime

    @property
    def leads(self) -> range:
        """The person ids of leads."""
        return range(STAFF + 1, STAFF + 1 + self.people // 2)

    @property
    def contacts(self) -> range:
        """The person ids of contacts; each is at a customer with the number of its pair."""
        return range(self.leads.stop, STAFF + 1 + self.people)

    def ago(self, number: int, days: int = DAYS) -> datetime:
        """Spread instants over the past, by number."""
        return self.now - timedelta(seconds=number * 7919 % (days * 86400) + 1)


async def build(where: Path | str, people: int, messages: int) -> House:
    """Make the database, all of it."""
    url = where if isinstance(where, str) else f"sqlite://{where}"
    database = Database(DatabaseSettings(url, durability="process"), MODEL_MODULES)
    await database.open()
    try:
        await database.migrate()
        tables = {table.name: table for table in tables_of(all_models())}
    finally:
        await database.close()
    house = House(people, messages, SystemClock().now().replace(microsecond=0))
    if database.settings.embedded:
        await _load_sqlite(database.settings.path, tables, house)
    else:
        await _load_postgres(url, tables, house)
    await _catch_up(url, embedded=database.settings.embedded)
    return house


async def _catch_up(url: str, *, embedded: bool) -> None:
    if not embedded:
        database = Database(DatabaseSettings(url), MODEL_MODULES)
        await database.open()
        await database.catch_up_numbers()
        await database.close()


def _rows(house: House) -> Iterator[tuple[str, Callable[[House], Rows]]]:
    # Made one after another: what hangs on a row comes after it.
    yield "people", lambda h: ({"id": each} for each in range(1, STAFF + 1 + h.people))
    yield (
        "employees",
        lambda _: (
            {"id": each, "person_id": each, "name": name_of(each * 7), "role": "manager" if each == 1 else "sales"}
            for each in range(1, STAFF + 1)
        ),
    )
    yield "leads", _leads
    yield "customers", _customers
    yield "contacts", _contacts
    yield "accounts", _accounts
    yield "follow_ups", _follow_ups
    yield "tags", lambda _: ({"id": number, "name": name, "manual": True} for number, name in enumerate(TAGS, 1))
    yield (
        "taggings",
        lambda h: (
            {"id": n + 1, "tag_id": n % len(TAGS) + 1, "person_id": STAFF + 1 + n * 3 % h.people, "manual": n % 2 == 0}
            for n in range(h.people // 4)
        ),
    )
    yield "opportunities", _opportunities
    yield "stage_moves", _stage_moves
    yield "messages", _messages


def _leads(house: House) -> Rows:
    for number, person in enumerate(house.leads, 1):
        yield {
            "id": number,
            "person_id": person,
            "name": name_of(person),
            "name_key": name_of(person),
            "company": f"{name_of(person * 3)}公司" if number % 3 else "",
            "company_key": "",
            "mobile": f"+86138{person:08d}",
            "source": SOURCES[number % 7],
            "channel": "wechat",
            "region": REGIONS[number % 10],
            "amount": f"{number % 90}0000.00" if number % 4 == 0 else "",
            "score": number * 31 % 101,
            "grade": "ABCD"[number % 4],
            "status": ("new", "following", "following", "discarded")[number % 4],
            "owner_id": number % STAFF + 1 if number % 5 else None,
            "intent_count": 1,
            "claim_count": 0,
            "last_follow_up_at": house.ago(number, 300) if number % 2 else None,
            "chained_at": house.ago(number),
            "created_at": house.ago(number),
        }


def _customers(house: House) -> Rows:
    for number in range(1, len(house.contacts) // 2 + 2):
        yield {
            "id": number,
            "name": f"{name_of(number)}机械厂",
            "name_key": name_of(number),
            "kind": "organisation",
            "industry": INDUSTRIES[number % 8],
            "region": REGIONS[number % 10],
            "grade": "ABCD"[number % 4],
            "value_grade": "ABCD"[number * 7 % 4],
            "status": ("potential", "active", "active", "dormant")[number % 4],
            "owner_id": number % STAFF + 1,
            "last_follow_up_at": house.ago(number, 300),
            "created_at": house.ago(number),
        }


def _contacts(house: House) -> Rows:
    for number, person in enumerate(house.contacts, 1):
        customer = number // 2 + 1
        yield {
            "id": number,
            "person_id": person,
            "customer_id": customer,
            "owner_id": customer % STAFF + 1,
            "name": name_of(person),
            "name_key": name_of(person),
            "title": "采购",
            "score": number * 31 % 101,
            "mobile": f"+86139{person:08d}",
            "last_follow_up_at": house.ago(number, 300) if number % 3 else None,
            "created_at": house.ago(number),
        }


def _accounts(house: House) -> Rows:
    for number in range(house.people):
        wrote = house.ago(number, 400)
        yield {
            "id": number + 1,
            "channel": "wechat",
            "external_id": openid_of(number),
            "person_kind": "customer",
            "person_id": STAFF + 1 + number,
            "followed_at": house.ago(number),
            "opted_out_at": house.now if number % 50 == 0 else None,
            "last_inbound_at": wrote,
            "message_window_at": wrote,
            "message_window_used": 0,
            "event_window_used": 0,
            "waiting_count": 0,
            "created_at": house.ago(number),
        }


def _follow_ups(house: House) -> Rows:
    half = house.people // 2
    for number in range(1, house.people + 1):
        lead = number % 2 == 0
        subject = number // 2 % half + 1
        yield {
            "id": number,
            "subject_kind": "lead" if lead else "contact",
            "subject_id": subject,
            "person": name_of(subject),
            "method": METHODS[number % 4],
            "at": house.ago(number, 300),
            "summary": "聊了报价，下周再约",
            "stage": ("proposal", "qualified", None)[number % 3],
            "author_id": number % STAFF + 1,
        }


def _opportunities(house: House) -> Rows:
    for number in range(1, house.people // 10 + 1):
        at = house.ago(number)
        status = ("won", "open", "lost")[number % 3]
        yield {
            "id": number,
            "customer_id": number % (len(house.contacts) // 2) + 1,
            "name": "智能网关",
            "pipeline": "default",
            "stage": STAGES[number % len(STAGES)] if status == "open" else "proposal",
            "stage_since": at,
            "amount": f"{number % 500}000.00",
            "status": status,
            "won_at": at if status == "won" else None,
            "lost_at": at if status == "lost" else None,
            "owner_id": number % STAFF + 1,
            "move_count": 0,
            "created_at": at,
        }


def _stage_moves(house: House) -> Rows:
    kinds = ("advance", "advance", "advance", "lose", "win")
    for number in range(1, house.people * 3 // 10 + 1):
        yield {
            "id": number,
            "opportunity_id": number % (house.people // 10) + 1,
            "pipeline": "default",
            "kind": kinds[number % 5],
            "from_stage": STAGES[number % len(STAGES)],
            "to_stage": STAGES[(number + 1) % len(STAGES)],
            "at": house.ago(number),
            "days": number % 40,
            "owner_id": number % STAFF + 1,
        }


def _messages(house: House) -> Rows:
    first = house.now - timedelta(days=DAYS)
    step = timedelta(days=DAYS) / max(house.messages, 1)
    row: dict[str, Any] = {"channel": "wechat", "status": "done", "outcome": "passive", "attempts": 0}
    for number in range(house.messages):
        # A prime step: neighbours in time are never neighbours in the house.
        account = number * 7919 % house.people
        kind = number % 20
        row.update(
            id=number + 1,
            external_account=openid_of(account),
            account_id=account + 1,
            direction="out" if kind % 3 == 0 else "in",
            kind="event" if kind == 7 else "text",
            text="" if kind == 7 else "请问网关多少钱，下周能到货吗",
            payload='{"event":"menu_click"}' if kind == 7 else "",
            at=first + step * number,
            created_at=first + step * number,
            key=f"history:{number:012d}",
        )
        yield row


def _defaults(table: Table) -> dict[str, Any]:
    """Tell what a column holds when nothing is said of it."""
    [model] = [each for each in all_models() if each._meta.db_table == table.name]
    found = {}
    for name, field in model._meta.fields_map.items():
        if field.default is not None and not callable(field.default):
            found[field.source_field or name] = field.default
    return found


def _tuples(table: Table, rows: Rows, now: Any, instant: Callable[[datetime], Any]) -> Iterator[tuple[Any, ...]]:
    place = {name: number for number, (name, _) in enumerate(table.columns)}
    empty = [_defaults(table).get(name, _EMPTY[kind]) for name, kind in table.columns]
    empty[place["created_at"]] = empty[place["updated_at"]] = now
    for row in rows:
        full = empty.copy()
        for name, value in row.items():
            full[place[name]] = instant(value) if value.__class__ is datetime else value
        yield tuple(full)


def _of_sqlite(at: datetime) -> str:
    return at.isoformat(" ")


async def _load_sqlite(path: Path, tables: dict[str, Table], house: House) -> None:
    raw = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=OFF", "cache_size=-400000", "temp_store=MEMORY"):
        raw.execute(f"PRAGMA {pragma}")
    for name, made in _rows(house):
        table = tables[name]
        later = _indexes(raw, name)
        for index, _ in later:
            raw.execute(f'DROP INDEX "{index}"')
        marks = ", ".join("?" * len(table.columns))
        rows = _tuples(table, made(house), house.now.isoformat(" "), _of_sqlite)
        while page := list(islice(rows, PAGE)):
            raw.execute("BEGIN")
            raw.executemany(f'INSERT INTO "{name}" ({table.names}) VALUES ({marks})', page)  # noqa: S608 - our own names
            raw.execute("COMMIT")
        for _, sql in later:
            raw.execute(sql)
    raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raw.close()


def _indexes(raw: sqlite3.Connection, table: str) -> list[tuple[str, str]]:
    """List the indexes that are quicker made afterwards."""
    found = raw.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql <> ''", (table,))
    return [(str(name), str(sql)) for name, sql in found]


def _typed(table: Table, page: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    money = [number for number, (_, kind) in enumerate(table.columns) if kind is Kind.MONEY]
    if not money:
        return page
    rows = [list(row) for row in page]
    for row in rows:
        for number in money:
            row[number] = None if row[number] is None else Decimal(row[number])
    return [tuple(row) for row in rows]


async def _load_postgres(url: str, tables: dict[str, Table], house: House) -> None:
    connection = await asyncpg.connect(url)
    for name, made in _rows(house):
        table = tables[name]
        names = [column for column, _ in table.columns]
        rows = _tuples(table, made(house), house.now, lambda at: at.astimezone(UTC))
        while page := list(islice(rows, PAGE)):
            await connection.copy_records_to_table(name, records=_typed(table, page), columns=names)
    await connection.execute("VACUUM (ANALYZE)")  # as its own housekeeping would have done long since
    await connection.close()
