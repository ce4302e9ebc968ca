"""How many customers are in each state, how they moved, who sleeps, who may be lost, and whom to call next."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from crm_core import access
from crm_core.access import Actor
from crm_core.customers import Customer
from crm_core.life_cycle_rules import LifeCycle
from crm_core.ports import Core, Program


@dataclass(frozen=True, slots=True)
class Move:
    """How many went from one state to another, and what share of those who left the first that is (0-1)."""

    from_state: LifeCycle
    to_state: LifeCycle
    count: int
    conversion_rate: float


@dataclass(frozen=True, slots=True)
class Overview:
    """The customers an actor sees as owner or manager, by state, and the moves of the last days."""

    counts: dict[LifeCycle, int]
    moves: tuple[Move, ...]
    days: int


def scope_sql(actor: Actor, column: str = "owner_id") -> tuple[str, list[object]]:
    """Write the condition for the team's own rows; nothing for who sees all."""
    if actor.sees_all:
        return "", []
    team = sorted(actor.team or {actor.employee_id or -1})
    return f" AND {column} IN ({', '.join('?' * len(team))})", list(team)


async def overview(core: Core, actor: Actor, days: int = 30) -> Overview:
    """Count the states and the moves between them."""
    access.require(actor, "customers:read")
    return await core.db.read(_overview(actor, core.clock.now() - timedelta(days=days), days))


def _overview(actor: Actor, since: datetime, days: int) -> Program[Overview]:
    scope, team = scope_sql(actor)
    rows = yield (
        "SELECT life_cycle, count(*) FROM customers WHERE merged_into_id IS NULL AND deleted_at IS NULL"  # noqa: S608
        f"{scope} GROUP BY life_cycle",
        team,
    )
    counts = dict.fromkeys(LifeCycle, 0) | {LifeCycle(state): int(number) for state, number in rows}
    rows = yield (
        f"SELECT from_state, to_state, count(*) FROM life_cycle_changes WHERE at >= ?{scope}"  # noqa: S608
        " GROUP BY from_state, to_state",
        (since, *team),
    )
    left: dict[str, int] = {}
    for state, _, number in rows:
        left[str(state)] = left.get(str(state), 0) + int(number)
    moves = [Move(LifeCycle(a), LifeCycle(b), int(number), int(number) / left[str(a)]) for a, b, number in rows if a != b]
    order = list(LifeCycle)
    moves.sort(key=lambda move: (order.index(move.from_state), order.index(move.to_state)))
    return Overview(counts, tuple(moves), days)


async def list_in(actor: Actor, states: Sequence[LifeCycle], limit: int = 10) -> tuple[list[Customer], int]:
    """List visible customers in some states, those longest in it first, and count them."""
    query = access.visible(Customer, actor).filter(life_cycle__in=[state.value for state in states])
    return await query.order_by("life_cycle_at", "id").limit(limit), await query.count()


async def list_warned(actor: Actor, limit: int = 10) -> tuple[list[Customer], int]:
    """List visible customers who may soon be dormant or lost, and count them."""
    query = access.visible(Customer, actor).filter(churn_warned_at__isnull=False)
    return await query.order_by("churn_warned_at", "id").limit(limit), await query.count()


async def list_to_contact(core: Core, actor: Actor, limit: int = 10) -> tuple[list[Customer], int]:
    """List visible customers whose next contact is due by their rhythm, the most overdue first, and count them."""
    query = access.visible(Customer, actor).filter(next_contact_at__lte=core.clock.now())
    if actor.employee_id is not None and not actor.system:
        mine = query.filter(owner_id=actor.employee_id)
        query = mine if await mine.exists() else query
    return await query.order_by("next_contact_at", "id").limit(limit), await query.count()
