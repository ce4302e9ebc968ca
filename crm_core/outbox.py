"""Messages on their way out, one by one: put, claim with a lease, settle, keep, give with the next message.

`DatabaseOutbox` is the port the core uses; the programs below are for the hot path and for delivery.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

import msgspec

from crm_core.accounts import close_windows, refund_window, spend_window
from crm_core.conversations import OutboundStatus
from crm_core.messages import Address, Body, Guarantee, Kind, OutboundMessage
from crm_core.ports import Core, Program

_encode = msgspec.json.Encoder().encode
_body = msgspec.json.Decoder(Body)
_json = msgspec.json.Decoder(dict[str, object])

AT_ONCE = datetime(1970, 1, 1, tzinfo=UTC)
"""When a message is due that need not wait: earlier than any clock, also one that was set back meanwhile."""
RETRY_PAUSES = (1, 2, 4, 8, 16, 32, 60)
"""Seconds before the next try of a message that provably did not go out."""
GIVE_UP_AFTER = 60
"""Tries; about an hour of growing pauses."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of one claimed message. `status` is a word of `SendStatus` (bot/channel.py)."""

    id: int
    status: str
    reason: str = ""
    external_id: str = ""
    retry_at: datetime | None = None


class SendQueue(Protocol):
    """Somewhere delivery finds messages; the outbox and the recipients of broadcasts are two."""

    async def claim(self, channel: str, limit: int, lease: timedelta) -> list[OutboundMessage]:
        """Take due messages of one channel under a lease, oldest first; committed when it returns."""

    async def settle(self, settlements: Sequence[Settlement]) -> None:
        """Note what became of claimed messages, in one transaction."""

    async def recover(self, *, everything: bool) -> int:
        """Decide about messages whose lease ended (or all claimed ones: their process is gone); tells how many."""

    async def next_due(self, channel: str) -> datetime | None:
        """Tell when the next message of this channel is due; None when nothing waits."""


_INSERT = (
    "INSERT INTO messages (channel, external_account, conversation, account_id, direction, kind, text, at, external_id,"
    " status, key, payload, outcome, reply, reply_to_id, guarantee, topic, attempts, not_before, expires_at, sent_at,"
    " reason, created_at, updated_at) VALUES "
)
_ROW = "(?, ?, ?, ?, 'out', ?, ?, ?, '', ?, ?, ?, '', '', ?, ?, ?, 0, ?, ?, ?, '', ?, ?)"


def outgoing_row(
    now: datetime,
    to: Address,
    body: Body,
    *,
    key: str,
    status: OutboundStatus,
    account_id: int | None = None,
    reply_to_id: int | None = None,
    guarantee: Guarantee = Guarantee.AT_MOST_ONCE,
    not_before: datetime | None = None,
    expires_at: datetime | None = None,
    sent_at: datetime | None = None,
    topic: str = "",
) -> tuple[object, ...]:
    """Give the values of one outgoing row, for `insert_rows`."""
    return (
        to.channel,
        to.external_id,
        to.conversation,
        account_id,
        body.kind.value,
        body.text,
        now,
        status.value,
        key,
        "" if _is_bare(body) else _encode(body).decode(),
        reply_to_id,
        guarantee.value,
        topic,
        not_before or AT_ONCE,
        expires_at,
        sent_at,
        now,
        now,
    )


def _is_bare(body: Body) -> bool:
    """Whether it is nothing but words, which have a column."""
    return body.kind is Kind.TEXT and not (body.media_id or body.articles or body.template_id or body.template_data or body.url)


def insert_rows(rows: Sequence[tuple[object, ...]]) -> Program[list[int]]:
    """Write outgoing rows in one statement; gives the ids of those whose key was new."""
    if not rows:
        return []
    made = yield (
        _INSERT + ", ".join([_ROW] * len(rows)) + " ON CONFLICT (key) DO NOTHING RETURNING id",
        [value for row in rows for value in row],
    )
    return [int(number) for (number,) in made]


def queue(
    core: Core,
    to: Address,
    body: Body,
    *,
    key: str,
    account_id: int | None = None,
    not_before: datetime | None = None,
    expires_at: datetime | None = None,
    guarantee: Guarantee = Guarantee.AT_MOST_ONCE,
    topic: str = "",
    reply_to_id: int | None = None,
    now: datetime | None = None,
) -> Program[int | None]:
    """Queue one message and wake the delivery; None if its key is known already."""
    made = yield from insert_rows(
        [
            outgoing_row(
                now or core.clock.now(),
                to,
                body,
                key=key,
                status=OutboundStatus.QUEUED,
                account_id=account_id,
                reply_to_id=reply_to_id,
                guarantee=guarantee,
                not_before=not_before,
                expires_at=expires_at,
                topic=topic,
            )
        ]
    )
    if not made:
        return None
    wake(core, to.channel)
    return made[0]


