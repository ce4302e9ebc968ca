"""Leads (线索) and the pool: record, claim, release, assign, convert."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import partial
from typing import Any

from tortoise import fields
from tortoise.functions import Count

from crm_core import access, employees, hard_ids, identity
from crm_core.access import Actor, Role
from crm_core.accounts import Account, PersonKind
from crm_core.bell import LEADS
from crm_core.changes import change_fields
from crm_core.db import UtcDatetimeField
from crm_core.employees import Employee
from crm_core.errors import Conflict, Invalid, Refused
from crm_core.identity import Hang
from crm_core.keying import Keyed
from crm_core.ports import HOLD, Core, Program
from crm_core.validation import cleaned
from crm_core.values import normalize_phone
from crm_core.wording import lines, words


class LeadStatus(StrEnum):
    """How far a lead has come."""

    NEW = "new"
    FOLLOWING = "following"
    CONVERTED = "converted"
    DISCARDED = "discarded"
    MERGED = "merged"


class Qualification(StrEnum):
    """Whether somebody is only known of, or about to buy (潜客)."""

    LEAD = "lead"
    POTENTIAL = "potential"


QUALIFICATION_LABELS = {Qualification.LEAD: "线索", Qualification.POTENTIAL: "潜客"}

_OPEN = (LeadStatus.NEW, LeadStatus.FOLLOWING)
BY_HAND = (*_OPEN, LeadStatus.DISCARDED)
"""Converted is a lead only by a conversion, which makes the customer."""
LEAD_STATUS_LABELS = {
    LeadStatus.NEW: "新线索",
    LeadStatus.FOLLOWING: "跟进中",
    LeadStatus.CONVERTED: "已转化",
    LeadStatus.DISCARDED: "无效",
    LeadStatus.MERGED: "已合并",
}


class ClaimCapReached(Refused):
    """The employee owns enough open leads."""

    code = "lead.claim_cap_reached"
    text = "名下已有{count}条未转化线索，达到上限{cap}，请先跟进或退回"


class LeadNotOwned(Conflict):
    """A lead in the pool cannot be released; a salesperson claims it before working on it."""

    code = "lead.not_owned"
    text = "这条线索还在公海，请先领取"


class LeadAlreadyConverted(Conflict):
    """A lead is converted once."""

    code = "lead.already_converted"
    text = "线索「{name}」已转化"


class LeadElsewhere(Conflict):
    """Another unit's: that it is there is all that may be told."""

    code = "lead.elsewhere"
    text = "已有这位客户，没有重复录入，请联系总部"


class Lead(Keyed):
    """Somebody who may buy (线索). Without an owner it is in the pool (公海)."""

    ownerless_is_pool = True

    person_id = fields.BigIntField(unique=True)
    name = fields.CharField(max_length=64, db_index=True)
    company = fields.CharField(max_length=128, default="")
    title = fields.CharField(max_length=64, default="")
    mobile = fields.CharField(max_length=20, null=True, db_index=True)
    landline = fields.CharField(max_length=20, null=True)
    wechat_id = fields.CharField(max_length=64, null=True)
    email = fields.CharField(max_length=128, null=True)
    birthday = fields.CharField(max_length=20, null=True)
    source = fields.CharField(max_length=128, default="")
    channel = fields.CharField(max_length=64, default="")
    region = fields.CharField(max_length=64, default="")
    need = fields.TextField(default="")
    amount = fields.CharField(max_length=24, default="")
    raw_text = fields.TextField(default="")
    score = fields.IntField(default=0)
    grade = fields.CharField(max_length=8, default="")
    status = fields.CharField(max_length=16, default=LeadStatus.NEW.value)
    owner_id = fields.BigIntField(null=True, db_index=True)
    pool = fields.CharField(max_length=32, default="")
    intent_count = fields.IntField(default=1)
    claim_count = fields.IntField(default=0)
    claimed_at = UtcDatetimeField(null=True)
    last_follow_up_at = UtcDatetimeField(null=True)
    customer_id = fields.BigIntField(null=True)
    contact_id = fields.BigIntField(null=True)
    department_id = fields.BigIntField(null=True, db_index=True)
    """The unit it was distributed to (分发); no other one sees it."""
    merged_into_id = fields.BigIntField(null=True, db_index=True)
    """The lead that stayed when this one was merged (合并)."""
    campaign = fields.CharField(max_length=64, default="", db_default="")
    """What it was won by, within its source (活动)."""
    qualification = fields.CharField(max_length=16, default=Qualification.LEAD.value, db_default=Qualification.LEAD.value)
    region_code = fields.CharField(max_length=6, default="", db_default="")
    """Of the division `region` names (regions.py)."""
    recorded_by = fields.CharField(max_length=64, default="", db_default="")
    """Who recorded it first, where a table or another system says so (原创建人)."""
    score_grade = fields.CharField(max_length=8, default="", db_default="")
    """By the rules; `grade` is this one, unless a hand has set `hand_grade`."""
    hand_grade = fields.CharField(max_length=8, default="", db_default="")
    score_due_day = fields.IntField(null=True)
    """The day, numbered from 1970, on which points fade next (score_runs.py)."""
    name_key = fields.CharField(max_length=96, null=True)
    """For comparing (name_keys.py); None: this and `company_key` are to be made anew."""
    company_key = fields.CharField(max_length=96, null=True)

    chained_at = UtcDatetimeField(null=True)
    """When it went through the chain of examining, scoring and placing; None: soon."""
    is_news = fields.BooleanField(default=False, db_default=False)
    """It came in by itself: whoever its chain brings it to is told of it (lead_news.py)."""
    collected_by_department_id = fields.BigIntField(null=True)
    """The unit that won it itself (谁收集归谁)."""
    collected_by_id = fields.BigIntField(null=True)
    contract_ends_on = fields.DateField(null=True)
    """Until when their present contract binds them (合同到期)."""

    hangs_on = (Hang("leads", "customer_id", "customer"), Hang("leads", "contact_id", "contact"))

    class Meta:
        """One row a lead."""

        table = "leads"


