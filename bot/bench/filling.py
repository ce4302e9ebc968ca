"""A believable database to measure on: employees with chat accounts, customers with owners, and their history."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.bench.load import openid_of, staff_id_of
from bot.models import MODEL_MODULES
from crm_core.clock import SystemClock
from crm_core.db import Database, DatabaseSettings
from crm_core.ports import Program

PAGE = 5_000
EMPLOYEES = 20
FIRST_NAMES = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超兰霞平"
SURNAMES = "王李张刘陈杨黄赵周吴徐孙马朱胡郭何林罗高"
Row = tuple[object, ...]


def name_of(number: int) -> str:
    """Make up a person's name."""
    return SURNAMES[number % 20] + FIRST_NAMES[number // 20 % 20] + FIRST_NAMES[number // 400 % 20]


@dataclass(frozen=True, slots=True)
class Town:
    """Who is in a database: so many customers on one channel, so many of the house on another, and old messages."""

    people: int
    history: int = 0
    staff: int = EMPLOYEES
    channel: str = "wechat"
    staff_channel: str = "dingtalk"


async def fill(where: Path | str, people: int, *, history: int = 0) -> None:
    """Make a database with so many customers who wrote yesterday, half of them still leads, all with owners.

    `where`: the file of an embedded database, or the address of any.
    """
    await build(where, Town(people, history))


async def build(where: Path | str, town: Town) -> None:
    """Do the same for any town."""
    url = where if isinstance(where, str) else f"sqlite://{where}"
    database = Database(DatabaseSettings(url, durability="process"), MODEL_MODULES)
    await database.open()
    try:
        await database.migrate()
        for table, columns, rows in _tables(town):
            await _insert(database, table, columns, rows)
        await database.catch_up_numbers()
    finally:
        await database.close()


def fill_now(where: Path | str, people: int, *, history: int = 0) -> None:
    """Fill from where no loop runs."""
    asyncio.run(fill(where, people, history=history))


async def _insert(database: Database, table: str, columns: str, rows: Iterator[Row]) -> None:
    page: list[Row] = []
    for row in rows:
        page.append(row)
        if len(page) == PAGE:
            await database.run(_insert_page(table, columns, page))
            page = []
    await database.run(_insert_page(table, columns, page))


def _insert_page(table: str, columns: str, page: Sequence[Row]) -> Program[None]:
    marks = ", ".join("?" * (columns.count(",") + 3))
    for row in page:
        yield f"INSERT INTO {table} ({columns}, created_at, updated_at) VALUES ({marks})", row  # noqa: S608 - our own words


def _tables(town: Town) -> Iterator[tuple[str, str, Iterator[Row]]]:
    now = SystemClock().now()
    staff, customers = range(1, town.staff + 1), range(town.staff + 1, town.staff + town.people + 1)
    times = (now, now)
    yield "people", "id", ((each, *times) for each in (*staff, *customers))
    employees = ((each, each, name_of(each * 7), "manager" if each == 1 else "sales", *times) for each in staff)
    yield "employees", "id, person_id, name, role", employees
    half = town.people // 2
    yield from _records(customers[:half], customers[half:], town.staff, times)
    house = (
        (town.staff_channel, staff_id_of(number), "employee", each, "", None, now, None, 0, 0, 0, *times)
        for number, each in enumerate(staff)
    )
    yield "accounts", _ACCOUNT, house
    wrote, followed = now - timedelta(hours=20), now - timedelta(days=9)
    accounts = (
        (town.channel, openid_of(number), "customer", person, "", followed, wrote, wrote, 0, 0, 0, *times)
        for number, person in enumerate(customers)
    )
    yield "accounts", _ACCOUNT, accounts
    yield "messages", _MESSAGE, (_message(town, number, wrote, times) for number in range(town.history))


def _records(leads: range, contacts: range, staff: int, times: Row) -> Iterator[tuple[str, str, Iterator[Row]]]:
    def owner(person: int) -> int:
        return person % staff + 1

    customers = (
        (each, f"{name_of(each)}机械厂", "organisation", "制造", "上海", "B", "active", owner(each), "", *times)
        for each in contacts
    )
    yield "customers", "id, name, kind, industry, region, grade, status, owner_id, value_grade", customers
    people = ((each, each, owner(each), name_of(each), "采购", f"+86139{each:08d}", False, *times) for each in contacts)
    yield "contacts", "person_id, customer_id, owner_id, name, title, mobile, decision_maker", people
    empty = ("", "", "", "", 0, "", "new")
    rows = (
        (each, name_of(each), "", "", f"+86138{each:08d}", "展会", "wechat", *empty, owner(each), "", 1, 1, times[0], *times)
        for each in leads
    )
    columns = "person_id, name, company, title, mobile, source, channel, region, need, amount, raw_text, score, grade, status"
    # What is filled in has been through its chain.
    yield "leads", columns + ", owner_id, pool, intent_count, claim_count, chained_at", rows


_ACCOUNT = (
    "channel, external_id, person_kind, person_id, nickname, followed_at, last_inbound_at, message_window_at,"
    " message_window_used, event_window_used, waiting_count"
)
_MESSAGE = (
    "channel, external_account, account_id, direction, kind, text, at, external_id, status, key, payload, outcome, reply,"
    " conversation, guarantee, topic, attempts, reason"
)


def _message(town: Town, number: int, at: Any, times: Row) -> Row:
    account = town.staff + 1 + number % town.people
    openid = openid_of(number % town.people)
    key = f"history:{number}"
    return (
        town.channel,
        openid,
        account,
        "in",
        "text",
        "以前的消息",
        at,
        "",
        "done",
        key,
        "",
        "passive",
        "",
        "",
        "",
        "",
        0,
        "",
        *times,
    )
