"""The broadcast (群发) and its life: draft, preview, approve, schedule, pause, resume, cancel.

Reading order: the tables, then the use cases. Who is drawn and why somebody is left out stands in `audience.py`,
the work over time in `engine.py`, the sending in `recipients.py`.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from tortoise import fields
from tortoise.expressions import Q

from campaigns import shown
from campaigns.errors import Unusable
from campaigns.shown import Content
from campaigns.templates import Template, TemplateKind, check_body
from crm_core import access
from crm_core.access import Actor
from crm_core.audit import AuditEntry
from crm_core.changes import change_fields
from crm_core.db import Entity, UtcDatetimeField
from crm_core.errors import Conflict, Refused
from crm_core.ports import HOLD, Core, Program
from crm_core.segments import Segment, count_people, selection_of
from crm_core.selection import Selection

CANCEL_PAGE = 20_000
"""Rows one transaction changes at most. Source: house.md, section 10."""
NOT_SENT = (
    "status = CASE WHEN in_doubt_at IS NULL THEN ? ELSE 'unknown' END,"
    " reason = CASE WHEN in_doubt_at IS NULL THEN ? ELSE reason END,"
    " claimed_at = CASE WHEN in_doubt_at IS NULL THEN NULL ELSE claimed_at END,"
    " greeting_key = CASE WHEN in_doubt_at IS NULL THEN NULL ELSE greeting_key END"
)
"""What is set (status, reason) on a recipient who gets nothing any more: they may be greeted by another broadcast,
unless a send that nobody answered may have reached them."""
LATE_AFTER = timedelta(minutes=5)
LATE_MARK = "（迟发）"
"""A greeting that starts later than this is marked in its name."""


class BroadcastStatus(StrEnum):
    """Where a broadcast is in its life."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    CANCELLED = "cancelled"


BROADCAST_STATUS_LABELS = {
    BroadcastStatus.DRAFT: "草稿",
    BroadcastStatus.SCHEDULED: "待发送",
    BroadcastStatus.RUNNING: "发送中",
    BroadcastStatus.PAUSED: "已暂停",
    BroadcastStatus.FINISHED: "已完成",
    BroadcastStatus.CANCELLED: "已取消",
}


class RecipientStatus(StrEnum):
    """What became of one recipient."""

    PLANNED = "planned"
    SUPPRESSED = "suppressed"
    CLAIMED = "claimed"
    SENT = "sent"
    HANDED_OVER = "handed_over"
    FAILED = "failed"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"


RECIPIENT_STATUS_LABELS = {
    RecipientStatus.PLANNED: "待发送",
    RecipientStatus.SUPPRESSED: "不发送",
    RecipientStatus.CLAIMED: "发送中",
    RecipientStatus.SENT: "已送达",
    RecipientStatus.HANDED_OVER: "已转交",
    RecipientStatus.FAILED: "失败",
    RecipientStatus.UNKNOWN: "结果未知",
    RecipientStatus.CANCELLED: "已取消",
}


class BroadcastWrongState(Conflict):
    """The broadcast is not where it would have to be."""

    code = "broadcast.wrong_state"
    text = "群发「{name}」当前为{status}，不能{action}"


class SelfApproveRefused(Refused):
    """Above the limit a second person approves."""

    code = "broadcast.self_approve_refused"
    text = "人数{count}超过{limit}，请由他人批准"


class Broadcast(Entity):
    """One message to a segment. Template and segment are frozen into it at approval: what nobody approved is not sent.

    `conditions` is a `Selection` as JSON, with the template's text as it was shown last while this is a draft (`shown.py`),
    `cursor` the last person planned, `last_person_id` the upper end of the list.
    """

    owner_field = None

    name = fields.CharField(max_length=128)
    segment_id = fields.BigIntField()
    template_id = fields.BigIntField()
    channel = fields.CharField(max_length=64)
    scheduled_at = UtcDatetimeField(null=True)
    status = fields.CharField(max_length=16, default=BroadcastStatus.DRAFT.value)
    author = fields.CharField(max_length=64, default="")
    author_id = fields.BigIntField(null=True)
    approved_by = fields.CharField(max_length=64, default="")
    approved_at = UtcDatetimeField(null=True)
    started_at = UtcDatetimeField(null=True)
    finished_at = UtcDatetimeField(null=True)
    template_body = fields.TextField(default="")
    template_kind = fields.CharField(max_length=24, default="")
    conditions = fields.TextField(default="")
    last_person_id = fields.BigIntField(null=True)
    cursor = fields.BigIntField(default=0)
    planned_at = UtcDatetimeField(null=True)
    greeting_id = fields.BigIntField(null=True)
    occasion = fields.CharField(max_length=32, default="")
    """What a greeting is for: FESTIVAL:DAY or birthday:DAY, the day in Shanghai."""
    occasion_on = fields.DateField(null=True)
    """The day alone."""
    pause_reason = fields.CharField(max_length=100, default="")

    class Meta:
        """Few rows; its people stand in `recipients`."""

        table = "broadcasts"
        unique_together = (("greeting_id", "occasion"),)


