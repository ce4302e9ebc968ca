"""Who follows an account of ours, as the platform lists them: what it tells of each, and how far a listing has come.

The listing itself is the edge's work; here a page of it becomes accounts and leads, safe to repeat: a second run over the
same people changes nothing.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tortoise import fields

from crm_core import leads
from crm_core.accounts import AccountRow, PersonKind, ensure_account
from crm_core.db import Entity, UtcDatetimeField
from crm_core.messages import Address
from crm_core.ports import Core, Program
from crm_core.rules import as_instant

_LEAVERS_PAGE = 5_000


class Follower(Entity):
    """What the platform tells of the person behind an account."""

    owner_field = None

    account_id = fields.BigIntField(unique=True)
    unionid = fields.CharField(max_length=64, default="")
    subscribed_at = UtcDatetimeField(null=True)
    remark = fields.CharField(max_length=64, default="")
    tag_ids = fields.TextField(default="[]")
    """Numbers of the platform's tags, as a JSON list."""
    subscribe_scene = fields.CharField(max_length=64, default="")
    qr_scene = fields.CharField(max_length=128, default="")
    language = fields.CharField(max_length=16, default="")
    seen_at = UtcDatetimeField(null=True)
    """Start of the newest listing this person stood in."""

    class Meta:
        """One row an account."""

        table = "followers"


class PlatformSync(Entity):
    """How far a listing of a platform has come, so that a stopped one goes on where it was."""

    owner_field = None

    name = fields.CharField(max_length=96, unique=True)
    cursor = fields.CharField(max_length=128, default="")
    started_at = UtcDatetimeField(null=True)
    """None: none is under way."""
    finished_at = UtcDatetimeField(null=True)
    seen_count = fields.IntField(default=0)
    held_until = UtcDatetimeField(null=True)
    """Whoever works on it holds it until then, and holds it anew with every page."""

    class Meta:
        """One row a listing."""

        table = "platform_syncs"


@dataclass(frozen=True, slots=True)
class Told:
    """What a platform tells of one follower."""

    openid: str
    unionid: str = ""
    subscribed_at: datetime | None = None
    remark: str = ""
    tag_ids: tuple[int, ...] = ()
    subscribe_scene: str = ""
    qr_scene: str = ""
    language: str = ""

    def columns(self) -> tuple[object, ...]:
        """Give the values as they stand in the row."""
        tags = json.dumps(sorted(self.tag_ids), separators=(",", ":"))
        return (
            self.unionid[:64],
            self.subscribed_at,
            self.remark[:64],
            tags,
            self.subscribe_scene[:64],
            self.qr_scene[:128],
            self.language[:16],
        )


@dataclass(frozen=True, slots=True)
class Taken:
    """What a page changed."""

    new_accounts: int = 0
    new_leads: int = 0
    returned: int = 0
    changed: int = 0


@dataclass(frozen=True, slots=True)
class Listing:
    """A listing under way."""

    name: str
    cursor: str
    started_at: datetime
    seen_count: int


def hold_listing(name: str, now: datetime, lasts: timedelta) -> Program[Listing | None]:
    """Begin a listing or go on with a stopped one; None while somebody else works on it."""
    yield (
        "INSERT INTO platform_syncs (name, cursor, seen_count, created_at, updated_at) VALUES (?, '', 0, ?, ?)"
        " ON CONFLICT (name) DO NOTHING",
        (name, now, now),
    )
    rows = yield (
        "UPDATE platform_syncs SET held_until = ?, started_at = coalesce(started_at, ?), updated_at = ?"
        " WHERE name = ? AND (held_until IS NULL OR held_until <= ?) RETURNING cursor, started_at, seen_count",
        (now + lasts, now, now, name, now),
    )
    if not rows:
        return None
    cursor, started_at, seen = rows[0]
    return Listing(name, cursor, as_instant(started_at) or now, seen)


def release_listing(name: str) -> Program[None]:
    """Let go of a listing that stops early; it goes on where it was."""
    yield "UPDATE platform_syncs SET held_until = NULL WHERE name = ?", (name,)


def finish_listing(name: str, now: datetime) -> Program[None]:
    """End a listing: the next one begins anew."""
    yield (
        "UPDATE platform_syncs SET cursor = '', started_at = NULL, seen_count = 0, held_until = NULL, finished_at = ?,"
        " updated_at = ? WHERE name = ?",
        (now, now, name),
    )


