"""What delivery does with queued messages: claim under a lease, settle, decide about what a dead process left.

Plain-SQL programs, a few statements for a page of messages whatever their number.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from crm_core.accounts import close_windows, refund_window, spend_windows
from crm_core.conversations import OutboundStatus
from crm_core.leases import Held, ended_by, lease_now
from crm_core.messages import Address, Body, Guarantee, Kind, OutboundMessage
from crm_core.ports import CLAIM, HOLD, Core, Program
from crm_core.reach import ReachRule

_body = msgspec.json.Decoder(Body)
_json = msgspec.json.Decoder(dict[str, object])

RETRY_PAUSES = (1, 2, 4, 8, 16, 32, 60)
"""Seconds before the next try of a message that provably did not go out."""
GIVE_UP_AFTER = 60
"""Tries; about an hour of growing pauses."""
LEASE_ENDED = "lease_ended"
"""Reason of what was claimed by a process that seems to be gone."""
ON_EVENT = "on_event"
"""Topic of what an event of the platform gives the right to say (a welcome with its code): it spends no window."""
WAITS = "direction = 'out' AND (status = 'kept' OR (status = 'unknown' AND topic = 'reply' AND reason <> 'given_again'))"
"""What is given with a person's next message."""
_WINDOWLESS = (Kind.TEMPLATE.value, Kind.NOTICE.value)


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of one claimed message. `status` is a word of `SendStatus` (bot/channel.py)."""

    id: int
    status: str
    reason: str = ""
    external_id: str = ""
    retry_at: datetime | None = None


# What is too old ends here, as its turn comes: looking for it through a long queue would cost every claim.
_CLAIM = (
    "WITH due AS (SELECT id FROM messages WHERE status = 'queued' AND direction = 'out' AND channel = ?"  # noqa: S608 - a constant
    f" AND not_before <= ? ORDER BY not_before, id LIMIT ?{CLAIM})"
    " UPDATE messages SET status = CASE WHEN expires_at <= ? THEN 'expired' ELSE 'claimed' END, lease_until = ?,"
    " attempts = attempts + 1, updated_at = ? WHERE id IN (SELECT id FROM due) AND status = 'queued' RETURNING id, key,"
    " external_account, conversation, kind, text, payload, guarantee, attempts, account_id, reply_to_id, status, topic"
)
_Row = tuple[int, str, str, str, str, str, str, str, int, int | None, int | None, str, str]


def claim_messages(core: Core, channel: str, limit: int, lease: timedelta) -> Program[list[OutboundMessage]]:
    """Take due messages of one channel, oldest first; those without an open window are kept instead."""
    now = core.clock.now()
    claimed = yield _CLAIM, (channel, now, limit, now, lease_now(core) + lease, now)
    rows: list[_Row] = sorted(row for row in claimed if row[11] == OutboundStatus.CLAIMED.value)
    rule = core.reach.get(channel)
    if rule is not None and rule.windowed:
        rows = yield from _with_window(rule, rows, now)
    data = yield from _answered_data([row[10] for row in rows if row[10] is not None])
    return [_message(channel, row, data.get(row[10] or 0, {})) for row in rows]


def _with_window(rule: ReachRule, rows: Sequence[_Row], now: datetime) -> Program[list[_Row]]:
    """Spend a window for each message that needs one, the oldest of a person first; keep those that find none."""
    needing = [row for row in rows if row[9] is not None and row[4] not in _WINDOWLESS and row[12] != ON_EVENT]
    kept: set[int] = set()
    while needing:
        first = {row[9]: row for row in reversed(needing) if row[9] is not None}
        free = yield from spend_windows(rule, sorted(first), now)
        for account_id, row in first.items():
            if account_id not in free:
                kept.add(row[0])
                yield from _keep(row[0], account_id, now)
        taken = {row[0] for row in first.values()}
        needing = [row for row in needing if row[0] not in taken]
    return [row for row in rows if row[0] not in kept]


def _answered_data(numbers: Sequence[int]) -> Program[dict[int, dict[str, object]]]:
    """Read what the platform said with the messages these are replies to."""
    if not numbers:
        return {}
    marks = ", ".join("?" * len(numbers))
    rows = yield f"SELECT id, payload FROM messages WHERE id IN ({marks}) AND payload <> ''", numbers  # noqa: S608
    found = {int(number): _json.decode(payload).get("data", {}) for number, payload in rows}
    return {number: data for number, data in found.items() if isinstance(data, dict)}


def _message(channel: str, row: _Row, data: dict[str, object]) -> OutboundMessage:
    number, key, external, conversation, _, text, payload, guarantee, attempts, *_ = row
    return OutboundMessage(
        id=int(number),
        key=key,
        address=Address(channel, external, conversation),
        body=_body.decode(payload) if payload else Body(text=text),
        guarantee=Guarantee(guarantee),
        attempt=attempts,
        reply_data=data,
    )


def _keep(number: int, account_id: int, now: datetime) -> Program[None]:
    yield (
        "UPDATE messages SET status = 'kept', lease_until = NULL, reason = 'window_closed', updated_at = ? WHERE id = ?",
        (now, number),
    )
    yield "UPDATE accounts SET waiting_count = waiting_count + 1 WHERE id = ?", (account_id,)


# Only what is still undecided: a process that stood still may come back after its lease was decided about, and what it
# knows then beats `unknown`, as long as nobody acted on that.
_DOUBTED = f"status = 'unknown' AND reason = '{LEASE_ENDED}'"
_UNDECIDED = f"(status = 'claimed' OR ({_DOUBTED}))"
_SENT = (
    "UPDATE messages SET status = v.column2, lease_until = NULL, sent_at = ?, external_id = v.column3, reason = v.column4,"
    " updated_at = ? FROM (VALUES {rows}) AS v WHERE messages.id = v.column1 AND messages."
)
_SENT_IN_TIME = _SENT + "status = 'claimed'"
_SENT_LATE = _SENT + f"{_DOUBTED} RETURNING messages.account_id"
_SENT_ROW = "(CAST(? AS BIGINT), CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT))"
_CLOSED = (
    "UPDATE messages SET status = ?, lease_until = NULL, external_id = ?, reason = ?, updated_at = ?"  # noqa: S608
    f" WHERE id = ? AND {_UNDECIDED}"
)
_AGAIN = (
    "UPDATE messages SET status = 'queued', lease_until = NULL, not_before = ?, reason = ?, updated_at = ?"  # noqa: S608
    f" WHERE id = ? AND {_UNDECIDED}"
)
# Never raised by it: whoever is no longer that person is not given what waited.
_TAKE_BACK = (
    "UPDATE accounts SET waiting_count = (SELECT count(*) FROM messages m WHERE m.account_id = accounts.id"  # noqa: S608
    f" AND {WAITS}) WHERE id = ? AND waiting_count > (SELECT count(*) FROM messages m WHERE m.account_id = accounts.id"
    f" AND {WAITS})"
)


def settle_messages(core: Core, settlements: Sequence[Settlement]) -> Program[None]:
    """Note what became of claimed messages: those that left in one statement, the others one by one."""
    now = core.clock.now()
    left = [done for done in settlements if done.status in ("sent", "handed_over")]
    if left:
        values = [part for done in left for part in (done.id, done.status, done.external_id[:128], done.reason[:100])]
        marks = ", ".join([_SENT_ROW] * len(left))
        if (yield _SENT_IN_TIME.format(rows=marks), (now, now, *values)) < len(left):
            late = yield _SENT_LATE.format(rows=marks), (now, now, *values)
            yield from _take_back(account_id for (account_id,) in late)
    others = [done for done in settlements if done.status not in ("sent", "handed_over")]
    if not others:
        return
    marks = ", ".join("?" * len(others))
    rows = yield (
        "SELECT id, guarantee, attempts, account_id, channel, topic, status FROM messages"  # noqa: S608
        f" WHERE id IN ({marks}) AND {_UNDECIDED} ORDER BY id{HOLD}",
        [done.id for done in others],
    )
    known = {number: tuple(rest) for number, *rest, _ in rows}
    doubted = {row[0] for row in rows if row[6] == OutboundStatus.UNKNOWN.value}
    for done in others:
        if done.id in known and not (done.id in doubted and done.status == "unknown"):
            yield from _settle(core, done, known[done.id], now)
    yield from _take_back(known[number][2] for number in sorted(doubted))


def _take_back(account_ids: Iterable[int | None]) -> Program[None]:
    """Let nothing wait for a person's next message any more that is decided now."""
    for account_id in sorted({number for number in account_ids if number is not None}):
        yield _TAKE_BACK, (account_id,)


