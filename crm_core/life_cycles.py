"""The life cycle of customers (客户生命周期): its history, setting it by hand, and looking at what is due.

A customer whose `life_due_at` is NULL or past is due; an index finds them. What wakes somebody up is read from where it is
written down anyway: messages, follow-ups and steps of deals, each row once (`notice_new`). Rules: `life_cycle_rules.py`.
Reading order: `set_by_hand`, `look_at_due`, `notice_new`; the counts stand in `life_cycle_counts.py`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from tortoise import fields

from crm_core import access, change_sets
from crm_core.access import Actor
from crm_core.customers import UNATTENDED, Customer, require_change
from crm_core.db import Entity, UtcDatetimeField
from crm_core.errors import Invalid
from crm_core.life_cycle_rules import STATUS_OF, Facts, LifeCycle, judge
from crm_core.ports import HOLD, Core, Program
from crm_core.rules import as_instant
from crm_core.value_rules import next_contact_after

PAGE = 50
"""Customers looked at in one transaction, so that callbacks wait a few tens of milliseconds at most."""
NEW_PAGE = 2_000
SETTLED_AFTER = timedelta(seconds=30)
"""A row this young may still have a smaller number in front of it that is not committed."""


class LifeCycleChange(Entity):
    """One change of state, dated and with its reason."""

    owner_field = "owner_id"

    customer_id = fields.BigIntField(db_index=True)
    from_state = fields.CharField(max_length=16)
    to_state = fields.CharField(max_length=16)
    at = UtcDatetimeField()
    reason = fields.CharField(max_length=100, default="")
    owner_id = fields.BigIntField(null=True)
    employee_id = fields.BigIntField(null=True)

    class Meta:
        """Never changed."""

        table = "life_cycle_changes"
        indexes = (("at", "from_state", "to_state", "owner_id"),)


class ReadMark(Entity):
    """How far a table was read whose new rows wake customers up."""

    owner_field = None

    name = fields.CharField(max_length=32, unique=True)
    last_id = fields.BigIntField(default=0)

    class Meta:
        """One row a table."""

        table = "read_marks"


async def set_by_hand(core: Core, actor: Actor, customer_id: int, state: LifeCycle, *, reason: str) -> tuple[Customer, int]:
    """Set a customer's state with a reason; it stays until something happens. Gives the change set that takes it back.

    Raises: NotFound; Refused; Invalid without a reason.
    """
    access.require(actor, "customers:write")
    if not reason.strip() or len(reason.strip()) > 100:
        raise Invalid(field="reason", reason="请填写1到100个字的原因")
    async with core.db.transaction():
        customer = await access.load(Customer, actor, customer_id)
        await require_change(actor, customer)
        changes = await change_sets.begin(core, actor, "life_cycle.set", f"{customer.name}的生命周期")
        was = LifeCycle(customer.life_cycle)
        await core.db.run(_set(core, changes.id, customer, was, state, reason.strip(), actor.employee_id))
        before = {"life_cycle": was.value}
        after = {"life_cycle": state.value, "reason": reason.strip()}
        await access.record(core, actor, "life_cycle.set", customer, before=before, after=after)
    return await access.load(Customer, actor, customer_id), changes.id


def _set(
    core: Core, set_id: int, customer: Customer, was: LifeCycle, state: LifeCycle, reason: str, employee_id: int | None
) -> Program[None]:
    now = core.clock.now()
    values = {
        "life_cycle": state.value,
        "life_cycle_at": now,
        "life_cycle_reason": reason,
        "life_cycle_by_hand": True,
        "status": STATUS_OF[state],
        "life_due_at": None,
    }
    yield from change_sets.change_row(core, set_id, "customers", customer.id, values)
    rows = yield (
        "INSERT INTO life_cycle_changes (customer_id, from_state, to_state, at, reason, owner_id, employee_id, created_at,"
        " updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        (customer.id, was.value, state.value, now, reason, customer.owner_id, employee_id, now, now),
    )
    yield from change_sets.note_made(core, set_id, "life_cycle_changes", int(rows[0][0]))


async def history(actor: Actor, customer_id: int, limit: int = 20) -> list[LifeCycleChange]:
    """List the changes of a customer, newest first. Raises: NotFound."""
    customer = await access.load(Customer, actor, customer_id)
    return await LifeCycleChange.filter(customer_id=customer.id).order_by("-at", "-id").limit(limit)


def look_at_due(core: Core, limit: int = PAGE) -> Program[int]:
    """Look at one page of customers that are due; tells how many there were."""
    columns = (
        "id, owner_id, grade, value_grade, status, life_cycle, life_cycle_at, life_cycle_by_hand, created_at,"
        f" last_follow_up_at, churn_warned_at, {_GONE}"
    )
    now = core.clock.now()
    rows = yield (
        f"SELECT {columns} FROM customers WHERE life_due_at IS NULL LIMIT {limit}{HOLD}",  # noqa: S608 - our own names
        (),
    )
    if not rows:
        rows = yield (
            f"SELECT {columns} FROM customers WHERE life_due_at <= ? ORDER BY life_due_at LIMIT {limit}{HOLD}",  # noqa: S608
            (now,),
        )
    if rows:
        standing = [row[:-1] for row in rows if not row[-1]]
        yield from put_away([int(row[0]) for row in rows if row[-1]])
        done = yield from _activity_of(core, [int(row[0]) for row in standing])
        for row in standing:
            yield from _look(core, row, done.get(int(row[0]), _NOTHING))
    return len(rows)


def put_away(gone: Sequence[int]) -> Program[None]:
    """Look no more at customers that were merged or deleted."""
    if gone:
        sets = ", ".join(f"{name} = ?" for name in UNATTENDED)
        marks = ", ".join("?" * len(gone))
        yield f"UPDATE customers SET {sets} WHERE id IN ({marks})", (*UNATTENDED.values(), *gone)  # noqa: S608 - question marks


_GONE = "CASE WHEN merged_into_id IS NULL AND deleted_at IS NULL THEN 0 ELSE 1 END"


_NOTHING: Mapping[str, Any] = {"active": None, "open": 0, "bought": 0, "recent": 0}


def _activity_of(core: Core, ids: Sequence[int]) -> Program[dict[int, dict[str, Any]]]:
    """Gather what happened at a page of customers, in three statements."""
    if not ids:
        return {}
    marks = ", ".join("?" * len(ids))
    since = core.clock.now() - timedelta(days=core.settings.life_cycle.loyal_days)
    found: dict[int, dict[str, Any]] = {}

    def at(number: int) -> dict[str, Any]:
        return found.setdefault(int(number), dict(_NOTHING))

    rows = yield (
        "SELECT c.customer_id, max(a.last_inbound_at) FROM contacts c JOIN accounts a ON a.person_id = c.person_id"  # noqa: S608
        f" AND a.person_kind = 'customer' WHERE c.customer_id IN ({marks}) AND a.last_inbound_at IS NOT NULL"
        " AND c.deleted_at IS NULL"
        " GROUP BY c.customer_id",
        ids,
    )
    for number, inbound in rows:
        at(number)["active"] = as_instant(inbound)
    rows = yield f"SELECT customer_id, status, stage_since, won_at FROM opportunities WHERE customer_id IN ({marks})", ids  # noqa: S608
    for number, status, moved, won in rows:
        deal = at(number)
        deal["open"] += status == "open"
        deal["bought"] += status == "won"
        deal["recent"] += status == "won" and (as_instant(won) or since) > since
        deal["active"] = _newest(deal["active"], as_instant(moved), as_instant(won))
    rows = yield (
        f"SELECT customer_id, kind, at FROM purchases WHERE customer_id IN ({marks}) AND undone_at IS NULL",  # noqa: S608
        ids,
    )
    for number, kind, bought in rows:
        noted = at(number)
        noted["bought"] += kind == "bought"
        noted["recent"] += kind == "bought" and (as_instant(bought) or since) > since
        noted["active"] = _newest(noted["active"], as_instant(bought))
    return found


def _look(core: Core, row: Sequence[Any], done: Mapping[str, Any]) -> Program[None]:
    number, owner_id, grade, value_grade, status, state, since, by_hand, created, followed, warned_at = row
    now = core.clock.now()
    active = _newest(done["active"], as_instant(followed))
    was = LifeCycle(state)
    facts = Facts(
        state=was,
        since=as_instant(since),
        created_at=as_instant(created) or now,
        active_at=active,
        grade=str(value_grade or grade or ""),
        status=str(status),
        by_hand=bool(by_hand),
        open_deals=done["open"],
        purchases=done["bought"],
        recent_purchases=done["recent"],
    )
    judged = judge(core.settings.life_cycle, facts, now)
    held = judged.reason == "手工修改"
    every = next_contact_after(core.settings.customer_value, judged.state.value, str(value_grade or ""))
    warned = (as_instant(warned_at) or now) if judged.warn else None
    # No stamp: what is worked out is no change of the record by somebody.
    values: list[object] = [judged.due_at, (active or facts.created_at) + every, warned]
    sets = "life_due_at = ?, next_contact_at = ?, churn_warned_at = ?"
    if not judged.warn:
        sets += ", churn_told_at = NULL"
    if judged.state is not was or (held and not by_hand):
        sets += ", life_cycle = ?, life_cycle_at = ?, life_cycle_reason = ?, life_cycle_by_hand = ?, status = ?"
        values += [judged.state.value, now, judged.reason[:100], held, STATUS_OF[judged.state]]
        yield (
            "INSERT INTO life_cycle_changes (customer_id, from_state, to_state, at, reason, owner_id, created_at, updated_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (number, was.value, judged.state.value, now, judged.reason[:100], owner_id, now, now),
        )
    elif by_hand and not held:
        sets += ", life_cycle_by_hand = ?"
        values.append(False)
    yield f"UPDATE customers SET {sets} WHERE id = ?", (*values, number)  # noqa: S608 - our own names


def _newest(*times: datetime | None) -> datetime | None:
    return max((at for at in times if at is not None), default=None)


_ASLEEP = "(life_cycle IN ('dormant', 'lost', 'target') OR churn_warned_at IS NOT NULL)"
_OF_PEOPLE = (
    "SELECT c.customer_id FROM accounts a JOIN contacts c ON c.person_id = a.person_id"
    " WHERE a.person_kind = 'customer' AND a.id IN ({marks})"
)
_WAKING: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "messages": (
        "account_id",
        "direction = 'in'",
        (f"UPDATE customers SET life_due_at = NULL WHERE {_ASLEEP} AND id IN ({_OF_PEOPLE})",),  # noqa: S608 - our own words
    ),
    "follow_ups": (
        "id",
        "1 = 1",
        (
            "UPDATE customers SET life_due_at = NULL WHERE id IN (SELECT f.subject_id FROM follow_ups f"
            " WHERE f.id IN ({marks}) AND f.subject_kind = 'customer')",
            "UPDATE customers SET life_due_at = NULL WHERE id IN (SELECT c.customer_id FROM follow_ups f JOIN contacts c"
            " ON c.id = f.subject_id WHERE f.id IN ({marks}) AND f.subject_kind = 'contact')",
            "UPDATE customers SET life_due_at = NULL WHERE id IN (SELECT o.customer_id FROM follow_ups f JOIN opportunities o"
            " ON o.id = f.subject_id WHERE f.id IN ({marks}) AND f.subject_kind = 'opportunity')",
        ),
    ),
    "stage_moves": (
        "opportunity_id",
        "1 = 1",
        (
            "UPDATE customers SET life_due_at = NULL, value_due_at = NULL WHERE id IN"
            " (SELECT o.customer_id FROM opportunities o WHERE o.id IN ({marks}))",
        ),
    ),
}
"""By table: the column that leads to the customers, which rows count, and how their customers become due."""


def notice_new(core: Core, table: str) -> Program[int]:
    """Read one page of rows that came since, and make their customers due; tells how many rows were read."""
    column, counts, statements = _WAKING[table]
    now = core.clock.now()
    marked = yield f"SELECT last_id FROM read_marks WHERE name = ?{HOLD}", (table,)  # noqa: S608 - a comment of our own
    if not marked:
        yield from begin_reading(core)
        return 0
    rows = yield (
        f"SELECT id, {column}, CASE WHEN {counts} THEN 1 ELSE 0 END, created_at FROM {table} WHERE id > ?"  # noqa: S608
        f" ORDER BY id LIMIT {NEW_PAGE}",
        (int(marked[0][0]),),
    )
    # Up to the first that is too young: the mark passes no row that was not read.
    settled = list(takewhile(lambda row: (as_instant(row[3]) or now) <= now - SETTLED_AFTER, rows))
    if not settled:
        return 0
    numbers = sorted({int(key) for _, key, counted, _ in settled if counted and key is not None})
    for first in range(0, len(numbers), 500):
        page = numbers[first : first + 500]
        for statement in statements:
            yield statement.replace("{marks}", ", ".join("?" * len(page))), page
    yield "UPDATE read_marks SET last_id = ?, updated_at = ? WHERE name = ?", (int(settled[-1][0]), now, table)
    return len(settled)


def begin_reading(core: Core) -> Program[None]:
    """Set the marks that are missing to the end of their tables; before anybody is looked at for the first time.

    In the beginning everybody is due anyway: what is old need not be read.
    """
    now = core.clock.now()
    known = {str(name) for (name,) in (yield "SELECT name FROM read_marks", ())}
    for table in _WAKING:
        if table not in known:
            rows = yield f"SELECT max(id) FROM {table}", ()  # noqa: S608 - our own names
            yield (
                "INSERT INTO read_marks (name, last_id, created_at, updated_at) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (name) DO NOTHING",
                (table, int(rows[0][0] or 0), now, now),
            )


WAKING_TABLES = tuple(_WAKING)
