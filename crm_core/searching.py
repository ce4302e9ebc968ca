"""Search over leads and contacts by several conditions at once (多条件搜索): a page of people, and how many there are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from crm_core import access, pool_claims
from crm_core.access import Actor
from crm_core.conditions import check_conditions
from crm_core.customers import Customer
from crm_core.ports import Core, Program
from crm_core.rules import as_instant
from crm_core.segments import allowed_to
from crm_core.selection import Selection, count_sql, people_sql
from crm_core.values import mask_phone, normalize_phone

MOST = 500
MOST_WORDS = 10


@dataclass(frozen=True, slots=True)
class Hit:
    """One person found, as a list shows them: the number masked."""

    person_id: int
    kind: str
    id: int
    name: str
    company: str
    region: str
    owner: str
    mobile: str
    last_follow_up_at: datetime | None

    @property
    def is_pooled(self) -> bool:
        """Tell whether it is a lead nobody owns."""
        return self.kind == "lead" and not self.owner


@dataclass(frozen=True, slots=True)
class Found:
    """A page of people; `total` on the first page only, `next` where the next page begins.

    `left_out`: leads of the pool that are not among `hits`, because no more of them may be looked at today.
    """

    hits: tuple[Hit, ...]
    total: int | None = None
    next: int | None = None
    left_out: int = 0


def _require(actor: Actor) -> None:
    # A hit is a lead or a contact with the company's name: whoever finds one could read each of them.
    for noun in ("leads", "contacts", "customers"):
        access.require(actor, f"{noun}:read")


async def search(
    core: Core, actor: Actor, conditions: Mapping[str, object], *, after: int = 0, limit: int = 10, count: bool = True
) -> Found:
    """Find people the actor may see by a condition of the segment language. Raises: Invalid; Refused."""
    _require(actor)
    selection = allowed_to(actor, check_conditions(conditions), me=actor.employee_id)
    return await search_selection(core, actor, selection, after=after, limit=limit, count=count)


async def search_selection(
    core: Core, actor: Actor, selection: Selection, *, after: int = 0, limit: int = 10, count: bool = False
) -> Found:
    """Do the same for a selection that was made already for this actor."""
    _require(actor)
    found = await core.db.read(_search(core, selection, after, max(1, min(limit, MOST)), count=count))
    pooled = [hit.person_id for hit in found.hits if hit.is_pooled]
    hidden = set(pooled[await pool_claims.let_see(core, actor, len(pooled)) :])
    return replace(found, hits=tuple(hit for hit in found.hits if hit.person_id not in hidden), left_out=len(hidden))


def _search(core: Core, selection: Selection, after: int, limit: int, *, count: bool) -> Program[Found]:
    total = None
    if count:
        rows = yield count_sql(selection, core.clock.now())
        total = int(rows[0][0])
    people: list[int] = []
    if total != 0:
        rows = yield people_sql(selection, core.clock.now(), after=after, limit=limit + 1)
        people = [int(number) for (number,) in rows]
    more = people[limit - 1] if len(people) > limit else None
    return Found(tuple((yield from _hits(people[:limit]))), total, more)


async def known_industries(words: Sequence[str]) -> set[str]:
    """Tell which of some words are industries of customers."""
    found: set[str] = set()
    for word in words[:MOST_WORDS]:
        if await Customer.filter(industry=word, merged_into_id=None, deleted_at=None).exists():
            found.add(word)
    return found


async def find_phone(core: Core, actor: Actor, number: str) -> list[Hit]:
    """Find whom a phone number belongs to, among those whose number the actor may read in full; by index alone."""
    _require(actor)
    phone = normalize_phone(number)
    if phone is None or actor.role is access.Role.VIEWER:
        return []
    return await core.db.read(_of_phone(phone, actor))


def _of_phone(phone: str, actor: Actor) -> Program[list[Hit]]:
    rows = yield (
        "SELECT person_id, owner_id FROM contacts WHERE mobile = ? AND merged_into_id IS NULL AND deleted_at IS NULL"
        " UNION SELECT person_id, owner_id FROM leads WHERE mobile = ? AND status IN ('new', 'following')",
        (phone, phone),
    )
    seen = sorted({int(person) for person, owner in rows if access.sees_personal(actor, owner)})
    return (yield from _hits(seen[:MOST]))


def _hits(people: list[int]) -> Program[list[Hit]]:
    if not people:
        return []
    marks = ", ".join("?" * len(people))
    rows = yield (
        "SELECT p.id, c.id, l.id, coalesce(c.name, l.name), coalesce(u.name, l.company, ''), coalesce(u.region, l.region, ''),"  # noqa: S608
        " coalesce(e.name, ''), coalesce(c.mobile, l.mobile), CASE WHEN c.id IS NULL THEN l.last_follow_up_at"
        " ELSE c.last_follow_up_at END FROM people p LEFT JOIN contacts c ON c.person_id = p.id"
        " LEFT JOIN customers u ON u.id = c.customer_id LEFT JOIN leads l ON l.person_id = p.id"
        " LEFT JOIN employees e ON e.id = CASE WHEN c.id IS NULL THEN l.owner_id ELSE c.owner_id END"
        f" WHERE p.id IN ({marks}) ORDER BY p.id",
        people,
    )
    return [_hit(row) for row in rows]


def _hit(row: tuple[Any, ...]) -> Hit:
    person_id, contact_id, lead_id, name, company, region, owner, mobile, at = row
    kind, number = ("contact", contact_id) if contact_id else ("lead", lead_id)
    return Hit(int(person_id), kind, int(number), name or "", company, region, owner, mask_phone(mobile) or "", as_instant(at))
