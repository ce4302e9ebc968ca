"""Tags and segments: saved conditions that select people, page by page."""

from tortoise import fields

from crm_core.db import Entity


class Tag(Entity):
    """A word set on people by hand or by rule (标签)."""

    owner_field = None

    name = fields.CharField(max_length=64, unique=True)
    group = fields.CharField(max_length=64, default="")
    manual = fields.BooleanField(default=True)

    class Meta:
        """One row a word."""

        table = "tags"


class Tagging(Entity):
    """A tag on a person; `manual` ones are never taken off by a rule."""

    tag_id = fields.BigIntField(db_index=True)
    person_id = fields.BigIntField(db_index=True)
    manual = fields.BooleanField(default=True)

    class Meta:
        """Once a person."""

        table = "taggings"
        unique_together = (("tag_id", "person_id"),)


class Segment(Entity):
    """A saved condition (客户分群). `conditions` is the segment object of understanding.md as JSON."""

    owner_field = None

    name = fields.CharField(max_length=128)
    conditions = fields.TextField()
    author_id = fields.BigIntField(null=True)

    class Meta:
        """Frozen into a broadcast when it starts."""

        table = "segments"
