"""Each night: warn the owners of leads nobody touches, then return them to the pool (回收).

A lead is returned only after its owner was warned and had so many days to act as its terms say (by grade, product or end
of contract); touching it begins everything anew.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from tortoise.expressions import Q

from crm_core import access
from crm_core.access import Actor
from crm_core.clock import at_local, local_day, to_local
from crm_core.leads import Lead
from crm_core.pool_claims import end_claim, settle_in_pool
from crm_core.pool_rules import Terms, return_at
from crm_core.ports import Core, Program
from crm_core.rules import as_instant
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
    terms: Terms
    contract_ends_on: date | None = None

    @property
    def due(self) -> datetime:
        """When it goes back."""
        return return_at(self.touched_at, self.claimed_at, self.terms, self.contract_ends_on)

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
            if lead.due - lead.terms.warning <= core.clock.now():
                returned += await _warn_or_return(core, lead)
        after = page[-1].id
    return returned


def _idle_page(core: Core, after: int) -> Program[list[_Idle]]:
    pools = core.settings.pools
    now = core.clock.now()
    before = now - pools.soonest
    # What a contract alone sends back goes back however lately it was touched.
    ended = local_day(now + max(pools.terms_for(*one).warning for one in pools.examples))
    rows = yield (
        "SELECT id, name, owner_id, CASE WHEN last_follow_up_at > coalesce(claimed_at, created_at) THEN last_follow_up_at"
        " ELSE coalesce(claimed_at, created_at) END AS touched_at, claimed_at, grade, need, contract_ends_on FROM leads"
        " WHERE id > ? AND owner_id IS NOT NULL AND status IN ('new', 'following')"
        " AND (coalesce(claimed_at, created_at) <= ? AND (last_follow_up_at IS NULL"
        " OR last_follow_up_at <= ?) OR contract_ends_on <= ?) ORDER BY id LIMIT ?",
        (after, before, before, ended, PAGE),
    )
    return [
        _Idle(
            int(number),
            str(name),
            int(owner_id),
            as_instant(touched_at) or before,
            as_instant(claimed_at),
            pools.terms_for(grade, need),
            _day(contract),
        )
        for number, name, owner_id, touched_at, claimed_at, grade, need, contract in rows
    ]


def _day(value: object) -> date | None:
    return value if value is None or isinstance(value, date) else date.fromisoformat(str(value))


async def _warn_or_return(core: Core, lead: _Idle) -> int:
    warned_at = await core.db.run(_warn(core, lead))
    now = core.clock.now()
    if warned_at is None or now < lead.due or now < warned_at + lead.terms.warning:
        return 0
    async with core.db.transaction():
        # The owner may have touched or lost it since it was read: then nothing changes.
        query = Lead.filter(id=lead.id, owner_id=lead.owner_id, status__in=["new", "following"], claimed_at=lead.claimed_at)
        untouched = Q(last_follow_up_at=None) | Q(last_follow_up_at__lte=lead.touched_at)
        if not await query.filter(untouched).update(owner_id=None, claimed_at=None, updated_at=now):
            return 0
        await core.db.run(settle_in_pool(core, lead.id))
        await core.db.run(end_claim(core, lead.id, lead.owner_id))
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
    day = to_local(max(now + lead.terms.warning, lead.due))
    yield from _tell(core, lead, f"线索「{lead.name}」久未跟进，{day.month}月{day.day}日起将退回公海，请及时跟进", "warning")
    return None


def _tell(core: Core, lead: _Idle, text: str, what: str) -> Program[bool]:
    morning = at_local(local_day(core.clock.now()), TELL_AT)
    return (yield from tell(core, lead.owner_id, text, key=f"pool:{what}:{lead.slot}", not_before=morning, topic="pool"))


PERIODIC = Periodic(name="pool_return", every=timedelta(minutes=5), run=run, time_limit=timedelta(minutes=10))
