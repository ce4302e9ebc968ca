"""Group-send tasks (企微群发): a broadcast on a channel where a colleague must confirm what goes to their customers.

One task a sender, text and chunk of at most 10,000 people. The recipients stay the truth: `handed_over` when the task was
made, `sent` or `failed` when the platform tells what became of it.
Reading order: the table, choosing a chunk, holding it, noting the task, noting its results.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice

from tortoise import fields

from campaigns.audience import PERSON_COLUMNS, PERSON_JOIN, gate_of, render_row
from campaigns.templates import placeholders_of
from crm_core.clock import local_day
from crm_core.db import Entity, UtcDatetimeField
from crm_core.leases import lease_now
from crm_core.policy import Reason, quiet_until, reason_sql
from crm_core.ports import Core, Program
from crm_core.rules import as_instant

CHUNK = 10_000
"""People in one task. Source: group-send page of WeCom, protocols.md section 3.4."""
PERSONAL_CHUNK = 200
"""People looked at together when texts are personal: those with the same text share a task."""
PERSONAL_TASKS = 5
"""Tasks claimed at once then, one call each: few, because a killed process leaves those it had not begun in doubt."""
LEASE = timedelta(minutes=10)
WATCHED_FOR = timedelta(days=30)
"""How long the results of a task are asked for."""
_BATCH = 1_000
_SAME_FOR_SENDER = frozenset({"负责人", "日期"})


class GroupSend(Entity):
    """One task at the platform: `external_id` is its msgid, `sender` the member who must confirm it."""

    owner_field = None

    channel = fields.CharField(max_length=64)
    broadcast_id = fields.BigIntField(null=True, db_index=True)
    sender = fields.CharField(max_length=128)
    external_id = fields.CharField(max_length=128)
    recipient_count = fields.IntField(default=0)
    confirmed_at = UtcDatetimeField(null=True)
    closed_at = UtcDatetimeField(null=True)
    """Nothing more is to be asked about it: everybody's result is known, it was cancelled, or it is too old."""
    next_check_at = UtcDatetimeField(null=True)
    reminded_at = UtcDatetimeField(null=True)

    class Meta:
        """Few rows."""

        table = "group_sends"
        unique_together = (("channel", "external_id"),)


@dataclass(frozen=True, slots=True)
class Chunk:
    """The people of one task: claimed recipients by their id on the channel."""

    broadcast_id: int
    sender: str
    text: str
    people: dict[str, int]
    """External id to recipient number."""


# The owner sends, if the platform knows them as this contact's member (or we know of none); else the member who has them.
_SENDER = (
    "coalesce((SELECT s.external_id FROM accounts s WHERE s.channel = a.channel AND s.person_kind = 'employee'"
    " AND s.person_id = e.person_id AND e.departed_at IS NULL AND (EXISTS (SELECT 1 FROM contact_follows f"
    " WHERE f.channel = a.channel AND f.external_id = a.external_id AND f.staff_id = s.external_id"
    " AND f.unfollowed_at IS NULL) OR NOT EXISTS (SELECT 1 FROM contact_follows f WHERE f.channel = a.channel"
    " AND f.external_id = a.external_id AND f.unfollowed_at IS NULL)) ORDER BY s.id LIMIT 1),"
    " (SELECT f.staff_id FROM contact_follows f WHERE f.channel = a.channel AND f.external_id = a.external_id"
    " AND f.unfollowed_at IS NULL ORDER BY (f.followed_at IS NULL), f.followed_at DESC, f.id DESC LIMIT 1), '')"
)
_DUE = "p.broadcast_id = ? AND p.status = 'planned' AND (p.not_before IS NULL OR p.not_before <= ?)"


async def next_chunks(core: Core, channel: str, *, chunk: int = CHUNK) -> list[Chunk]:
    """Claim the next people of a running broadcast, all of one sender; empty when nothing is due or hours are quiet."""
    if quiet_until(core.settings.campaigns, core.clock.now()) is not None:
        return []
    while True:
        found = await core.db.run(_next_chunks(core, channel, chunk))
        if found is None or found:
            return found or []


