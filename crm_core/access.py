"""Who may see and do what, and the audit trail of who did it. The only door to a person's rows."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, TypeVar

from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from crm_core import audit
from crm_core.db import Entity
from crm_core.errors import NotFound, Refused
from crm_core.ports import Core

E = TypeVar("E", bound=Entity)


class Role(StrEnum):
    """What an employee is in the house."""

    SALES = "sales"
    MANAGER = "manager"
    MARKETER = "marketer"
    ADMIN = "admin"
    VIEWER = "viewer"


ROLE_LABELS = {Role.SALES: "销售", Role.MANAGER: "主管", Role.MARKETER: "市场", Role.ADMIN: "管理员", Role.VIEWER: "只读"}

RECORDS = frozenset(
    {
        "leads",
        "customers",
        "contacts",
        "opportunities",
        "follow-ups",
        "reminders",
        "tags",
        "imports",
        "duplicates",
        "change-sets",
        "visits",
        "work-reports",
        "documents",
    }
)
CAMPAIGNS = frozenset({"segments", "templates", "broadcasts", "recipients", "greetings"})
HOUSE = frozenset({"employees", "accounts", "messages", "targets", "announcements", "articles"})
RESOURCES = RECORDS | CAMPAIGNS | HOUSE | {"audit", "tokens"}

_READ: Mapping[Role, frozenset[str]] = {
    Role.SALES: RECORDS | HOUSE | {"templates", "segments"},
    Role.MANAGER: RECORDS | HOUSE | CAMPAIGNS,
    Role.MARKETER: RECORDS | HOUSE | CAMPAIGNS,
    Role.ADMIN: RESOURCES,
    Role.VIEWER: RECORDS | HOUSE | CAMPAIGNS,
}
_WRITE: Mapping[Role, frozenset[str]] = {
    Role.SALES: RECORDS | {"announcements"},
    Role.MANAGER: RECORDS | CAMPAIGNS | {"targets", "announcements", "articles"},
    Role.MARKETER: CAMPAIGNS | {"tags", "reminders", "visits", "work-reports", "announcements", "articles"},
    Role.ADMIN: RESOURCES,
    Role.VIEWER: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does it now: an employee, a token, or the system.

    `team` holds the employee ids whose rows a manager sees, the own one included; `scopes` narrows a token
    (None: everything its role may).
    """

    role: Role
    name: str
    employee_id: int | None = None
    team: frozenset[int] = frozenset()
    scopes: frozenset[str] | None = None
    system: bool = False
    departments: frozenset[int] = frozenset()
    """The units whose pool they see besides headquarters' own: theirs, those above and those below."""
    closed_pools: frozenset[str] = frozenset()
    """Pools the settings keep from them."""

    @classmethod
    def of_system(cls, name: str) -> "Actor":
        """Make the actor of a job of the house itself, which may do anything under its name."""
        return cls(role=Role.ADMIN, name=name, system=True)

    @property
    def sees_all(self) -> bool:
        """Whether no row is hidden from this actor."""
        return self.system or self.role in (Role.ADMIN, Role.MARKETER, Role.VIEWER) or self.employee_id is None

    def narrowed(self, scopes: frozenset[str] | None) -> "Actor":
        """Limit the actor to a token's scopes."""
        return replace(self, scopes=scopes)

    def for_pools(self, closed: frozenset[str]) -> "Actor":
        """Keep some pools from the actor."""
        return replace(self, closed_pools=closed) if closed and not self.system else self


def may(actor: Actor, scope: str) -> bool:
    """Tell whether the actor may do `RESOURCE:read` or `RESOURCE:write` at all."""
    if actor.system:
        return True
    resource, _, action = scope.partition(":")
    allowed = (_WRITE if action == "write" else _READ)[actor.role]
    if resource not in allowed:
        return False
    return actor.scopes is None or scope in actor.scopes or (action == "read" and f"{resource}:write" in actor.scopes)