class Recipient(Entity):
    """One person of a broadcast: the truth about what they got."""

    owner_field = None

    broadcast_id = fields.BigIntField()
    person_id = fields.BigIntField()
    account_id = fields.BigIntField(null=True)
    status = fields.CharField(max_length=16)
    reason = fields.CharField(max_length=64, null=True)
    text = fields.TextField(null=True)
    attempts = fields.IntField(default=0)
    not_before = UtcDatetimeField(null=True)
    lease_until = UtcDatetimeField(null=True)
    claimed_at = UtcDatetimeField(null=True)
    """When it was last sent or may have been; stays on sent and unknown ones, for the frequency cap."""
    in_doubt_at = UtcDatetimeField(null=True)
    """When the first send that nobody answered was claimed: it goes again under its key, but may have arrived."""
    sent_at = UtcDatetimeField(null=True)
    external_id = fields.CharField(max_length=128, null=True)
    mass_id = fields.BigIntField(null=True)
    """The mass call it went or goes out with (`mass.py`)."""
    greeting_key = fields.CharField(max_length=96, null=True)
    """FESTIVAL:person:DAY, unique where set, so that nobody is greeted twice on a day, whatever restarts."""

    class Meta:
        """Planned a page at a time, claimed in order."""

        table = "recipients"
        unique_together = (("broadcast_id", "person_id"),)


async def create(
    core: Core,
    actor: Actor,
    *,
    name: str,
    segment_id: int,
    template_id: int,
    channel: str,
    scheduled_at: datetime | None = None,
) -> Broadcast:
    """Draft a broadcast (群发草稿): one row and its audit entry; nobody is chosen yet.

    Raises: Unusable; NotFound for a segment or template that is not there.
    """
    access.require(actor, "broadcasts:write")
    values = {"name": name, "segment_id": segment_id, "template_id": template_id, "channel": channel}
    async with core.db.transaction():
        clean = await _checked(core, actor, {**values, "scheduled_at": scheduled_at})
        broadcast: Broadcast = await Broadcast.add(core, **clean, author=actor.name[:64], author_id=actor.employee_id)
        await shown.note(core, actor, broadcast, await shown.content_of(broadcast))
        await access.record(core, actor, "broadcast.create", broadcast)
    return broadcast


async def update(core: Core, actor: Actor, broadcast_id: int, **values: Any) -> Broadcast:
    """Change name, segment_id, template_id, channel or scheduled_at of a draft (改草稿).

    Raises: Unusable; NotFound; BroadcastWrongState.
    """
    async with core.db.transaction():
        broadcast = await _load(actor, broadcast_id, "修改", BroadcastStatus.DRAFT)
        clean = await _checked(core, actor, values, draft=broadcast)
        await _move(core, broadcast, "修改", status=broadcast.status)
        await change_fields(core, actor, "broadcast.update", broadcast, clean)
        await shown.note(core, actor, broadcast, await shown.content_of(broadcast))
    return broadcast