def _next_chunks(core: Core, channel: str, chunk: int) -> Program[list[Chunk] | None]:
    """Claim a chunk; an empty list when all of it was left out, None when nothing is due."""
    now = core.clock.now()
    # Only when everybody is planned: a task made earlier would be smaller than it could be.
    running = yield (
        "SELECT id, template_body, template_kind, occasion FROM broadcasts WHERE status = 'running' AND channel = ?"
        " AND planned_at IS NOT NULL AND (greeting_id IS NULL OR occasion_on = ?) ORDER BY id",
        (channel, local_day(now)),
    )
    for number, body, kind, occasion in running:
        first = yield (
            f"SELECT {_SENDER} FROM recipients p JOIN accounts a ON a.id = p.account_id {PERSON_JOIN}"  # noqa: S608
            f" WHERE {_DUE} ORDER BY p.id LIMIT 1",
            (number, now),
        )
        if first:
            return (yield from _claim(core, channel, (number, body, kind, occasion), str(first[0][0]), chunk))
    return None


def _claim(core: Core, channel: str, broadcast: tuple[int, str, str, str], sender: str, chunk: int) -> Program[list[Chunk]]:
    number, body, kind, occasion = broadcast
    gate = gate_of(core, channel, kind, occasion)
    reason, values = reason_sql(gate, planned_already=True)
    personal = not set(placeholders_of(body)) <= _SAME_FOR_SENDER
    rows = yield (
        f"SELECT p.id, a.external_id, {reason}, {PERSON_COLUMNS} FROM recipients p"  # noqa: S608
        f" JOIN accounts a ON a.id = p.account_id {PERSON_JOIN} WHERE {_DUE} AND {_SENDER} = ? ORDER BY p.id LIMIT ?",
        (*values, number, gate.now, sender, min(chunk, PERSONAL_CHUNK) if personal else chunk),
    )
    texts: dict[str, dict[str, int]] = {}
    for recipient, external_id, left_out, *words in rows:
        if left_out is not None:
            yield from _end(gate.now, [recipient], "suppressed", str(left_out))
        elif not sender:
            yield from _end(gate.now, [recipient], "failed", "no_sender")
        else:
            texts.setdefault(render_row(body, tuple(words), gate.now), {})[external_id] = recipient
    chunks = []
    for text, people in islice(texts.items(), PERSONAL_TASKS):
        taken = yield from _take(core, list(people.values()), text)
        # Whoever was not to be had: opted out this moment, or another worker has them.
        yield from _end(gate.now, [one for one in people.values() if one not in taken], "suppressed", Reason.OPTED_OUT.value)
        kept = {external_id: recipient for external_id, recipient in people.items() if recipient in taken}
        if kept:
            chunks.append(Chunk(number, sender, text, kept))
    return chunks


def _take(core: Core, numbers: Sequence[int], text: str) -> Program[set[int]]:
    taken: set[int] = set()
    now, until = core.clock.now(), lease_now(core) + LEASE
    for start in range(0, len(numbers), _BATCH):
        page = numbers[start : start + _BATCH]
        # Consent stands in the claiming statement itself, whatever was read before it.
        rows = yield (
            "UPDATE recipients SET status = 'claimed', lease_until = ?, claimed_at = ?, text = ?, reason = NULL,"  # noqa: S608
            f" attempts = attempts + 1, updated_at = ? WHERE id IN ({', '.join('?' * len(page))}) AND status = 'planned'"
            " AND NOT EXISTS (SELECT 1 FROM accounts o WHERE o.id = recipients.account_id AND o.opted_out_at IS NOT NULL)"
            " RETURNING id",
            (until, now, text, now, *page),
        )
        taken.update(int(number) for (number,) in rows)
    return taken


