"""A customer's life over the API: tree, life cycle, value, purchases, ratings, and the figures over all of them."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from bot.api.bodies import Empty, Id, Instant, Line, Money, given
from bot.api.listing import list_rows, show_row
from bot.api.resources import ID, STAMPS, Form, Resource, Shown, counts, texts, times
from bot.api.routes import Call, Routes
from crm_core import access, contacts, customer_values, life_cycle_counts, life_cycles, purchases, service_figures
from crm_core.customer_values import CustomerValue
from crm_core.customers import Customer
from crm_core.errors import Invalid
from crm_core.life_cycle_counts import Overview
from crm_core.life_cycle_rules import LifeCycle
from crm_core.life_cycles import LifeCycleChange
from crm_core.purchases import Purchase, PurchaseKind
from crm_core.service_figures import Rating

CHANGES = Resource(
    "life-cycle-changes",
    LifeCycleChange,
    (
        *ID,
        *counts("customer_id"),
        *texts("from_state", "to_state"),
        *times("at"),
        *texts("reason"),
        *counts("employee_id"),
        *STAMPS,
    ),
    owner="",
)
VALUES = Resource(
    "customer-values",
    CustomerValue,
    (
        *ID,
        *counts("customer_id"),
        *times("at"),
        *texts("grade"),
        *counts("points", "profit_points", "influence_points", "credit_points", "loyalty_points", "profit_cents"),
        Shown("inputs", Form.JSON),
        *STAMPS,
    ),
    owner="",
)
PURCHASES = Resource(
    "purchases",
    Purchase,
    (
        *ID,
        *counts("customer_id"),
        *texts("kind", "product", "quantity"),
        Shown("amount", Form.MONEY),
        Shown("cost", Form.MONEY),
        *times("at"),
        *counts("employee_id"),
        *times("undone_at"),
        *STAMPS,
    ),
    owner="",
)
RATINGS = Resource(
    "ratings",
    Rating,
    (*ID, *counts("customer_id", "employee_id", "points"), *texts("text"), *times("at"), *counts("recorded_by"), *STAMPS),
    owner="",
)
Reason = Annotated[str, Meta(min_length=1, max_length=100)]
DAYS: dict[str, Any] = {"days": int}
LONGEST_DAYS = 3700
routes = Routes()


class NewState(Struct):
    """A state set by hand, and why; it stays until something happens."""

    life_cycle: LifeCycle
    reason: Reason


class NewPurchase(Struct):
    """Something bought, or liked. `cost`, yuan, when it is known: a sale may lose money."""

    product: Line
    kind: PurchaseKind = PurchaseKind.BOUGHT
    quantity: Annotated[str, Meta(max_length=32)] = ""
    amount: Money | None = None
    cost: Money | None = None
    at: Instant | None = None


class NewRating(Struct):
    """What a customer said of the service; of the owner's unless somebody is named."""

    points: Annotated[int, Meta(ge=1, le=5)]
    text: Annotated[str, Meta(max_length=200)] = ""
    employee_id: Id | None = None


@routes.get("/customers/{id}/tree", scope="customers:read")
async def show_tree(call: Call) -> Any:
    """Show the units above and below a customer, top down; level 0 is the customer itself."""
    units = await contacts.tree_of(call.core, call.actor, call.number)
    return {"items": [{"id": unit.id, "name": unit.name, "level": unit.level} for unit in units]}


@routes.lists("/customers/{id}/life-cycle", scope="customers:read", shows=CHANGES)
async def list_changes(call: Call) -> Any:
    """List the states of a customer, newest first."""
    customer = await access.load(Customer, call.actor, call.number)
    return await list_rows(call, CHANGES, query=LifeCycleChange.filter(customer_id=customer.id))


@routes.post("/customers/{id}/life-cycle", scope="customers:write")
async def set_life_cycle(call: Call, body: NewState) -> Any:
    """Set a customer's state by hand."""
    row, set_id = await life_cycles.set_by_hand(call.core, call.actor, call.number, body.life_cycle, reason=body.reason)
    return {"id": row.id, "life_cycle": row.life_cycle, "reason": row.life_cycle_reason, "change_set_id": set_id}


