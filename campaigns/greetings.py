"""Festival and birthday greetings (节日祝福): yearly plans that become broadcasts ahead of time."""

from tortoise import fields

from crm_core.db import Entity, UtcDatetimeField


class GreetingPlan(Entity):
    """Greet a segment on a festival, or each person on their birthday, at a time of day."""

    owner_field = None

    name = fields.CharField(max_length=128)
    segment_id = fields.BigIntField()
    template_id = fields.BigIntField()
    channel = fields.CharField(max_length=64)
    time = fields.CharField(max_length=5)
    festival = fields.CharField(max_length=32, default="")
    birthday = fields.BooleanField(default=False)
    status = fields.CharField(max_length=16, default="draft")
    author = fields.CharField(max_length=64, default="")
    author_id = fields.BigIntField(null=True)
    approved_at = UtcDatetimeField(null=True)

    class Meta:
        """Few rows."""

        table = "greeting_plans"
