"""What customers are worth (客户价值), kept over time: worked out for those that are due, shown line by line, ranked.

Rules and points: `value_rules.py`. Won deals and noted purchases are what was bought; a deal has no cost of its own, so its
profit is a share of its amount (docs/adr/0034-customer-value.md). Reading order: `look_at_due`, `appraisal_of`, `ranking`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from math import ceil
from typing import Any

import msgspec
from tortoise import fields

from crm_core import access, custom_fields
from crm_core.access import Actor
from crm_core.clock import local_day
from crm_core.customers import Customer
from crm_core.db import Entity, UtcDatetimeField
from crm_core.life_cycle_counts import scope_sql
from crm_core.life_cycles import put_away
from crm_core.ports import HOLD, Core, Program
from crm_core.rules import as_instant
from crm_core.value_rules import SIDES, Inputs, Value, evaluate
from crm_core.values import to_money

PAGE = 50
"""Customers looked at in one transaction, so that callbacks wait a few tens of milliseconds at most."""
TOP_PERCENT, WORST_PERCENT = 20, 30
_BY_HAND = ("potential_amount", "payment_days", "overdue_amount", "share_percent", "influence_score")


class CustomerValue(Entity):
    """The value of a customer at a time; a new row whenever something of it changed."""

    owner_field = None

    customer_id = fields.BigIntField(db_index=True)
    at = UtcDatetimeField()
    grade = fields.CharField(max_length=8)
    points = fields.IntField()
    profit_points = fields.IntField()
    influence_points = fields.IntField()
    credit_points = fields.IntField()
    loyalty_points = fields.IntField()
    profit_cents = fields.BigIntField()
    inputs = fields.TextField(default="")
    """The lines shown, by side, as JSON."""

    class Meta:
        """Append-only."""

        table = "customer_values"


@dataclass(slots=True)
class _Bought:
    """What a page of customers bought, gathered."""

    inputs: Inputs = field(default_factory=Inputs)
    products: set[str] = field(default_factory=set)
    seasons: set[int] = field(default_factory=set)


def look_at_due(core: Core, limit: int = PAGE) -> Program[int]:
    """Value one page of customers that are due; tells how many there were."""
    columns = "id, industry, region, value_grade, value_points, profit_cents, merged_into_id, deleted_at"
    now = core.clock.now()
    rows = yield f"SELECT {columns} FROM customers WHERE value_due_at IS NULL LIMIT {limit}{HOLD}", ()  # noqa: S608
    if not rows:
        rows = yield (
            f"SELECT {columns} FROM customers WHERE value_due_at <= ? ORDER BY value_due_at LIMIT {limit}{HOLD}",  # noqa: S608
            (now,),
        )
    if not rows:
        return 0
    gone = [int(row[0]) for row in rows if row[-2:] != (None, None)]
    yield from put_away(gone)
    standing = [row for row in rows if row[0] not in gone]
    if not standing:
        return len(rows)
    known = yield from _inputs_of(core, standing)
    last = yield from _last_of([int(row[0]) for row in standing])
    for number, _, _, grade, points, *_ in standing:
        yield from _keep(core, int(number), known[int(number)], last.get(int(number)), (str(grade), points))
    return len(rows)


def _inputs_of(core: Core, rows: Sequence[Sequence[Any]]) -> Program[dict[int, Inputs]]:
    """Gather the inputs of a page of customers, in four statements."""
    ids = [int(row[0]) for row in rows]
    bought = {number: _Bought() for number in ids}
    yield from _add_deals(core, ids, bought)
    yield from _add_purchases(core, ids, bought)
    by_hand = yield from custom_fields.numbers_of(ids, _BY_HAND)
    marks = ", ".join("?" * len(ids))
    children = dict(
        (
            yield (
                f"SELECT parent_id, count(*) FROM customers WHERE parent_id IN ({marks}) AND merged_into_id IS NULL"  # noqa: S608
                " AND deleted_at IS NULL GROUP BY parent_id",
                ids,
            )
        )
    )
    found = {}
    for number, industry, region, *_ in rows:
        each = bought[int(number)]
        found[int(number)] = replace(
            each.inputs,
            industry=str(industry or ""),
            region=str(region or ""),
            children=int(children.get(number, 0)),
            products=len(each.products),
            seasons=len(each.seasons),
            **by_hand.get(int(number), {}),  # type: ignore[arg-type]  # amounts only
        )
    return found


def _add_deals(core: Core, ids: Sequence[int], bought: Mapping[int, _Bought]) -> Program[None]:
    marks = ", ".join("?" * len(ids))
    rows = yield (
        "SELECT customer_id, status, amount, probability, product, won_at, pipeline, stage FROM opportunities"  # noqa: S608
        f" WHERE customer_id IN ({marks}) AND status IN ('open', 'won')",
        ids,
    )
    for number, status, amount, chance, product, won_at, pipeline, stage in rows:
        yuan = Decimal(str(amount)) if amount is not None else Decimal(0)
        each = bought[int(number)]
        if status == "won":
            _add(core, each, yuan, None, str(product or ""), won_at)
            continue
        if chance is None:
            found = core.settings.opportunities.pipeline(str(pipeline)).find(str(stage))
            chance = found.probability if found else 0
        each.inputs = replace(each.inputs, open_amount=each.inputs.open_amount + to_money(yuan * int(chance) / 100))


def _add_purchases(core: Core, ids: Sequence[int], bought: Mapping[int, _Bought]) -> Program[None]:
    marks = ", ".join("?" * len(ids))
    rows = yield (
        f"SELECT customer_id, amount, cost, product, at FROM purchases WHERE customer_id IN ({marks})"  # noqa: S608
        " AND kind = 'bought' AND undone_at IS NULL",
        ids,
    )
    for number, amount, cost, product, at in rows:
        yuan = Decimal(str(amount)) if amount is not None else Decimal(0)
        _add(core, bought[int(number)], yuan, Decimal(str(cost)) if cost is not None else None, str(product), at)


def _add(core: Core, each: _Bought, yuan: Decimal, cost: Decimal | None, product: str, at: Any) -> None:
    profit = to_money(yuan - cost if cost is not None else yuan * core.settings.customer_value.profit_percent / 100)
    was = each.inputs
    each.inputs = replace(
        was,
        sales_amount=was.sales_amount + yuan,
        profit_amount=was.profit_amount + profit,
        purchases=was.purchases + 1,
    )
    if product:
        each.products.add(product)
    moment = as_instant(at)
    if moment is not None:
        each.seasons.add((local_day(moment).month - 1) // 3)


def _last_of(ids: Sequence[int]) -> Program[dict[int, tuple[Any, ...]]]:
    marks = ", ".join("?" * len(ids))
    rows = yield (
        "SELECT customer_id, grade, points, profit_cents, inputs FROM customer_values WHERE id IN"  # noqa: S608
        f" (SELECT max(id) FROM customer_values WHERE customer_id IN ({marks}) GROUP BY customer_id)",
        ids,
    )
    return {int(row[0]): (str(row[1]), int(row[2]), int(row[3]), str(row[4])) for row in rows}


def _keep(
    core: Core, number: int, inputs: Inputs, last: tuple[Any, ...] | None, shown: tuple[str, int | None]
) -> Program[None]:
    """Write what is new of a customer's value; a changed grade makes its rhythm of contact due, too."""
    now = core.clock.now()
    value = evaluate(core.settings.customer_value, inputs)
    cents = int(inputs.profit_amount * 100)  # each line has two places
    lines = msgspec.json.encode({side.name: side.lines for side in value.sides}).decode()
    again = now + timedelta(days=core.settings.customer_value.look_again_days)
    if last != (value.grade, value.points, cents, lines) and (last is not None or inputs != Inputs()):
        points = {side.name: side.points for side in value.sides}
        yield (
            "INSERT INTO customer_values (customer_id, at, grade, points, profit_points, influence_points, credit_points,"
            " loyalty_points, profit_cents, inputs, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (number, now, value.grade, value.points, *(points[side] for side in SIDES), cents, lines, now, now),
        )
    rhythm = ", life_due_at = NULL" if shown[0] != value.grade else ""
    yield (
        "UPDATE customers SET value_grade = ?, value_points = ?, profit_cents = ?, value_due_at = ?"  # noqa: S608
        f"{rhythm} WHERE id = ?",
        (value.grade, value.points, cents, again, number),
    )


