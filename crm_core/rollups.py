"""Counts kept as rows are written, so that no dashboard reads whole tables (docs/adr/0033-rollups.md).

The database itself keeps them, by triggers in the transaction of each change, so they are right after any kill. What is not
yet moved into `rollups` (PostgreSQL: deltas; SQLite: the newest messages) is added up at reading: exact at any moment.
Reading order: `Topic`, `counted`, `catch_up`; `recount` and `differences` prove it against the rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from crm_core.ports import Core, Program

PAGE = 2_000
"""Messages or deltas moved in one transaction, so that callbacks wait a few milliseconds at most."""
KEY = "topic, day, one, two, owner_id, department_id"
_SQLITE_DAY = "date({}, '+8 hours')"
_POSTGRES_DAY = "to_char({} AT TIME ZONE INTERVAL '8 hours', 'YYYY-MM-DD')"
_TWO_OF_A_MESSAGE = "CASE WHEN kind = 'event' THEN 'event' ELSE direction END"


@dataclass(frozen=True, slots=True)
class Topic:
    """One count: of which table, under which columns, and which rows count. `day` names the instant, empty for none."""

    name: str
    table: str
    day: str = ""
    one: str = "''"
    two: str = "''"
    owner: str = "0"
    department: str = "0"
    counts: str = "1 = 1"

    def raw_sql(self, *, embedded: bool) -> str:
        """Count the rows themselves, under the same columns."""
        form = _SQLITE_DAY if embedded else _POSTGRES_DAY
        day = form.format(self.day) if self.day else "''"
        columns = (day, self.one, self.two, f"coalesce({self.owner}, 0)", f"coalesce({self.department}, 0)")
        named = ", ".join(f"{column} AS c{number}" for number, column in enumerate(columns))
        inner = f"SELECT {named} FROM {self.table} WHERE {self.counts}"  # noqa: S608 - our own words
        return f"SELECT c0, c1, c2, c3, c4, count(*) FROM ({inner}) q GROUP BY c0, c1, c2, c3, c4"  # noqa: S608


_HERE = "merged_into_id IS NULL"
_OWNED: Mapping[str, Any] = {"owner": "owner_id", "department": "department_id", "counts": _HERE}
_KEPT: Mapping[str, Any] = {**_OWNED, "counts": f"{_HERE} AND deleted_at IS NULL"}
TOPICS: Mapping[str, Topic] = {
    topic.name: topic
    for topic in (
        Topic("leads", "leads", one="source", two="status", **_OWNED),
        Topic("leads_by_day", "leads", day="created_at", **_OWNED),
        Topic("customers", "customers", one="status", two="kind", **_KEPT),
        Topic("customers_by_industry", "customers", one="industry", **_KEPT),
        Topic("customers_by_region", "customers", one="region", **_KEPT),
        Topic("customers_by_day", "customers", day="created_at", **_KEPT),
        Topic("follow_ups", "follow_ups", day="at", one="method", owner="author_id", counts="undone_at IS NULL"),
        Topic(
            "conversions",
            "change_sets",
            day="created_at",
            owner="employee_id",
            counts="kind = 'conversion' AND undone_at IS NULL",
        ),
        Topic("opportunities", "opportunities", one="status", two="stage", owner="owner_id"),
        Topic("messages", "messages", day="at", one="channel", two=_TWO_OF_A_MESSAGE),
    )
}
Key = tuple[str, str, str, int, int]
"""Day (empty where the topic has none), the two words, owner, department (0: none)."""


@dataclass(frozen=True, slots=True)
class Counted:
    """So many rows under one day, two words, owner and department."""

    topic: str
    day: str
    one: str
    two: str
    owner_id: int
    department_id: int
    number: int


SOMEBODY = -1
"""The owner told where owners are not told apart."""


def counted(
    core: Core,
    topics: Sequence[str],
    *,
    since: date | None = None,
    owners: Sequence[int] | None = None,
    apart: bool = True,
) -> Program[list[Counted]]:
    """Read the counts of these topics, of one instant and exact; `since` leaves out older days.

    `owners`: only theirs and nobody's. Not `apart`: owners are `SOMEBODY` or 0, departments not told: fewer rows.
    """
    marks = ", ".join("?" * len(topics))
    bounds = " AND day >= ?" if since else ""
    values: list[object] = [*topics, *([since.isoformat()] if since else [])]
    parts = [f"SELECT {KEY}, number FROM rollups WHERE topic IN ({marks}){bounds}"]  # noqa: S608 - question marks
    if not core.db.alone:
        parts.append(f"SELECT {KEY}, number FROM rollup_deltas WHERE topic IN ({marks}){bounds}")  # noqa: S608
        values += values
    elif "messages" in topics:
        parts.append(_tail_sql() + (" HAVING c0 >= ?" if since else ""))
        values += [since.isoformat()] if since else []
    who = "owner_id, department_id" if apart else f"CASE WHEN owner_id = 0 THEN 0 ELSE {SOMEBODY} END, 0"
    mine = ""
    if owners is not None:
        mine = f" WHERE owner_id IN ({', '.join('?' * (len(owners) + 1))})"
        values += [0, *owners]
    grouped = KEY if apart else "topic, day, one, two, CASE WHEN owner_id = 0 THEN 0 ELSE -1 END"
    rows = yield (
        f"SELECT topic, day, one, two, {who}, sum(number) FROM ({' UNION ALL '.join(parts)}) q{mine}"  # noqa: S608
        f" GROUP BY {grouped} HAVING sum(number) <> 0",
        values,
    )
    return [Counted(topic, day, one, two, int(who), int(unit), int(n)) for topic, day, one, two, who, unit, n in rows]


def by_owner(core: Core, topic: str, since: date, owners: Sequence[int] | None) -> Program[dict[int, int]]:
    """Count a topic of the days since then by owner alone: of these, or of all who are somebody."""
    chosen = "owner_id <> 0" if owners is None else f"owner_id IN ({', '.join('?' * len(owners))})"
    tables = ["rollups"] if core.db.alone else ["rollups", "rollup_deltas"]
    where = f"topic = ? AND day >= ? AND {chosen}"
    parts = [f"SELECT owner_id, number FROM {table} WHERE {where}" for table in tables]  # noqa: S608 - our own words
    values = [topic, since.isoformat(), *(owners or ())] * len(tables)
    rows = yield f"SELECT owner_id, sum(number) FROM ({' UNION ALL '.join(parts)}) q GROUP BY owner_id", values  # noqa: S608
    return {int(owner): int(number) for owner, number in rows if number}


def _tail_sql(until: str = "") -> str:
    """Count the messages behind the cursor (SQLite), up to a number if one is given."""
    day = _SQLITE_DAY.format("at")
    return (
        f"SELECT 'messages', {day} AS c0, channel AS c1, {_TWO_OF_A_MESSAGE} AS c2, 0, 0, count(*) FROM messages"  # noqa: S608
        f" WHERE id > (SELECT last_id FROM rollup_cursors WHERE name = 'messages'){until} GROUP BY c0, c1, c2"
    )


async def catch_up(core: Core, *, at_least: int = 1) -> int:
    """Move what waits into the counts, page by page; tells how much. Fewer than `at_least` may go on waiting."""
    async with core.db.exclusively("rollups") as mine:
        moved = 0
        while mine:
            page = await core.db.run(_move_messages(at_least) if core.db.alone else _move_deltas())
            moved += page
            if page < PAGE:
                break
        return moved


def _move_messages(at_least: int) -> Program[int]:
    rows = yield (
        "SELECT count(*), max(id) FROM (SELECT id FROM messages"
        " WHERE id > (SELECT last_id FROM rollup_cursors WHERE name = 'messages') ORDER BY id LIMIT ?) q",
        (PAGE,),
    )
    number, last = rows[0]
    if number < at_least:
        return 0
    yield (
        f"INSERT INTO rollups ({KEY}, number) SELECT * FROM ({_tail_sql(' AND id <= ?')}) q WHERE true"  # noqa: S608
        f" ON CONFLICT ({KEY}) DO UPDATE SET number = rollups.number + excluded.number",
        (last,),
    )
    yield "UPDATE rollup_cursors SET last_id = ? WHERE name = 'messages'", (last,)
    return int(number)


def _move_deltas() -> Program[int]:
    rows = yield (
        f"DELETE FROM rollup_deltas WHERE id IN (SELECT id FROM rollup_deltas ORDER BY id LIMIT ?) RETURNING {KEY}, number",  # noqa: S608
        (PAGE,),
    )
    sums: dict[tuple[Any, ...], int] = {}
    for *key, number in rows:
        sums[tuple(key)] = sums.get(tuple(key), 0) + number
    for summed, number in sums.items():
        if number:
            yield (
                f"INSERT INTO rollups ({KEY}, number) VALUES (?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - our own names
                f" ON CONFLICT ({KEY}) DO UPDATE SET number = rollups.number + excluded.number",
                (*summed, number),
            )
        if number < 0:  # a count of nothing goes, and the words it was kept under with it
            same = " AND ".join(f"{name} = ?" for name in KEY.split(", "))
            yield f"DELETE FROM rollups WHERE {same} AND number = 0", summed  # noqa: S608 - our own names
    return len(rows)


def recount(core: Core, topic: Topic) -> Program[dict[Key, int]]:
    """Count the rows themselves: slow, the truth the counts are held against."""
    rows = yield topic.raw_sql(embedded=core.db.alone), ()
    return {(str(day), str(one), str(two), int(owner), int(unit)): int(n) for day, one, two, owner, unit, n in rows}


async def differences(core: Core) -> dict[str, int]:
    """Compare every topic with its rows; names those that differ and by how many keys. Empty when all is right."""
    found = {}
    for name, topic in TOPICS.items():
        kept = {(c.day, c.one, c.two, c.owner_id, c.department_id): c.number for c in await core.db.read(counted(core, [name]))}
        raw = await core.db.read(recount(core, topic))
        if kept != raw:
            found[name] = len(set(kept.items()) ^ set(raw.items()))
    return found
