"""Who had which lead of the pool, and how many each was shown: cool-down, daily caps."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from tortoise import fields

from crm_core import change_sets
from crm_core.access import Actor
from crm_core.clock import day_bounds, local_day
from crm_core.db import Entity, UtcDatetimeField
from crm_core.errors import Refused
from crm_core.leads import Lead, check_claim_cap
from crm_core.ports import Core, Program

OPEN = ("new", "following")


class DayCapReached(Refused):
    """Enough claimed for one day."""

    code = "lead.day_cap_reached"
    text = "今天已领取{count}条，达到每日上限，请明天再领"


class PoolCapReached(Refused):
    """The employee owns enough leads of this pool."""

    code = "lead.pool_cap_reached"
    text = "「{pool}」的线索名下已有{count}条，达到上限{cap}"


class CoolDown(Refused):
    """They had it not long ago: now it is somebody else's turn."""

    code = "lead.cool_down"
    text = "这条线索{days}天内退回过，请先留给其他同事"


class ViewCapReached(Refused):
    """Enough leads of the pool looked at for one day."""

    code = "lead.view_cap_reached"
    text = "今天已查看{cap}条公海线索，达到每日上限，请明天再看"


class PoolClaim(Entity):
    """One claim of a lead, ended when it went back."""

    owner_field = None

    lead_id = fields.BigIntField()
    person_id = fields.BigIntField(null=True, db_index=True)
    employee_id = fields.BigIntField()
    pool = fields.CharField(max_length=32, default="")
    ended_at = UtcDatetimeField(null=True)

    class Meta:
        """Found by lead and employee, and by employee and day."""

        table = "pool_claims"
        indexes = (("lead_id", "employee_id"), ("employee_id", "created_at"))


class PoolView(Entity):
    """How many leads of the pool somebody was shown on a day, masked."""

    owner_field = None

    employee_id = fields.BigIntField()
    day = fields.DateField()
    shown_count = fields.IntField(default=0)

    class Meta:
        """One row an employee and day."""

        table = "pool_views"
        unique_together = (("employee_id", "day"),)


async def check_claim(core: Core, employee_id: int, lead: Lead) -> None:
    """Let an employee claim this lead now, in the open transaction.

    Raises: ClaimCapReached; DayCapReached; PoolCapReached; CoolDown.
    """
    await check_claim_cap(core, employee_id)
    settings = core.settings.pools
    if settings.claims_a_day:
        start, _ = day_bounds(local_day(core.clock.now()))
        count = await PoolClaim.filter(employee_id=employee_id, created_at__gte=start).count()
        if count >= settings.claims_a_day:
            raise DayCapReached(count=count)
    kind = settings.find(lead.pool)
    if kind is not None and kind.claim_cap:
        count = await Lead.filter(owner_id=employee_id, pool=lead.pool, status__in=list(OPEN)).count()
        if count >= kind.claim_cap:
            raise PoolCapReached(pool=kind.title, count=count, cap=kind.claim_cap)
    days = settings.cool_down_of(lead.pool)
    since = core.clock.now() - timedelta(days=days)
    if days and await PoolClaim.filter(lead_id=lead.id, employee_id=employee_id, ended_at__gt=since).exists():
        raise CoolDown(days=days)


async def note_claim(core: Core, employee_id: int, lead: Lead, *, set_id: int | None = None) -> None:
    """Write down that an employee has a lead from now on; with the undo of the set they never had it."""
    made: PoolClaim = await PoolClaim.add(
        core, lead_id=lead.id, person_id=lead.person_id, employee_id=employee_id, pool=lead.pool
    )
    if set_id is not None:
        await core.db.run(change_sets.note_made(core, set_id, "pool_claims", made.id, person_id=lead.person_id))


async def forget_claim(core: Core, employee_id: int, lead_id: int) -> None:
    """Take a claim back as if it had not been (撤销): no cool-down, no claim of the day."""
    await PoolClaim.filter(lead_id=lead_id, employee_id=employee_id, ended_at=None).delete()


async def reopen_claim(core: Core, employee_id: int, lead_id: int) -> None:
    """Take the end of a claim back: the newest one goes on."""
    last = await PoolClaim.filter(lead_id=lead_id, employee_id=employee_id).order_by("-id").first()
    if last is not None and last.ended_at is not None:
        await last.change(core, ended_at=None)