def require(actor: Actor, scope: str) -> None:
    """Refuse what the actor may not. Raises: Refused."""
    if not may(actor, scope):
        raise Refused


def visible(model: type[E], actor: Actor) -> "QuerySet[E]":
    """Select the rows this actor may see; every list, count, search and export starts here.

    A model says whose a row is by `owner_field`; None means that everybody with the right to read sees all. One with
    another rule has a method `visible_to` instead.
    """
    owner = getattr(model, "owner_field", "owner_id")
    # What was merged into another record is history; whoever asks for its number is given the surviving one (`load`).
    unmerged: Any = {"merged_into_id": None} if "merged_into_id" in model._meta.fields_map else {}
    if "deleted_at" in model._meta.fields_map:
        unmerged["deleted_at"] = None
    there = Q(**unmerged)
    for column, value in getattr(model, "never_shown", ()):
        there &= ~Q(**{column: value})
    if owner is None or actor.sees_all:
        return model.filter(there)
    rule: Any = getattr(model, "visible_to", None)
    if rule is not None:
        return model.filter(rule(actor), there)
    team: Any = list(actor.team or {actor.employee_id})
    mine = Q(**{f"{owner}__in": team})
    if getattr(model, "ownerless_is_pool", False):
        mine |= in_reach(actor, owner)
    return model.filter(mine, there)


def standing_sql(model: type[Entity]) -> str:
    """Say in plain SQL which rows are there at all, whoever asks: neither merged nor deleted."""
    parts = [f"{name} IS NULL" for name in ("merged_into_id", "deleted_at") if name in model._meta.fields_map]
    parts += [f"{column} <> '{value}'" for column, value in getattr(model, "never_shown", ())]
    return " AND ".join(parts) or "1 = 1"


def in_reach(actor: Actor, owner: str = "owner_id") -> Q:
    """Select the pool's rows an actor sees: those of headquarters and of their own branch of the house (保密)."""
    nobody: Any = True
    unit = Q(department_id__isnull=nobody)
    if actor.departments:
        unit |= Q(department_id__in=sorted(actor.departments))
    pool = Q(**{f"{owner}__isnull": nobody}) & unit
    return pool & ~Q(pool__in=sorted(actor.closed_pools)) if actor.closed_pools else pool


def is_confidential(actor: Actor, department_id: int | None) -> bool:
    """Tell whether a record of this unit must not even be named to the actor: it is another unit's."""
    return department_id is not None and not actor.sees_all and department_id not in actor.departments


async def load(model: type[E], actor: Actor, row_id: int) -> E:
    """Load one row by number, for a merged one the surviving one; a foreign row looks like a missing one. Raises: NotFound."""
    row = await visible(model, actor).get_or_none(id=row_id)
    if row is None and "merged_into_id" in model._meta.fields_map:
        gone = await model.get_or_none(id=row_id)
        into: Any = getattr(gone, "merged_into_id", None)
        row = await visible(model, actor).get_or_none(id=into) if into is not None else None
    if row is None:
        raise NotFound
    return row


def sees_personal(actor: Actor, owner_id: int | None) -> bool:
    """Tell whether numbers and addresses of a record are shown in full: to its owner, their managers and admin."""
    if actor.role is Role.VIEWER:
        return False
    if actor.system or actor.role is Role.ADMIN:
        return True
    return owner_id is not None and (owner_id == actor.employee_id or owner_id in actor.team)


async def record(
    core: Core,
    actor: Actor,
    action: str,
    thing: Entity | tuple[str, int | None],
    *,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
) -> None:
    """Write one audit entry in the open transaction."""
    kind, number = thing if isinstance(thing, tuple) else (str(thing._meta.db_table), thing.id)
    await audit.add_entry(
        core,
        actor=actor.name,
        employee_id=actor.employee_id,
        action=action,
        object_kind=kind,
        object_id=number,
        before=before,
        after=after,
    )