@dataclass(frozen=True, slots=True)
class Appraisal:
    """A customer's value now, with its inputs line by line, and how it was before."""

    customer: Customer
    value: Value
    inputs: Inputs
    history: list[CustomerValue]
    every_days: int
    greeting: str


async def appraisal_of(core: Core, actor: Actor, customer_id: int) -> Appraisal:
    """Show what a customer is worth now (价值), from what is known this moment. Raises: NotFound."""
    customer = await access.load(Customer, actor, customer_id)
    row = (customer.id, customer.industry, customer.region)
    inputs = (await core.db.read(_inputs_of(core, [row])))[customer.id]
    value = evaluate(core.settings.customer_value, inputs)
    past = await CustomerValue.filter(customer_id=customer.id).order_by("-at", "-id").limit(5)
    rhythm = core.settings.customer_value.rhythm(customer.life_cycle, value.grade)
    return Appraisal(customer, value, inputs, past, rhythm.every_days, rhythm.greeting)


@dataclass(frozen=True, slots=True)
class Ranked:
    """A customer in the ranking."""

    id: int
    name: str
    profit: Decimal
    grade: str


@dataclass(frozen=True, slots=True)
class Ranking:
    """Customers by profit: the share of the best fifth, and what the worst three tenths drag down (yuan)."""

    customers: int
    profit: Decimal
    top_count: int
    top_profit: Decimal
    top_share: float | None
    """Of the whole profit, 0-1; None where there is none."""
    worst_count: int
    worst_profit: Decimal
    loss: Decimal
    """What customers with a negative profit cost, as a negative number."""
    best: tuple[Ranked, ...]
    worst: tuple[Ranked, ...]


