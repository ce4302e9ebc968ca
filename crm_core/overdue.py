"""Leads nobody follows up in time (跟踪不及时): of the actor's team, or of everybody for the morning's lists."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from crm_core import access
from crm_core.access import Actor
from crm_core.ports import Core, Program
from crm_core.rules import as_instant

PAGE = 500
_TOUCHED = (
    "CASE WHEN l.last_follow_up_at > coalesce(l.claimed_at, l.created_at) THEN l.last_follow_up_at"
    " ELSE coalesce(l.claimed_at, l.created_at) END"
)


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


async def list_overdue(core: Core, actor: Actor, *, limit: int = 20) -> list[Overdue]:
    """List overdue leads the actor answers for: the own ones, or the team's, the longest first."""
    access.require(actor, "leads:read")
    owners = None if actor.sees_all else sorted(actor.team or {actor.employee_id or 0})
    found = await core.db.read(_page(core, 0, owners=owners, limit=PAGE))
    return sorted(found, key=lambda each: each.touched_at)[:limit]


def all_overdue(core: Core) -> Program[list[Overdue]]:
    """List every overdue lead, page by page."""
    found: list[Overdue] = []
    after = 0
    while True:
        page = yield from _page(core, after, owners=None, limit=PAGE)
        found += page
        if len(page) < PAGE:
            return found
        after = page[-1].id


def _page(core: Core, after: int, *, owners: Sequence[int] | None, limit: int) -> Program[list[Overdue]]:
    days = core.settings.pools.overdue_days
    if not days:
        return []
    before = core.clock.now() - timedelta(days=days)
    whose = "" if owners is None else f" AND l.owner_id IN ({', '.join('?' * len(owners))})"
    rows = yield (
        f"SELECT l.id, l.name, l.company, l.owner_id, e.name, e.manager_id, {_TOUCHED} FROM leads l"  # noqa: S608 - our own words
        f" JOIN employees e ON e.id = l.owner_id WHERE l.id > ?{whose} AND l.status IN ('new', 'following')"
        f" AND coalesce(l.claimed_at, l.created_at) <= ? AND (l.last_follow_up_at IS NULL OR l.last_follow_up_at <= ?)"
        " AND e.departed_at IS NULL ORDER BY l.id LIMIT ?",
        (after, *(owners or ()), before, before, limit),
    )
    return [
        Overdue(int(number), name, company, int(owner_id), owner, boss, as_instant(touched) or before)
        for number, name, company, owner_id, owner, boss, touched in rows
    ]