def wake(core: Core, channel: str) -> None:
    """Tell the delivery that something was queued."""
    tell = getattr(core.outbox, "wake", None)
    if tell is not None:
        tell(channel)


def take_waiting(core: Core, account_id: int, *, room_bytes: int) -> Program[list[str]]:
    """Take what was kept for a person, or is unknown among late replies, to give it with the present answer.

    Oldest first, as much as fits; the rest waits for the message after.
    """
    now = core.clock.now()
    rows = yield (
        "SELECT id, text, status FROM messages WHERE account_id = ? AND direction = 'out'"
        " AND (status = 'kept' OR (status = 'unknown' AND topic = 'reply' AND reason <> 'given_again')) ORDER BY id LIMIT 20",
        (account_id,),
    )
    taken: list[str] = []
    for number, text, status in rows:
        room_bytes -= len(text.encode()) + 1
        if taken and room_bytes < 0:
            break
        taken.append(text)
        if status == OutboundStatus.KEPT.value:
            yield "UPDATE messages SET status = 'answered', sent_at = ?, updated_at = ? WHERE id = ?", (now, now, number)
        else:
            yield "UPDATE messages SET reason = 'given_again', updated_at = ? WHERE id = ?", (now, number)
    left = len(rows) - len(taken)
    yield "UPDATE accounts SET waiting_count = ? WHERE id = ?", (left, account_id)
    return taken


class DatabaseOutbox:
    """The outbox over the messages table. `bind` gives it the core it works for; `on_put` wakes the delivery."""

    def __init__(self) -> None:
        self._core: Core | None = None
        # What this process holds is never decided by a lease: a turned clock must not end what is under way.
        self._in_flight: set[int] = set()
        self.on_put: Callable[[str | None], None] | None = None

    def bind(self, core: Core) -> None:
        """Tell the outbox its core (they need each other)."""
        self._core = core

    def wake(self, channel: str | None = None) -> None:
        """Tell the delivery that something was queued, for one channel or for any; called from the writer's thread."""
        if self.on_put:
            self.on_put(channel)

    async def put(
        self,
        to: Address,
        body: Body,
        *,
        key: str,
        account_id: int | None = None,
        not_before: datetime | None = None,
        expires_at: datetime | None = None,
        guarantee: Guarantee = Guarantee.AT_MOST_ONCE,
        topic: str = "",
        reply_to_id: int | None = None,
    ) -> int | None:
        """Queue one message in the open transaction; None if this key is known already."""
        return await self.core.db.run(
            queue(
                self.core,
                to,
                body,
                key=key,
                account_id=account_id,
                not_before=not_before,
                expires_at=expires_at,
                guarantee=guarantee,
                topic=topic,
                reply_to_id=reply_to_id,
            )
        )

    @property
    def core(self) -> Core:
        """The core this outbox works for."""
        if self._core is None:
            raise RuntimeError("the outbox has no core yet")
        return self._core

    async def claim(self, channel: str, limit: int, lease: timedelta) -> list[OutboundMessage]:
        """Take due messages of one channel under a lease; those without an open window are kept instead."""
        messages = await self.core.db.run(_claim(self.core, channel, limit, lease))
        self._in_flight.update(message.id for message in messages)
        return messages

    async def settle(self, settlements: Sequence[Settlement]) -> None:
        """Note what became of claimed messages, in one transaction."""
        await self.core.db.run(_settle_all(self.core, settlements))
        self._in_flight.difference_update(done.id for done in settlements)

    async def recover(self, *, everything: bool) -> int:
        """Decide about messages whose lease ended: employees' go again, customers' become unknown."""
        if everything:
            self._in_flight.clear()
        return await self.core.db.run(_recover(self.core, self._in_flight, everything=everything))

    async def next_due(self, channel: str) -> datetime | None:
        """Tell when the next message of this channel is due."""

        def program() -> Program[datetime | None]:
            rows = yield (
                "SELECT min(not_before) FROM messages WHERE status = 'queued' AND direction = 'out' AND channel = ?",
                (channel,),
            )
            value = rows[0][0]
            return datetime.fromisoformat(value) if isinstance(value, str) else value

        return await self.core.db.read(program())


_CLAIMED = "id, key, external_account, conversation, kind, text, payload, guarantee, attempts, account_id, reply_to_id, status"


