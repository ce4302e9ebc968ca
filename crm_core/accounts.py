"""Channel accounts: an id on a channel, bound to one person; their windows and their consent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tortoise import fields

from crm_core.db import Entity, UtcDatetimeField
from crm_core.messages import Address
from crm_core.ports import Core, Program
from crm_core.reach import Reach, ReachRule, WindowUse, reach_of


class PersonKind(StrEnum):
    """Whose account it is."""

    EMPLOYEE = "employee"
    CUSTOMER = "customer"
    STRANGER = "stranger"


class Account(Entity):
    """One id on one channel. `waiting_count`: answers kept for this person's next message.

    The window columns are the reachability ledger of `reach.py`.
    """

    owner_field = None

    channel = fields.CharField(max_length=64)
    external_id = fields.CharField(max_length=128)
    person_kind = fields.CharField(max_length=16, default=PersonKind.STRANGER.value)
    person_id = fields.BigIntField(null=True, db_index=True)
    nickname = fields.CharField(max_length=128, default="")
    followed_at = UtcDatetimeField(null=True)
    unfollowed_at = UtcDatetimeField(null=True)
    last_inbound_at = UtcDatetimeField(null=True)
    last_outbound_at = UtcDatetimeField(null=True)
    last_broadcast_at = UtcDatetimeField(null=True)
    opted_out_at = UtcDatetimeField(null=True)
    consent_changed_at = UtcDatetimeField(null=True)
    """The event time of the newest opt-out or opt-in, so that an older event cannot undo it."""
    message_window_at = UtcDatetimeField(null=True)
    message_window_used = fields.IntField(default=0)
    event_window_at = UtcDatetimeField(null=True)
    event_window_used = fields.IntField(default=0)
    waiting_count = fields.IntField(default=0)

    class Meta:
        """One row an id and channel."""

        table = "accounts"
        unique_together = (("channel", "external_id"),)

    @property
    def address(self) -> Address:
        """Where to write to."""
        return Address(self.channel, self.external_id)

    def reach(self, rule: ReachRule, now: datetime) -> Reach:
        """Tell whether this account may be written to now."""
        return reach_of(
            rule,
            WindowUse(self.message_window_at, self.message_window_used),
            WindowUse(self.event_window_at, self.event_window_used),
            now,
        )


@dataclass(frozen=True, slots=True)
class AccountRow:
    """What the hot path needs of an account."""

    id: int
    person_kind: str
    person_id: int | None
    waiting_count: int


def find_account(address: Address) -> Program[AccountRow | None]:
    """Find an account by its address, in plain SQL."""
    rows = yield (
        "SELECT id, person_kind, person_id, waiting_count FROM accounts WHERE channel = ? AND external_id = ?",
        (address.channel, address.external_id),
    )
    return AccountRow(*rows[0]) if rows else None


def ensure_account(core: Core, address: Address, nickname: str = "") -> Program[AccountRow]:
    """Find an account or make one for a stranger; safe for two at once."""
    found = yield from find_account(address)
    if found:
        return found
    now = core.clock.now()
    yield (
        "INSERT INTO accounts (channel, external_id, person_kind, nickname, message_window_used, event_window_used,"
        " waiting_count, created_at, updated_at) VALUES (?, ?, 'stranger', ?, 0, 0, 0, ?, ?)"
        " ON CONFLICT (channel, external_id) DO NOTHING",
        (address.channel, address.external_id, nickname[:128], now, now),
    )
    made = yield from find_account(address)
    if made is None:
        raise AssertionError("an account just made is not there")
    return made


_WROTE = (
    "UPDATE accounts SET last_inbound_at = ?, message_window_at = ?, message_window_used = 0,"
    # Whoever writes can be written to: a follow that was missed, or came in the second of the unfollow, is made up for.
    " unfollowed_at = CASE WHEN unfollowed_at <= ? THEN NULL ELSE unfollowed_at END, updated_at = ?"
)


def open_message_window(account_id: int, at: datetime, now: datetime) -> Program[None]:
    """Note that the person wrote: opens the channel's message window anew unless a newer one is open."""
    yield (
        f"{_WROTE} WHERE id = ? AND (message_window_at IS NULL OR message_window_at <= ?)",
        (at, at, at, now, account_id, at),
    )


