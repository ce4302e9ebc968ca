"""Mass sending (群发接口): one call reaches a chunk of a broadcast's people, all with the same text.

`MassQueue` is a `SendQueue` whose unit is the chunk. Its people and its key are fixed in the claim that makes it, so that
whatever was killed in between, the platform sees the same key again and sends once. Who of a chunk really got it stands in
the platform's report (`platform_results.py`); until then everybody in it is `handed_over`.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from tortoise import fields
from tortoise.indexes import Index

from campaigns.audience import gate_of
from campaigns.broadcasts import NOT_SENT
from campaigns.platform_results import apply_early
from campaigns.results import pause_for_errors
from campaigns.templates import Recipient, TemplateKind, body_of, render
from crm_core.clock import local_day
from crm_core.db import Entity, UtcDatetimeField
from crm_core.messages import Address, OutboundMessage
from crm_core.outbox import GIVE_UP_AFTER, RETRY_PAUSES, Settlement
from crm_core.policy import quiet_until, reason_sql
from crm_core.ports import Core, Program
from crm_core.reach import MassRule
from crm_core.rules import as_instant

KEY_KNOWN = timedelta(hours=23)
"""How long after the first call a chunk goes again under its key. The platform remembers `clientmsgid` for 24 hours
(protocols.md, section 2.2)."""
LEASE_ENDED = "lease_ended"
EMPTY_PAGES = 20
"""Times people are left out of a chunk before it is made of those who remain."""


class MassSend(Entity):
    """One call to many people: the truth about what became of it."""

    owner_field = None

    broadcast_id = fields.BigIntField()
    number = fields.IntField()
    channel = fields.CharField(max_length=64)
    key = fields.CharField(max_length=64, unique=True)
    text = fields.TextField()
    status = fields.CharField(max_length=16)
    """planned, claimed, handed_over, finished, failed, unknown, dropped (nobody was left in it)."""
    attempts = fields.IntField(default=0)
    not_before = UtcDatetimeField(null=True)
    lease_until = UtcDatetimeField(null=True)
    claimed_at = UtcDatetimeField(null=True)
    in_doubt_at = UtcDatetimeField(null=True)
    external_id = fields.CharField(max_length=64, null=True)
    reason = fields.CharField(max_length=64, null=True)
    raw_status = fields.CharField(max_length=64, default="")
    total_count = fields.IntField(null=True)
    filtered_count = fields.IntField(null=True)
    """Recipients the platform left after its own filter."""
    sent_count = fields.IntField(null=True)
    error_count = fields.IntField(null=True)

    class Meta:
        """Few rows; their people stand in `recipients`."""

        table = "mass_sends"
        unique_together = (("broadcast_id", "number"),)
        indexes = (Index(fields=("channel", "external_id")),)


def chunk_size(waiting: int, rule: MassRule) -> int:
    """Tell how many of those who wait go into the next call, so that never fewer are left over than a call needs."""
    if waiting <= rule.most:
        return waiting
    return rule.most if waiting - rule.most >= rule.least else waiting - rule.least


class MassQueue:
    """`SendQueue` over the chunks of running mass broadcasts; one chunk a claim."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self._in_flight: set[int] = set()

    async def claim(self, channel: str, limit: int, lease: timedelta) -> list[OutboundMessage]:
        """Take the next chunk of a channel under a lease; nothing in the quiet hours."""
        rule = self._rule(channel)
        if rule is None or limit < 1 or quiet_until(self.core.settings.campaigns, self.core.clock.now()) is not None:
            return []
        message = await self.core.db.run(self._claim(channel, rule, lease))
        if message is None:
            return []
        self._in_flight.add(message.id)
        return [message]

    async def settle(self, settlements: Sequence[Settlement]) -> None:
        """Note what became of claimed chunks; a refused one pauses its broadcast before the next goes the same way."""
        if not settlements:
            return
        refused = await self.core.db.run(self._settle_all(settlements))
        self._in_flight.difference_update(done.id for done in settlements)
        for number in sorted(refused):
            await pause_for_errors(self.core, number)

    async def recover(self, *, everything: bool) -> int:
        """Decide about chunks whose process is gone: the same key again while the platform knows it, else unknown."""
        if everything:
            self._in_flight.clear()
        return await self.core.db.run(self._recover(everything=everything))

    async def next_due(self, channel: str) -> datetime | None:
        """Tell when the next chunk of this channel is due; None when nothing waits."""
        if self._rule(channel) is None:
            return None
        now = self.core.clock.now()
        due = await self.core.db.read(_next_due(channel, now))
        return None if due is None else quiet_until(self.core.settings.campaigns, max(due, now)) or due

    def _rule(self, channel: str) -> MassRule | None:
        reach = self.core.reach.get(channel)
        return reach.mass if reach else None

    def _claim(self, channel: str, rule: MassRule, lease: timedelta) -> Program[OutboundMessage | None]:
        now = self.core.clock.now()
        running = yield (
            "SELECT id, template_body, occasion, approved_at, planned_at FROM broadcasts WHERE status = 'running'"
            " AND template_kind = 'mass' AND channel = ? AND (greeting_id IS NULL OR occasion_on = ?) ORDER BY id",
            (channel, local_day(now)),
        )
        for broadcast in running:
            yield from _hold_broadcast(broadcast[0])
            chunk = yield from self._take_waiting(channel, broadcast, lease)
            if chunk is not None:
                return chunk
        if (yield from _is_held_back(channel, now)):
            return None
        for broadcast in running:
            chunk = yield from self._take_new(channel, broadcast, rule, lease)
            if chunk is not None:
                return chunk
        return None

    def _take_waiting(
        self, channel: str, broadcast: tuple[int, str, str, object, object], lease: timedelta
    ) -> Program[OutboundMessage | None]:
        """Take a chunk that goes again: the same key, without those who must not get it any more."""
        now = self.core.clock.now()
        rows = yield (
            "SELECT id, key, text, attempts, in_doubt_at, reason FROM mass_sends WHERE broadcast_id = ? AND status = 'planned'"
            " AND (not_before IS NULL OR not_before <= ?) ORDER BY id",
            (broadcast[0], now),
        )
        for number, key, text, attempts, doubt, last in rows:
            if doubt is not None and not _is_key_known(as_instant(doubt), now):
                yield from self._end(number, "unknown", "key_forgotten", now)
                continue
            people = yield from self._members(channel, broadcast, "p.mass_id = ?", (number,), limit=None)
            audience = yield from _take(number, people, text, now, now + lease)
            if audience:
                return _message(channel, number, key, text, attempts + 1, audience)
            if doubt is not None:  # nobody is left, but an earlier call may have reached them
                yield from self._end(number, "unknown", last or "", now)
                continue
            yield "UPDATE mass_sends SET status = 'dropped', updated_at = ? WHERE id = ?", (now, number)
        return None

    def _take_new(
        self, channel: str, broadcast: tuple[int, str, str, object, object], rule: MassRule, lease: timedelta
    ) -> Program[OutboundMessage | None]:
        broadcast_id, body, _, approved_at, planned_at = broadcast
        now = self.core.clock.now()
        waiting = rule.most + rule.least
        people = yield from self._members(
            channel, broadcast, "p.broadcast_id = ? AND p.mass_id IS NULL", (broadcast_id,), limit=waiting
        )
        if not people or (planned_at is None and len(people) < waiting):
            return None  # who else will be in it is not known yet
        people = people[: chunk_size(len(people), rule)]
        rows = yield "SELECT coalesce(max(number), 0) + 1 FROM mass_sends WHERE broadcast_id = ?", (broadcast_id,)
        key, text = _key(broadcast_id, rows[0][0], approved_at), render(body, Recipient(), now)
        made = yield (
            "INSERT INTO mass_sends (broadcast_id, number, channel, key, text, status, attempts, raw_status, created_at,"
            " updated_at) VALUES (?, ?, ?, ?, ?, 'planned', 0, '', ?, ?) RETURNING id",
            (broadcast_id, rows[0][0], channel, key, text, now, now),
        )
        number = int(made[0][0])
        audience = yield from _take(number, people, text, now, now + lease)
        return _message(channel, number, key, text, 1, audience) if audience else None

    def _members(
        self,
        channel: str,
        broadcast: tuple[int, str, str, object, object],
        where: str,
        values: tuple[object, ...],
        *,
        limit: int | None,
    ) -> Program[list[tuple[int, str]]]:
        """Read who may be in the chunk (row, openid); whoever must not get it any more is left out with the reason."""
        gate = gate_of(self.core, channel, TemplateKind.MASS, broadcast[2])
        reason, reason_values = reason_sql(gate, planned_already=True)
        people: list[tuple[int, str]] = []
        for _ in range(EMPTY_PAGES):
            rows = yield (
                f"SELECT p.id, a.external_id, {reason} FROM recipients p LEFT JOIN accounts a ON a.id = p.account_id"  # noqa: S608
                f" WHERE {where} AND p.status = 'planned' ORDER BY p.id LIMIT ?",
                (*reason_values, *values, limit or 1_000_000),
            )
            people = [(number, openid) for number, openid, left_out in rows if left_out is None]
            for number, _, left_out in rows:
                if left_out is not None:
                    yield from _leave_out(number, str(left_out), gate.now)
            if len(people) == len(rows):
                break
        return people

    def _settle_all(self, settlements: Sequence[Settlement]) -> Program[set[int]]:
        refused: set[int] = set()
        for done in settlements:
            broadcast_id = yield from self._settle(done)
            if broadcast_id is not None:
                refused.add(broadcast_id)
        return refused

    def _settle(self, done: Settlement) -> Program[int | None]:
        """Note what became of one chunk; gives its broadcast if the platform refused it for good."""
        rows = yield (
            "SELECT broadcast_id, channel, attempts, claimed_at, in_doubt_at FROM mass_sends"
            " WHERE id = ? AND status = 'claimed'",
            (done.id,),
        )
        if not rows:
            return None
        broadcast_id, channel, attempts, claimed_at, in_doubt_at = rows[0]
        now = self.core.clock.now()
        if done.status in ("sent", "handed_over"):
            yield from _hand_over(done, now)
            yield from apply_early(channel, done.external_id, now)
            return None
        # Whatever the last answer was, an earlier call without one may have been carried out.
        doubt = as_instant(in_doubt_at) or (as_instant(claimed_at) if done.status == "unknown" else None)
        again = done.status in ("retry", "unknown") and attempts < GIVE_UP_AFTER
        if again and (doubt is None or _is_key_known(doubt, now)):
            pause = timedelta(seconds=RETRY_PAUSES[min(max(attempts, 1), len(RETRY_PAUSES)) - 1])
            yield from _put_back(done, doubt, done.retry_at or now + pause, now)
            return None
        status = "unknown" if done.status == "unknown" or doubt is not None else "failed"
        yield from self._end(done.id, status, done.reason, now)
        return int(broadcast_id) if status == "failed" else None

    def _end(self, number: int, status: str, reason: str, now: datetime) -> Program[None]:
        yield (
            "UPDATE mass_sends SET status = ?, reason = ?, lease_until = NULL, updated_at = ? WHERE id = ?",
            (status, reason[:64] or None, now, number),
        )
        # What was never carried out counts towards no cap.
        claimed = "NULL" if status == "failed" else "claimed_at"
        yield (
            f"UPDATE recipients SET status = ?, reason = ?, lease_until = NULL, claimed_at = {claimed}, updated_at = ?"  # noqa: S608
            " WHERE mass_id = ? AND status IN ('claimed', 'planned')",
            (status, reason[:64] or None, now, number),
        )
        if status == "unknown":
            yield from _note_broadcast(number, now)

    def _recover(self, *, everything: bool) -> Program[int]:
        now = self.core.clock.now()
        rows = yield (
            "SELECT id FROM mass_sends WHERE status = 'claimed' AND (lease_until <= ? OR ? = 1)",
            (now, int(everything)),
        )
        left = [number for (number,) in rows if number not in self._in_flight]
        for number in left:
            yield from self._settle(Settlement(number, "unknown", LEASE_ENDED, retry_at=now))
        return len(left)