def _end(
    now: datetime, numbers: Sequence[int], status: str, reason: str | None, *, now_status: str = "planned"
) -> Program[None]:
    for start in range(0, len(numbers), _BATCH):
        page = numbers[start : start + _BATCH]
        yield (
            "UPDATE recipients SET status = ?, reason = ?, lease_until = NULL, claimed_at = CASE WHEN ? = 'unknown'"  # noqa: S608
            " THEN claimed_at END, greeting_key = CASE WHEN ? = 'unknown' THEN greeting_key END, updated_at = ?"
            f" WHERE id IN ({', '.join('?' * len(page))}) AND status = ?",
            (status, reason, status, status, now, *page, now_status),
        )


_STILL_TO_GET = (
    "status = 'claimed' AND EXISTS (SELECT 1 FROM broadcasts b WHERE b.id = recipients.broadcast_id AND b.status = 'running')"
    " AND NOT EXISTS (SELECT 1 FROM accounts o WHERE o.id = recipients.account_id AND o.opted_out_at IS NOT NULL)"
)


def hold_chunk(core: Core, chunk: Chunk) -> Program[Chunk | None]:
    """Renew the lease of a claimed chunk right before its call; gives who is still to get it, None when nobody is.

    Whoever opted out meanwhile goes back to the queue, which leaves them out, as do all when the broadcast does not run.
    """
    now, until = core.clock.now(), lease_now(core) + LEASE
    numbers = list(chunk.people.values())
    held: set[int] = set()
    for start in range(0, len(numbers), _BATCH):
        page = numbers[start : start + _BATCH]
        rows = yield (
            f"UPDATE recipients SET lease_until = ?, updated_at = ? WHERE id IN ({', '.join('?' * len(page))})"  # noqa: S608
            f" AND {_STILL_TO_GET} RETURNING id",
            (until, now, *page),
        )
        held.update(int(number) for (number,) in rows)
    yield from put_back(core, [number for number in numbers if number not in held])
    people = {external_id: number for external_id, number in chunk.people.items() if number in held}
    return replace(chunk, people=people) if people else None


def put_back(core: Core, numbers: Sequence[int]) -> Program[None]:
    """Put claimed people back for whom no call was begun: as if they had never been claimed."""
    for start in range(0, len(numbers), _BATCH):
        page = numbers[start : start + _BATCH]
        yield (
            "UPDATE recipients SET status = 'planned', lease_until = NULL, claimed_at = NULL, attempts = attempts - 1,"  # noqa: S608
            f" updated_at = ? WHERE id IN ({', '.join('?' * len(page))}) AND status = 'claimed'",
            (core.clock.now(), *page),
        )


def note_task(core: Core, channel: str, chunk: Chunk, *, external_id: str, failed: Sequence[str]) -> Program[None]:
    """Note a task that was made: the people of its fail list are failed, the others handed over."""
    now = core.clock.now()
    refused = {chunk.people[person] for person in failed if person in chunk.people}
    handed = [number for number in chunk.people.values() if number not in refused]
    yield from _end(now, sorted(refused), "failed", "fail_list", now_status="claimed")
    for start in range(0, len(handed), _BATCH):
        page = handed[start : start + _BATCH]
        marks = ", ".join("?" * len(page))
        yield (
            "UPDATE recipients SET status = 'handed_over', lease_until = NULL, sent_at = ?, external_id = ?, updated_at = ?"  # noqa: S608
            f" WHERE id IN ({marks})",
            (now, external_id[:128], now, *page),
        )
        yield (
            "UPDATE accounts SET last_broadcast_at = ? WHERE id IN"  # noqa: S608
            f" (SELECT account_id FROM recipients WHERE id IN ({marks}))",
            (now, *page),
        )
    if handed and external_id:
        yield (
            "INSERT INTO group_sends (channel, broadcast_id, sender, external_id, recipient_count, next_check_at, created_at,"
            " updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (channel, external_id) DO NOTHING",
            (channel, chunk.broadcast_id, chunk.sender, external_id[:128], len(handed), now, now, now),
        )