def _settle(core: Core, done: Settlement, row: tuple[str, int, int | None, str, str], now: datetime) -> Program[None]:
    guarantee, attempts, account_id, channel, topic = row
    rule = core.reach.get(channel) if topic != ON_EVENT else None
    again = done.status == "retry" or (done.status == "unknown" and guarantee == Guarantee.AT_LEAST_ONCE.value)
    if done.status == "retry" and account_id is not None and rule is not None:
        yield from refund_window(rule, account_id, now)
    if again and attempts < GIVE_UP_AFTER:
        pause = timedelta(seconds=RETRY_PAUSES[min(attempts, len(RETRY_PAUSES)) - 1])
        yield _AGAIN, (done.retry_at or now + pause, done.reason[:100], now, done.id)
        return
    if done.status == "window_closed" and account_id is not None:
        yield from close_windows(account_id, now)
        yield from _keep(done.id, account_id, now)
        return
    status = "unknown" if done.status == "unknown" else "failed"
    changed = yield _CLOSED, (status, done.external_id[:128], done.reason[:100], now, done.id)
    if changed and status == "unknown" and account_id is not None:
        yield "UPDATE accounts SET waiting_count = waiting_count + 1 WHERE id = ?", (account_id,)


_ENDED = (
    "SELECT id FROM messages WHERE status = 'claimed' AND direction = 'out'"  # noqa: S608 - a constant
    f" AND lease_until <= ? ORDER BY lease_until, id{CLAIM}"
)


def recover_messages(core: Core, held: Held, *, everything: bool) -> Program[int]:
    """Renew what this process holds, and decide about messages whose lease ended (or everything claimed)."""
    yield from held.renew(core)
    rows = yield _ENDED, (ended_by(core, everything=everything),)
    left = [Settlement(number, "unknown", LEASE_ENDED) for (number,) in rows if number not in held]
    yield from settle_messages(core, left)
    return len(left)
