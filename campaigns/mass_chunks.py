"""The chunks of mass sending: made once with their people and their key, taken under a lease, taken again as they were.

Whoever must not get it any more is left out by the claim, with the reason.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from campaigns.audience import gate_of
from campaigns.broadcasts import NOT_SENT
from campaigns.mass_settling import end, is_key_known
from campaigns.templates import Recipient, TemplateKind, body_of, render
from crm_core.clock import local_day
from crm_core.leases import lease_now
from crm_core.messages import Address, OutboundMessage
from crm_core.policy import Reason, reason_sql
from crm_core.ports import HOLD, Core, Program
from crm_core.reach import MassRule
from crm_core.rules import as_instant

EMPTY_PAGES = 20
"""Times people are left out of a chunk before it is made of those who remain."""
_Broadcast = tuple[int, str, str, object, object]
"""id, template_body, occasion, approved_at, planned_at."""


def chunk_size(waiting: int, rule: MassRule) -> int:
    """Tell how many of those who wait go into the next call, so that never fewer are left over than a call needs."""
    if waiting <= rule.most:
        return waiting
    return rule.most if waiting - rule.most >= rule.least else waiting - rule.least


def claim_chunk(core: Core, channel: str, rule: MassRule, lease: timedelta) -> Program[OutboundMessage | None]:
    """Take the next chunk of a channel: one that goes again before a new one."""
    now = core.clock.now()
    running = yield (
        "SELECT id, template_body, occasion, approved_at, planned_at FROM broadcasts WHERE status = 'running'"
        " AND template_kind = 'mass' AND channel = ? AND (greeting_id IS NULL OR occasion_on = ?) ORDER BY id",
        (channel, local_day(now)),
    )
    held = []
    for broadcast in running:
        if not (yield from _hold_broadcast(broadcast[0])):
            continue  # paused or cancelled this moment
        held.append(broadcast)
        chunk = yield from _take_waiting(core, channel, broadcast, lease)
        if chunk is not None:
            return chunk
    if (yield from _is_held_back(channel, now)):
        return None
    for broadcast in held:
        chunk = yield from _take_new(core, channel, broadcast, rule, lease)
        if chunk is not None:
            return chunk
    return None


def _take_waiting(core: Core, channel: str, broadcast: _Broadcast, lease: timedelta) -> Program[OutboundMessage | None]:
    """Take a chunk that goes again: the same key, without those who must not get it any more."""
    now = core.clock.now()
    rows = yield (
        "SELECT id, key, text, attempts, in_doubt_at, reason FROM mass_sends WHERE broadcast_id = ? AND status = 'planned'"
        " AND (not_before IS NULL OR not_before <= ?) ORDER BY id",
        (broadcast[0], now),
    )
    for number, key, text, attempts, doubt, last in rows:
        if doubt is not None and not is_key_known(as_instant(doubt), now):
            yield from end(number, "unknown", "key_forgotten", now)
            continue
        people = yield from _members(core, channel, broadcast, "p.mass_id = ?", (number,), limit=None)
        audience = yield from _take(number, people, text, now, lease_now(core) + lease)
        if audience:
            return _message(channel, number, key, text, attempts + 1, audience)
        if doubt is not None:  # nobody is left, but an earlier call may have reached them
            yield from end(number, "unknown", last or "", now)
            continue
        yield "UPDATE mass_sends SET status = 'dropped', updated_at = ? WHERE id = ?", (now, number)
    return None


def _take_new(
    core: Core, channel: str, broadcast: _Broadcast, rule: MassRule, lease: timedelta
) -> Program[OutboundMessage | None]:
    broadcast_id, body, _, approved_at, planned_at = broadcast
    now = core.clock.now()
    waiting = rule.most + rule.least
    people = yield from _members(
        core, channel, broadcast, "p.broadcast_id = ? AND p.mass_id IS NULL", (broadcast_id,), limit=waiting
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
    audience = yield from _take(number, people, text, now, lease_now(core) + lease)
    return _message(channel, number, key, text, 1, audience) if audience else None


def _members(
    core: Core,
    channel: str,
    broadcast: _Broadcast,
    where: str,
    values: tuple[object, ...],
    *,
    limit: int | None,
) -> Program[list[tuple[int, str]]]:
    """Read who may be in the chunk (row, openid); whoever must not get it any more is left out with the reason."""
    gate = gate_of(core, channel, TemplateKind.MASS, broadcast[2])
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


def _key(broadcast_id: int, number: int, approved_at: object) -> str:
    # Another database with a broadcast of the same number must not be taken for this one.
    digest = hashlib.sha256(f"{broadcast_id}:{number}:{as_instant(approved_at)}".encode()).hexdigest()[:10]
    return f"gx-{broadcast_id}-{number}-{digest}"


def _message(channel: str, number: int, key: str, text: str, attempt: int, audience: Sequence[str]) -> OutboundMessage:
    body = body_of(TemplateKind.MASS, text)
    return OutboundMessage(number, key, Address(channel, ""), body, attempt=attempt, audience=tuple(audience))


def _hold_broadcast(broadcast_id: int) -> Program[bool]:
    """Hold a running broadcast: of two processes one makes the chunk, the other then sees whom it took."""
    rows = yield f"SELECT 1 FROM broadcasts WHERE id = ? AND status = 'running'{HOLD}", (broadcast_id,)  # noqa: S608
    return bool(rows)


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
    # Whoever was not to be had opted out this moment: the chunk must not keep them waiting for ever.
    for row, _ in people:
        if row not in taken:
            yield from _leave_out(row, Reason.OPTED_OUT.value, now)
    if taken:
        yield (
            "UPDATE mass_sends SET status = 'claimed', lease_until = ?, claimed_at = ?, attempts = attempts + 1, updated_at = ?"
            " WHERE id = ?",
            (until, now, now, number),
        )
    return [openid for row, openid in people if row in taken]


def _leave_out(number: int, reason: str, now: datetime) -> Program[None]:
    yield (
        f"UPDATE recipients SET {NOT_SENT}, lease_until = NULL, updated_at = ? WHERE id = ? AND status = 'planned'",  # noqa: S608
        ("suppressed", reason, now, number),
    )


def next_due(channel: str, now: datetime) -> Program[datetime | None]:
    """Tell when a chunk of this channel is due."""
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
