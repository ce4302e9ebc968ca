"""The pool (公海): leads nobody owns; claim, release, list."""

from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from crm_core import access, employees
from crm_core.access import Actor
from crm_core.employees import Employee
from crm_core.errors import Conflict, NotFound, Refused
from crm_core.leads import Lead, LeadNotOwned, LeadStatus, check_claim_cap, owner_name
from crm_core.messages import Body, Guarantee
from crm_core.ports import Core


class LeadAlreadyClaimed(Conflict):
    """Somebody was faster."""

    code = "lead.already_claimed"
    text = "{lead}已被{owner}领取"


async def claim(core: Core, actor: Actor, lead_id: int) -> Lead:
    """Give a lead from the pool to the acting employee (领取).

    Writes the lead, one audit entry and a notice to the manager, in one transaction.

    Raises: NotFound; LeadAlreadyClaimed; ClaimCapReached.
    """
    access.require(actor, "leads:write")
    if actor.employee_id is None:
        raise Refused
    async with core.db.transaction():
        lead = await Lead.get_or_none(id=lead_id)
        if lead is None or lead.status in (LeadStatus.CONVERTED, LeadStatus.DISCARDED):
            raise NotFound
        await check_claim_cap(core, actor.employee_id)
        now = core.clock.now()
        # The condition is in the update itself: of a hundred takers exactly one changes a row.
        won = await Lead.filter(id=lead.id, owner_id=None).update(
            owner_id=actor.employee_id, claimed_at=now, claim_count=lead.claim_count + 1, updated_at=now
        )
        if not won:
            # Numbers are counted up easily: a foreign lead may tell whose it is, and not who it is.
            shown = await access.visible(Lead, actor).filter(id=lead.id).exists()
            raise LeadAlreadyClaimed(lead=f"线索「{lead.name}」" if shown else "这条线索", owner=await owner_name(lead.id))
        await access.record(core, actor, "lead.claim", lead)
        await _tell_manager(core, actor, lead)
        return await Lead.get(id=lead.id)


async def release(core: Core, actor: Actor, lead_id: int, *, reason: str = "") -> Lead:
    """Put an own lead back into the pool (退回公海). Raises: NotFound; LeadNotOwned."""
    access.require(actor, "leads:write")
    async with core.db.transaction():
        lead = await access.load(Lead, actor, lead_id)
        now = core.clock.now()
        if lead.owner_id is None or not await Lead.filter(id=lead.id, owner_id=lead.owner_id, customer_id=None).update(
            owner_id=None, claimed_at=None, updated_at=now
        ):
            raise LeadNotOwned(name=lead.name)
        await access.record(core, actor, "lead.release", lead, before={"owner_id": lead.owner_id}, after={"reason": reason})
        return await Lead.get(id=lead.id)


async def find_in_pool(actor: Actor, *, text: str = "", region: str = "", limit: int = 10) -> list[Lead]:
    """List leads in the pool (公海), newest first."""
    return await _in_pool(actor, text, region).order_by("-id").limit(limit)


async def count_pool(actor: Actor, *, text: str = "", region: str = "") -> int:
    """Count the leads in the pool that fit."""
    return await _in_pool(actor, text, region).count()


def _in_pool(actor: Actor, text: str, region: str) -> QuerySet[Lead]:
    query = access.visible(Lead, actor).filter(owner_id=None, status__in=[LeadStatus.NEW.value, LeadStatus.FOLLOWING.value])
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
