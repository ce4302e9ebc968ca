"""What one person was sent of late on a channel that drops the surplus: never more than allowed in any window.

The marks are rows, so that a restart or a second worker knows them. A message that has no room gets a time of its own,
after those that wait already, so that a flood to one person is spread out instead of being tried again and again.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tortoise import fields
from tortoise.indexes import Index

from crm_core.db import Entity, UtcDatetimeField
from crm_core.ports import Program
from crm_core.rules import as_instant

MARGIN = timedelta(seconds=5)
"""A mark is set when a message leaves; the platform counts when it arrives, which is not always equally much later."""
STALE = timedelta(minutes=2)
"""A reserved time that passed so long ago is nobody's any more (expired, cancelled)."""


class SendMark(Entity):
    """One message to one person: sent at `at`, or (reserved) to be sent then."""

    owner_field = None

    channel = fields.CharField(max_length=64)
    external_id = fields.CharField(max_length=128)
    key = fields.CharField(max_length=300)
    digest = fields.CharField(max_length=64)
    at = UtcDatetimeField(db_index=True)
    reserved = fields.IntField(default=0)

    class Meta:
        """Swept after some hours."""

        table = "send_marks"
        indexes = (Index(fields=("channel", "external_id", "at")),)


@dataclass(frozen=True, slots=True)
class Want:
    """A message that would leave now: to whom, under which key, with which content."""

    external_id: str
    key: str
    digest: str


@dataclass(frozen=True, slots=True)
class Turn:
    """Whether it may leave: now, or at `wait_until`.

    `repeated`: the same content went to this person lately under another key, so that a platform which compares contents
    would take it for a repeat.
    """

    wait_until: datetime | None = None
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Allowance:
    """So many messages within so much time, for each of `windows`; contents are remembered for `remembers`."""

    windows: Sequence[tuple[int, timedelta]]
    remembers: timedelta


@dataclass(slots=True)
class _Lately:
    sent: list[datetime] = field(default_factory=list)
    reserved: dict[str, datetime] = field(default_factory=dict)


def take_turns(channel: str, wants: Sequence[Want], allowance: Allowance, now: datetime) -> Program[list[Turn]]:
    """Mark what may leave now as sent and give the others a time; to be committed before anything leaves."""
    for external_id in sorted({want.external_id for want in wants}):
        # The row is the lock: two workers must not count at the same time. In one order, so that neither waits for ever.
        yield (
            "UPDATE accounts SET last_outbound_at = ? WHERE channel = ? AND external_id = ?",
            (now, channel, external_id),
        )
    turns = []
    for want in wants:
        lately = yield from _lately(channel, want.external_id, allowance, now)
        wait_until = _wait_until(lately, want.key, allowance, now)
        yield "DELETE FROM send_marks WHERE channel = ? AND key = ? AND reserved = 1", (channel, want.key)
        yield (
            "INSERT INTO send_marks (channel, external_id, key, digest, at, reserved, created_at, updated_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (channel, want.external_id, want.key, want.digest, wait_until or now, int(wait_until is not None), now, now),
        )
        repeated = False
        if wait_until is None:
            repeated = yield from _is_repeated(channel, want, now - allowance.remembers)
        turns.append(Turn(wait_until, repeated))
    return turns


def _lately(channel: str, external_id: str, allowance: Allowance, now: datetime) -> Program[_Lately]:
    longest = max(seconds for _, seconds in allowance.windows)
    rows = yield (
        "SELECT key, at, reserved FROM send_marks WHERE channel = ? AND external_id = ? AND at > ? ORDER BY at, id",
        (channel, external_id, now - longest - MARGIN),
    )
    found = _Lately()
    for key, at, reserved in rows:
        when = as_instant(at)
        if when is None:
            continue
        if not reserved:
            # A clock that was set back makes no mark of the future: it counts as of now.
            found.sent.append(min(when, now))
        elif when > now - STALE:
            found.reserved[key] = when
    return found


def _wait_until(lately: _Lately, key: str, allowance: Allowance, now: datetime) -> datetime | None:
    mine = lately.reserved.pop(key, None)
    if _is_free(lately.sent, allowance, now) and (mine is not None or not lately.reserved):
        return None
    times = sorted([*lately.sent, *lately.reserved.values()])
    slot = max([now, *lately.reserved.values()])
    for count, seconds in allowance.windows:
        if len(times) >= count:
            slot = max(slot, times[-count] + seconds + MARGIN)
    return slot


def _is_free(sent: Sequence[datetime], allowance: Allowance, now: datetime) -> bool:
    return all(len(sent) - bisect_right(sent, now - seconds - MARGIN) < count for count, seconds in allowance.windows)


def _is_repeated(channel: str, want: Want, since: datetime) -> Program[bool]:
    rows = yield (
        "SELECT 1 FROM send_marks WHERE channel = ? AND external_id = ? AND at > ? AND digest = ? AND key <> ?"
        " AND reserved = 0 LIMIT 1",
        (channel, want.external_id, since, want.digest, want.key),
    )
    return bool(rows)


def forget_marks(before: datetime) -> Program[int]:
    """Delete marks that no window reaches back to."""
    count = yield "DELETE FROM send_marks WHERE at < ?", (before,)
    return int(count)
