"""Incoming messages: recorded before they are worked on, worked on once, answered the same when repeated.

Plain-SQL programs, because this is the hottest path: the gateway runs them with a commit shared by all that wait.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from crm_core.conversations import InboundStatus, Message, OutboundStatus, Outcome
from crm_core.messages import Address, Body, Guarantee, InboundMessage, Kind
from crm_core.outbox import insert_rows, outgoing_row, wake
from crm_core.ports import Core, Program

PARK_AFTER = 3
"""Times a message may kill its handler before it is parked."""


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
    " status, key, payload, outcome, reply, guarantee, topic, attempts, reason, created_at, updated_at) VALUES "
)
_ROW = "(?, ?, ?, ?, 'in', ?, ?, ?, ?, ?, ?, ?, ?, ?, '', '', 0, '', ?, ?)"


def record(core: Core, message: InboundMessage) -> Program[Recorded]:
    """Store a message under its strong key, or find the row of its first delivery."""
    rows = yield _INSERT + _ROW + " ON CONFLICT (key) DO NOTHING RETURNING id", _row(message, core.clock.now())
    if rows:
        return Recorded(rows[0][0], new=True)
    return (yield from find(message.key))


def record_answered(answered: Sequence[Answered], now: datetime) -> Program[dict[str, int]]:
    """Store messages as done, in one statement; gives key and id of the new ones.

    Their effects and the rows of their replies follow in the same transaction.
    """
    values = [value for each in answered for value in _row(each.message, now, each)]
    rows = yield _INSERT + ", ".join([_ROW] * len(answered)) + " ON CONFLICT (key) DO NOTHING RETURNING key, id", values
    return dict(rows)


def _row(message: InboundMessage, now: datetime, answered: Answered | None = None) -> tuple[object, ...]:
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


def begin_try(core: Core, message_id: int, *, again: bool) -> Program[bool]:
    """Count a try before the work starts; False when the message was tried too often and is parked now.

    `again`: this process has counted it before. Only a process that dies makes a try; a locked database does not.
    """
    now = core.clock.now()
    rows = yield (
        "UPDATE messages SET attempts = attempts + ?, updated_at = ? WHERE id = ? AND status = 'open' RETURNING attempts",
        (int(not again), now, message_id),
    )
    if not rows:
        return False
    if rows[0][0] > PARK_AFTER:
        yield (
            "UPDATE messages SET status = 'parked', reason = 'killed its handler', updated_at = ? WHERE id = ?",
            (now, message_id),
        )
        return False
    return True


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
