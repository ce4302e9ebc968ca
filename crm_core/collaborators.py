"""Collaborators (协作人): who may see and follow up a customer without owning it. How it is granted: `sharing.py`.

The rule stands here once, in both languages: `own_or_shared` behind `access.visible`, `own_or_shared_sql` for plain SQL.
Reports count what somebody owns, so that nothing is counted twice in the house.
"""

from collections.abc import Sequence
from typing import Any

from tortoise import fields
from tortoise.expressions import Q, Subquery

from crm_core.access import Actor
from crm_core.db import Entity
from crm_core.identity import Hang


class Collaborator(Entity):
    """One employee at one customer; with `may_write` they may change it, too."""

    owner_field = None
    hangs_on = (Hang("collaborators", "customer_id", "customer", stronger=("may_write",)),)

    customer_id = fields.BigIntField(db_index=True)
    employee_id = fields.BigIntField(db_index=True)
    may_write = fields.BooleanField(default=False)
    granted_by = fields.BigIntField(null=True)

    class Meta:
        """Once a customer; revoked: the row goes, the audit trail keeps it."""

        table = "collaborators"
        unique_together = (("customer_id", "employee_id"),)


def own_or_shared(actor: Actor, customer_column: str) -> Q:
    """Select what the actor's team owns, and what belongs to a customer shared with somebody of it."""
    team: Any = list(actor.team or {actor.employee_id})
    shared: Any = Subquery(Collaborator.filter(employee_id__in=team).values("customer_id"))
    return Q(owner_id__in=team) | Q(**{f"{customer_column}__in": shared})


def own_or_shared_sql(owners: Sequence[int], owner_column: str, customer_column: str) -> tuple[str, list[object]]:
    """Say the same in plain SQL, for a team."""
    marks = ", ".join("?" * len(owners))
    shared = f"SELECT k.customer_id FROM collaborators k WHERE k.employee_id IN ({marks})"  # noqa: S608 - question marks
    return f"({owner_column} IN ({marks}) OR {customer_column} IN ({shared}))", [*owners, *owners]


async def may_change(actor: Actor, customer_id: int | None, owner_id: int | None) -> bool:
    """Tell whether the actor may change a customer, or what is at it, that they see."""
    team = actor.team or {actor.employee_id}
    if actor.sees_all or owner_id in team or customer_id is None:
        return True
    shared: Any = list(team)
    return await Collaborator.filter(customer_id=customer_id, employee_id__in=shared, may_write=True).exists()
