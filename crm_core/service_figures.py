"""How quickly colleagues answer new people, and how they are rated (满意度), per person.

First answer: from the moment a lead was recorded to the first follow-up anybody wrote about it (a person's doing; what the
bot says by itself is no answer). Ratings: what customers said after service, noted in one line.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from tortoise import fields
from tortoise.expressions import Q, Subquery

from crm_core import access
from crm_core.access import Actor
from crm_core.collaborators import own_or_shared
from crm_core.customers import Customer
from crm_core.db import Entity, UtcDatetimeField
from crm_core.errors import Invalid
from crm_core.life_cycle_counts import scope_sql
from crm_core.ports import Core, Program
from crm_core.rules import as_instant

MOST = 20_000
"""Leads looked at for one answer, the newest."""


class Rating(Entity):
    """What a customer said of somebody's service: 1-5 points."""

    customer_id = fields.BigIntField(db_index=True)
    employee_id = fields.BigIntField(null=True)
    points = fields.IntField()
    text = fields.CharField(max_length=200, default="")
    at = UtcDatetimeField()
    recorded_by = fields.BigIntField(null=True)
    undone_at = UtcDatetimeField(null=True)

    @classmethod
    def visible_to(cls, actor: Actor) -> Q:
        """Select those of customers the actor sees."""
        customers: Any = Subquery(Customer.filter(own_or_shared(actor, "id"), deleted_at=None).values("id"))
        return Q(customer_id__in=customers)

    class Meta:
        """Found by whom it is about."""

        table = "ratings"
        indexes = (("employee_id", "at"),)


async def rate(
    core: Core, actor: Actor, customer_id: int, *, points: int, text: str = "", employee_id: int | None = None
) -> Rating:
    """Note what a customer said of the service, of the owner unless somebody is named. Raises: NotFound; Invalid."""
    access.require(actor, "customers:write")
    if not 1 <= points <= 5:
        raise Invalid(field="points", reason="评分需要在 1 到 5 之间")
    async with core.db.transaction():
        customer = await access.load(Customer, actor, customer_id)
        made: Rating = await Rating.add(
            core,
            customer_id=customer.id,
            employee_id=employee_id if employee_id is not None else customer.owner_id,
            points=points,
            text=text.strip()[:200],
            at=core.clock.now(),
            recorded_by=actor.employee_id,
        )
        await access.record(core, actor, "customer.rate", made, after={"points": points})
    return made


async def undo_rate(core: Core, actor: Actor, rating_id: int) -> Rating:
    """Take a rating back. Raises: NotFound."""
    access.require(actor, "customers:write")
    async with core.db.transaction():
        row = await access.load(Rating, actor, rating_id)
        await row.change(core, undone_at=core.clock.now())
        await access.record(core, actor, "customer.undo_rate", row)
    return row


@dataclass(frozen=True, slots=True)
class ServiceFigures:
    """One person's figures. Seconds; None where there is nothing to measure."""

    employee_id: int
    name: str
    new_count: int
    answered_count: int
    median_seconds: int | None
    rating_count: int
    rating: float | None


async def figures(core: Core, actor: Actor, days: int = 30) -> list[ServiceFigures]:
    """Measure everybody whose records the actor sees, over the last days."""
    access.require(actor, "customers:read")
    return await core.db.read(_figures(actor, core.clock.now() - timedelta(days=days)))


def _figures(actor: Actor, since: datetime) -> Program[list[ServiceFigures]]:
    waits = yield from _waits(actor, since)
    scope, team = scope_sql(actor, "employee_id")
    rated = yield (
        "SELECT employee_id, count(*), sum(points) FROM ratings WHERE at >= ? AND undone_at IS NULL"  # noqa: S608
        " AND employee_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM customers u WHERE u.id = ratings.customer_id"
        f" AND u.deleted_at IS NOT NULL){scope} GROUP BY employee_id",
        (since, *team),
    )
    ratings = {int(number): (int(count), int(points)) for number, count, points in rated}
    names = dict((yield "SELECT id, name FROM employees", ()))
    found = []
    for number in sorted({*waits, *ratings}):
        seconds = [each for each in waits.get(number, []) if each is not None]
        count, points = ratings.get(number, (0, 0))
        found.append(
            ServiceFigures(
                number,
                str(names.get(number, "")),
                len(waits.get(number, [])),
                len(seconds),
                int(median(seconds)) if seconds else None,
                count,
                round(points / count, 2) if count else None,
            )
        )
    return found


def _waits(actor: Actor, since: datetime) -> Program[dict[int, list[int | None]]]:
    """Tell by owner how long each of their new people waited, None for those who still wait."""
    scope, team = scope_sql(actor, "l.owner_id")
    rows = yield (
        "SELECT l.owner_id, l.created_at, (SELECT min(f.at) FROM follow_ups f WHERE f.subject_kind = 'lead'"  # noqa: S608
        " AND f.subject_id = l.id AND f.undone_at IS NULL), (SELECT min(f.at) FROM follow_ups f"
        " WHERE f.subject_kind = 'contact' AND f.subject_id = l.contact_id AND f.undone_at IS NULL) FROM leads l"
        f" WHERE l.owner_id IS NOT NULL AND l.merged_into_id IS NULL AND l.created_at >= ?{scope}"
        f" ORDER BY l.id DESC LIMIT {MOST}",
        (since, *team),
    )
    found: dict[int, list[int | None]] = {}
    for owner, created, *answers in rows:
        found.setdefault(int(owner), []).append(_seconds(created, answers))
    return found


def _seconds(created: Any, answers: Sequence[Any]) -> int | None:
    start = as_instant(created)
    times = [at for each in answers if (at := as_instant(each)) is not None]
    return max(0, int((min(times) - start).total_seconds())) if times and start else None
