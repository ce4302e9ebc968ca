"""What a customer-service account (微信客服) brings besides messages to answer: its events, and history. Plain SQL.

Everything here runs in the transaction that records the message, and nothing of it waits for the customer.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from campaigns.platform_results import note_template
from crm_core import inbox
from crm_core.accounts import AccountRow, PersonKind, ensure_account, open_message_window
from crm_core.conversations import InboundStatus, Outcome
from crm_core.inbox import Recorded
from crm_core.messages import Body, History, InboundMessage, Kind
from crm_core.outbox import ON_EVENT, queue
from crm_core.ports import Core, Program
from handlers.customer_texts import opts_out, placeholder_name, welcome_stranger
from handlers.owner_notices import tell_owner

SESSION_ENDED = 3
"""`change_type` of session_status_change: the conversation was ended."""
FAIL_REASONS = {
    0: "not_delivered",
    1: "account_deleted",
    2: "app_closed",
    4: "window_closed",
    5: "session_closed",
    6: "window_used_up",
    8: "company_unverified",
    10: "user_blocked",
    11: "nobody_signed_in",
    12: "kind_forbidden",
}
"""`fail_type` of msg_send_fail. Source: page of sync_msg, remembered and not re-read; unlisted ones keep their number."""
CLOCK_SLACK = timedelta(seconds=10)
"""The code's end is told by the platform's clock: one try too many does no harm, one too few loses a welcome."""
_CLOSING = frozenset({4, 5, 6})
_Known = Callable[[Core, InboundMessage, int, AccountRow], Program[None]]


def is_aside(message: InboundMessage) -> bool:
    """Whether a message goes past the answering: an event of the service desk, or history."""
    return bool(message.history) or message.event in _EVENTS


def take_aside(core: Core, message: InboundMessage) -> Program[Recorded]:
    """Record such a message and note what it tells; nothing is left to do afterwards."""
    if message.history == History.HOUSE:
        account = yield from ensure_account(core, message.address)
        return (yield from inbox.record_spoken(message, account.id))
    recorded = yield from inbox.record(core, message)
    if not recorded.new:
        return recorded
    account_id = None
    if message.address.external_id and message.event not in _NOBODYS:
        account = yield from ensure_account(core, message.address, message.nickname)
        account_id = account.id
        if message.history:
            yield from _keep(core, message, recorded.id, account)
        else:
            yield from _EVENTS[message.event](core, message, recorded.id, account)
    yield from inbox.finish(core, recorded.id, message, account_id=account_id, reply=None, outcome=Outcome.SILENT)
    return Recorded(recorded.id, new=True, status=InboundStatus.DONE.value, outcome=Outcome.SILENT.value)


def _keep(core: Core, message: InboundMessage, message_id: int, account: AccountRow) -> Program[None]:
    """Take what was said too early or too long ago to be answered: the lead and the consent count all the same."""
    if account.person_kind == PersonKind.EMPLOYEE.value or message.kind is Kind.OTHER:
        return
    quietly, now, person_id = message.history == History.BEFORE, core.clock.now(), account.person_id
    if person_id is None:
        source = _source(message) if message.kind is Kind.EVENT else message.address.channel
        person_id = yield from welcome_stranger(core, message, account.id, source, quietly=quietly)
    if message.kind is Kind.EVENT:
        return
    yield from open_message_window(account.id, message.at, now)
    if not (yield from opts_out(account.id, message.text.strip(), message)) and not quietly:
        yield from tell_owner(core, message, message_id, person_id, now)


def _entered(core: Core, message: InboundMessage, message_id: int, account: AccountRow) -> Program[None]:
    """Take the opening of a chat: a lead for somebody new, and the welcome if the platform gives the right to it."""
    if account.person_kind == PersonKind.EMPLOYEE.value:
        return
    yield (
        "UPDATE accounts SET followed_at = ?, updated_at = ? WHERE id = ? AND followed_at IS NULL",
        (message.at, core.clock.now(), account.id),
    )
    if account.person_id is None:
        yield from welcome_stranger(core, message, account.id, _source(message))
    yield from _say_on_event(core, message, message_id, account, text=core.settings.answers.welcome)


def _source(message: InboundMessage) -> str:
    return str(message.data.get("scene") or message.data.get("scene_param") or "")


def _session_changed(core: Core, message: InboundMessage, message_id: int, account: AccountRow) -> Program[None]:
    if message.data.get("change_type") == SESSION_ENDED:
        yield from _say_on_event(core, message, message_id, account, text=core.settings.answers.session_end)


def _say_on_event(core: Core, message: InboundMessage, message_id: int, account: AccountRow, *, text: str) -> Program[None]:
    """Queue the one message a code allows, for as long as the code holds."""
    lasts = message.data.get("code_seconds")
    if not text or not message.data.get("code") or not isinstance(lasts, int):
        return
    yield from queue(
        core,
        message.address,
        Body(text=text),
        key=f"on_event:{message_id}",
        account_id=account.id,
        expires_at=message.at + timedelta(seconds=lasts) + CLOCK_SLACK,
        topic=ON_EVENT,
        reply_to_id=message_id,
    )


def _send_failed(core: Core, message: InboundMessage, message_id: int, account: AccountRow) -> Program[None]:
    """Believe the platform: what it had accepted did not reach the person."""
    now = core.clock.now()
    fail_type = message.data.get("fail_type")
    reason = FAIL_REASONS.get(fail_type, f"fail_type_{fail_type}") if isinstance(fail_type, int) else "not_delivered"
    failed_id, key = str(message.data.get("fail_msgid") or ""), str(message.data.get("message_key") or "")
    # The event may come before the send was settled: then only the key is known.
    changed = yield (
        "UPDATE messages SET status = 'failed', reason = ?, external_id = ?, lease_until = NULL, updated_at = ?"
        " WHERE account_id = ? AND direction = 'out' AND ((external_id = ? AND external_id <> '') OR (key = ? AND key <> ''))"
        " AND status IN ('claimed', 'queued', 'sent', 'handed_over', 'unknown')",
        (reason, failed_id[:128], now, account.id, failed_id, key),
    )
    if not changed:
        # One of a broadcast, or one whose send another process has not settled yet: the report waits for it.
        yield from note_template(
            core,
            message.address.channel,
            account.id,
            external_id=failed_id,
            delivered=False,
            raw_status=reason,
            at=message.at,
        )
    if fail_type in _CLOSING:
        yield from _close_older_window(account.id, message.at, now)


def _close_older_window(account_id: int, at: datetime, now: datetime) -> Program[None]:
    # Not one that a newer message of the person opened.
    yield (
        "UPDATE accounts SET message_window_at = NULL, updated_at = ? WHERE id = ? AND message_window_at <= ?",
        (now, account_id, at),
    )


def _recalled(core: Core, message: InboundMessage, message_id: int, account: AccountRow) -> Program[None]:
    """Note on the message itself that it was taken back; the words stay, whoever saw them answers for it."""
    yield (
        "UPDATE messages SET reason = 'recalled', updated_at = ?"
        " WHERE account_id = ? AND external_id = ? AND external_id <> ''",
        (core.clock.now(), account.id, str(message.data.get("recall_msgid") or "")),
    )


def _switched(core: Core, message: InboundMessage, message_id: int, account: AccountRow) -> Program[None]:
    """Take the customer's own switch against our messages as leaving and coming back."""
    now = core.clock.now()
    if message.data.get("reject_switch") == 1:
        yield (
            "UPDATE accounts SET unfollowed_at = ?, message_window_at = NULL, updated_at = ? WHERE id = ?",
            (message.at, now, account.id),
        )
    else:
        yield "UPDATE accounts SET unfollowed_at = NULL, updated_at = ? WHERE id = ?", (now, account.id)