async def add(
    core: Core,
    actor: Actor,
    *,
    name: str = "",
    company: str = "",
    owner_id: int | None = None,
    to_pool: bool = False,
    is_news: bool = False,
    **values: object,
) -> Lead:
    """Record a lead (录入线索). A salesperson owns what they record, unless it goes to the pool.

    `is_news`: nobody of the house recorded it, so somebody is told of it when its chain is done.

    Raises: Invalid without a name and company, or for a bad number; NotFound for an unknown owner; AlreadyDeparted;
    LeadElsewhere.
    """
    access.require(actor, "leads:write")
    if not (name.strip() or company.strip()):
        raise Invalid(field="name", reason="请填写姓名或公司")
    if owner_id is None and actor.role is Role.SALES and not to_pool:
        owner_id = actor.employee_id
    said_source, rule = core.settings.leads.source(str(values.get("source") or ""))
    clean = by_hand(cleaned({**values, "name": name, "company": company, "source": said_source}, rule))
    name, company = clean.pop("name").strip(), clean.pop("company").strip()
    async with core.db.transaction():
        await refuse_elsewhere(core, actor, clean)
        if owner_id is not None and owner_id != actor.employee_id:
            await _load_owner(actor, owner_id)
        lead: Lead = await Lead.add(
            core,
            person_id=await identity.new_person(core),
            name=name or company[:64],
            company=company,
            owner_id=owner_id,
            claimed_at=core.clock.now() if owner_id else None,
            is_news=is_news,
            collected_by_id=actor.employee_id,
            collected_by_department_id=await employees.unit_of(actor.employee_id),
            **clean,
        )
        await access.record(core, actor, "lead.add", lead)
        ring_for_chain(core)
    return lead


def ring_for_chain(core: Core) -> None:
    """Tell that a new lead waits for its chain, once it is there for everybody."""
    core.db.after_commit(partial(core.bell.ring, LEADS))


def by_hand(values: dict[str, Any], score_grade: str = "") -> dict[str, Any]:
    """Keep a grade somebody sets apart from the rules' one, which holds again when it is emptied."""
    if "grade" not in values:
        return values
    return {**values, "hand_grade": values["grade"], "grade": values["grade"] or score_grade}


async def refuse_elsewhere(core: Core, actor: Actor, values: Mapping[str, Any]) -> None:
    """Keep a unit from recording again whom another unit has (保密), by any number or id. Raises: LeadElsewhere."""
    if actor.sees_all:
        return
    own = actor.team or {actor.employee_id}
    for unit, owner_id in await core.db.run(hard_ids.units_of(values)):
        if owner_id not in own and access.is_confidential(actor, unit):
            raise LeadElsewhere


async def load_held(core: Core, actor: Actor, lead_id: int) -> Lead:
    """Load a lead as it is now and keep it so to the end of the open transaction: whoever else writes it waits.

    Raises: NotFound.
    """
    held = None
    while True:
        lead = await access.load(Lead, actor, lead_id)
        if lead.id == held:
            return lead
        held = lead.id  # merged while we waited: once more, with the surviving one
        await core.db.run(_held(held))


def _held(lead_id: int) -> Program[None]:
    yield f"SELECT id FROM leads WHERE id = ?{HOLD}", (lead_id,)  # noqa: S608 - a word of ours


