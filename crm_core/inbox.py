"""Incoming messages: recorded before they are worked on, worked on once, answered the same when repeated.

Plain-SQL programs, because this is the hottest path: the gateway runs them with a commit shared by all that wait.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, auto

import msgspec

from crm_core.conversations import InboundStatus, Message, OutboundStatus, Outcome
from crm_core.leases import lease_now
from crm_core.messages import Address, Body, Guarantee, InboundMessage, Kind
from crm_core.outbox import insert_rows, outgoing_row, wake
from crm_core.ports import CLAIM, Core, Program

PARK_AFTER = 3
"""Times a message may kill its handler before it is parked."""
LEASE = timedelta(seconds=20)
"""How long an open message belongs to the process that works on it, unless that one renews it."""


class _Payload(msgspec.Struct, omit_defaults=True):
    """What of an incoming message has no column."""

    event: str = ""
    nickname: str = ""
    data: dict[str, object] = {}


_encode = msgspec.json.Encoder().encode
_payload = msgspec.json.Decoder(_Payload)
_body = msgspec.json.Decoder(Body)


@dataclass(frozen=True, slots=True)
class Recorded:
    """The row of a message: new, or known already with what became of it."""

    id: int
    new: bool
    status: str = InboundStatus.OPEN.value
    outcome: str = ""
    reply: Body | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """A message whose answer is known before it is stored."""

    message: InboundMessage
    account_id: int
    reply: Body | None
    outcome: Outcome


_INSERT = (
    "INSERT INTO messages (channel, external_account, conversation, account_id, direction, kind, text, at, external_id,"
    " status, key, payload, outcome, reply, guarantee, topic, attempts, reason, lease_until, created_at, updated_at) VALUES "
)
_ROW = "(?, ?, ?, ?, 'in', ?, ?, ?, ?, ?, ?, ?, ?, ?, '', '', ?, '', ?, ?, ?)"


def record(core: Core, message: InboundMessage) -> Program[Recorded]:
    """Store a message under its strong key, or find the row of its first delivery. A new one belongs to this process."""
    values = _row(message, core.clock.now(), lease_until=lease_now(core) + LEASE)
    rows = yield _INSERT + _ROW + " ON CONFLICT (key) DO NOTHING RETURNING id", values
    if rows:
        return Recorded(rows[0][0], new=True)
    return (yield from find(message.key))


def record_parked(core: Core, message: InboundMessage, reason: str) -> Program[bool]:
    """Keep a message whose work cannot even begin, for a person to look at; False when its row was there already."""
    recorded = yield from record(core, message)
    if not recorded.new:
        return False
    channel, person = message.address.channel, message.address.external_id
    yield (
        "UPDATE messages SET status = 'parked', reason = ?, lease_until = NULL, updated_at = ?, account_id ="
        " (SELECT a.id FROM accounts a WHERE a.channel = ? AND a.external_id = ?) WHERE id = ?",
        (reason[:100], core.clock.now(), channel, person, recorded.id),
    )
    return True


def record_spoken(message: InboundMessage, account_id: int) -> Program[Recorded]:
    """Keep what somebody of the house said to a person in the platform's own client, as a sent message of ours."""
    status, at = OutboundStatus.SENT, message.at
    body = Body(kind=message.kind, text=message.text, media_id=str(message.data.get("media_id") or ""))
    row = outgoing_row(
        at, message.address, body, key=message.key, status=status, account_id=account_id, sent_at=at, topic="servicer"
    )
    made = yield from insert_rows([row])
    if made:
        return Recorded(made[0], new=True, status="done", outcome=Outcome.SILENT.value)
    rows = yield "SELECT id FROM messages WHERE key = ?", (message.key,)
    return Recorded(rows[0][0], new=False, status="done", outcome=Outcome.SILENT.value)


def record_answered(answered: Sequence[Answered], now: datetime) -> Program[dict[str, int]]:
    """Store messages as done, in one statement; gives key and id of the new ones.

    Their effects and the rows of their replies follow in the same transaction.
    """
    return (yield from _insert_new([_row(each.message, now, each) for each in answered]))


def record_begun(core: Core, messages: Sequence[InboundMessage]) -> Program[dict[str, int]]:
    """Store messages with their first try begun, in one statement; gives key and id of the new ones.

    Only where nobody is at an earlier message of the same person: see `busy_among`.
    """
    now, lease = core.clock.now(), lease_now(core) + LEASE
    return (yield from _insert_new([_row(each, now, lease_until=lease, attempts=1) for each in messages]))


