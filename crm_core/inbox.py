"""Incoming messages: recorded before they are worked on, worked on once, answered the same when repeated.

Plain-SQL programs, because this is the hottest path: the gateway runs them with a commit shared by all that wait.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec

from crm_core.conversations import InboundStatus, Message, OutboundStatus, Outcome
from crm_core.messages import Address, Body, InboundMessage, Kind
from crm_core.outbox import insert_outgoing, queue
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
    """What became of a message whose answer is known before it is stored."""

    account_id: int | None
    reply: Body | None
    outcome: Outcome


def record(
    core: Core, message: InboundMessage, answered: Answered | None = None, *, now: datetime | None = None
) -> Program[Recorded]:
    """Store a message under its strong key, or find the row of its first delivery.

    With `answered` the row is written done at once; its effect and `add_reply` follow in the same transaction.
    """
    now = now or core.clock.now()
    has_payload = message.event or message.nickname or message.data
    reply = answered.reply if answered else None
    rows = yield (
        "INSERT INTO messages (channel, external_account, conversation, account_id, direction, kind, text, at, external_id,"
        " status, key, payload, outcome, reply, guarantee, topic, attempts, reason, created_at, updated_at)"
        " VALUES (?, ?, ?, ?, 'in', ?, ?, ?, ?, ?, ?, ?, ?, ?, '', '', 0, '', ?, ?)"
        " ON CONFLICT (key) DO NOTHING RETURNING id",
        (
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
            _encode(reply).decode() if reply else "",
            now,
            now,
        ),
    )
    if not rows:
        return (yield from find(message.key))
    if answered is None:
        return Recorded(rows[0][0], new=True)
    return Recorded(rows[0][0], new=True, status="done", outcome=answered.outcome.value, reply=reply)


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
) -> Program[bool]:
    """Mark a message done with its reply, in the transaction of its effect; False if it was done already.

    A passive reply is noted as sent with the answer; a late one goes to the outbox until `late_until`.
    """
    now = core.clock.now()
    changed = yield (
        "UPDATE messages SET status = 'done', outcome = ?, reply = ?, account_id = ?, lease_until = NULL, updated_at = ?"
        " WHERE id = ? AND status <> 'done'",
        (outcome.value, _encode(reply).decode() if reply else "", account_id, now, message_id),
    )
    if not changed:
        return False
    if reply is not None:
        done = Answered(account_id, reply, outcome)
        yield from add_reply(core, message_id, message.address, done, late_until=late_until, now=now)
    return True


def add_reply(
    core: Core, message_id: int, to: Address, answered: Answered, *, late_until: datetime | None, now: datetime
) -> Program[None]:
    """Write the outgoing row of a reply: noted as sent with the answer, or queued until `late_until`."""
    if answered.reply is None:
        return
    key = f"reply:{message_id}"
    if answered.outcome is Outcome.PASSIVE:
        yield from insert_outgoing(
            core,
            to,
            answered.reply,
            key=key,
            status=OutboundStatus.ANSWERED,
            account_id=answered.account_id,
            reply_to_id=message_id,
            sent_at=now,
            now=now,
        )
    elif answered.outcome is Outcome.LATE:
        yield from queue(
            core,
            to,
            answered.reply,
            key=key,
            account_id=answered.account_id,
            reply_to_id=message_id,
            expires_at=late_until,
            topic="reply",
            now=now,
        )


def begin_try(core: Core, message_id: int) -> Program[bool]:
    """Count a try before the work starts; False when the message was tried too often and is parked now."""
    now = core.clock.now()
    rows = yield (
        "UPDATE messages SET attempts = attempts + 1, updated_at = ? WHERE id = ? AND status = 'open' RETURNING attempts",
        (now, message_id),
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


async def list_open(until: datetime, *, limit: int = 500, after_id: int = 0) -> list[tuple[int, InboundMessage]]:
    """List messages whose work is not done, oldest first: what a crash left behind."""
    rows = (
        await Message.filter(direction="in", status="open", id__gt=after_id, created_at__lte=until).order_by("id").limit(limit)
    )
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
