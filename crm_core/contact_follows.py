"""Which member has which external contact (客户联系): one row a pair, kept by the platform's events and its lists.

A customer may be several members' contact; they have left only when the last of these pairs has ended.
"""

from datetime import datetime

from tortoise import fields

from crm_core.db import Entity, UtcDatetimeField
from crm_core.ports import Core, Program


class ContactFollow(Entity):
    """One member and one external contact. `checked_at`: when the platform was last asked about them, None: has to be."""

    owner_field = None

    channel = fields.CharField(max_length=64)
    external_id = fields.CharField(max_length=128)
    staff_id = fields.CharField(max_length=128)
    followed_at = UtcDatetimeField(null=True)
    unfollowed_at = UtcDatetimeField(null=True)
    checked_at = UtcDatetimeField(null=True)
    remark = fields.CharField(max_length=128, default="")
    tag_ids = fields.TextField(default="[]")
    """The platform's tags this member put on them, as a JSON list."""

    class Meta:
        """One row a pair."""

        table = "contact_follows"
        unique_together = (("channel", "external_id", "staff_id"),)


def note_follow(core: Core, channel: str, external_id: str, staff_id: str, at: datetime) -> Program[bool]:
    """Note that a member has a contact, by the platform's time; tells whether the pair is new."""
    now = core.clock.now()
    made = yield (
        "INSERT INTO contact_follows (channel, external_id, staff_id, followed_at, remark, tag_ids, created_at, updated_at)"
        " VALUES (?, ?, ?, ?, '', '[]', ?, ?) ON CONFLICT (channel, external_id, staff_id) DO NOTHING",
        (channel, external_id, staff_id, at, now, now),
    )
    if not made:
        yield (
            "UPDATE contact_follows SET followed_at = ?, unfollowed_at = NULL, checked_at = NULL, updated_at = ?"
            " WHERE channel = ? AND external_id = ? AND staff_id = ? AND (unfollowed_at IS NULL OR unfollowed_at < ?)"
            " AND (followed_at IS NULL OR followed_at < ?)",
            (at, now, channel, external_id, staff_id, at, at),
        )
    return bool(made)


def note_unfollow(core: Core, channel: str, external_id: str, staff_id: str, at: datetime) -> Program[bool]:
    """Note the end of a pair, by the platform's time; tells whether no member has this contact any more."""
    now = core.clock.now()
    made = yield (
        "INSERT INTO contact_follows (channel, external_id, staff_id, unfollowed_at, checked_at, remark, tag_ids, created_at,"
        " updated_at) VALUES (?, ?, ?, ?, ?, '', '[]', ?, ?) ON CONFLICT (channel, external_id, staff_id) DO NOTHING",
        (channel, external_id, staff_id, at, now, now, now),
    )
    if not made:
        yield (
            "UPDATE contact_follows SET unfollowed_at = ?, updated_at = ? WHERE channel = ? AND external_id = ?"
            " AND staff_id = ? AND (followed_at IS NULL OR followed_at <= ?)"
            " AND (unfollowed_at IS NULL OR unfollowed_at < ?)",
            (at, now, channel, external_id, staff_id, at, at),
        )
    left = yield (
        "SELECT 1 FROM contact_follows WHERE channel = ? AND external_id = ? AND unfollowed_at IS NULL LIMIT 1",
        (channel, external_id),
    )
    return not left


def ask_again(core: Core, channel: str, external_id: str) -> Program[None]:
    """Note that what is known of a contact is out of date."""
    yield (
        "UPDATE contact_follows SET checked_at = NULL, updated_at = ? WHERE channel = ? AND external_id = ?",
        (core.clock.now(), channel, external_id),
    )


def unchecked(channel: str, *, limit: int) -> Program[list[str]]:
    """List contacts the platform has to be asked about, those noted first coming first."""
    rows = yield (
        "SELECT external_id FROM contact_follows WHERE channel = ? AND checked_at IS NULL AND unfollowed_at IS NULL"
        " GROUP BY external_id ORDER BY min(updated_at), external_id LIMIT ?",
        (channel, limit),
    )
    return [str(external_id) for (external_id,) in rows]


def note_checked(core: Core, channel: str, external_id: str, told: dict[str, tuple[str, str]] | None = None) -> Program[None]:
    """Note that the platform was asked: `told` holds each member's remark and tags (JSON)."""
    now = core.clock.now()
    yield (
        "UPDATE contact_follows SET checked_at = ?, updated_at = ? WHERE channel = ? AND external_id = ?",
        (now, now, channel, external_id),
    )
    for staff_id, (remark, tag_ids) in (told or {}).items():
        yield (
            "UPDATE contact_follows SET remark = ?, tag_ids = ? WHERE channel = ? AND external_id = ? AND staff_id = ?",
            (remark[:128], tag_ids, channel, external_id, staff_id),
        )