def _noted(core: Core, message: InboundMessage, message_id: int, account: AccountRow) -> Program[None]:
    """Keep an event that changes nothing here."""
    yield from ()


_EVENTS: dict[str, _Known] = {
    "kf_msg_or_event": _noted,
    "enter_session": _entered,
    "msg_send_fail": _send_failed,
    "session_status_change": _session_changed,
    "servicer_status_change": _noted,
    "user_recall_msg": _recalled,
    "servicer_recall_msg": _recalled,
    "reject_customer_msg_switch_change": _switched,
}


_NOBODYS = frozenset({"kf_msg_or_event", "servicer_status_change"})
"""Events that concern no customer, whatever the address says."""


def name_person(core: Core, channel: str, external_id: str, nickname: str) -> Program[None]:
    """Note the name a platform told later, also on a lead that still has the placeholder."""
    now = core.clock.now()
    rows = yield (
        "UPDATE accounts SET nickname = ?, updated_at = ? WHERE channel = ? AND external_id = ? AND nickname = ''"
        " RETURNING id, person_id",
        (nickname[:128], now, channel, external_id),
    )
    for account_id, person_id in rows:
        if person_id is not None:
            yield (
                "UPDATE leads SET name = ?, name_key = NULL, updated_at = ? WHERE person_id = ? AND name = ?",
                (nickname[:64], now, person_id, placeholder_name(account_id)),
            )


def list_nameless(channel: str, people: Sequence[str]) -> Program[list[str]]:
    """Tell who of these has no account yet, or one without a name."""
    named: set[str] = set()
    for first in range(0, len(people), 500):
        some = people[first : first + 500]
        rows = yield (
            "SELECT external_id FROM accounts WHERE channel = ? AND nickname <> ''"  # noqa: S608 - marks alone
            f" AND external_id IN ({', '.join('?' * len(some))})",
            (channel, *some),
        )
        named.update(external_id for (external_id,) in rows)
    return [person for person in people if person not in named]