def _insert_new(rows: Sequence[tuple[object, ...]]) -> Program[dict[str, int]]:
    if not rows:
        return {}
    sql = _INSERT + ", ".join([_ROW] * len(rows)) + " ON CONFLICT (key) DO NOTHING RETURNING key, id"
    return dict((yield sql, [value for row in rows for value in row]))


def busy_among(channel: str, people: Sequence[str]) -> Program[set[str]]:
    """Tell who of these people has a message whose work is not done."""
    marks = ", ".join("?" * len(people))
    sql = f"SELECT external_account FROM messages WHERE status = 'open' AND channel = ? AND external_account IN ({marks})"  # noqa: S608
    rows = yield sql, (channel, *people)
    return {person for (person,) in rows}


def _row(
    message: InboundMessage,
    now: datetime,
    answered: Answered | None = None,
    *,
    lease_until: datetime | None = None,
    attempts: int = 0,
) -> tuple[object, ...]:
    has_payload = message.event or message.nickname or message.data
    return (
        message.address.channel,
        message.address.external_id,
        message.address.conversation,
        answered.account_id if answered else None,
        message.kind.value,
        message.text,
        message.at,
        message.external_id,
        "done" if answered else "open",
        message.key,
        _encode(_Payload(message.event, message.nickname, dict(message.data))).decode() if has_payload else "",
        answered.outcome.value if answered else "",
        _encode(answered.reply).decode() if answered and answered.reply else "",
        attempts,
        lease_until,
        now,
        now,
    )


def find(key: str) -> Program[Recorded]:
    """Find the row of a message that was recorded before."""
    rows = yield "SELECT id, status, outcome, reply FROM messages WHERE key = ?", (key,)
    number, status, outcome, reply = rows[0]
    return Recorded(number, new=False, status=status, outcome=outcome, reply=_body.decode(reply) if reply else None)


def finish(
    core: Core,
    message_id: int,
    message: InboundMessage,
    *,
    account_id: int | None,
    reply: Body | None,
    outcome: Outcome,
    late_until: datetime | None = None,
    guarantee: Guarantee = Guarantee.AT_MOST_ONCE,
) -> Program[bool]:
    """Mark a message done with its reply, in the transaction of its effect; False if it was done already.

    A passive reply is noted as sent with the answer; a late one goes to the outbox until `late_until`, under `guarantee`.
    """
    now = core.clock.now()
    changed = yield (
        "UPDATE messages SET status = 'done', outcome = ?, reply = ?, account_id = ?, lease_until = NULL, updated_at = ?"
        " WHERE id = ? AND status <> 'done'",
        (outcome.value, _encode(reply).decode() if reply else "", account_id, now, message_id),
    )
    if not changed:
        return False
    if reply is not None and outcome is not Outcome.SILENT:
        to, number = message.address, message_id
        row = reply_row(
            now,
            to,
            reply,
            message_id=number,
            account_id=account_id,
            outcome=outcome,
            late_until=late_until,
            guarantee=guarantee,
        )
        yield from insert_rows([row])
        if outcome is Outcome.LATE:
            wake(core, message.address.channel)
    return True


def reply_row(
    now: datetime,
    to: Address,
    reply: Body,
    *,
    message_id: int,
    account_id: int | None,
    outcome: Outcome,
    late_until: datetime | None,
    guarantee: Guarantee = Guarantee.AT_MOST_ONCE,
) -> tuple[object, ...]:
    """Give the outgoing row of a reply: noted as sent with the answer, or queued until `late_until`."""
    passive = outcome is Outcome.PASSIVE
    return outgoing_row(
        now,
        to,
        reply,
        key=f"reply:{message_id}",
        status=OutboundStatus.ANSWERED if passive else OutboundStatus.QUEUED,
        account_id=account_id,
        reply_to_id=message_id,
        expires_at=None if passive else late_until,
        sent_at=now if passive else None,
        topic="" if passive else "reply",
        guarantee=guarantee,
    )


class Begun(Enum):
    """Whether the work on a message may begin: yes, not before an earlier one of the same conversation, or not here."""

    YES = auto()
    LATER = auto()
    NO = auto()


