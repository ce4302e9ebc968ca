"""What becomes of the chunks of mass sending: accepted, put back under the same key, refused, or unknown."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from campaigns.platform_results import apply_early
from crm_core.leases import Held, ended_by
from crm_core.outbox import GIVE_UP_AFTER, RETRY_PAUSES, Settlement
from crm_core.ports import CLAIM, HOLD, Core, Program
from crm_core.rules import as_instant

KEY_KNOWN = timedelta(hours=23)
"""How long after the first call a chunk goes again under its key. The platform remembers `clientmsgid` for 24 hours
(protocols.md, section 2.2)."""
LEASE_ENDED = "lease_ended"
"""Reason of what was claimed by a process that seems to be gone."""
# A process that stood still may come back after its lease was decided about; that the platform took the call beats that.
_DOUBTED = "(status IN ('planned', 'unknown') AND reason = 'lease_ended')"


def settle_chunks(core: Core, settlements: Sequence[Settlement]) -> Program[set[int]]:
    """Note what became of chunks; gives the broadcasts of those the platform refused for good."""
    refused: set[int] = set()
    for done in settlements:
        broadcast_id = yield from _settle(core, done)
        if broadcast_id is not None:
            refused.add(broadcast_id)
    return refused


def _settle(core: Core, done: Settlement) -> Program[int | None]:
    """Note what became of one chunk; gives its broadcast if the platform refused it for good."""
    rows = yield (
        "SELECT broadcast_id, channel, attempts, claimed_at, in_doubt_at, status FROM mass_sends"  # noqa: S608 - constants
        f" WHERE id = ? AND (status = 'claimed' OR {_DOUBTED}){HOLD}",
        (done.id,),
    )
    if not rows:
        return None
    broadcast_id, channel, attempts, claimed_at, in_doubt_at, known = rows[0]
    now = core.clock.now()
    if done.status in ("sent", "handed_over"):
        yield from _hand_over(done, now, late=known != "claimed")
        yield from apply_early(channel, done.external_id, now)
        return None
    if known != "claimed":
        return None
    # Whatever the last answer was, an earlier call without one may have been carried out.
    doubt = as_instant(in_doubt_at) or (as_instant(claimed_at) if done.status == "unknown" else None)
    again = done.status in ("retry", "unknown") and attempts < GIVE_UP_AFTER
    if again and (doubt is None or is_key_known(doubt, now)):
        pause = timedelta(seconds=RETRY_PAUSES[min(max(attempts, 1), len(RETRY_PAUSES)) - 1])
        yield from _put_back(done, doubt, done.retry_at or now + pause, now)
        return None
    status = "unknown" if done.status == "unknown" or doubt is not None else "failed"
    yield from end(done.id, status, done.reason, now)
    return int(broadcast_id) if status == "failed" else None


def end(number: int, status: str, reason: str, now: datetime) -> Program[None]:
    """Close a chunk and everybody still in it."""
    yield (
        "UPDATE mass_sends SET status = ?, reason = ?, lease_until = NULL, updated_at = ? WHERE id = ?",
        (status, reason[:64] or None, now, number),
    )
    # What was never carried out counts towards no cap.
    claimed = "NULL" if status == "failed" else "claimed_at"
    yield (
        f"UPDATE recipients SET status = ?, reason = ?, lease_until = NULL, claimed_at = {claimed}, updated_at = ?"  # noqa: S608
        " WHERE mass_id = ? AND status IN ('claimed', 'planned')",
        (status, reason[:64] or None, now, number),
    )
    if status == "unknown":
        yield from _note_broadcast(number, now)


_ENDED = f"SELECT id FROM mass_sends WHERE status = 'claimed' AND lease_until <= ? ORDER BY id{CLAIM}"  # noqa: S608 - a constant


def recover_chunks(core: Core, held: Held, *, everything: bool) -> Program[int]:
    """Renew what this process holds, and decide about chunks whose lease ended (or every claimed one)."""
    now = core.clock.now()
    yield from held.renew(core)
    rows = yield _ENDED, (ended_by(core, everything=everything),)
    left = [number for (number,) in rows if number not in held]
    for number in left:
        yield from _settle(core, Settlement(number, "unknown", LEASE_ENDED, retry_at=now))
    return len(left)


def is_key_known(since: datetime | None, now: datetime) -> bool:
    """Tell whether the platform takes a repeat of a first call of this instant for the same one."""
    # Not before it either: a wall clock that was set back says nothing.
    return since is not None and timedelta() <= now - since < KEY_KNOWN


def _put_back(done: Settlement, doubt: datetime | None, at: datetime, now: datetime) -> Program[None]:
    reason = done.reason[:64] or None
    yield (
        "UPDATE mass_sends SET status = 'planned', lease_until = NULL, in_doubt_at = ?, not_before = ?, reason = ?,"
        " updated_at = ? WHERE id = ?",
        (doubt, at, reason, now, done.id),
    )
    yield (
        "UPDATE recipients SET status = 'planned', lease_until = NULL, claimed_at = ?, in_doubt_at = ?, not_before = ?,"
        " reason = ?, updated_at = ? WHERE mass_id = ? AND status = 'claimed'",
        (doubt, doubt, at, reason, now, done.id),
    )


def _hand_over(done: Settlement, now: datetime, *, late: bool) -> Program[None]:
    people = f"(status = 'claimed' OR {_DOUBTED})" if late else "status = 'claimed'"
    yield (
        "UPDATE mass_sends SET status = 'handed_over', lease_until = NULL, external_id = ?, reason = ?, updated_at = ?"
        " WHERE id = ?",
        (done.external_id[:64] or None, done.reason[:64] or None, now, done.id),
    )
    yield (
        "UPDATE recipients SET status = 'handed_over', lease_until = NULL, sent_at = ?, external_id = ?, reason = NULL,"  # noqa: S608
        f" updated_at = ? WHERE mass_id = ? AND {people}",
        (now, done.external_id[:64] or None, now, done.id),
    )
    yield from _note_broadcast(done.id, now)


def _note_broadcast(number: int, now: datetime) -> Program[None]:
    yield (
        "UPDATE accounts SET last_broadcast_at = ? WHERE id IN (SELECT account_id FROM recipients WHERE mass_id = ?"
        " AND status IN ('handed_over', 'unknown'))",
        (now, number),
    )
