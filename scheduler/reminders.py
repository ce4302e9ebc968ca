"""Reminders people set: create, list, complete, snooze, cancel; and sending those that are due."""

from enum import StrEnum

from tortoise import fields

from crm_core.db import Entity, UtcDatetimeField


class ReminderStatus(StrEnum):
    """How far a reminder is."""

    PENDING = "pending"
    FIRED = "fired"
    DONE = "done"
    CANCELLED = "cancelled"


class Reminder(Entity):
    """Something an employee wants to be told at a minute (提醒). Also the todo behind a next step."""

    owner_id = fields.BigIntField(db_index=True)
    about_kind = fields.CharField(max_length=16, default="")
    about_id = fields.BigIntField(null=True)
    about = fields.CharField(max_length=128, default="")
    at = UtcDatetimeField()
    text = fields.TextField()
    status = fields.CharField(max_length=16, default=ReminderStatus.PENDING.value)
    repeat = fields.CharField(max_length=32, default="")
    fired_at = UtcDatetimeField(null=True)
    done_at = UtcDatetimeField(null=True)
    follow_up_id = fields.BigIntField(null=True)

    class Meta:
        """Claimed by what is due."""

        table = "reminders"
        indexes = (("status", "at"),)
