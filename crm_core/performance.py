"""Who won how much (业绩): the won deals of each colleague in a span of days, beside what they were to win."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from decimal import Decimal

from crm_core import access, sales_targets
from crm_core.access import Actor
from crm_core.clock import at_local
from crm_core.employees import Employee
from crm_core.forecasts import CENTS, bounds_of, check_span, months_of, of_owners, yuan
from crm_core.funnels import seen_owners
from crm_core.ports import Core, Program


@dataclass(frozen=True, slots=True)
class Standing:
    """What one colleague won. `target`: of the months, where the span is of whole months and one was set."""

    employee_id: int
    name: str
    won_count: int
    won_amount: Decimal
    target: Decimal | None = None


async def standings(
    core: Core, actor: Actor, first: date, last: date, owner_ids: Sequence[int] | None = None, limit: int = 20
) -> list[Standing]:
    """Rank the colleagues the actor sees by what they won, days inclusive; those who won nothing are left out.

    Raises: Refused for somebody outside the own team; Invalid for a span of more than ten years.
    """
    access.require(actor, "opportunities:read")
    check_span(first, last)
    owners = seen_owners(actor, owner_ids)
    rows = await core.db.read(_won(first, last, owners))
    best = sorted(rows, key=lambda row: (-row[2], row[0]))[:limit]
    names = {row.id: row.name for row in await Employee.filter(id__in=[row[0] for row in best])}
    months = _whole_months(first, last)
    found = []
    for number, count, amount in best:
        target = await sales_targets.target_of(core, months, [number]) if months else None
        found.append(Standing(number, names.get(number, "（无负责人）"), count, amount, target))
    return found


def _whole_months(first: date, last: date) -> list[str]:
    months = months_of(first, last)
    whole = first == bounds_of(months[0])[0] and last == bounds_of(months[-1])[1] - timedelta(days=1)
    return months if whole else []


def _won(first: date, last: date, owners: Sequence[int] | None) -> Program[list[tuple[int, int, Decimal]]]:
    mine, values = of_owners(owners)
    span = (at_local(first, time()), at_local(last + timedelta(days=1), time()))
    rows = yield (
        f"SELECT COALESCE(owner_id, 0), COUNT(*), SUM({CENTS}) FROM opportunities WHERE status = 'won'"  # noqa: S608
        f" AND won_at >= ? AND won_at < ?{mine} GROUP BY COALESCE(owner_id, 0)",
        (*span, *values),
    )
    return [(int(owner), int(count), yuan(cents)) for owner, count, cents in rows]