async def _checked(core: Core, actor: Actor, values: Mapping[str, Any], *, draft: Broadcast | None = None) -> dict[str, Any]:
    clean = dict(values)
    if "name" in clean:
        clean["name"] = clean["name"].strip()[:128]
        if not clean["name"]:
            raise Unusable(field="name", reason="请填写群发名称")
    if clean.get("scheduled_at") is not None and clean["scheduled_at"].tzinfo is None:
        raise Unusable(field="scheduled_at", reason="时间应带时区")
    if "channel" in clean:
        require_channel(core, clean["channel"])
    if "segment_id" in clean:
        clean["conditions"] = selection_of(await access.load(Segment, actor, clean["segment_id"]), actor).to_json()
    template_id = clean.get("template_id", draft.template_id if draft and "channel" in clean else None)
    if template_id is not None:
        channel = clean.get("channel") or (draft.channel if draft else "")
        require_sendable(core, await access.load(Template, actor, template_id), channel)
    return clean


def require_channel(core: Core, channel: str) -> None:
    """Refuse what is not a configured channel of customers. Raises: Unusable."""
    if channel not in core.reach or channel in core.staff_channels - core.group_channels:
        raise Unusable(field="channel", reason="没有这个客户渠道")


def require_sendable(core: Core, template: Template | Content, channel: str) -> None:
    """Refuse the kinds that cannot go to a segment on this channel. Raises: Unusable."""
    if channel in core.group_channels and template.kind != TemplateKind.TEXT:
        raise Unusable(field="template_id", reason="企业微信的群发只能用文字模板")
    if template.kind == TemplateKind.MASS:
        rule = core.reach.get(channel)
        if rule is None or rule.mass is None:
            raise Unusable(field="template_id", reason="这个渠道没有群发接口，请用文字模板")
        check_body(template.kind, template.body)  # one of an older version may hold a person's words
    elif template.kind not in (TemplateKind.TEXT, TemplateKind.WECHAT_TEMPLATE):
        raise Unusable(field="template_id", reason="群发只能用文字模板或公众号模板消息")


async def approve(core: Core, actor: Actor, broadcast_id: int) -> Broadcast:
    """Approve a draft (批准): freezes the text and the condition of the segment; starts it if its time has come.

    Raises: NotFound; BroadcastWrongState; SelfApproveRefused for its own author above the limit; ChangedSincePreview.
    """
    broadcast = await _load(actor, broadcast_id, "批准", BroadcastStatus.DRAFT)
    content = await shown.content_of(broadcast)
    await refuse_self_approval(core, actor, broadcast, content.selection)
    await shown.require_shown(core, actor, broadcast, content)
    require_sendable(core, content, broadcast.channel)
    now = core.clock.now()
    async with core.db.transaction():
        await _move(
            core,
            broadcast,
            "批准",
            status=BroadcastStatus.SCHEDULED.value,
            scheduled_at=broadcast.scheduled_at or now,
            approved_by=actor.name[:64],
            approved_at=now,
            template_body=content.body,
            template_kind=content.kind,
            conditions=content.selection.to_json(),
        )
        await access.record(core, actor, "broadcast.approve", broadcast)
    if broadcast.scheduled_at is None or broadcast.scheduled_at <= now:
        await core.db.run(start(core, broadcast.id))
    return await Broadcast.get(id=broadcast.id)


async def refuse_self_approval(core: Core, actor: Actor, work: Any, selection: Selection) -> None:
    """Let nobody approve their own broadcast or plan to more people than the limit, the left-out included.

    Own is what one drafted or changed. Raises: SelfApproveRefused.
    """
    limit = core.settings.campaigns.self_approve_limit
    is_author = work.author_id == actor.employee_id if work.author_id is not None else work.author == actor.name
    if actor.system or not (is_author or await _changed_by(actor, work)):
        return
    count = await count_people(core, selection)
    if count > limit:
        raise SelfApproveRefused(count=count, limit=limit)


async def _changed_by(actor: Actor, work: Any) -> bool:
    who = Q(actor=actor.name) if actor.employee_id is None else Q(employee_id=actor.employee_id)
    actions = ("broadcast.update", "greeting.update")
    return await AuditEntry.filter(who, object_kind=work._meta.db_table, object_id=work.id, action__in=actions).exists()


def start(core: Core, broadcast_id: int) -> Program[bool]:
    """Start a broadcast that is due; who comes later is not drawn in. Of two starters one wins."""
    now = core.clock.now()
    changed = yield (
        "UPDATE broadcasts SET status = 'running', started_at = ?,"
        " last_person_id = (SELECT max(id) FROM people),"
        " name = CASE WHEN greeting_id IS NOT NULL AND scheduled_at <= ? THEN name || ? ELSE name END,"
        " updated_at = ? WHERE id = ? AND status = 'scheduled' AND scheduled_at <= ?",
        (now, now - LATE_AFTER, LATE_MARK, now, broadcast_id, now),
    )
    return bool(changed)


