"""The tables of distribution and assignment: which unit when and why, who was asked when and why, what nobody took."""

from tortoise import fields

from crm_core.db import Entity, UtcDatetimeField

OPEN = "open"
OFFER_LABELS = {
    "open": "等待答复",
    "accepted": "已接受",
    "declined": "已拒绝",
    "expired": "没有答复",
    "overridden": "已另行安排",
    "given": "直接分配",
}


class Distribution(Entity):
    """One decision about the unit of a lead (分发); no department: headquarters' pool."""

    owner_field = None

    lead_id = fields.BigIntField(db_index=True)
    person_id = fields.BigIntField(null=True, db_index=True)
    department_id = fields.BigIntField(null=True)
    reason = fields.CharField(max_length=200, default="")
    actor = fields.CharField(max_length=64, default="")

    class Meta:
        """History; the lead itself says where it is."""

        table = "distributions"


class Offer(Entity):
    """Somebody was asked whether they take a lead (分配), or was given it."""

    owner_field = "employee_id"

    lead_id = fields.BigIntField(db_index=True)
    person_id = fields.BigIntField(null=True, db_index=True)
    employee_id = fields.BigIntField(db_index=True)
    department_id = fields.BigIntField(null=True)
    reason = fields.CharField(max_length=200, default="")
    status = fields.CharField(max_length=16, default=OPEN)
    expires_at = UtcDatetimeField(null=True)
    answered_at = UtcDatetimeField(null=True)
    answer = fields.CharField(max_length=200, default="")
    """Why they declined."""

    class Meta:
        """Open ones by a partial index on `expires_at`."""

        table = "offers"


class LeadException(Entity):
    """A lead the rules found nobody for: a manager decides (待分配)."""

    owner_field = None

    lead_id = fields.BigIntField(db_index=True)
    person_id = fields.BigIntField(null=True, db_index=True)
    department_id = fields.BigIntField(null=True)
    reason = fields.CharField(max_length=200, default="")
    status = fields.CharField(max_length=16, default=OPEN)
    ended_at = UtcDatetimeField(null=True)

    class Meta:
        """Open ones by a partial index."""

        table = "lead_exceptions"
