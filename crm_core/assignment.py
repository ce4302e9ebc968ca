"""Assignment (分配): who of a unit is asked to take a lead, by rule; what they answer; and a manager's word above it all.

Reading order: `assign_by_rule`, `accept` and `decline`, `expire_due`, `assign` (by hand), `explain`. Tables:
assignment_tables.py; the choice itself: distribution_rules.py; what nobody took: lead_exceptions.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from crm_core import access, assignment_profiles, change_sets, departments, employees, lead_exceptions, pool_claims
from crm_core.access import Actor, Role
from crm_core.assignment_tables import OFFER_LABELS, OPEN, Distribution, Offer
from crm_core.audit import insert_system_entry
from crm_core.candidates_of_units import Desk
from crm_core.change_sets import ChangeSet
from crm_core.clock import to_local
from crm_core.distribution_rules import AssignmentRule, Candidate, choose
from crm_core.employees import Employee
from crm_core.errors import Conflict, NotFound, Refused
from crm_core.leads import Lead, check_claim_cap
from crm_core.messages import Address, Button
from crm_core.pool_notices import cancel_pool_notices
from crm_core.pool_rules import Trait
from crm_core.ports import HOLD, Core, Program

SYSTEM = Actor.of_system("assignment")
MOST = 500
"""Leads assigned by one word at most."""
BURST, BURST_WITHIN = 5, timedelta(minutes=10)
"""So many leads given or offered to somebody within so long are told one by one; the rest together, a little later."""
_OPEN_LEAD = ("new", "following")


class OfferOver(Conflict):
    """Answered already, too late, or the lead went elsewhere."""

    code = "offer.over"
    text = "这条线索已经另有安排，不用再答复"


class OutsideUnit(Refused):
    """A lead of one unit is not given to somebody of another by its managers."""

    code = "lead.outside_unit"
    text = "{name}不在这条线索所属的单位，请联系总部"


def trait_of(lead: Lead) -> Trait:
    """Tell what rules may ask of a lead."""
    text = f"{lead.need} {lead.company} {lead.title}"
    return Trait(lead.source, lead.channel, lead.campaign, lead.region, text, lead.score, lead.grade, lead.created_at)


async def assign_by_rule(
    core: Core, lead: Lead, *, set_id: int | None = None, desk: Desk | None = None, is_new: bool = False
) -> Offer | None:
    """Ask the next employee the rules name for a lead nobody owns, or give it; in the open transaction.

    When nobody is left it goes to the managers' list. `is_new`: nobody was asked yet. None: no rule, or nobody.
    """
    if not core.settings.assignment.rules:
        return None
    desk = desk or Desk(core)
    unit = (await desk.units()).get(lead.department_id or 0)
    rule = core.settings.assignment.rule_for(unit.name if unit else "", trait_of(lead))
    if rule is None:
        return None
    # One choice of a unit at a time: counting loads and taking turns are two steps.
    await core.db.serialize(f"assign:{lead.department_id or 0}")
    of_lead = Offer.filter(lead_id=lead.id, department_id=lead.department_id)
    asked = [] if is_new else await of_lead.values_list("employee_id", "status")
    if any(status == OPEN for _, status in asked):
        return None
    if len(asked) >= rule.most_offers:
        await lead_exceptions.put(core, lead, f"已问过{len(asked)}人，都没有接")
        return None
    done = {int(number) for number, _ in asked}
    found = [each for each in await desk.candidates(lead.department_id) if each.employee_id not in done]
    choice = choose(rule, trait_of(lead), found, core.clock.now())
    if choice.candidate is None:
        reason = choice.reason if not asked else f"已问过{len(asked)}人，都没有接"
        await lead_exceptions.put(core, lead, reason, waiting=choice.later)
        return None
    if not is_new:
        await lead_exceptions.end(core, lead.id)
    return await _offer(core, desk, lead, rule, choice.candidate, choice.reason, set_id)


async def _offer(
    core: Core, desk: Desk, lead: Lead, rule: AssignmentRule, chosen: Candidate, reason: str, set_id: int | None
) -> Offer | None:
    now = core.clock.now()
    offer: Offer = await Offer.add(
        core,
        lead_id=lead.id,
        person_id=lead.person_id,
        employee_id=chosen.employee_id,
        department_id=lead.department_id,
        reason=reason[:200],
        status=OPEN if rule.offer else "given",
        expires_at=now + rule.answer_within if rule.offer else None,
    )
    await assignment_profiles.take_turn(core, chosen.employee_id, offer.id)
    desk.took_turn(chosen.employee_id, offer.id, owns=not rule.offer)
    if set_id is not None:
        await core.db.run(change_sets.note_made(core, set_id, "offers", offer.id, person_id=lead.person_id))
    if rule.offer:
        after = {"employee_id": chosen.employee_id, "reason": reason}
        await core.db.run(insert_system_entry(core, SYSTEM.name, "lead.offer", "leads", lead.id, after))
    else:
        await _give(core, SYSTEM, lead, chosen.employee_id, set_id, reason=reason)
    await _tell_offered(core, await desk.address(chosen.employee_id), lead, offer, rule)
    return offer


async def _tell_offered(core: Core, to: Address | None, lead: Lead, offer: Offer, rule: AssignmentRule) -> None:
    if to is None:
        return
    told = "，".join(part for part in (lead.name, lead.company, lead.region, lead.source, lead.need[:20]) if part)
    if await _tell_of_many(core, to, offer, rule):
        return
    if not rule.offer:
        given = f"分到一条线索 #{lead.id}：{told}\n原因：{offer.reason}"
        await lead_exceptions.tell_at(core, to, given, f"offer:{offer.id}")
        return
    minutes = int(rule.answer_within.total_seconds() // 60)
    how = f"{minutes}分钟内回复“接受 #{lead.id}”或“拒绝 #{lead.id}”，不回复则转给下一位"
    text = f"新线索 #{lead.id}：{told}\n原因：{offer.reason}\n{how}"
    slots = {"offer": str(offer.id)}
    buttons = (Button("接受", "accept_lead", slots), Button("拒绝", "decline_lead", slots))
    await lead_exceptions.tell_at(core, to, text, f"offer:{offer.id}", buttons=buttons)


async def _tell_of_many(core: Core, to: Address, offer: Offer, rule: AssignmentRule) -> bool:
    """Tell once of many leads given or offered shortly one after another, as after an import; tells whether there are many."""
    now, alike = core.clock.now(), Offer.filter(employee_id=offer.employee_id, expires_at__isnull=not rule.offer)
    before = await alike.order_by("-id").offset(BURST).first()
    if before is None or before.created_at < now - BURST_WITHIN:
        return False
    within = min(BURST_WITHIN, rule.answer_within / 5) if rule.offer else BURST_WITHIN
    at = now + within - (now - datetime.min.replace(tzinfo=now.tzinfo)) % within
    key, text = f"given:{offer.employee_id}:{at:%Y%m%d%H%M}", "这几分钟分到的线索较多，没有逐条通知。回复“我的线索”查看。"
    if rule.offer:
        count = await Offer.filter(employee_id=offer.employee_id, status=OPEN).count()
        minutes = int(rule.answer_within.total_seconds() // 60)
        key = f"offered:{offer.employee_id}:{at:%Y%m%d%H%M%S}"
        text = f"有{count}条线索等待答复，没有逐条通知；每条{minutes}分钟内不答复就转给下一位。回复“待接受”查看。"
    if not await core.db.run(lead_exceptions.reword(core, key, text)):
        await lead_exceptions.tell_at(core, to, text, key, not_before=at)
    return True


async def _give(
    core: Core,
    actor: Actor,
    lead: Lead,
    employee_id: int,
    set_id: int | None,
    *,
    at: datetime | None = None,
    reason: str = "",
) -> None:
    """Make somebody the owner of a lead nobody owns. Raises: OfferOver when somebody does."""
    now = at or core.clock.now()
    free = Lead.filter(id=lead.id, owner_id=None, status__in=list(_OPEN_LEAD), department_id=lead.department_id)
    values = {"owner_id": employee_id, "claimed_at": now}
    # With a set the row is held first, so that what the set notes as before is what was there.
    if not await free.update(**({"owner_id": None} if set_id is not None else {**values, "updated_at": now})):
        raise OfferOver
    if set_id is not None:
        await core.db.run(change_sets.change_row(core, set_id, "leads", lead.id, values, person_id=lead.person_id))
    await pool_claims.note_claim(core, employee_id, lead, set_id=set_id)
    if lead.chained_at is not None:  # of one that is new nothing was told yet
        await core.db.run(cancel_pool_notices(core, lead.person_id))
    after = {"owner_id": employee_id, **({"reason": reason} if reason else {})}
    if actor is SYSTEM:
        await core.db.run(insert_system_entry(core, actor.name, "lead.assign", "leads", lead.id, after))
    else:
        await access.record(core, actor, "lead.assign", lead, after=after)


async def list_open(actor: Actor) -> list[Offer]:
    """List the offers the acting employee has not answered, the oldest first."""
    return await Offer.filter(employee_id=actor.employee_id or 0, status=OPEN).order_by("id").limit(20)


async def accept(core: Core, actor: Actor, offer_id: int) -> Lead:
    """Take a lead one was offered (接受). Raises: NotFound; OfferOver; ClaimCapReached."""
    async with core.db.transaction():
        offer, lead = await _answered(core, actor, offer_id, "accepted")
        await check_claim_cap(core, offer.employee_id)
        await _give(core, actor, lead, offer.employee_id, None, at=offer.answered_at)
        return await Lead.get(id=lead.id)


async def decline(core: Core, actor: Actor, offer_id: int, *, reason: str = "") -> Lead:
    """Leave a lead one was offered to the next (拒绝). Raises: NotFound; OfferOver."""
    async with core.db.transaction():
        offer, lead = await _answered(core, actor, offer_id, "declined")
        await offer.change(core, answer=reason[:200])
        await access.record(core, actor, "lead.decline", lead, after={"reason": reason})
        await assign_by_rule(core, lead)
    return lead


async def take_decline_back(core: Core, actor: Actor, offer_id: int) -> Lead:
    """Take a refusal back (撤销) while nobody has the lead: whoever was asked since is asked no more.

    Raises: NotFound; OfferOver.
    """
    access.require(actor, "leads:write")
    async with core.db.transaction():
        offer = await Offer.get_or_none(id=offer_id, employee_id=actor.employee_id or 0)
        if offer is None:
            raise NotFound
        lead, now = await Lead.get(id=offer.lead_id), core.clock.now()
        await core.db.serialize(f"assign:{lead.department_id or 0}")
        here = lead.owner_id is None and lead.status in _OPEN_LEAD and lead.department_id == offer.department_id
        mine = Offer.filter(id=offer.id, status="declined", expires_at__gt=now)
        if not here or not await mine.update(status=OPEN, answered_at=None, answer="", updated_at=now):
            raise OfferOver
        since = Offer.filter(lead_id=lead.id, status=OPEN).exclude(id=offer.id)
        await since.update(status="overridden", answered_at=now, updated_at=now)
        await lead_exceptions.end(core, lead.id)
        await access.record(core, actor, "lead.decline_undo", lead)
    return lead


async def _answered(core: Core, actor: Actor, offer_id: int, status: str) -> tuple[Offer, Lead]:
    access.require(actor, "leads:write")
    offer = await Offer.get_or_none(id=offer_id, employee_id=actor.employee_id or 0)
    if offer is None:
        raise NotFound
    await core.db.run(_hold([offer.lead_id]))
    lead = await Lead.get(id=offer.lead_id)
    here = lead.owner_id is None and lead.status in _OPEN_LEAD and lead.department_id == offer.department_id
    now = core.clock.now()
    # The condition is in the update itself: of two answers, or an answer and the end of its time, one counts.
    won = here and await Offer.filter(id=offer.id, status=OPEN).update(status=status, answered_at=now, updated_at=now)
    if not won:
        raise OfferOver
    return await Offer.get(id=offer.id), lead


async def expire_due(core: Core, *, limit: int = 100) -> int:
    """Ask the next one where somebody was silent too long or has left; tells how many offers ended."""
    now = core.clock.now()
    gone = await Employee.filter(departed_at__isnull=False).values_list("id", flat=True)
    due = Offer.filter(status=OPEN, expires_at__lte=now)
    rows = [*await due.order_by("expires_at").limit(limit)]
    rows += await Offer.filter(status=OPEN, employee_id__in=list(gone), expires_at__gt=now).limit(limit) if gone else []
    for offer in rows:
        async with core.db.transaction():
            await _expire(core, offer, now)
    return len(rows)


async def _expire(core: Core, offer: Offer, now: datetime) -> None:
    lead = await Lead.get_or_none(id=offer.lead_id)
    here = (
        lead is not None and lead.owner_id is None and lead.status in _OPEN_LEAD and lead.department_id == offer.department_id
    )
    status = "expired" if here else "overridden"
    if not await Offer.filter(id=offer.id, status=OPEN).update(status=status, answered_at=now, updated_at=now):
        return
    if here and lead is not None:
        await access.record(core, SYSTEM, "lead.offer_expired", lead, after={"employee_id": offer.employee_id})
        await assign_by_rule(core, lead)


async def assign(core: Core, actor: Actor, lead_ids: Sequence[int], employee_id: int, *, reason: str = "") -> ChangeSet:
    """Give leads to an employee by somebody's word (分给), above every rule; taken back as one.

    Raises: NotFound; AlreadyDeparted; OutsideUnit; Refused for a salesperson giving away what is not theirs.
    """
    access.require(actor, "leads:write")
    async with core.db.transaction():
        owner = await access.load(Employee, actor, employee_id)
        if owner.departed_at:
            raise employees.AlreadyDeparted(name=owner.name)
        await core.db.run(_hold(sorted(set(lead_ids[:MOST]))))
        leads = [await access.load(Lead, actor, number) for number in dict.fromkeys(lead_ids[:MOST])]
        named = leads[0].name if len(leads) == 1 else f"{len(leads)}条线索"
        changes = await change_sets.begin(core, actor, "assign", f"{named}分给{owner.name}")
        had: dict[int, list[Lead]] = {}
        for lead in leads:
            if lead.status not in _OPEN_LEAD:
                raise NotFound
            if lead.owner_id not in (None, owner.id, actor.employee_id):
                had.setdefault(int(lead.owner_id or 0), []).append(lead)
            if actor.role is Role.SALES and lead.owner_id != actor.employee_id:
                raise Refused
            await _assign_one(core, actor, changes.id, lead, owner, reason)
        if owner.id != actor.employee_id:
            text = f"{actor.name}分来线索：{named}" + (f"（#{leads[0].id}）" if len(leads) == 1 else "")
            text += f"\n原因：{reason}" if reason else ""
            await lead_exceptions.tell(core, owner.id, text, f"assign:{changes.id}")
        for number, theirs in had.items():
            what = f"{theirs[0].name}（#{theirs[0].id}）" if len(theirs) == 1 else f"{len(theirs)}条线索"
            text = f"{actor.name}把你的线索{what}分给了{owner.name}"
            await lead_exceptions.tell(core, number, text, f"assign:{changes.id}:{number}")
    return changes


def _hold(numbers: Sequence[int]) -> Program[None]:
    """Keep these leads from others until the end, in one order: of two at once the second sees whose they are by then."""
    if numbers:
        yield f"SELECT id FROM leads WHERE id IN ({', '.join('?' * len(numbers))}) ORDER BY id{HOLD}", tuple(numbers)  # noqa: S608


async def _assign_one(core: Core, actor: Actor, set_id: int, lead: Lead, owner: Employee, reason: str) -> None:
    values: dict[str, object] = {"owner_id": owner.id, "claimed_at": core.clock.now()}
    if lead.department_id is not None and lead.department_id not in await employees.kin_of(owner.department_id):
        if actor.role is not Role.ADMIN:
            raise OutsideUnit(name=owner.name)
        values["department_id"] = owner.department_id
    if lead.owner_id is not None:
        await pool_claims.end_claim_within(core, set_id, lead, lead.owner_id)
    before = {"owner_id": lead.owner_id}
    change = partial(change_sets.change_row, core, set_id, person_id=lead.person_id)
    await core.db.run(change("leads", lead.id, values))
    for offer in await Offer.filter(lead_id=lead.id, status=OPEN):
        await core.db.run(change("offers", offer.id, {"status": "overridden", "answered_at": core.clock.now()}))
    await lead_exceptions.end(core, lead.id, set_id=set_id)
    made: Offer = await Offer.add(
        core,
        lead_id=lead.id,
        person_id=lead.person_id,
        employee_id=owner.id,
        department_id=lead.department_id,
        reason=(f"{actor.name}指定" + (f"：{reason}" if reason else ""))[:200],
        status="given",
    )
    await core.db.run(change_sets.note_made(core, set_id, "offers", made.id, person_id=lead.person_id))
    await pool_claims.note_claim(core, owner.id, lead, set_id=set_id)
    await core.db.run(cancel_pool_notices(core, lead.person_id))
    await access.record(core, actor, "lead.assign", lead, before=before, after={"owner_id": owner.id})


@dataclass(frozen=True, slots=True)
class Reason:
    """One step on a lead's way: when, what, and why."""

    at: datetime
    what: str
    why: str

    def line(self) -> str:
        """Say it in one line."""
        local = to_local(self.at)
        return f"{local.month}月{local.day}日 {local:%H:%M} {self.what}" + (f"（{self.why}）" if self.why else "")


async def explain(actor: Actor, lead_id: int) -> tuple[Lead, list[Reason]]:
    """Tell how a lead came to where it is (为什么给我): distributed, offered, given. Raises: NotFound."""
    access.require(actor, "leads:read")
    lead = await access.load(Lead, actor, lead_id)
    units = await departments.names()
    found = [
        Reason(row.created_at, f"分发到{units.get(row.department_id, '')}" if row.department_id else "留在总部公海", row.reason)
        for row in await Distribution.filter(lead_id=lead.id)
        if not access.is_confidential(actor, row.department_id)
    ]
    offers = await Offer.filter(lead_id=lead.id)
    names = dict(await Employee.filter(id__in=[row.employee_id for row in offers]).values_list("id", "name"))
    found += [
        Reason(row.created_at, f"{names.get(row.employee_id, '同事')}：{OFFER_LABELS[row.status]}", row.reason)
        for row in offers
        if not access.is_confidential(actor, row.department_id)
    ]
    return lead, sorted(found, key=lambda each: each.at)
