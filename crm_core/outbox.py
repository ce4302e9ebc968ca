"""Messages on their way out, one by one: put, claim with a lease, settle, keep, give with the next message.

`DatabaseOutbox` is the port the core uses; the programs are for the hot path. What delivery does stands in
`outbox_claims.py`.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Protocol

import msgspec

from crm_core.conversations import Message, OutboundStatus
from crm_core.leases import Held
from crm_core.messages import Address, Body, Guarantee, Kind, OutboundMessage
from crm_core.outbox_claims import (
    GIVE_UP_AFTER,
    ON_EVENT,
    RETRY_PAUSES,
    WAITS,
    Settlement,
    claim_messages,
    recover_messages,
    settle_messages,
)
from crm_core.ports import HOLD, Core, Program

__all__ = ["GIVE_UP_AFTER", "ON_EVENT", "RETRY_PAUSES", "DatabaseOutbox", "SendQueue", "Settlement"]

_encode = msgspec.json.Encoder().encode
_body = msgspec.json.Decoder(Body)

AT_ONCE = datetime(1970, 1, 1, tzinfo=UTC)
"""When a message is due that need not wait: earlier than any clock, also one that was set back meanwhile."""


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
    more = body.media_id or body.articles or body.template_id or body.template_data or body.url or body.buttons
    return body.kind is Kind.TEXT and not more


def body_of(row: Message) -> Body:
    """Read the body of a stored outgoing message back."""
    return _body.decode(row.payload) if row.payload else Body(text=row.text)


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
    """Tell the delivery that something was queued, once it can be found."""
    tell = getattr(core.outbox, "wake", None)
    if tell is not None:
        core.db.after_commit(partial(tell, channel))


_WAITING = (
    f"SELECT id, text, status FROM messages WHERE account_id = ? AND {WAITS}"  # noqa: S608 - a constant
    f" ORDER BY id LIMIT 20{HOLD}"
)


def take_waiting(core: Core, account_id: int, *, room_bytes: int) -> Program[list[str]]:
    """Take what was kept for a person, or is unknown among late replies, to give it with the present answer.

    Oldest first, as much as fits; the rest waits for the message after.
    """
    now = core.clock.now()
    rows = yield _WAITING, (account_id,)
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
        self._held = Held("messages")
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
        messages = await self.core.db.run(partial(claim_messages, self.core, channel, limit, lease))
        self._held.add((message.id for message in messages), lease)
        return messages

    async def settle(self, settlements: Sequence[Settlement]) -> None:
        """Note what became of claimed messages, in one transaction."""
        await self.core.db.run(partial(settle_messages, self.core, settlements))
        self._held.remove(done.id for done in settlements)

    async def renew(self) -> None:
        """Make what this process has claimed its own from now on."""
        if self._held:
            await self.core.db.run(partial(self._held.renew, self.core))

    async def recover(self, *, everything: bool) -> int:
        """Decide about messages whose lease ended: employees' go again, customers' become unknown."""
        if everything:
            self._held.clear()
        return await self.core.db.run(partial(recover_messages, self.core, self._held, everything=everything))

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