def insert_from_channel(
    core: Core, *, channel: str, name: str, source: str, raw_text: str, is_news: bool = False
) -> Program[tuple[int, int]]:
    """Make the lead of somebody a channel brought, in plain SQL; gives (lead id, person id)."""
    now = core.clock.now()
    said_source, _ = core.settings.leads.source(source)
    person_id = yield from identity.insert_person(core)
    rows = yield (
        "INSERT INTO leads (person_id, name, company, title, source, channel, region, need, amount, raw_text, score, grade,"
        " status, pool, intent_count, claim_count, is_news, created_at, updated_at)"
        " VALUES (?, ?, '', '', ?, ?, '', '', '', ?, 0, '', 'new', '', 1, 0, ?, ?, ?) RETURNING id",
        (person_id, words(name)[:64], said_source[:128], channel, lines(raw_text), is_news, now, now),
    )
    ring_for_chain(core)
    return int(rows[0][0]), person_id


async def update(core: Core, actor: Actor, lead_id: int, **values: object) -> Lead:
    """Change a lead's fields by hand; its owner is changed by `assignment.assign`.

    Raises: NotFound; LeadNotOwned; LeadAlreadyConverted; LeadElsewhere; Invalid.
    """
    access.require(actor, "leads:write")
    clean = cleaned(values)
    if clean.get("status", LeadStatus.NEW) not in BY_HAND:
        raise Invalid(field="status", reason=f"只能是 {'、'.join(BY_HAND)}")
    async with core.db.transaction():
        lead = await load_held(core, actor, lead_id)
        require_claimed(actor, lead)
        if "status" in clean and lead.customer_id is not None:
            raise LeadAlreadyConverted(name=lead.name)
        await refuse_elsewhere(core, actor, {name: new for name, new in clean.items() if getattr(lead, name) != new})
        if lead.owner_id is not None and lead.status == LeadStatus.DISCARDED and clean.get("status") in _OPEN:
            await check_claim_cap(core, lead.owner_id)
        await change_fields(core, actor, "lead.update", lead, by_hand(clean, lead.score_grade))
    return lead


async def discard(core: Core, actor: Actor, lead_id: int, *, reason: str) -> Lead:
    """Mark a lead as of no use (无效线索); it stays as history. Raises: NotFound; LeadNotOwned; LeadAlreadyConverted."""
    access.require(actor, "leads:write")
    async with core.db.transaction():
        lead = await load_held(core, actor, lead_id)
        require_claimed(actor, lead)
        if lead.customer_id is not None:
            raise LeadAlreadyConverted(name=lead.name)
        await lead.change(core, status=LeadStatus.DISCARDED.value)
        await access.record(core, actor, "lead.discard", lead, after={"reason": reason})
    return lead


async def find_by_mobile(number: str) -> Lead | None:
    """Find an open lead by phone number, whoever owns it."""
    phone = normalize_phone(number)
    return await Lead.filter(mobile=phone, status__in=["new", "following"]).first() if phone else None


async def _load_owner(actor: Actor, owner_id: int) -> Employee:
    owner = await access.load(Employee, actor, owner_id)
    if owner.departed_at:
        raise employees.AlreadyDeparted(name=owner.name)
    return owner


def require_claimed(actor: Actor, lead: Lead) -> None:
    """Let a salesperson work on a lead only when it has left the pool. Raises: LeadNotOwned."""
    if lead.owner_id is None and actor.role is Role.SALES:
        raise LeadNotOwned


async def count_owned(employee_id: int) -> int:
    """Count an employee's open leads."""
    return await Lead.filter(owner_id=employee_id, status__in=["new", "following"]).count()


async def sources(actor: Actor) -> Sequence[tuple[str, int]]:
    """Count visible leads by source."""
    rows = await access.visible(Lead, actor).annotate(n=Count("id")).group_by("source").values_list("source", "n")
    return [(str(source), int(number)) for source, number in rows]


async def check_claim_cap(core: Core, employee_id: int) -> None:
    """Let an employee own one more open lead. Raises: ClaimCapReached."""
    cap = core.settings.pools.claim_cap
    # One claim of a person at a time: counting and taking are two steps.
    await core.db.serialize(f"claim_cap:{employee_id}")
    owned = await count_owned(employee_id)
    if owned >= cap:
        raise ClaimCapReached(count=owned, cap=cap)


async def owner_name(lead_id: int) -> str:
    """Tell who owns a lead, for a sentence."""
    lead = await Lead.get(id=lead_id)
    owner = await Employee.get_or_none(id=lead.owner_id)
    return owner.name if owner else "同事"


async def accounts_of(person_id: int) -> list[Account]:
    """List the channel accounts of a customer or lead."""
    return await Account.filter(person_kind=PersonKind.CUSTOMER.value, person_id=person_id).order_by("id")