def _key(broadcast_id: int, number: int, approved_at: object) -> str:
    # Another database with a broadcast of the same number must not be taken for this one.
    digest = hashlib.sha256(f"{broadcast_id}:{number}:{as_instant(approved_at)}".encode()).hexdigest()[:10]
    return f"gx-{broadcast_id}-{number}-{digest}"


def _message(channel: str, number: int, key: str, text: str, attempt: int, audience: Sequence[str]) -> OutboundMessage:
    body = body_of(TemplateKind.MASS, text)
    return OutboundMessage(number, key, Address(channel, ""), body, attempt=attempt, audience=tuple(audience))


def _is_key_known(since: datetime | None, now: datetime) -> bool:
    # Not before it either: a wall clock that was set back says nothing.
    return since is not None and timedelta() <= now - since < KEY_KNOWN


def _hold_broadcast(broadcast_id: int) -> Program[None]:
    # Of two processes one makes the chunk; the other then sees whom it took.
    yield "UPDATE broadcasts SET cursor = cursor WHERE id = ? AND status = 'running'", (broadcast_id,)


def _is_held_back(channel: str, now: datetime) -> Program[bool]:
    """Whether a chunk waits for its time (a quota, a pause): another would only meet the same refusal."""
    rows = yield (
        "SELECT 1 FROM mass_sends m JOIN broadcasts b ON b.id = m.broadcast_id WHERE m.channel = ? AND m.status = 'planned'"
        " AND m.not_before > ? AND b.status = 'running' LIMIT 1",
        (channel, now),
    )
    return bool(rows)


