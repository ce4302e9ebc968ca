"""Distribution (分发): which unit of the house a lead belongs to. One unit at a time; no other one sees it.

Reading order: `place` (each new lead, by rule), `distribute` (by hand). Access to what was distributed: access.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from crm_core import access, assignment, change_sets, departments, lead_exceptions
from crm_core.access import Actor, Role
from crm_core.assignment import trait_of
from crm_core.assignment_tables import OPEN, Distribution, LeadException, Offer
from crm_core.audit import insert_system_entry
from crm_core.candidates_of_units import Desk
from crm_core.change_sets import ChangeSet
from crm_core.employees import Department
from crm_core.errors import Conflict, NotFound, Refused
from crm_core.leads import Lead
from crm_core.ports import Core

SYSTEM = Actor.of_system("distribution")
MOST = 500
"""Leads distributed by one word at most."""
HEADQUARTERS = "总部公海"
_OPEN_LEAD = ("new", "following")


class LeadHasOwner(Conflict):
    """Somebody works on it: it is released first."""

    code = "lead.has_owner"
    text = "线索「{name}」已有负责人，请先退回公海再分发"


class OwnSource(Conflict):
    """What a unit collected itself stays with it (谁收集归谁)."""

    code = "lead.own_source"
    text = "线索「{name}」是{unit}自己收集的，不分发给别的单位"


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a new lead went."""

    department_id: int | None
    pool: str
    offered_to: int | None = None


async def place(core: Core, lead_id: int) -> Placed | None:
    """Find the unit, the pool and the employee of a new lead by rule; safe to repeat. None: owned, closed, or off."""
    return (await place_all(core, [lead_id])).get(lead_id)


async def place_all(core: Core, lead_ids: Sequence[int], desk: Desk | None = None) -> dict[int, Placed]:
    """Place several leads in one transaction, which looks up once what they have in common; those left out: as `place`.

    `desk`: what was looked up for those placed just before.
    """
    if not core.settings.distribution.enabled:
        return {}
    async with core.db.transaction():
        for number in sorted(lead_ids):
            await core.db.serialize(f"place:{number}")
        numbers, desk = list(lead_ids), desk or Desk(core)
        rows = await Lead.filter(id__in=numbers, owner_id=None, status__in=list(_OPEN_LEAD)).order_by("id")
        asked = await Offer.filter(lead_id__in=numbers).values_list("lead_id", flat=True)
        listed = await LeadException.filter(lead_id__in=numbers).values_list("lead_id", flat=True)
        known = {*asked, *listed}
        return {lead.id: await _place_one(core, desk, lead, is_new=lead.id not in known) for lead in rows}


async def _place_one(core: Core, desk: Desk, lead: Lead, *, is_new: bool) -> Placed:
    found = lead.department_id is not None or await _place_in_unit(core, desk, lead)
    pool = lead.pool or core.settings.pools.kind_of(trait_of(lead))
    if pool != lead.pool:
        await lead.change(core, pool=pool)
    offer = await assignment.assign_by_rule(core, lead, desk=desk, is_new=True) if is_new and found else None
    return Placed(lead.department_id, pool, offer.employee_id if offer else None)


async def find_unit_now(core: Core, desk: Desk, lead: Lead) -> bool:
    """Place a lead whose unit was not there when it came, in the open transaction; False while it still is not."""
    if lead.department_id is not None or await Distribution.filter(lead_id=lead.id).exists():
        return True
    if not await _place_in_unit(core, desk, lead):
        return False
    await lead_exceptions.end(core, lead.id)
    return True


async def _place_in_unit(core: Core, desk: Desk, lead: Lead) -> bool:
    """Put a lead into the unit the rules name; False when there is none of that name."""
    settings = core.settings.distribution
    if settings.own_source_stays and lead.collected_by_department_id is not None:
        await _put_into(core, lead, lead.collected_by_department_id, "谁收集归谁")
        return True
    rule = settings.rule_for(trait_of(lead))
    if rule is None:
        return True
    if not rule.department:
        await _put_into(core, lead, None, f"规则「{rule.name}」")
        return True
    unit = await desk.open_unit(rule.department)
    if unit is None:
        reason = f"规则「{rule.name}」要分给的单位「{rule.department}」不存在"
        await lead_exceptions.put(core, lead, reason, waiting=True, silent=False)
        return False
    await _put_into(core, lead, unit.id, f"规则「{rule.name}」：{rule.when.say()}")
    return True