async def ranking(core: Core, actor: Actor, shown: int = 5) -> Ranking:
    """Rank the customers of the actor's team by profit (20/80/30)."""
    access.require(actor, "customers:read")
    return await core.db.read(_ranking(actor, shown))


def _ranking(actor: Actor, shown: int) -> Program[Ranking]:
    scope, team = scope_sql(actor)
    here = f"FROM customers WHERE value_points IS NOT NULL AND merged_into_id IS NULL AND deleted_at IS NULL{scope}"
    rows = yield (
        "SELECT count(*), coalesce(sum(profit_cents), 0), coalesce(sum(CASE WHEN profit_cents < 0 THEN profit_cents END), 0)"
        f" {here}",
        team,
    )
    count, profit, loss = (int(value) for value in rows[0])
    top, worst = ceil(count * TOP_PERCENT / 100), ceil(count * WORST_PERCENT / 100)
    sums = []
    for direction, size in (("DESC", top), ("ASC", worst)):
        rows = yield (
            f"SELECT coalesce(sum(p), 0) FROM (SELECT profit_cents AS p {here} ORDER BY profit_cents {direction} LIMIT ?) q",  # noqa: S608
            (*team, size),
        )
        sums.append(int(rows[0][0]))
    lists = []
    for direction in ("DESC", "ASC"):
        rows = yield (
            f"SELECT id, name, profit_cents, value_grade {here} ORDER BY profit_cents {direction}, id LIMIT ?",
            (*team, shown),
        )
        lists.append(tuple(Ranked(int(number), str(name), _yuan(cents), str(grade)) for number, name, cents, grade in rows))
    share = sums[0] / profit if profit > 0 else None
    return Ranking(count, _yuan(profit), top, _yuan(sums[0]), share, worst, _yuan(sums[1]), _yuan(loss), *lists)


def _yuan(cents: Any) -> Decimal:
    return to_money(Decimal(int(cents)) / 100)