def _take(number: int, people: Sequence[tuple[int, str]], text: str, now: datetime, until: datetime) -> Program[list[str]]:
    """Claim the people of a chunk and the chunk; gives the openids of those who were still to be had."""
    taken: set[int] = set()
    for first in range(0, len(people), 500):
        page = [row for row, _ in people[first : first + 500]]
        rows = yield (
            "UPDATE recipients SET status = 'claimed', mass_id = ?, lease_until = ?, claimed_at = ?, text = ?, reason = NULL,"  # noqa: S608
            f" attempts = attempts + 1, updated_at = ? WHERE id IN ({', '.join('?' * len(page))}) AND status = 'planned'"
            " AND NOT EXISTS (SELECT 1 FROM accounts o WHERE o.id = recipients.account_id AND o.opted_out_at IS NOT NULL)"
            " RETURNING id",
            (number, until, now, text, now, *page),
        )
        taken.update(row for (row,) in rows)
    if taken:
        yield (
            "UPDATE mass_sends SET status = 'claimed', lease_until = ?, claimed_at = ?, attempts = attempts + 1, updated_at = ?"
            " WHERE id = ?",
            (until, now, now, number),
        )
    return [openid for row, openid in people if row in taken]


def _put_back(done: Settlement, doubt: datetime | None, at: datetime, now: datetime) -> Program[None]:
    reason = done.reason[:64] or None
    yield (
        "UPDATE mass_sends SET status = 'planned', lease_until = NULL, in_doubt_at = ?, not_before = ?, reason = ?,"
        " updated_at = ? WHERE id = ?",
        (doubt, at, reason, now, done.id),
    )
    yield (
        "UPDATE recipients SET status = 'planned', lease_until = NULL, claimed_at = ?, in_doubt_at = ?, not_before = ?,"
        " reason = ?, updated_at = ? WHERE mass_id = ? AND status = 'claimed'",
        (doubt, doubt, at, reason, now, done.id),
    )


