"""Leads nobody follows up in time (跟踪不及时): of the actor's team, or of everybody for the morning's lists."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from crm_core import access
from crm_core.access import Actor
from crm_core.ports import Core, Program
from crm_core.rules import as_instant

PAGE = 500
TOUCHED = (
    "CASE WHEN leads.last_follow_up_at > coalesce(leads.claimed_at, leads.created_at) THEN leads.last_follow_up_at"
    " ELSE coalesce(leads.claimed_at, leads.created_at) END"
)
"""When a lead was touched last: the index `leads_untouched` is of these very words."""
_FIRST = (datetime(2000, 1, 1, tzinfo=UTC), 0)


@dataclass(frozen=True, slots=True)
class Overdue:
    """An owned open lead that was not touched for too long."""

    id: int
    name: str
    company: str
    owner_id: int
    owner: str
    manager_id: int | None
    touched_at: datetime

    def days(self, now: datetime) -> int:
        """Tell for how many days."""
        return (now - self.touched_at).days


async def list_overdue(
    core: Core, actor: Actor, *, limit: int = 20, after: tuple[datetime, int] | None = None
) -> list[Overdue]:
    """List overdue leads the actor answers for: the own ones, or the team's, the longest first.

    `after`: when the last one of the page before was touched, and its id.
    """
    access.require(actor, "leads:read")
    return await core.db.read(_page(core, after or _FIRST, owners=_owners(actor), limit=limit))


async def count_overdue(core: Core, actor: Actor) -> int:
    """Count the overdue leads the actor answers for."""
    access.require(actor, "leads:read")
    return await core.db.read(_count(core, _owners(actor)))


def _owners(actor: Actor) -> list[int] | None:
    return None if actor.sees_all else sorted(actor.team or {actor.employee_id or 0})


def _count(core: Core, owners: Sequence[int] | None) -> Program[int]:
    days = core.settings.pools.overdue_days
    if not days:
        return 0
    rows = yield (
        f"SELECT COUNT(*) FROM leads JOIN employees e ON e.id = leads.owner_id WHERE {_whose(owners)}"  # noqa: S608
        f" AND leads.status IN ('new', 'following') AND {TOUCHED} <= ? AND e.departed_at IS NULL",
        (*(owners or ()), core.clock.now() - timedelta(days=days)),
    )
    return int(rows[0][0])


def _whose(owners: Sequence[int] | None) -> str:
    return "leads.owner_id IS NOT NULL" if owners is None else f"leads.owner_id IN ({', '.join('?' * len(owners))})"


def all_overdue(core: Core) -> Program[list[Overdue]]:
    """List every overdue lead, the longest first, page by page."""
    found: list[Overdue] = []
    after = _FIRST
    while True:
        page = yield from _page(core, after, owners=None, limit=PAGE)
        found += page
        if len(page) < PAGE:
            return found
        after = (page[-1].touched_at, page[-1].id)


def _page(core: Core, after: tuple[datetime, int], *, owners: Sequence[int] | None, limit: int) -> Program[list[Overdue]]:
    days = core.settings.pools.overdue_days
    if not days:
        return []
    before = core.clock.now() - timedelta(days=days)
    rows = yield (
        f"SELECT leads.id, leads.name, leads.company, leads.owner_id, e.name, e.manager_id, {TOUCHED} FROM leads"  # noqa: S608
        f" JOIN employees e ON e.id = leads.owner_id WHERE {_whose(owners)} AND leads.status IN ('new', 'following')"
        f" AND {TOUCHED} <= ? AND {TOUCHED} >= ? AND ({TOUCHED} > ? OR leads.id > ?) AND e.departed_at IS NULL"
        f" ORDER BY {TOUCHED}, leads.id LIMIT ?",
        (*(owners or ()), before, after[0], *after, limit),
    )
    return [
        Overdue(int(number), name, company, int(owner_id), owner, boss, as_instant(touched) or before)
        for number, name, company, owner_id, owner, boss, touched in rows
    ]