async def pause(core: Core, actor: Actor, broadcast_id: int) -> Broadcast:
    """Stop sending until resumed (暂停); holds from the next claim on. Raises: NotFound; BroadcastWrongState."""
    broadcast = await _load(actor, broadcast_id, "暂停", BroadcastStatus.RUNNING)
    async with core.db.transaction():
        await _move(core, broadcast, "暂停", status=BroadcastStatus.PAUSED.value, pause_reason="by_hand")
        await access.record(core, actor, "broadcast.pause", broadcast)
    return await Broadcast.get(id=broadcast.id)


async def resume(core: Core, actor: Actor, broadcast_id: int) -> Broadcast:
    """Go on with a paused broadcast (恢复). Raises: NotFound; BroadcastWrongState."""
    broadcast = await _load(actor, broadcast_id, "恢复", BroadcastStatus.PAUSED)
    async with core.db.transaction():
        await _move(core, broadcast, "恢复", status=BroadcastStatus.RUNNING.value, pause_reason="")
        await access.record(core, actor, "broadcast.resume", broadcast)
    wake_delivery(core)
    return await Broadcast.get(id=broadcast.id)


async def cancel(core: Core, actor: Actor, broadcast_id: int) -> Broadcast:
    """End a broadcast for good (取消): nobody who has not got it will. Raises: NotFound; BroadcastWrongState."""
    states = (BroadcastStatus.DRAFT, BroadcastStatus.SCHEDULED, BroadcastStatus.RUNNING, BroadcastStatus.PAUSED)
    broadcast = await _load(actor, broadcast_id, "取消", *states)
    async with core.db.transaction():
        await _move(core, broadcast, "取消", status=BroadcastStatus.CANCELLED.value, finished_at=core.clock.now())
        await access.record(core, actor, "broadcast.cancel", broadcast)
        # The first page here, so that small ones are whole at once; the engine does the rest.
        await core.db.run(withdraw(core, broadcast.id))
    return await Broadcast.get(id=broadcast.id)


_WITHDRAW = (
    "WITH page AS (SELECT id FROM recipients WHERE broadcast_id = ? AND status = 'planned'"  # noqa: S608 - constants
    f" ORDER BY id LIMIT ?{HOLD}) UPDATE recipients SET {NOT_SENT}, updated_at = ?"
    " WHERE status = 'planned' AND id IN (SELECT id FROM page)"
)


def withdraw(core: Core, broadcast_id: int, *, status: str = "cancelled", reason: str | None = None) -> Program[int]:
    """Take one page of planned rows out of the queue; tells how many."""
    count = yield _WITHDRAW, (broadcast_id, CANCEL_PAGE, status, reason, core.clock.now())
    return int(count)


def wake_delivery(core: Core) -> None:
    """Tell the delivery that something may be due."""
    wake = getattr(core.outbox, "wake", None)
    if wake is not None:
        wake()


async def _load(actor: Actor, broadcast_id: int, action: str, *states: BroadcastStatus) -> Broadcast:
    access.require(actor, "broadcasts:write")
    broadcast = await access.load(Broadcast, actor, broadcast_id)
    if broadcast.status not in states:
        raise _wrong_state(broadcast, action)
    return broadcast


async def _move(core: Core, broadcast: Broadcast, action: str, **values: object) -> None:
    same = Broadcast.filter(id=broadcast.id, status=broadcast.status)
    if broadcast.status == BroadcastStatus.DRAFT:
        # A draft can be changed: what nobody looked at must not be approved.
        same = same.filter(updated_at=broadcast.updated_at)
    if not await same.update(**values, updated_at=core.clock.now()):
        found = await Broadcast.get(id=broadcast.id)
        raise _wrong_state(found, action) if found.status != broadcast.status else Conflict()


def _wrong_state(broadcast: Broadcast, action: str) -> BroadcastWrongState:
    return BroadcastWrongState(
        name=broadcast.name, status=BROADCAST_STATUS_LABELS[BroadcastStatus(broadcast.status)], action=action
    )