async def end_claim_within(core: Core, set_id: int, lead: Lead, employee_id: int) -> None:
    """Do as `end_claim` within a change set, whose undo lets the claim go on."""
    change = partial(change_sets.change_row, core, set_id, "pool_claims", person_id=lead.person_id)
    claims = await PoolClaim.filter(lead_id=lead.id, employee_id=employee_id, ended_at=None)
    for claim in claims:
        await core.db.run(change(claim.id, {"ended_at": core.clock.now()}))
    if not claims:
        await core.db.run(end_claim(core, lead.id, employee_id))
        made = await PoolClaim.filter(lead_id=lead.id, employee_id=employee_id).order_by("-id").first()
        if made is not None:
            await core.db.run(change_sets.note_made(core, set_id, "pool_claims", made.id, person_id=lead.person_id))


def end_claim(core: Core, lead_id: int, employee_id: int) -> Program[None]:
    """Write down that an employee has a lead no more; from here the cool-down counts, however they came by it."""
    now = core.clock.now()
    ended = yield (
        "UPDATE pool_claims SET ended_at = ?, updated_at = ? WHERE lead_id = ? AND employee_id = ? AND ended_at IS NULL",
        (now, now, lead_id, employee_id),
    )
    if not ended:
        yield (
            "INSERT INTO pool_claims (lead_id, person_id, employee_id, pool, ended_at, created_at, updated_at)"
            " SELECT id, person_id, ?, pool, ?, created_at, ? FROM leads WHERE id = ?",
            (employee_id, now, now, lead_id),
        )


def settle_in_pool(core: Core, lead_id: int) -> Program[None]:
    """Let a lead that goes back lie in the pool of the unit that collected it (自有线索池), if one did."""
    if core.settings.distribution.own_source_stays:
        yield (
            "UPDATE leads SET department_id = collected_by_department_id"
            " WHERE id = ? AND department_id IS NULL AND collected_by_department_id IS NOT NULL",
            (lead_id,),
        )


async def count_views(core: Core, actor: Actor, shown: int) -> None:
    """Count leads of the pool shown to somebody, in the open transaction. Raises: ViewCapReached before the first too many."""
    cap = core.settings.pools.views_a_day
    if not cap or actor.employee_id is None or actor.sees_all or not shown:
        return
    day = local_day(core.clock.now())
    await core.db.serialize(f"pool_views:{actor.employee_id}")
    row = await PoolView.get_or_none(employee_id=actor.employee_id, day=day)
    if (row.shown_count if row else 0) + shown > cap:
        raise ViewCapReached(cap=cap)
    if row is None:
        await PoolView.add(core, employee_id=actor.employee_id, day=day, shown_count=shown)
    else:
        await row.change(core, shown_count=row.shown_count + shown)


async def let_see(core: Core, actor: Actor, wanted: int) -> int:
    """Count leads of the pool as shown to somebody, no more than they may still see today; tells how many of `wanted`."""
    if not core.settings.pools.views_a_day or not wanted:
        return wanted
    async with core.db.transaction():
        await core.db.serialize(f"pool_views:{actor.employee_id}")
        left = await views_left(core, actor)
        allowed = wanted if left is None else min(wanted, left)
        await count_views(core, actor, allowed)
    return allowed


async def show_leads(core: Core, actor: Actor, shown: Sequence[Lead]) -> None:
    """Count those of some leads that lie in the pool, in a transaction of its own. Raises: ViewCapReached."""
    if core.settings.pools.views_a_day:
        async with core.db.transaction():
            await count_views(core, actor, sum(lead.owner_id is None for lead in shown))


async def views_left(core: Core, actor: Actor) -> int | None:
    """Tell how many leads of the pool somebody may still be shown today; None: as many as they like."""
    cap = core.settings.pools.views_a_day
    if not cap or actor.employee_id is None or actor.sees_all:
        return None
    row = await PoolView.get_or_none(employee_id=actor.employee_id, day=local_day(core.clock.now()))
    return max(0, cap - (row.shown_count if row else 0))