def open_message_windows(written: Sequence[tuple[int, datetime]], now: datetime) -> Program[None]:
    """Do the same for many people: one statement for all who wrote in the same second."""
    for at in {at for _, at in written}:
        people = [account_id for account_id, when in written if when == at]
        yield (
            f"{_WROTE} WHERE id IN ({', '.join('?' * len(people))}) AND (message_window_at IS NULL OR message_window_at <= ?)",
            (at, at, at, now, *people, at),
        )


def open_event_window(account_id: int, at: datetime, now: datetime) -> Program[None]:
    """Note a follow, menu click or scan: opens the short event window."""
    yield (
        "UPDATE accounts SET event_window_at = ?, event_window_used = 0, updated_at = ?"
        " WHERE id = ? AND (event_window_at IS NULL OR event_window_at <= ?)",
        (at, now, account_id, at),
    )


def spend_window(rule: ReachRule, account_id: int, now: datetime) -> Program[bool]:
    """Take one message from an open window, the longer-lived one first kept; False when all are closed.

    The condition is in the update itself, so two senders cannot take the same last one.
    """
    if not rule.windowed:
        return True
    for window, name in ((rule.event, "event"), (rule.message, "message")):
        if window is None:
            continue
        taken = yield (
            f"UPDATE accounts SET {name}_window_used = {name}_window_used + 1 WHERE id = ?"  # noqa: S608 - two fixed names
            f" AND {name}_window_at > ? AND {name}_window_used < ?",
            (account_id, now - window.lasts, window.count),
        )
        if taken:
            return True
    return False


def spend_windows(rule: ReachRule, account_ids: Sequence[int], now: datetime) -> Program[set[int]]:
    """Do the same for many people, in one statement a window; gives those who had one open."""
    if not rule.windowed:
        return set(account_ids)
    free: set[int] = set()
    for window, name in ((rule.event, "event"), (rule.message, "message")):
        left = [number for number in account_ids if number not in free]
        if window is None or not left:
            continue
        taken = yield (
            f"UPDATE accounts SET {name}_window_used = {name}_window_used + 1"  # noqa: S608 - two fixed names
            f" WHERE id IN ({', '.join('?' * len(left))}) AND {name}_window_at > ? AND {name}_window_used < ? RETURNING id",
            (*left, now - window.lasts, window.count),
        )
        free.update(number for (number,) in taken)
    return free


def refund_window(rule: ReachRule, account_id: int, now: datetime) -> Program[None]:
    """Give one message back: the send provably did not happen.

    Which window was spent is not kept; where it cannot be known nothing is given back, so that never too many are sent.
    """
    if rule.event is not None:
        rows = yield (
            "SELECT event_window_used FROM accounts WHERE id = ? AND event_window_at > ? AND event_window_used > 0",
            (account_id, now - rule.event.lasts),
        )
        if rows:
            if rows[0][0] < rule.event.count:
                yield "UPDATE accounts SET event_window_used = event_window_used - 1 WHERE id = ?", (account_id,)
            return
    if rule.windowed:
        yield (
            "UPDATE accounts SET message_window_used = message_window_used - 1 WHERE id = ? AND message_window_used > 0",
            (account_id,),
        )


def close_windows(account_id: int, now: datetime) -> Program[None]:
    """Believe the platform: it refused because no window is open."""
    yield (
        "UPDATE accounts SET message_window_at = NULL, event_window_at = NULL, updated_at = ? WHERE id = ?",
        (now, account_id),
    )
