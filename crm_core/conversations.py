"""The messages table: every message and event that came in, every one that goes or went out.

One table, because a conversation is one thing to whoever reads it. `inbox.py` writes the incoming rows, `outbox.py` the
outgoing ones. Delivery has a queue of its own for broadcasts (`campaigns/recipients.py`).
"""

from enum import StrEnum

from tortoise import fields
from tortoise.indexes import Index

from crm_core.db import Entity, UtcDatetimeField


class InboundStatus(StrEnum):
    """How far the work on an incoming message is."""

    OPEN = "open"
    DONE = "done"
    PARKED = "parked"
    """It killed its handler three times; a person must look."""


class OutboundStatus(StrEnum):
    """What became of an outgoing message."""

    QUEUED = "queued"
    CLAIMED = "claimed"
    SENT = "sent"
    HANDED_OVER = "handed_over"
    FAILED = "failed"
    UNKNOWN = "unknown"
    ANSWERED = "answered"
    """It left as the passive answer of an incoming message."""
    KEPT = "kept"
    """No window is open: given with the person's next message."""
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class Outcome(StrEnum):
    """How an incoming message was answered; told on its row."""

    PASSIVE = "passive"
    LATE = "late"
    SILENT = "silent"


class Message(Entity):
    """One message. `key` is unique: the platform's strong key coming in, our own going out.

    Incoming: `payload` is what the channel understood, as JSON; `outcome` and `reply` how it was answered.
    Outgoing: `payload` is the body as JSON, `target` the rest of the address, `reply_to_id` what it answers.
    """

    owner_field = None

    channel = fields.CharField(max_length=64)
    external_account = fields.CharField(max_length=128)
    account_id = fields.BigIntField(null=True)
    direction = fields.CharField(max_length=3)
    kind = fields.CharField(max_length=16)
    text = fields.TextField(default="")
    at = UtcDatetimeField()
    external_id = fields.CharField(max_length=128, default="")
    status = fields.CharField(max_length=16)
    key = fields.CharField(max_length=300, unique=True)
    payload = fields.TextField(default="")
    outcome = fields.CharField(max_length=16, default="")
    reply = fields.TextField(default="")
    reply_to_id = fields.BigIntField(null=True)
    conversation = fields.CharField(max_length=128, default="")
    guarantee = fields.CharField(max_length=16, default="")
    topic = fields.CharField(max_length=64, default="")
    attempts = fields.IntField(default=0)
    not_before = UtcDatetimeField(null=True)
    expires_at = UtcDatetimeField(null=True)
    lease_until = UtcDatetimeField(null=True)
    sent_at = UtcDatetimeField(null=True)
    reason = fields.CharField(max_length=100, default="")

    class Meta:
        """Read by account (the conversation) and by what still has to be done."""

        table = "messages"
        indexes = (Index(fields=("account_id", "id")),)