async def _put_into(core: Core, lead: Lead, department_id: int | None, reason: str) -> None:
    if department_id is not None:
        await lead.change(core, department_id=department_id)
        after = {"department_id": department_id}
        await core.db.run(insert_system_entry(core, SYSTEM.name, "lead.distribute", "leads", lead.id, after))
    elif await Distribution.filter(lead_id=lead.id).exists():
        return
    await Distribution.add(
        core, lead_id=lead.id, person_id=lead.person_id, department_id=department_id, reason=reason[:200], actor=SYSTEM.name
    )


async def distribute(
    core: Core, actor: Actor, lead_ids: Sequence[int], department_id: int | None, *, reason: str = ""
) -> ChangeSet:
    """Send leads nobody owns to a unit, or back to headquarters (None), by somebody's word; taken back as one.

    Managers send what they see to their own branch; headquarters' to any unit.
    Raises: Refused; NotFound; LeadHasOwner; OwnSource.
    """
    access.require(actor, "leads:write")
    if actor.role not in (Role.MANAGER, Role.ADMIN):
        raise Refused
    unit = await access.load(Department, actor, department_id) if department_id is not None else None
    if unit is not None and unit.closed_at is not None:
        raise NotFound
    await _require_reach(actor, department_id)
    async with core.db.transaction():
        leads = [await access.load(Lead, actor, number) for number in dict.fromkeys(lead_ids[:MOST])]
        named = leads[0].name if len(leads) == 1 else f"{len(leads)}条线索"
        changes = await change_sets.begin(core, actor, "distribute", f"{named}分发给{unit.name if unit else HEADQUARTERS}")
        for lead in leads:
            await _distribute_one(core, actor, changes.id, lead, unit, reason)
    return changes


async def _require_reach(actor: Actor, department_id: int | None) -> None:
    """Let a unit's manager send only within the own branch. Raises: Refused."""
    if actor.sees_all or not actor.departments:
        return  # headquarters
    if department_id is None or department_id not in actor.departments:
        raise Refused


async def _distribute_one(core: Core, actor: Actor, set_id: int, lead: Lead, unit: Department | None, reason: str) -> None:
    if lead.owner_id is not None:
        raise LeadHasOwner(name=lead.name)
    if lead.status not in _OPEN_LEAD:
        raise NotFound
    home = lead.collected_by_department_id
    if not core.settings.distribution.own_source_stays:
        home = None
    if home is not None and (unit is None or unit.id not in await departments.below(home)):
        raise OwnSource(name=lead.name, unit=(await departments.names()).get(home, "原单位"))
    number = unit.id if unit else None
    if lead.department_id == number:
        return
    before = {"department_id": lead.department_id}
    change = partial(change_sets.change_row, core, set_id, person_id=lead.person_id)
    await core.db.run(change("leads", lead.id, {"department_id": number}))
    for offer in await Offer.filter(lead_id=lead.id, status=OPEN):
        await core.db.run(change("offers", offer.id, {"status": "overridden", "answered_at": core.clock.now()}))
    await lead_exceptions.end(core, lead.id, set_id=set_id)
    made: Distribution = await Distribution.add(
        core,
        lead_id=lead.id,
        person_id=lead.person_id,
        department_id=number,
        reason=(reason or f"{actor.name}指定")[:200],
        actor=actor.name,
    )
    await core.db.run(change_sets.note_made(core, set_id, "distributions", made.id, person_id=lead.person_id))
    await access.record(core, actor, "lead.distribute", lead, before=before, after={"department_id": number})
    if unit is not None:
        await assignment.assign_by_rule(core, await Lead.get(id=lead.id), set_id=set_id)