# An earlier message counts only while a living process holds it: one nobody works on must not stop the conversation.
_BEGIN = (
    "UPDATE messages SET attempts = attempts + ?, lease_until = ?, updated_at = ? WHERE id = ? AND status = 'open'"
    " AND (? = 1 OR lease_until IS NULL OR lease_until <= ?) AND NOT EXISTS (SELECT 1 FROM messages e"
    " WHERE e.status = 'open' AND e.id < messages.id AND e.channel = messages.channel"
    " AND e.external_account = messages.external_account AND e.lease_until > ?) RETURNING attempts"
)
# Nobody keeps the order yet: an earlier message counts however long it has been worked on.
_BEGIN_AT_ONCE = _BEGIN.replace(" AND e.lease_until > ?", "")
_NEVER = datetime(9999, 1, 1, tzinfo=UTC)


def begin_try(core: Core, message_id: int, *, again: bool, held: bool = True, at_once: bool = False) -> Program[Begun]:
    """Count a try before the work starts; a message that was tried too often is parked now.

    `again`: this process has counted it before. Only a process that dies makes a try; a locked database does not.
    `held`: this process recorded the message or has taken it over; else another living one may be at it.
    `at_once`: in the very transaction that records it, before anybody keeps the order of its conversation.
    """
    now, lease = core.clock.now(), lease_now(core)
    mine = int(held or core.db.alone)
    # Alone, the order of a conversation is kept by the locks of this process.
    earlier = () if at_once else (_NEVER if core.db.alone else lease,)
    sql = _BEGIN_AT_ONCE if at_once else _BEGIN
    rows = yield sql, (int(not again), lease + LEASE, now, message_id, mine, lease, *earlier)
    if not rows:
        return (yield from _why_not(message_id, lease, mine=bool(mine)))
    if rows[0][0] > PARK_AFTER:
        yield (
            "UPDATE messages SET status = 'parked', reason = 'killed its handler', updated_at = ? WHERE id = ?",
            (now, message_id),
        )
        return Begun.NO
    return Begun.YES


def _why_not(message_id: int, lease: datetime, *, mine: bool) -> Program[Begun]:
    rows = yield (
        "SELECT 1 FROM messages WHERE id = ? AND status = 'open' AND (? = 1 OR lease_until IS NULL OR lease_until <= ?)",
        (message_id, int(mine), lease),
    )
    return Begun.LATER if rows else Begun.NO


async def take_over(core: Core, until: datetime | None = None, *, after_id: int = 0) -> list[tuple[int, InboundMessage]]:
    """Take messages whose work a dead process left, oldest first, a page of them; they belong to this process now.

    Where other processes serve the database it is the ended lease that tells; alone, whatever is open (`until`: and older).
    """
    if core.db.alone:
        return await list_open(until, after_id=after_id)

    def program() -> Program[list[int]]:
        lease = lease_now(core)
        rows = yield _TAKE_OVER, (after_id, lease, lease + LEASE)
        return [number for (number,) in rows]

    taken = await core.db.run(program)
    return [(row.id, to_inbound(row)) for row in await Message.filter(id__in=taken).order_by("id")] if taken else []


_TAKE_OVER = (
    "WITH ended AS (SELECT id FROM messages WHERE direction = 'in' AND status = 'open' AND id > ?"  # noqa: S608 - a constant
    f" AND (lease_until IS NULL OR lease_until <= ?) ORDER BY id LIMIT 500{CLAIM})"
    " UPDATE messages SET lease_until = ? WHERE id IN (SELECT id FROM ended) AND status = 'open' RETURNING id"
)


async def list_open(until: datetime | None = None, *, limit: int = 500, after_id: int = 0) -> list[tuple[int, InboundMessage]]:
    """List messages whose work is not done, oldest first: what a crash left behind, or only what is older than `until`."""
    query = Message.filter(direction="in", status="open", id__gt=after_id)
    if until is not None:
        query = query.filter(created_at__lte=until)
    rows = await query.order_by("id").limit(limit)
    return [(row.id, to_inbound(row)) for row in rows]


async def load_inbound(message_id: int) -> InboundMessage:
    """Read one stored message back."""
    return to_inbound(await Message.get(id=message_id))


def to_inbound(row: Message) -> InboundMessage:
    """Make the message of a row again."""
    payload = _payload.decode(row.payload or "{}")
    return InboundMessage(
        address=Address(row.channel, row.external_account, row.conversation),
        key=row.key,
        kind=Kind(row.kind),
        at=row.at,
        text=row.text,
        event=payload.event,
        external_id=row.external_id,
        nickname=payload.nickname,
        data=payload.data,
    )


def data_of(payload: str) -> Mapping[str, object]:
    """Read the platform data out of a stored payload."""
    return _payload.decode(payload or "{}").data


def event_of(payload: str) -> str:
    """Read the name of the event out of a stored payload."""
    return _payload.decode(payload or "{}").event