def _claim(core: Core, channel: str, limit: int, lease: timedelta) -> Program[list[OutboundMessage]]:
    now = core.clock.now()
    # What is too old ends here, as its turn comes: looking for it through a long queue would cost every claim.
    rows = yield (
        "UPDATE messages SET status = CASE WHEN expires_at <= ? THEN 'expired' ELSE 'claimed' END, lease_until = ?,"  # noqa: S608 - fixed columns
        " attempts = attempts + 1, updated_at = ? WHERE id IN"
        " (SELECT id FROM messages WHERE status = 'queued' AND direction = 'out' AND channel = ? AND not_before <= ?"
        f" ORDER BY not_before, id LIMIT ?) AND status = 'queued' RETURNING {_CLAIMED}",
        (now, now + lease, now, channel, now, limit),
    )
    rule = core.reach.get(channel)
    messages = []
    for row in sorted(row for row in rows if row[11] == OutboundStatus.CLAIMED.value):
        if rule is not None and rule.windowed and row[9] is not None and row[4] != Kind.TEMPLATE.value:
            free = yield from spend_window(rule, row[9], now)
            if not free:
                yield from _keep(row[0], row[9], now)
                continue
        data = yield from _answered_data(row[10])
        messages.append(_message(channel, row, data))
    return messages


def _answered_data(reply_to_id: int | None) -> Program[dict[str, object]]:
    if reply_to_id is None:
        return {}
    rows = yield "SELECT payload FROM messages WHERE id = ?", (reply_to_id,)
    payload = _json.decode(rows[0][0]) if rows and rows[0][0] else {}
    data = payload.get("data", {})
    return data if isinstance(data, dict) else {}


def _message(channel: str, row: tuple[object, ...], data: dict[str, object]) -> OutboundMessage:
    number, key, external, conversation, _, text, payload, guarantee, attempts, *_ = row
    return OutboundMessage(
        id=int(str(number)),
        key=str(key),
        address=Address(channel, str(external), str(conversation)),
        body=_body.decode(str(payload)) if payload else Body(text=str(text)),
        guarantee=Guarantee(str(guarantee)),
        attempt=int(str(attempts)),
        reply_data=data,
    )


def _keep(number: int, account_id: int, now: datetime) -> Program[None]:
    yield (
        "UPDATE messages SET status = 'kept', lease_until = NULL, reason = 'window_closed', updated_at = ? WHERE id = ?",
        (now, number),
    )
    yield "UPDATE accounts SET waiting_count = waiting_count + 1 WHERE id = ?", (account_id,)


def _settle_all(core: Core, settlements: Sequence[Settlement]) -> Program[None]:
    for settlement in settlements:
        yield from _settle(core, settlement)


def _settle(core: Core, done: Settlement) -> Program[None]:
    now = core.clock.now()
    rows = yield "SELECT guarantee, attempts, account_id, channel FROM messages WHERE id = ? AND status = 'claimed'", (done.id,)
    if not rows:
        return
    guarantee, attempts, account_id, channel = rows[0]
    rule = core.reach.get(channel)
    again = done.status == "retry" or (done.status == "unknown" and guarantee == Guarantee.AT_LEAST_ONCE.value)
    if done.status == "retry" and account_id is not None and rule is not None:
        yield from refund_window(rule, account_id, now)
    if again and attempts < GIVE_UP_AFTER:
        pause = timedelta(seconds=RETRY_PAUSES[min(attempts, len(RETRY_PAUSES)) - 1])
        yield (
            "UPDATE messages SET status = 'queued', lease_until = NULL, not_before = ?, reason = ?, updated_at = ?"
            " WHERE id = ?",
            (done.retry_at or now + pause, done.reason[:100], now, done.id),
        )
        return
    if done.status == "window_closed" and account_id is not None:
        yield from close_windows(account_id, now)
        yield from _keep(done.id, account_id, now)
        return
    status = {"sent": "sent", "handed_over": "handed_over", "unknown": "unknown"}.get(done.status, "failed")
    sent_at = now if status in ("sent", "handed_over") else None
    yield (
        "UPDATE messages SET status = ?, lease_until = NULL, sent_at = ?, external_id = ?, reason = ?, updated_at = ?"
        " WHERE id = ?",
        (status, sent_at, done.external_id[:128], done.reason[:100], now, done.id),
    )
    if status == "unknown" and account_id is not None:
        yield "UPDATE accounts SET waiting_count = waiting_count + 1 WHERE id = ?", (account_id,)


def _recover(core: Core, mine: set[int], *, everything: bool) -> Program[int]:
    now = core.clock.now()
    rows = yield (
        "SELECT id FROM messages WHERE status = 'claimed' AND direction = 'out' AND (lease_until <= ? OR ? = 1)",
        (now, int(everything)),
    )
    left = [number for (number,) in rows if number not in mine]
    for number in left:
        yield from _settle(core, Settlement(number, "unknown", "lease_ended"))
    return len(left)