def note_no_task(core: Core, chunk: Chunk, status: str, reason: str, retry_at: datetime | None = None) -> Program[None]:
    """Note that no task was made: `retry` puts the people back, `unknown` is never tried again, else they are failed."""
    now = core.clock.now()
    numbers = list(chunk.people.values())
    if status != "retry":
        word = "unknown" if status == "unknown" else "failed"
        yield from _end(now, numbers, word, reason[:64], now_status="claimed")
        return
    for start in range(0, len(numbers), _BATCH):
        page = numbers[start : start + _BATCH]
        yield (
            "UPDATE recipients SET status = 'planned', lease_until = NULL, claimed_at = NULL, not_before = ?, reason = ?,"  # noqa: S608
            f" updated_at = ? WHERE id IN ({', '.join('?' * len(page))}) AND status = 'claimed'",
            (retry_at or now + timedelta(seconds=30), reason[:64], now, *page),
        )


@dataclass(frozen=True, slots=True)
class Task:
    """A task whose results are asked for."""

    id: int
    sender: str
    external_id: str
    cancelled: bool
    created_at: datetime


def due_tasks(channel: str, now: datetime, *, limit: int = 20) -> Program[list[Task]]:
    """List the tasks to ask about now; those of a cancelled broadcast are to be cancelled at the platform."""
    # A cancellation is asked for at once, and if that is refused, again by the pauses every task has.
    rows = yield (
        "SELECT g.id, g.sender, g.external_id, coalesce(b.status = 'cancelled', FALSE), g.created_at FROM group_sends g"
        " LEFT JOIN broadcasts b ON b.id = g.broadcast_id WHERE g.channel = ? AND g.closed_at IS NULL"
        " AND (g.next_check_at <= ? OR (b.status = 'cancelled' AND g.confirmed_at IS NULL AND g.updated_at <= b.finished_at))"
        " ORDER BY g.next_check_at LIMIT ?",
        (channel, now, limit),
    )
    return [Task(int(row[0]), row[1], row[2], bool(row[3]), as_instant(row[4]) or now) for row in rows]


_RESULTS = {1: ("sent", None), 2: ("failed", "not_friend"), 3: ("failed", "received_enough")}
"""The platform's word for one recipient; 0 is not sent yet. Source: group-send result page, protocols.md section 3.4."""


def note_result(core: Core, task: Task, external_id: str, status: int, at: datetime | None) -> Program[bool]:
    """Note what became of one person of a task; tells whether that is final."""
    if status not in _RESULTS:
        return False
    word, reason = _RESULTS[status]
    now = core.clock.now()
    yield (
        "UPDATE recipients SET status = ?, reason = ?, sent_at = CASE WHEN ? = 'sent' THEN ? ELSE sent_at END, updated_at = ?"
        " WHERE status = 'handed_over' AND external_id = ? AND account_id IN (SELECT a.id FROM accounts a"
        " JOIN group_sends g ON g.channel = a.channel WHERE g.id = ? AND a.external_id = ?)",
        (word, reason, word, at or now, now, task.external_id, task.id, external_id),
    )
    return True


def put_off(core: Core, task: Task, *, confirmed: bool, done: bool) -> Program[None]:
    """Say when a task is asked about again: soon while it is young, ever more rarely later, never when it is done."""
    now = core.clock.now()
    age = now - task.created_at
    pause = min(max(age / 10, timedelta(seconds=15)), timedelta(hours=6))
    closed_at = now if done or age > WATCHED_FOR else None
    yield (
        "UPDATE group_sends SET next_check_at = ?, confirmed_at = CASE WHEN ? = 1 THEN coalesce(confirmed_at, ?)"
        " ELSE confirmed_at END, closed_at = ?, updated_at = ? WHERE id = ?",
        (now + pause, int(confirmed), now, closed_at, now, task.id),
    )


def note_cancelled(core: Core, task: Task) -> Program[None]:
    """Note that the platform took a task back: nobody of it gets anything."""
    now = core.clock.now()
    yield (
        "UPDATE recipients SET status = 'cancelled', updated_at = ? WHERE status = 'handed_over' AND external_id = ?"
        " AND broadcast_id = (SELECT broadcast_id FROM group_sends WHERE id = ?)",
        (now, task.external_id, task.id),
    )
    yield "UPDATE group_sends SET closed_at = ?, updated_at = ? WHERE id = ?", (now, now, task.id)
