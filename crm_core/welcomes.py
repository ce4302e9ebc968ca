"""Welcomes (欢迎语) that leave by a code of the platform: on a lane of their own, because the code ends after seconds.

A row of the outbox whose turn in the common queue comes only when the code has ended: there it is closed as expired.
Until then the fast lane takes it, so that it never waits behind anything else.
Reading order: `queue_welcome`, then `WelcomeQueue`, which the fast lane works with.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial

import msgspec

from crm_core.conversations import OutboundStatus
from crm_core.leases import Held, lease_now
from crm_core.messages import Address, Body, Guarantee, OutboundMessage
from crm_core.outbox import insert_rows, outgoing_row
from crm_core.outbox_claims import Settlement
from crm_core.ports import CLAIM, Core, Program

TOPIC = "welcome"
LEASE = timedelta(seconds=10)
"""Short, so that another process can still use the code of one that died; a living one renews it."""
_payload = msgspec.json.Decoder(dict[str, object])
_body = msgspec.json.Decoder(Body)


def queue_welcome(core: Core, to: Address, body: Body, *, message_id: int, account_id: int, until: datetime) -> Program[None]:
    """Queue the welcome that answers an event, unless its code has ended already.

    At least once, although a customer gets it: the code works once, so a repeat cannot arrive twice.
    """
    if until <= core.clock.now():
        return
    row = outgoing_row(
        core.clock.now(),
        to,
        body,
        key=f"welcome:{message_id}",
        status=OutboundStatus.QUEUED,
        account_id=account_id,
        reply_to_id=message_id,
        guarantee=Guarantee.AT_LEAST_ONCE,
        not_before=until,
        expires_at=until,
        topic=TOPIC,
    )
    yield from insert_rows([row])


class WelcomeQueue:
    """The fast lane's welcomes of one channel; what was claimed belongs to this process until it is settled or let go."""

    def __init__(self, channel: str) -> None:
        self._channel = channel
        self._held = Held("messages")

    async def claim(self, core: Core, *, limit: int) -> list[OutboundMessage]:
        """Take the welcomes that wait, under a short lease."""
        # Looked beside the writer first: nearly always there is nothing.
        if not await core.db.read(_has_waiting(self._channel, core.clock.now())):
            return []
        found = await core.db.run(partial(_claim, core, self._channel, limit))
        self._held.add((message.id for message in found), LEASE)
        return found

    async def settle(self, core: Core, settlements: Sequence[Settlement]) -> None:
        """Note what became of claimed welcomes; those to be tried again wait on the fast lane."""
        await core.db.run(partial(_settle, settlements, core.clock.now()))
        self.let_go(done.id for done in settlements)

    async def renew(self, core: Core) -> None:
        """Make what this process has claimed its own from now on."""
        if self._held:
            await core.db.run(partial(self._held.renew, core))

    def let_go(self, numbers: Iterable[int]) -> None:
        """Give up what nobody works on any more: its lease decides."""
        self._held.remove(numbers)


_DUE = "status = 'queued' AND direction = 'out' AND channel = ? AND not_before <= ? AND expires_at > ? AND topic = 'welcome'"
_CLAIM = (
    "WITH due AS (SELECT id FROM messages"  # noqa: S608 - constants
    f" WHERE {_DUE} ORDER BY id LIMIT ?{CLAIM})"
    " UPDATE messages SET status = 'claimed', lease_until = ?, attempts = attempts + 1, updated_at = ? WHERE id IN"
    " (SELECT id FROM due) AND status = 'queued' RETURNING id, key, external_account, text, payload, attempts, reply_to_id"
)
# A code works once: what arrived has arrived, whatever was decided about its lease meanwhile.
_SENT = (
    "UPDATE messages SET status = 'sent', lease_until = NULL, sent_at = ?, reason = ?, updated_at = ?"
    " WHERE id = ? AND status IN ('claimed', 'queued', 'expired')"
)


def _has_waiting(channel: str, now: datetime) -> Program[bool]:
    rows = yield f"SELECT 1 FROM messages WHERE {_DUE} LIMIT 1", (channel, now + timedelta(minutes=1), now)  # noqa: S608
    return bool(rows)


def _claim(core: Core, channel: str, limit: int) -> Program[list[OutboundMessage]]:
    now = core.clock.now()
    rows = yield _CLAIM, (channel, now + timedelta(minutes=1), now, limit, lease_now(core) + LEASE, now)
    found = []
    for number, key, external_id, text, payload, attempts, reply_to_id in sorted(rows):
        told = yield "SELECT payload FROM messages WHERE id = ?", (reply_to_id,)
        data = _payload.decode(told[0][0]).get("data", {}) if told and told[0][0] else {}
        body = _body.decode(payload) if payload else Body(text=text)
        found.append(
            OutboundMessage(
                int(number),
                key,
                Address(channel, external_id),
                body,
                Guarantee.AT_LEAST_ONCE,
                attempts,
                data if isinstance(data, dict) else {},
            )
        )
    return found


def _settle(settlements: Sequence[Settlement], now: datetime) -> Program[None]:
    for done in settlements:
        if done.status == "sent":
            yield _SENT, (now, done.reason[:100], now, done.id)
        elif done.status == "retry":
            yield (
                "UPDATE messages SET status = 'queued', lease_until = NULL, not_before = expires_at, reason = ?,"
                " updated_at = ? WHERE id = ? AND status = 'claimed'",
                (done.reason[:100], now, done.id),
            )
        else:
            yield (
                "UPDATE messages SET status = 'failed', lease_until = NULL, reason = ?, updated_at = ?"
                " WHERE id = ? AND status = 'claimed'",
                (done.reason[:100], now, done.id),
            )
