"""The delivery queue of broadcasts: claim a page under a lease, settle it, decide about what a dead process left.

The row is the truth about one person. Its text is rendered in the claim, from what was frozen at approval, and stored before
the send; whoever opted out, whatever was paused or cancelled meanwhile is left out by the claim itself.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from campaigns.audience import PERSON_COLUMNS, PERSON_JOIN, gate_of, render_row
from campaigns.broadcasts import NOT_SENT
from campaigns.results import ErrorShare, pause_for_errors
from campaigns.templates import TemplateKind, body_of
from crm_core.accounts import close_windows, refund_window, spend_windows
from crm_core.clock import local_day
from crm_core.leases import Held, ended_by, lease_now
from crm_core.messages import Address, OutboundMessage
from crm_core.outbox import GIVE_UP_AFTER, RETRY_PAUSES, Settlement
from crm_core.policy import Reason, quiet_until, reason_sql
from crm_core.ports import CLAIM, CLAIM_P, Core, Program
from crm_core.rules import as_instant

KEY_KNOWN = timedelta(minutes=9)
"""How long after the first send a platform template goes again under its key. The platform remembers `client_msg_id` for
10 minutes (protocols.md, section 2); the tenth is for the send itself."""
LEASE_ENDED = "lease_ended"
"""Reason of what was claimed by a process that is gone."""
EMPTY_PAGES = 20
"""Pages in a row of left-out people the claim steps over in one transaction."""

_Claimed = tuple[int, int, int, str, str, object, object]
"""broadcast_id, account_id, attempts, channel, template_kind, claimed_at, in_doubt_at."""


class RecipientQueue:
    """`SendQueue` over the recipients of running broadcasts.

    `keyed` tells per channel whether the platform recognises a repeated key: only there an unanswered send is repeated.
    Platform templates carry a key on any channel, which is known for `KEY_KNOWN`.
    """

    def __init__(self, core: Core, keyed: Mapping[str, bool] | None = None) -> None:
        self.core = core
        self._keyed = dict(keyed or {})
        self._errors = ErrorShare(core.settings.campaigns.error_share_limit)
        self._held = Held("recipients")
        self._turn = 0

    async def claim(self, channel: str, limit: int, lease: timedelta) -> list[OutboundMessage]:
        """Take due recipients of one channel under a lease, broadcasts in turn; nothing in the quiet hours."""
        if quiet_until(self.core.settings.campaigns, self.core.clock.now()) is not None:
            return []
        messages = await self.core.db.run(partial(self._claim, channel, limit, lease))
        self._held.add((message.id for message in messages), lease)
        return messages

    async def settle(self, settlements: Sequence[Settlement]) -> None:
        """Note what became of claimed recipients, in one transaction; pauses a broadcast that fails too often."""
        if not settlements:
            return
        failing = await self.core.db.run(partial(self._settle, settlements))
        # Only now: while settling fails the rows are still ours, and no ended lease makes them unknown.
        self._held.remove(done.id for done in settlements)
        for number in sorted(failing):
            await pause_for_errors(self.core, number)

    async def renew(self) -> None:
        """Make what this process has claimed its own from now on."""
        if self._held:
            await self.core.db.run(partial(self._held.renew, self.core))

    async def recover(self, *, everything: bool) -> int:
        """Decide about claimed recipients whose process is gone: the same key again, or unknown where there is no key.

        `everything`: at the start, when no other process can hold one. Else only ended leases that are not our own.
        """
        if everything:
            self._held.clear()
        return await self.core.db.run(partial(self._recover, everything=everything))

    async def next_due(self, channel: str) -> datetime | None:
        """Tell when the next recipient of this channel is due; None when nothing waits."""
        now = self.core.clock.now()
        due = await self.core.db.read(_next_due(channel, now))
        if due is None:
            return None
        return quiet_until(self.core.settings.campaigns, max(due, now)) or due

    def _claim(self, channel: str, limit: int, lease: timedelta) -> Program[list[OutboundMessage]]:
        now = self.core.clock.now()
        running = yield (
            "SELECT id, template_body, template_kind, occasion FROM broadcasts WHERE status = 'running' AND channel = ?"
            " AND template_kind <> 'mass' AND (greeting_id IS NULL OR occasion_on = ?) ORDER BY id",
            (channel, local_day(now)),
        )
        # In turn, so that a greeting does not wait behind a broadcast to a million.
        later = [row for row in running if row[0] > self._turn]
        messages: list[OutboundMessage] = []
        for row in [*later, *(row for row in running if row[0] <= self._turn)]:
            for _ in range(EMPTY_PAGES):
                found, seen = yield from self._claim_page(channel, row, limit - len(messages), lease)
                messages += found
                if len(messages) >= limit or not seen:
                    break
            if messages:
                self._turn = row[0]
            if len(messages) >= limit:
                break
        return messages

    def _claim_page(
        self, channel: str, broadcast: tuple[int, str, str, str], limit: int, lease: timedelta
    ) -> Program[tuple[list[OutboundMessage], int]]:
        broadcast_id, template, kind, occasion = broadcast
        gate = gate_of(self.core, channel, kind, occasion)
        now = gate.now
        reason, values = reason_sql(gate, planned_already=True)
        rows = yield (
            "SELECT p.id, p.person_id, p.account_id, p.attempts, p.text, p.in_doubt_at, a.external_id,"  # noqa: S608
            f" {reason}, {PERSON_COLUMNS} FROM recipients p LEFT JOIN accounts a ON a.id = p.account_id {PERSON_JOIN}"
            " WHERE p.broadcast_id = ? AND p.status = 'planned' AND (p.not_before IS NULL"
            f" OR p.not_before <= ?) ORDER BY p.id LIMIT ?{CLAIM_P}",
            (*values, broadcast_id, now, limit),
        )
        ready: list[tuple[int, int, int, int, str, str]] = []
        for number, person_id, account_id, attempts, stored, doubt, external_id, left_out, *words in rows:
            if doubt is not None and not self._is_key_known(channel, kind, doubt):
                yield from _leave_out(number, "", now)
            elif left_out is not None:
                yield from _leave_out(number, str(left_out), now)
            else:
                text = stored if stored is not None else render_row(template, tuple(words), now)
                ready.append((number, person_id, account_id, attempts, text, external_id))
        if gate.rule is not None:
            free = yield from spend_windows(gate.rule, [row[2] for row in ready], now)
            for row in ready:
                if row[2] not in free:
                    yield from _leave_out(row[0], Reason.WINDOW_CLOSED.value, now)
            ready = [row for row in ready if row[2] in free]
        taken = yield from _take([(row[0], row[4]) for row in ready], now, lease_now(self.core) + lease)
        messages = [
            OutboundMessage(
                number,
                f"broadcast:{broadcast_id}:{person_id}",
                Address(channel, external_id),
                body_of(kind, text),
                attempt=attempts + 1,
            )
            for number, person_id, _, attempts, text, external_id in ready
            if number in taken
        ]
        return messages, len(rows)

    def _settle(self, settlements: Sequence[Settlement]) -> Program[set[int]]:
        rows = yield from _claimed_rows([done.id for done in settlements])
        failing: set[int] = set()
        reached: list[int] = []
        sent: dict[tuple[str, str, str], list[int]] = {}
        for done in settlements:
            row = rows.get(done.id)
            if row is None:
                continue
            if done.status in ("sent", "handed_over"):
                status = done.status
                sent.setdefault((status, done.external_id, done.reason), []).append(done.id)
            else:
                status = yield from self._settle_one(done, row)
            if status in ("sent", "handed_over", "unknown"):
                reached.append(row[1])
            # What a killed process left behind says nothing about the platform: it must not pause the rest.
            told = status in ("sent", "handed_over", "unknown", "failed") and done.reason != LEASE_ENDED
            if told and self._errors.note(row[0], status):
                failing.add(row[0])
        now = self.core.clock.now()
        for (status, external_id, reason), numbers in sent.items():
            marks = ", ".join("?" * len(numbers))
            yield f"{_DONE} IN ({marks})", (status, now, external_id[:128] or None, reason[:64] or None, now, *numbers)
        yield from _note_broadcast(reached, now)
        return failing

    def _is_key_known(self, channel: str, kind: str, since: object) -> bool:
        """Tell whether the platform takes a repeat of a send of this instant for the same one."""
        if self._keyed.get(channel, False):
            return True
        at = as_instant(since)
        if kind != TemplateKind.WECHAT_TEMPLATE or at is None:
            return False
        # Not before it either: a wall clock that was set back says nothing.
        return timedelta() <= self.core.clock.now() - at < KEY_KNOWN

    def _settle_one(self, done: Settlement, row: _Claimed) -> Program[str]:
        _, account_id, attempts, channel, kind, claimed_at, in_doubt_at = row
        now = self.core.clock.now()
        # Whatever the last answer was, an earlier send without one may have arrived.
        doubt = as_instant(in_doubt_at) or (as_instant(claimed_at) if done.status == "unknown" else None)
        rule = self.core.reach.get(channel) if kind != TemplateKind.WECHAT_TEMPLATE else None
        certain = doubt is None and done.status != "unknown"
        again = done.status in ("retry", "unknown") and (certain or self._is_key_known(channel, kind, doubt))
        if done.status in ("retry", "refused") and rule is not None:
            yield from refund_window(rule, account_id, now)
        if again and attempts < GIVE_UP_AFTER:
            pause = timedelta(seconds=RETRY_PAUSES[min(max(attempts, 1), len(RETRY_PAUSES)) - 1])
            yield _AGAIN, (doubt, doubt, done.retry_at or now + pause, done.reason[:64] or None, now, done.id)
            return "planned"
        if done.status == "window_closed":
            yield from close_windows(account_id, now)
            yield from _leave_out(done.id, Reason.WINDOW_CLOSED.value, now)
            return "suppressed"
        status = "unknown" if done.status == "unknown" or doubt is not None else "failed"
        sql = _FAILED if status == "failed" else f"{_DONE} = ?"
        yield sql, (status, None, done.external_id[:128] or None, done.reason[:64] or None, now, done.id)
        return status

    def _recover(self, *, everything: bool) -> Program[int]:
        now = self.core.clock.now()
        yield from self._held.renew(self.core)
        rows = yield _ENDED, (ended_by(self.core, everything=everything),)
        left = [Settlement(number, "unknown", LEASE_ENDED, retry_at=now) for (number,) in rows if number not in self._held]
        for first in range(0, len(left), 500):
            yield from self._settle(left[first : first + 500])
        return len(left)


_ENDED = (
    "SELECT id FROM recipients WHERE status = 'claimed' AND mass_id IS NULL"  # noqa: S608 - a constant
    f" AND lease_until <= ? ORDER BY lease_until, id{CLAIM}"
)
# Consent stands in the claiming statement itself, whatever was read before it.
_TAKE = (
    "UPDATE recipients SET status = 'claimed', lease_until = ?, claimed_at = ?, text = v.column2,"
    " reason = NULL, attempts = attempts + 1, updated_at = ? FROM (VALUES {rows}) AS v"
    " WHERE recipients.id = v.column1 AND status = 'planned' AND NOT EXISTS"
    " (SELECT 1 FROM accounts o WHERE o.id = recipients.account_id AND o.opted_out_at IS NOT NULL) RETURNING recipients.id"
)


def _take(texts: Sequence[tuple[int, str]], now: datetime, until: datetime) -> Program[set[int]]:
    """Claim recipients with their texts, in one statement; gives those that were still to be had."""
    if not texts:
        return set()
    rows = ", ".join(["(CAST(? AS BIGINT), CAST(? AS TEXT))"] * len(texts))
    taken = yield _TAKE.format(rows=rows), (until, now, now, *(value for pair in texts for value in pair))
    return {number for (number,) in taken}


_AGAIN = (
    "UPDATE recipients SET status = 'planned', lease_until = NULL, claimed_at = ?,"
    " in_doubt_at = ?, not_before = ?, reason = ?, updated_at = ?"
    " WHERE id = ?"
)
_DONE = (
    "UPDATE recipients SET status = ?, lease_until = NULL, sent_at = ?, external_id = ?, reason = ?, updated_at = ? WHERE id"
)
_FAILED = (
    "UPDATE recipients SET status = ?, lease_until = NULL, claimed_at = NULL, sent_at = ?,"
    " external_id = ?, reason = ?, updated_at = ?"
    " WHERE id = ?"
)


def _leave_out(number: int, reason: str, now: datetime) -> Program[None]:
    yield (
        f"UPDATE recipients SET {NOT_SENT}, lease_until = NULL, updated_at = ? WHERE id = ?",  # noqa: S608
        ("suppressed", reason, now, number),
    )


def _claimed_rows(numbers: Sequence[int]) -> Program[dict[int, _Claimed]]:
    """Read the claimed rows of a page; a late answer still beats `unknown` of an ended lease."""
    marks = ", ".join("?" * len(numbers))
    rows = yield (
        "SELECT r.id, r.broadcast_id, r.account_id, r.attempts, b.channel, b.template_kind,"  # noqa: S608
        " r.claimed_at, r.in_doubt_at FROM recipients r"
        f" JOIN broadcasts b ON b.id = r.broadcast_id WHERE r.id IN ({marks})"
        " AND (r.status = 'claimed' OR (r.status = 'unknown' AND r.reason = 'lease_ended')) ORDER BY r.id /*hold r*/",
        tuple(numbers),
    )
    return {number: tuple(rest) for number, *rest in rows}


def _note_broadcast(account_ids: Sequence[int], now: datetime) -> Program[None]:
    if account_ids:
        marks = ", ".join("?" * len(account_ids))
        yield f"UPDATE accounts SET last_broadcast_at = ? WHERE id IN ({marks})", (now, *account_ids)  # noqa: S608


def _next_due(channel: str, now: datetime) -> Program[datetime | None]:
    running = yield (
        "SELECT id FROM broadcasts WHERE status = 'running' AND channel = ? AND template_kind <> 'mass' ORDER BY id",
        (channel,),
    )
    earliest: datetime | None = None
    for (number,) in running:
        fresh = yield (
            "SELECT 1 FROM recipients WHERE broadcast_id = ? AND status = 'planned' AND not_before IS NULL LIMIT 1",
            (number,),
        )
        if fresh:
            return now
        rows = yield "SELECT min(not_before) FROM recipients WHERE broadcast_id = ? AND status = 'planned'", (number,)
        due = as_instant(rows[0][0])
        if due is not None and (earliest is None or due < earliest):
            earliest = due
    return earliest
