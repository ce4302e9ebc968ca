"""Message templates: the closed placeholder language, checking, rendering for one person."""

from tortoise import fields

from crm_core.db import Entity


class Template(Entity):
    """A text with placeholders (模板). kind: text, mass, wechat_template, welcome."""

    owner_field = None

    name = fields.CharField(max_length=128)
    kind = fields.CharField(max_length=24)
    body = fields.TextField()
    version = fields.IntField(default=1)
    author_id = fields.BigIntField(null=True)

    class Meta:
        """Frozen into a broadcast when it starts."""

        table = "templates"
