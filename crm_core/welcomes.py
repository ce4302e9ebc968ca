"""Welcomes (欢迎语) that leave by a code of the platform: on a lane of their own, because the code ends after seconds.

A row of the outbox whose turn in the common queue comes only when the code has ended: there it is closed as expired.
Until then the fast lane takes it, so that it never waits behind anything else.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from crm_core.conversations import OutboundStatus
from crm_core.messages import Address, Body, Guarantee, OutboundMessage
from crm_core.outbox import insert_rows, outgoing_row
from crm_core.outbox_claims import Settlement
from crm_core.ports import Core, Program

TOPIC = "welcome"
LEASE = timedelta(seconds=10)
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


_DUE = "status = 'queued' AND direction = 'out' AND channel = ? AND not_before <= ? AND expires_at > ? AND topic = 'welcome'"


def has_welcomes(channel: str, now: datetime) -> Program[bool]:
    """Tell whether a welcome waits; read beside the writer."""
    rows = yield f"SELECT 1 FROM messages WHERE {_DUE} LIMIT 1", (channel, now + timedelta(minutes=1), now)  # noqa: S608
    return bool(rows)


def claim_welcomes(channel: str, now: datetime, *, limit: int) -> Program[list[OutboundMessage]]:
    """Take the welcomes that wait, under a short lease."""
    rows = yield (
        "UPDATE messages SET status = 'claimed', lease_until = ?, attempts = attempts + 1, updated_at = ? WHERE id IN"  # noqa: S608
        f" (SELECT id FROM messages WHERE {_DUE} ORDER BY id LIMIT ?) AND status = 'queued'"
        " RETURNING id, key, external_account, text, payload, attempts, reply_to_id",
        (now + LEASE, now, channel, now + timedelta(minutes=1), now, limit),
    )
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


def settle_welcomes(settlements: Sequence[Settlement], now: datetime) -> Program[None]:
    """Note what became of claimed welcomes; those to be tried again wait on the fast lane."""
    for done in settlements:
        if done.status == "retry":
            yield (
                "UPDATE messages SET status = 'queued', lease_until = NULL, not_before = expires_at, reason = ?,"
                " updated_at = ? WHERE id = ? AND status = 'claimed'",
                (done.reason[:100], now, done.id),
            )
            continue
        status = "sent" if done.status == "sent" else "failed"
        yield (
            "UPDATE messages SET status = ?, lease_until = NULL, sent_at = ?, reason = ?, updated_at = ?"
            " WHERE id = ? AND status = 'claimed'",
            (status, now if status == "sent" else None, done.reason[:100], now, done.id),
        )
