"""Follow-ups (跟进记录) and the remarks of managers on them (批复)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from tortoise import fields
from tortoise.expressions import Q, Subquery

from crm_core import access
from crm_core.access import Actor, Role
from crm_core.changes import change_fields
from crm_core.customers import Contact, Customer
from crm_core.db import Entity, MoneyField, UtcDatetimeField
from crm_core.errors import Conflict, Invalid, Refused
from crm_core.leads import Lead, LeadStatus
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
            theirs: Any = Subquery(model.filter(owner_id__in=team).values("id"))
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

    class Meta:
        """Append-only."""

        table = "review_comments"


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a record is about: a lead, customer or contact, with the name shown."""

    kind: str
    id: int
    name: str
    person_id: int | None
    owner_id: int | None
    company: str = ""
    mobile: str | None = None
    last_follow_up_at: datetime | None = None


SUBJECT_MODELS: dict[str, type[Lead] | type[Customer] | type[Contact]] = {
    "lead": Lead,
    "customer": Customer,
    "contact": Contact,
}


async def load_subject(actor: Actor, kind: str, subject_id: int) -> Subject:
    """Load whom a record is about. Raises: Invalid; NotFound."""
    model = SUBJECT_MODELS.get(kind)
    if model is None:
        raise Invalid(field="subject_kind", reason="只能是 lead、customer、contact")
    row = await access.load(model, actor, subject_id)
    return subject_of(row)


def subject_of(row: Lead | Customer | Contact) -> Subject:
    """Describe a row as the subject of a record."""
    kind = {Lead: "lead", Customer: "customer", Contact: "contact"}[type(row)]
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
    """Write down one contact (跟进记录) and move the subject's last follow-up on; one transaction with its audit entry."""
    access.require(actor, "follow-ups:write")
    when = at or core.clock.now()
    async with core.db.transaction():
        follow_up: FollowUp = await FollowUp.add(
            core,
            subject_kind=subject.kind,
            subject_id=subject.id,
            person=subject.name,
            at=when,
            author_id=actor.employee_id,
            **values,
        )
        await _touch_subject(core, subject, when)
        await access.record(core, actor, "follow_up.add", follow_up)
    return follow_up


async def update_follow_up(core: Core, actor: Actor, follow_up_id: int, **values: object) -> FollowUp:
    """Correct an own record. Raises: NotFound; Refused for a record of somebody else."""
    access.require(actor, "follow-ups:write")
    async with core.db.transaction():
        follow_up = await access.load(FollowUp, actor, follow_up_id)
        if actor.employee_id is not None and follow_up.author_id != actor.employee_id and actor.role is not Role.ADMIN:
            raise Refused
        await change_fields(core, actor, "follow_up.update", follow_up, values)
    return follow_up


async def undo_follow_up(core: Core, actor: Actor, follow_up_id: int) -> FollowUp:
    """Take back an own record within a day (撤销). Raises: NotFound; FollowUpTooOldToUndo."""
    access.require(actor, "follow-ups:write")
    async with core.db.transaction():
        follow_up = await access.load(FollowUp, actor, follow_up_id)
        now = core.clock.now()
        if (now - follow_up.created_at).total_seconds() > 86400:
            raise FollowUpTooOldToUndo
        await follow_up.change(core, undone_at=now)
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


async def history(subject: Subject, limit: int = 5) -> list[FollowUp]:
    """List the newest records of a subject."""
    return (
        await FollowUp.filter(subject_kind=subject.kind, subject_id=subject.id, undone_at=None)
        .order_by("-at", "-id")
        .limit(limit)
    )


async def _touch_subject(core: Core, subject: Subject, at: datetime) -> None:
    model = SUBJECT_MODELS[subject.kind]
    now = core.clock.now()
    await model.filter(id=subject.id).update(last_follow_up_at=at, updated_at=now)
    if subject.kind == "lead":
        await Lead.filter(id=subject.id, status=LeadStatus.NEW.value).update(status=LeadStatus.FOLLOWING.value, updated_at=now)
    if subject.kind == "contact":
        contact = await Contact.get(id=subject.id)
        if contact.customer_id:
            await Customer.filter(id=contact.customer_id).update(last_follow_up_at=at, updated_at=now)
