"""The pool (公海): leads nobody owns; claim, release, list, and bare numbers thrown in."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tortoise.expressions import Q, Subquery
from tortoise.queryset import QuerySet

from crm_core import access, employees, leads, matching, pool_claims
from crm_core.access import Actor
from crm_core.assignment_tables import Offer
from crm_core.employees import Employee
from crm_core.errors import Conflict, Invalid, NotFound, Refused
from crm_core.leads import Lead, LeadNotOwned, LeadStatus, owner_name
from crm_core.messages import Body, Guarantee
from crm_core.pool_claims import note_claim
from crm_core.pool_notices import cancel_pool_notices
from crm_core.ports import Core
from crm_core.values import normalize_phone

OPEN = [LeadStatus.NEW.value, LeadStatus.FOLLOWING.value]
MOST_NUMBERS = 500
"""Bare numbers taken at once; more are a table to import."""


class LeadAlreadyClaimed(Conflict):
    """Somebody was faster."""

    code = "lead.already_claimed"
    text = "{lead}已被{owner}领取"


class ClaimNeedsEmployee(Refused):
    """A token of a role alone is nobody to whom a lead could belong."""

    code = "lead.claim_needs_employee"
    text = "这个令牌不是某位员工的，不能领取线索；请用员工的令牌，或把线索分配给员工"


class LeadOffered(Conflict):
    """A colleague is being asked whether they take it."""

    code = "lead.offered"
    text = "这条线索正在征询其他同事，稍后再看"


async def claim(core: Core, actor: Actor, lead_id: int) -> Lead:
    """Give a lead from the pool to the acting employee (领取).

    Writes the lead, one audit entry and a notice to the manager, in one transaction; waiting notices to all end with it.
    Another unit's lead is not there.

    Raises: NotFound; ClaimNeedsEmployee for whoever acts as no employee; LeadAlreadyClaimed; LeadOffered;
    ClaimCapReached; DayCapReached; PoolCapReached; CoolDown.
    """
    access.require(actor, "leads:write")
    if actor.employee_id is None:
        raise ClaimNeedsEmployee
    async with core.db.transaction():
        lead = await Lead.get_or_none(id=lead_id)
        if lead is None or lead.status not in OPEN or access.is_confidential(actor, lead.department_id):
            raise NotFound
        if lead.pool in actor.closed_pools and lead.owner_id is None:
            raise NotFound
        await pool_claims.check_claim(core, actor.employee_id, lead)
        asked = await Offer.filter(lead_id=lead.id, status="open").first()
        if asked is not None and asked.employee_id != actor.employee_id and lead.owner_id is None:
            raise LeadOffered
        now = core.clock.now()
        # The condition is in the update itself: of a hundred takers exactly one changes a row.
        won = await Lead.filter(id=lead.id, owner_id=None, status__in=OPEN, department_id=lead.department_id).update(
            owner_id=actor.employee_id, claimed_at=now, claim_count=lead.claim_count + 1, updated_at=now
        )
        if not won:
            if not await Lead.exclude(owner_id=None).filter(id=lead.id, status__in=OPEN).exists():
                raise NotFound  # ended, merged or moved meanwhile
            # Numbers are counted up easily: a foreign lead may tell whose it is, and not who it is.
            shown = await access.visible(Lead, actor).filter(id=lead.id).exists()
            raise LeadAlreadyClaimed(lead=f"线索「{lead.name}」" if shown else "这条线索", owner=await owner_name(lead.id))
        await Offer.filter(lead_id=lead.id, status="open").update(status="accepted", answered_at=now, updated_at=now)
        await note_claim(core, actor.employee_id, lead)
        await core.db.run(cancel_pool_notices(core, lead.person_id))
        await access.record(core, actor, "lead.claim", lead)
        await _tell_manager(core, actor, lead)
        return await Lead.get(id=lead.id)


async def release(core: Core, actor: Actor, lead_id: int, *, reason: str = "", undo: bool = False) -> Lead:
    """Put an own lead back into the pool (退回公海), a claim taken back at once among it. Raises: NotFound; LeadNotOwned."""
    access.require(actor, "leads:write")
    async with core.db.transaction():
        lead = await access.load(Lead, actor, lead_id)
        now = core.clock.now()
        own = Lead.filter(id=lead.id, owner_id=lead.owner_id, status=lead.status, customer_id=None, merged_into_id=None)
        if lead.owner_id is None or not await own.update(owner_id=None, claimed_at=None, updated_at=now):
            raise LeadNotOwned
        await core.db.run(pool_claims.settle_in_pool(core, lead.id))
        if undo:
            await _unclaim(core, lead, lead.owner_id)
        else:
            await core.db.run(pool_claims.end_claim(core, lead.id, lead.owner_id))
        await access.record(core, actor, "lead.release", lead, before={"owner_id": lead.owner_id}, after={"reason": reason})
        return await Lead.get(id=lead.id)


async def _unclaim(core: Core, lead: Lead, owner_id: int) -> None:
    """Make a claim never have been: an offer it answered is open again, for as long as it would have been."""
    await pool_claims.forget_claim(core, owner_id, lead.id)
    if lead.claim_count:
        await Lead.filter(id=lead.id).update(claim_count=lead.claim_count - 1)
    answered = Offer.filter(lead_id=lead.id, employee_id=owner_id, status="accepted", answered_at=lead.claimed_at)
    await answered.update(status="open", answered_at=None, updated_at=core.clock.now())


async def take_back(core: Core, actor: Actor, lead_id: int, owner_id: int) -> Lead:
    """Take a release back (撤销) while nobody has claimed it since. Raises: NotFound; LeadAlreadyClaimed; Refused."""
    access.require(actor, "leads:write")
    if owner_id != actor.employee_id and owner_id not in actor.team and not actor.sees_all:
        raise Refused
    async with core.db.transaction():
        lead = await Lead.get_or_none(id=lead_id)
        if lead is None or lead.status not in OPEN:
            raise NotFound
        now = core.clock.now()
        free = Lead.filter(id=lead.id, owner_id=None, status__in=OPEN)
        if not await free.update(owner_id=owner_id, claimed_at=now, updated_at=now):
            raise LeadAlreadyClaimed(lead="这条线索", owner=await owner_name(lead.id))
        await pool_claims.reopen_claim(core, owner_id, lead.id)
        await access.record(core, actor, "lead.take_back", lead, after={"owner_id": owner_id})
        return await Lead.get(id=lead.id)


@dataclass(frozen=True, slots=True)
class Added:
    """What became of bare numbers: leads made, numbers known already, and lines that are no number."""

    lead_ids: tuple[int, ...]
    known: int
    wrong: tuple[str, ...]


async def add_numbers(core: Core, actor: Actor, lines: Sequence[str], *, source: str = "") -> Added:
    """Throw bare numbers into the pool (裸号入公海): no name, no owner. Whose a known one is, is not told.

    Raises: Invalid for none or too many.
    """
    access.require(actor, "leads:write")
    said = [line.strip() for line in lines if line.strip()]
    if not said or len(said) > MOST_NUMBERS:
        raise Invalid(field="numbers", reason=f"一次1到{MOST_NUMBERS}个号码，更多请导入表格")
    phones = {line: normalize_phone(line) for line in said}
    wrong = tuple(line[:20] for line in said if not phones[line])
    numbers = list(dict.fromkeys(phone for line in said if (phone := phones[line])))
    made: list[int] = []
    async with core.db.transaction():
        await core.db.serialize("pool_numbers")
        kinds = {number: "mobile" if is_mobile(number) else "landline" for number in numbers}
        known = await core.db.run(matching.hard_matches([(kinds[number], number) for number in numbers]))
        fresh = [number for number in numbers if (kinds[number], number) not in known]
        for number in fresh:
            values: dict[str, Any] = {kinds[number]: number}
            lead = await leads.add(core, actor, name=f"客户{number[-4:]}", to_pool=True, source=source, **values)
            made.append(lead.id)
    return Added(tuple(made), len(numbers) - len(fresh), wrong)


async def withdraw(core: Core, actor: Actor, lead_ids: Sequence[int]) -> int:
    """Take numbers one threw in out again (撤销), but those somebody has claimed; tells how many."""
    access.require(actor, "leads:write")
    gone = 0
    async with core.db.transaction():
        mine = Lead.filter(id__in=list(lead_ids), collected_by_id=actor.employee_id, owner_id=None, status="new")
        for number in await mine.values_list("id", flat=True):
            now = core.clock.now()
            free = Lead.filter(id=number, owner_id=None, status=LeadStatus.NEW.value)
            won = await free.update(status=LeadStatus.DISCARDED.value, updated_at=now)
            if won:
                await access.record(core, actor, "lead.discard", ("leads", int(number)), after={"reason": "撤销"})  # type: ignore[call-overload]
                gone += won
    return gone


def is_mobile(number: str) -> bool:
    """Tell a mainland mobile, as stored, from a landline."""
    return number.startswith("+861") and len(number) == 14


async def find_in_pool(
    actor: Actor, *, text: str = "", region: str = "", pool: str | None = None, after: int | None = None, limit: int = 10
) -> list[Lead]:
    """List leads in the pool (公海), newest first; `after` is the last number of the page before."""
    query = _in_pool(actor, text, region, pool)
    return await (query if after is None else query.filter(id__lt=after)).order_by("-id").limit(limit)


async def count_pool(actor: Actor, *, text: str = "", region: str = "", pool: str | None = None) -> int:
    """Count the leads in the pool that fit."""
    return await _in_pool(actor, text, region, pool).count()


def in_pool(actor: Actor, pool: str | None = None) -> QuerySet[Lead]:
    """Select the leads an actor may claim, of one pool or of all; not those a colleague is being asked about."""
    asked: Any = Subquery(Offer.filter(status="open").exclude(employee_id=actor.employee_id or 0).values("lead_id"))
    query = access.visible(Lead, actor).filter(owner_id=None, status__in=OPEN).exclude(id__in=asked)
    return query if pool is None else query.filter(pool=pool)


def _in_pool(actor: Actor, text: str, region: str, pool: str | None) -> QuerySet[Lead]:
    query = in_pool(actor, pool)
    if region:
        query = query.filter(region__icontains=region)
    if text:
        query = query.filter(
            Q(name__icontains=text) | Q(company__icontains=text) | Q(need__icontains=text) | Q(source__icontains=text)
        )
    return query


async def _tell_manager(core: Core, actor: Actor, lead: Lead) -> None:
    employee = await Employee.get(id=actor.employee_id)
    if employee.manager_id is None:
        return
    address = await employees.staff_address(core, employee.manager_id)
    if address:
        await core.outbox.put(
            address,
            Body(text=f"{employee.name}领取了线索「{lead.name}」"),
            key=f"lead.claim:{lead.id}:{lead.claim_count + 1}",
            guarantee=Guarantee.AT_LEAST_ONCE,
        )