@routes.lists("/reports/life-cycle", scope="customers:read", filters=DAYS)
async def show_overview(call: Call) -> Any:
    """Count customers by state and the moves between states in the last days (30)."""
    seen: Overview = await life_cycle_counts.overview(call.core, call.actor, _days(call))
    moves = [
        {"from": move.from_state, "to": move.to_state, "count": move.count, "conversion_rate": round(move.conversion_rate, 4)}
        for move in seen.moves
    ]
    return {
        "days": seen.days,
        "items": [{"life_cycle": state, "count": seen.counts[state]} for state in LifeCycle],
        "moves": moves,
    }


@routes.get("/customers/{id}/value", scope="customers:read")
async def show_value(call: Call) -> Any:
    """Show what a customer is worth now: grade, four sides, each input in a line; rhythm of contact and greeting policy."""
    seen = await customer_values.appraisal_of(call.core, call.actor, call.number)
    return {
        "grade": seen.value.grade,
        "points": seen.value.points,
        "sides": [{"name": side.name, "points": side.points, "lines": list(side.lines)} for side in seen.value.sides],
        "every_days": seen.every_days,
        "greeting": seen.greeting,
    }


@routes.lists("/customers/{id}/values", scope="customers:read", shows=VALUES)
async def list_values(call: Call) -> Any:
    """List how a customer's value changed, newest first."""
    customer = await access.load(Customer, call.actor, call.number)
    return await list_rows(call, VALUES, query=CustomerValue.filter(customer_id=customer.id))


@routes.get("/reports/customer-value", scope="customers:read")
async def show_ranking(call: Call) -> Any:
    """Rank customers by profit: the share of the best 20 %, the drag of the worst 30 %."""
    seen = await customer_values.ranking(call.core, call.actor, shown=20)
    listed = {
        name: [{"customer_id": each.id, "name": each.name, "profit": str(each.profit), "grade": each.grade} for each in rows]
        for name, rows in (("best", seen.best), ("worst", seen.worst))
    }
    return {
        "customers": seen.customers,
        "profit": str(seen.profit),
        "top": {"count": seen.top_count, "profit": str(seen.top_profit), "share": seen.top_share},
        "worst_part": {"count": seen.worst_count, "profit": str(seen.worst_profit), "loss": str(seen.loss)},
        **listed,
    }


@routes.lists("/customers/{id}/purchases", scope="customers:read", filters={"kind": PurchaseKind}, shows=PURCHASES)
async def list_purchases(call: Call) -> Any:
    """List what a customer bought and likes, newest first."""
    customer = await access.load(Customer, call.actor, call.number)
    return await list_rows(call, PURCHASES, query=Purchase.filter(customer_id=customer.id, undone_at=None))


@routes.creates("/customers/{id}/purchases", scope="customers:write", shows=PURCHASES)
async def note_purchase(call: Call, body: NewPurchase) -> Any:
    """Note what a customer bought or likes."""
    return await show_row(call, PURCHASES, await purchases.note_purchase(call.core, call.actor, call.number, **given(body)))


@routes.post("/purchases/{id}/undo", scope="customers:write", shows=PURCHASES)
async def undo_purchase(call: Call, body: Empty) -> Any:
    """Take a noted purchase back."""
    return await show_row(call, PURCHASES, await purchases.undo_purchase(call.core, call.actor, call.number))


@routes.creates("/customers/{id}/ratings", scope="customers:write", shows=RATINGS)
async def rate(call: Call, body: NewRating) -> Any:
    """Note what a customer said of the service."""
    return await show_row(call, RATINGS, await service_figures.rate(call.core, call.actor, call.number, **given(body)))


@routes.post("/ratings/{id}/undo", scope="customers:write", shows=RATINGS)
async def undo_rate(call: Call, body: Empty) -> Any:
    """Take a rating back."""
    return await show_row(call, RATINGS, await service_figures.undo_rate(call.core, call.actor, call.number))


@routes.lists("/reports/service", scope="customers:read", filters=DAYS)
async def show_service(call: Call) -> Any:
    """Measure by person how soon new people are answered, and how the service is rated."""
    found = await service_figures.figures(call.core, call.actor, _days(call))
    return {"days": _days(call), "items": [msgspec.to_builtins(each) for each in found]}


def _days(call: Call) -> int:
    days = int(call.query.get("days", 30))
    if not 1 <= days <= LONGEST_DAYS:
        raise Invalid(field="days", reason=f"需要在 1 到 {LONGEST_DAYS} 之间")
    return days
