"""The broadcast (群发) and its life: draft, preview, approve, schedule, pause, resume, cancel."""

from enum import StrEnum

from tortoise import fields

from crm_core.db import Entity, UtcDatetimeField


class BroadcastStatus(StrEnum):
    """Where a broadcast is in its life."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    CANCELLED = "cancelled"


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


class Broadcast(Entity):
    """One message to a segment. Template and segment are frozen into it when it starts."""

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
    """What a greeting is for: its local day, or birthday:DAY."""
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
    sent_at = UtcDatetimeField(null=True)
    external_id = fields.CharField(max_length=128, null=True)
    greeting_key = fields.CharField(max_length=96, null=True, unique=True)
    """greeting:person:local day, so that nobody is greeted twice on a day, whatever restarts."""

    class Meta:
        """Planned a page at a time, claimed in order."""

        table = "recipients"
        unique_together = (("broadcast_id", "person_id"),)