def take_page(
    core: Core, channel: str, people: Sequence[Told], listing: Listing, *, cursor: str, lasts: timedelta
) -> Program[Taken]:
    """Make accounts and leads of a page of followers and move the cursor, in one transaction."""
    now = core.clock.now()
    made, born, back, changed = 0, 0, 0, 0
    known = yield from _known(channel, [each.openid for each in people])
    for person in people:
        account = known.get(person.openid)
        made += account is None
        if account is None:
            row = yield from ensure_account(core, Address(channel, person.openid))
            account = (row, None, None)
        back += yield from _note_follow(account, person, listing.started_at, now)
        born += yield from _ensure_lead(core, channel, account[0], person)
        changed += yield from _keep(account[0].id, person, listing.started_at, now)
    yield (
        "UPDATE platform_syncs SET cursor = ?, seen_count = seen_count + ?, held_until = ?, updated_at = ? WHERE name = ?",
        (cursor, len(people), now + lasts, now, listing.name),
    )
    return Taken(made, born, back, changed)


_Known = tuple[AccountRow, datetime | None, datetime | None]
"""The account, when it followed and when it left."""


def _known(channel: str, openids: Sequence[str]) -> Program[dict[str, _Known]]:
    if not openids:
        return {}
    marks = ", ".join("?" * len(openids))
    rows = yield (
        "SELECT external_id, id, person_kind, person_id, waiting_count, followed_at, unfollowed_at FROM accounts"  # noqa: S608
        f" WHERE channel = ? AND external_id IN ({marks})",
        (channel, *openids),
    )
    return {
        openid: (AccountRow(number, kind, person_id, waiting), as_instant(followed), as_instant(left))
        for openid, number, kind, person_id, waiting, followed, left in rows
    }


def _note_follow(account: _Known, person: Told, started_at: datetime, now: datetime) -> Program[int]:
    row, followed_at, left_at = account
    if followed_at is not None and left_at is None:
        return 0
    # Whoever left while the list was read may still stand in it: an unfollow newer than the list holds.
    if left_at is not None and left_at >= started_at and not (person.subscribed_at and person.subscribed_at > left_at):
        return 0
    yield (
        "UPDATE accounts SET followed_at = ?, unfollowed_at = NULL, updated_at = ? WHERE id = ?",
        (person.subscribed_at or now, now, row.id),
    )
    return int(left_at is not None)


def _ensure_lead(core: Core, channel: str, account: AccountRow, person: Told) -> Program[int]:
    if account.person_id is not None or account.person_kind == PersonKind.EMPLOYEE.value:
        return 0
    _, person_id = yield from leads.insert_from_channel(
        core, channel=channel, name=f"微信访客{account.id}", source=person.qr_scene, raw_text=""
    )
    yield (
        "UPDATE accounts SET person_kind = ?, person_id = ?, updated_at = ? WHERE id = ? AND person_id IS NULL",
        (PersonKind.CUSTOMER.value, person_id, core.clock.now(), account.id),
    )
    return 1


_COLUMNS = "unionid, subscribed_at, remark, tag_ids, subscribe_scene, qr_scene, language"


def _keep(account_id: int, person: Told, seen_at: datetime, now: datetime) -> Program[int]:
    rows = yield f"SELECT {_COLUMNS} FROM followers WHERE account_id = ?", (account_id,)  # noqa: S608 - fixed columns
    values = person.columns()
    if rows:
        unionid, subscribed_at, *rest = rows[0]
        if (unionid, as_instant(subscribed_at), *rest) == values:
            # Seen again is no change of the record.
            yield "UPDATE followers SET seen_at = ? WHERE account_id = ?", (seen_at, account_id)
            return 0
    yield (
        f"INSERT INTO followers (account_id, {_COLUMNS}, seen_at, created_at, updated_at)"  # noqa: S608 - fixed columns
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (account_id) DO UPDATE SET unionid = excluded.unionid,"
        " subscribed_at = excluded.subscribed_at, remark = excluded.remark, tag_ids = excluded.tag_ids,"
        " subscribe_scene = excluded.subscribe_scene, qr_scene = excluded.qr_scene, language = excluded.language,"
        " seen_at = excluded.seen_at, updated_at = excluded.updated_at",
        (account_id, *values, seen_at, now, now),
    )
    return 1


def note_leavers(channel: str, started_at: datetime, now: datetime) -> Program[int]:
    """Mark one page of those who follow by our books and stood not in the whole list; tells how many.

    Whoever came after the listing began is not meant.
    """
    count = yield (
        "UPDATE accounts SET unfollowed_at = ?, message_window_at = NULL, event_window_at = NULL, updated_at = ? WHERE id IN"
        " (SELECT a.id FROM accounts a LEFT JOIN followers f ON f.account_id = a.id WHERE a.channel = ?"
        " AND a.unfollowed_at IS NULL AND a.followed_at < ? AND a.created_at < ?"
        " AND (f.seen_at IS NULL OR f.seen_at < ?) ORDER BY a.id LIMIT ?)",
        (started_at, now, channel, started_at, started_at, started_at, _LEAVERS_PAGE),
    )
    return int(count)