def _hand_over(done: Settlement, now: datetime) -> Program[None]:
    yield (
        "UPDATE mass_sends SET status = 'handed_over', lease_until = NULL, external_id = ?, reason = ?, updated_at = ?"
        " WHERE id = ?",
        (done.external_id[:64] or None, done.reason[:64] or None, now, done.id),
    )
    yield (
        "UPDATE recipients SET status = 'handed_over', lease_until = NULL, sent_at = ?, external_id = ?, reason = NULL,"
        " updated_at = ? WHERE mass_id = ? AND status = 'claimed'",
        (now, done.external_id[:64] or None, now, done.id),
    )
    yield from _note_broadcast(done.id, now)


def _note_broadcast(number: int, now: datetime) -> Program[None]:
    yield (
        "UPDATE accounts SET last_broadcast_at = ? WHERE id IN (SELECT account_id FROM recipients WHERE mass_id = ?"
        " AND status IN ('handed_over', 'unknown'))",
        (now, number),
    )


def _leave_out(number: int, reason: str, now: datetime) -> Program[None]:
    yield (
        f"UPDATE recipients SET {NOT_SENT}, lease_until = NULL, updated_at = ? WHERE id = ?",  # noqa: S608
        ("suppressed", reason, now, number),
    )


def _next_due(channel: str, now: datetime) -> Program[datetime | None]:
    chunks = yield (
        "SELECT min(coalesce(m.not_before, ?)) FROM mass_sends m JOIN broadcasts b ON b.id = m.broadcast_id"
        " WHERE m.channel = ? AND m.status = 'planned' AND b.status = 'running'",
        (now, channel),
    )
    due = as_instant(chunks[0][0])
    if due is not None:
        return due
    waiting = yield (
        "SELECT 1 FROM broadcasts b WHERE b.status = 'running' AND b.template_kind = 'mass' AND b.channel = ? AND EXISTS"
        " (SELECT 1 FROM recipients r WHERE r.broadcast_id = b.id AND r.status = 'planned' AND r.mass_id IS NULL) LIMIT 1",
        (channel,),
    )
    return now if waiting else None
