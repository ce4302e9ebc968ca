"""Follow-ups (跟进记录) and the remarks of managers on them (批复)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from tortoise import fields
from tortoise.expressions import Q, Subquery

from crm_core import access, field_visits, leads
from crm_core.access import Actor, Role
from crm_core.changes import change_fields
from crm_core.customers import Contact, Customer
from crm_core.db import Entity, MoneyField, UtcDatetimeField
from crm_core.errors import Conflict, Invalid, Refused
from crm_core.leads import Lead, LeadStatus
from crm_core.opportunities import Opportunity
from crm_core.ports import Core


class Method(StrEnum):
    """How the contact took place."""

    PHONE = "phone"
    WECHAT = "wechat"
    DINGTALK = "dingtalk"
    VISIT = "visit"
    MEETING = "meeting"
    EMAIL = "email"
    SMS = "sms"
    VIDEO = "video"
    OTHER = "other"


METHOD_LABELS = {
    Method.PHONE: "电话",
    Method.WECHAT: "微信",
    Method.DINGTALK: "钉钉",
    Method.VISIT: "拜访",
    Method.MEETING: "会面",
    Method.EMAIL: "邮件",
    Method.SMS: "短信",
    Method.VIDEO: "视频",
    Method.OTHER: "其他",
}
STAGE_LABELS = {
    "initial": "初步接触",
    "qualified": "需求确认",
    "proposal": "方案报价",
    "negotiation": "商务谈判",
    "contract": "合同签约",
    "won": "赢单",
    "lost": "输单",
}


class FollowUpTooOldToUndo(Conflict):
    """A record can be taken back for a day."""

    code = "follow_up.too_old_to_undo"
    text = "这条跟进记录已超过24小时，不能撤销"


class FollowUp(Entity):
    """One contact with a lead, customer or contact, written down (跟进)."""

    subject_kind = fields.CharField(max_length=16)
    subject_id = fields.BigIntField()
    person = fields.CharField(max_length=128)
    method = fields.CharField(max_length=16, default=Method.OTHER.value)
    at = UtcDatetimeField()
    summary = fields.TextField(default="")
    next_follow_up_at = UtcDatetimeField(null=True)
    next_action = fields.TextField(default="")
    amount = MoneyField(null=True)
    stage = fields.CharField(max_length=16, null=True)
    author_id = fields.BigIntField(null=True, db_index=True)
    undone_at = UtcDatetimeField(null=True)

    @classmethod
    def visible_to(cls, actor: Actor) -> Q:
        """Select what the actor wrote and everything about the people they own, whoever wrote it."""
        team: Any = list(actor.team or {actor.employee_id})
        seen = Q(author_id__in=team)
        for kind, model in SUBJECT_MODELS.items():
            rule: Any = Q(owner_id__in=team) if issubclass(model, Lead) else model.visible_to(actor)
            theirs: Any = Subquery(model.filter(rule).values("id"))
            seen |= Q(subject_kind=kind, subject_id__in=theirs)
        return seen

    class Meta:
        """The timeline of a subject."""

        table = "follow_ups"
        indexes = (("subject_kind", "subject_id", "at"),)


class ReviewComment(Entity):
    """A manager's remark on a follow-up (批复)."""

    follow_up_id = fields.BigIntField(db_index=True)
    author_id = fields.BigIntField(null=True)
    text = fields.TextField()
    read_at = UtcDatetimeField(null=True)
    """When the writer of the record said that they have read it."""
    withdrawn_at = UtcDatetimeField(null=True)

    class Meta:
        """Never deleted."""

        table = "review_comments"


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom or what a record is about: a lead, customer, contact or opportunity, with the name shown."""

    kind: str
    id: int
    name: str
    person_id: int | None
    owner_id: int | None
    company: str = ""
    mobile: str | None = None
    last_follow_up_at: datetime | None = None


SUBJECT_MODELS: dict[str, type[Lead] | type[Customer] | type[Contact] | type[Opportunity]] = {
    "lead": Lead,
    "customer": Customer,
    "contact": Contact,
    "opportunity": Opportunity,
}


async def load_subject(actor: Actor, kind: str, subject_id: int) -> Subject:
    """Load whom a record is about; for a converted lead that is its contact. Raises: Invalid; NotFound."""
    model = SUBJECT_MODELS.get(kind)
    if model is None:
        raise Invalid(field="subject_kind", reason="只能是 lead、customer、contact、opportunity")
    row = await access.load(model, actor, subject_id)
    if isinstance(row, Lead) and row.contact_id is not None:
        row = await access.load(Contact, actor, row.contact_id)
    return subject_of(row)


def subject_of(row: Lead | Customer | Contact | Opportunity) -> Subject:
    """Describe a row as the subject of a record."""
    kind = {Lead: "lead", Customer: "customer", Contact: "contact", Opportunity: "opportunity"}[type(row)]
    return Subject(
        kind=kind,
        id=row.id,
        name=row.name,
        person_id=getattr(row, "person_id", None),
        owner_id=row.owner_id,
        company=getattr(row, "company", ""),
        mobile=getattr(row, "mobile", None),
        last_follow_up_at=row.last_follow_up_at,
    )


async def add_follow_up(
    core: Core, actor: Actor, subject: Subject, *, at: datetime | None = None, **values: object
) -> FollowUp:
    """Write down one contact (跟进记录) and move the subject's last follow-up on; one transaction with its audit entry.

    Raises: NotFound; LeadNotOwned for a salesperson who has not claimed the lead.
    """
    access.require(actor, "follow-ups:write")
    when = at or core.clock.now()
    async with core.db.transaction():
        # Anew: since it was chosen the lead may have been converted, or gone back to the pool.
        subject = await load_subject(actor, subject.kind, subject.id)
        if subject.kind == "lead":
            leads.require_claimed(actor, await Lead.get(id=subject.id))
        follow_up: FollowUp = await FollowUp.add(
            core,
            subject_kind=subject.kind,
            subject_id=subject.id,
            person=subject.name,
            at=when,
            author_id=actor.employee_id,
            **values,
        )
        await _refresh_subject(core, subject.kind, subject.id)
        about = (subject.kind, subject.id, await customer_of(subject.kind, subject.id))
        await core.db.run(field_visits.link_record(core, actor.employee_id, follow_up.id, about, when, str(follow_up.method)))
        await access.record(core, actor, "follow_up.add", follow_up)
    return follow_up


async def update_follow_up(core: Core, actor: Actor, follow_up_id: int, **values: object) -> FollowUp:
    """Correct an own record. Raises: NotFound; Refused for a record of somebody else."""
    access.require(actor, "follow-ups:write")
    async with core.db.transaction():
        follow_up = await access.load(FollowUp, actor, follow_up_id)
        _require_author(actor, follow_up)
        await change_fields(core, actor, "follow_up.update", follow_up, values)
        await _refresh_subject(core, follow_up.subject_kind, follow_up.subject_id)
    return follow_up


async def undo_follow_up(core: Core, actor: Actor, follow_up_id: int) -> FollowUp:
    """Take back an own record within a day (撤销); the subject stands as if it had never been written.

    Raises: NotFound; Refused for a record of somebody else; FollowUpTooOldToUndo.
    """
    access.require(actor, "follow-ups:write")
    async with core.db.transaction():
        follow_up = await access.load(FollowUp, actor, follow_up_id)
        _require_author(actor, follow_up)
        now = core.clock.now()
        if (now - follow_up.created_at).total_seconds() > 86400:
            raise FollowUpTooOldToUndo
        await follow_up.change(core, undone_at=now)
        await core.db.run(field_visits.unlink_record(core, follow_up.id))
        await _refresh_subject(core, follow_up.subject_kind, follow_up.subject_id)
        await access.record(core, actor, "follow_up.undo", follow_up)
    return follow_up


async def comment(core: Core, actor: Actor, follow_up_id: int, text: str) -> ReviewComment:
    """Leave a remark on a follow-up one may see (批复). Raises: NotFound; Invalid."""
    if not text.strip():
        raise Invalid(field="text", reason="请填写批复内容")
    async with core.db.transaction():
        follow_up = await access.load(FollowUp, actor, follow_up_id)
        remark: ReviewComment = await ReviewComment.add(
            core, follow_up_id=follow_up.id, author_id=actor.employee_id, text=text.strip()
        )
        await access.record(core, actor, "follow_up.comment", follow_up)
    return remark


async def customer_of(kind: str, subject_id: int) -> int | None:
    """Tell the customer a subject belongs to."""
    if kind == "customer":
        return subject_id
    row = await SUBJECT_MODELS[kind].get_or_none(id=subject_id)
    return getattr(row, "customer_id", None)


async def history(subject: Subject, limit: int = 5) -> list[FollowUp]:
    """List the newest records of a subject; a converted lead has those of its contact."""
    return await FollowUp.filter(of_subject(subject.id, subject.kind), undone_at=None).order_by("-at", "-id").limit(limit)


def of_subject(subject_id: int, kind: str | None = None) -> Q:
    """Select the records about a subject, of any kind with this number if none is given.

    Conversion makes a lead's records the contact's; under the lead's number they are found all the same, those written
    since among them: one person, one history.
    """
    found = Q(subject_id=subject_id) if kind is None else Q(subject_kind=kind, subject_id=subject_id)
    if kind in (None, "lead"):
        converted: Any = Subquery(Lead.filter(id=subject_id).exclude(contact_id=None).values("contact_id"))
        found |= Q(subject_kind="contact", subject_id__in=converted)
    if kind in ("lead", "contact", "customer"):
        # What somebody wrote about a record in the instant it was merged.
        merged: Any = Subquery(SUBJECT_MODELS[kind].filter(merged_into_id=subject_id).values("id"))
        found |= Q(subject_kind=kind, subject_id__in=merged)
    return found


def _require_author(actor: Actor, follow_up: FollowUp) -> None:
    if actor.role is not Role.ADMIN and follow_up.author_id != actor.employee_id:
        raise Refused


async def _refresh_subject(core: Core, kind: str, subject_id: int) -> None:
    """Set a subject's last follow-up, and how far a lead is, by the records that stand."""
    now = core.clock.now()
    about = Q(subject_kind=kind, subject_id=subject_id)
    if kind == "customer":
        contacts: Any = Subquery(Contact.filter(customer_id=subject_id).values("id"))
        about |= Q(subject_kind="contact", subject_id__in=contacts)
        deals: Any = Subquery(Opportunity.filter(customer_id=subject_id).values("id"))
        about |= Q(subject_kind="opportunity", subject_id__in=deals)
    newest = await FollowUp.filter(about, undone_at=None).order_by("-at").first()
    await SUBJECT_MODELS[kind].filter(id=subject_id).update(last_follow_up_at=newest.at if newest else None, updated_at=now)
    if kind == "lead":
        was, becomes = (LeadStatus.NEW, LeadStatus.FOLLOWING) if newest else (LeadStatus.FOLLOWING, LeadStatus.NEW)
        await Lead.filter(id=subject_id, status=was.value).update(status=becomes.value, updated_at=now)
    if kind == "contact":
        customer_id = (await Contact.get(id=subject_id)).customer_id
        if customer_id:
            await _refresh_subject(core, "customer", customer_id)
    if kind == "opportunity":
        await _refresh_subject(core, "customer", (await Opportunity.get(id=subject_id)).customer_id)
