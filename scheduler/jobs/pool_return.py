"""Each night: warn the owners of leads nobody touches, then return them to the pool (回收).

A lead is returned only after its owner was warned and had `POOL_WARNING` to act; touching it begins everything anew.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from tortoise.expressions import Q

from crm_core import access
from crm_core.access import Actor
from crm_core.clock import at_local, local_day, to_local
from crm_core.leads import Lead
from crm_core.ports import Core, Program
from crm_core.rules import POOL_WARNING, as_instant, reclaim_at
from scheduler.notices import tell
from scheduler.queue import Periodic, once_a_day, take_slot

AT = time(3)
TELL_AT = time(8, 30)
"""People are told in the morning, not at night."""
PAGE = 500
SYSTEM = Actor.of_system("pool_return")


@dataclass(frozen=True, slots=True)
class _Idle:
    """An owned lead that is close to its return, or past it."""

    id: int
    name: str
    owner_id: int
    touched_at: datetime
    claimed_at: datetime | None

    @property
    def slot(self) -> str:
        """One warning a lead and touch."""
        return f"{self.id}:{self.touched_at:%Y%m%dT%H%M%S}"


async def run(core: Core) -> bool:
    """Do the night's work once a day; tells whether it was done now."""
    return await once_a_day(core, "pool_return", AT, lambda: return_idle(core))


async def return_idle(core: Core) -> int:
    """Warn about and return idle leads, page by page; tells how many went back."""
    returned, after = 0, 0
    while page := await core.db.read(_idle_page(core, after)):
        for lead in page:
            if reclaim_at(lead.touched_at, lead.claimed_at, core.settings.pools) - POOL_WARNING <= core.clock.now():
                returned += await _warn_or_return(core, lead)
        after = page[-1].id
    return returned


def _idle_page(core: Core, after: int) -> Program[list[_Idle]]:
    before = core.clock.now() - timedelta(days=core.settings.pools.reclaim_days) + POOL_WARNING
    rows = yield (
        "SELECT id, name, owner_id, CASE WHEN last_follow_up_at > coalesce(claimed_at, created_at) THEN last_follow_up_at"
        " ELSE coalesce(claimed_at, created_at) END AS touched_at, claimed_at FROM leads"
        " WHERE id > ? AND owner_id IS NOT NULL AND status IN ('new', 'following')"
        " AND coalesce(claimed_at, created_at) <= ? AND (last_follow_up_at IS NULL"
        " OR last_follow_up_at <= ?) ORDER BY id LIMIT ?",
        (after, before, before, PAGE),
    )
    return [
        _Idle(int(number), str(name), int(owner_id), as_instant(touched_at) or before, as_instant(claimed_at))
        for number, name, owner_id, touched_at, claimed_at in rows
    ]


async def _warn_or_return(core: Core, lead: _Idle) -> int:
    warned_at = await core.db.run(_warn(core, lead))
    now = core.clock.now()
    due = reclaim_at(lead.touched_at, lead.claimed_at, core.settings.pools)
    if warned_at is None or now < due or now < warned_at + POOL_WARNING:
        return 0
    async with core.db.transaction():
        # The owner may have touched or lost it since it was read: then nothing changes.
        query = Lead.filter(id=lead.id, owner_id=lead.owner_id, status__in=["new", "following"], claimed_at=lead.claimed_at)
        untouched = Q(last_follow_up_at=None) | Q(last_follow_up_at__lte=lead.touched_at)
        if not await query.filter(untouched).update(owner_id=None, claimed_at=None, updated_at=now):
            return 0
        await access.record(core, SYSTEM, "lead.reclaim", ("leads", lead.id), before={"owner_id": lead.owner_id})
        await core.db.run(_tell(core, lead, f"线索「{lead.name}」久未跟进，已退回公海", "returned"))
    return 1


def _warn(core: Core, lead: _Idle) -> Program[datetime | None]:
    """Warn once a touch; gives when the owner was warned before, None if only now."""
    now = core.clock.now()
    rows = yield "SELECT done_at FROM schedule_slots WHERE name = 'pool_warning' AND slot = ?", (lead.slot,)
    if rows:
        return as_instant(rows[0][0])
    yield from take_slot(now, "pool_warning", lead.slot)
    day = to_local(max(now + POOL_WARNING, reclaim_at(lead.touched_at, lead.claimed_at, core.settings.pools)))
    yield from _tell(core, lead, f"线索「{lead.name}」久未跟进，{day.month}月{day.day}日起将退回公海，请及时跟进", "warning")
    return None


def _tell(core: Core, lead: _Idle, text: str, what: str) -> Program[bool]:
    morning = at_local(local_day(core.clock.now()), TELL_AT)
    return (yield from tell(core, lead.owner_id, text, key=f"pool:{what}:{lead.slot}", not_before=morning, topic="pool"))


PERIODIC = Periodic(name="pool_return", every=timedelta(minutes=5), run=run, time_limit=timedelta(minutes=10))
