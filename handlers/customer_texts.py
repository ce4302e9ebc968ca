"""What happens when a customer writes: consent words first, then keywords, else an honest default; the owner is told.

Everything is plain-SQL programs, run in the transaction that records the message: this is the hottest path.
"""

from datetime import datetime, timedelta

from crm_core import leads
from crm_core.accounts import AccountRow, PersonKind, open_event_window, open_message_window
from crm_core.conversations import OutboundStatus
from crm_core.messages import Address, Body, Guarantee, InboundMessage, Kind
from crm_core.outbox import insert_rows, outgoing_row, queue, take_waiting, wake
from crm_core.ports import Core, Program
from crm_core.values import cut_bytes, plain

OPT_OUT_WORDS = frozenset({"退订", "td"})
SHORT_OPT_OUT = "t"
SHORT_OPT_OUT_LASTS = timedelta(hours=48)
KIND_WORDS = {
    Kind.IMAGE: "[图片]",
    Kind.VOICE: "[语音]",
    Kind.VIDEO: "[视频]",
    Kind.FILE: "[文件]",
    Kind.LOCATION: "[位置]",
    Kind.LINK: "[链接]",
}


def is_plain(message: InboundMessage, account: AccountRow) -> bool:
    """Whether the answer follows from the words alone: a known person, nothing kept for them, no word of consent."""
    if account.person_id is None or account.waiting_count or message.kind in (Kind.EVENT, Kind.OTHER):
        return False
    word = plain(message.text)
    return word not in OPT_OUT_WORDS and word != SHORT_OPT_OUT


def plain_answer(core: Core, message: InboundMessage) -> Body | None:
    """Give the answer to such a message."""
    answer = _keyword_answer(core, message.text.strip())
    return Body(text=answer) if answer else None


def answer_customer(core: Core, message: InboundMessage, message_id: int, account: AccountRow) -> Program[Body | None]:
    """Take a customer's message: window, lead, consent, answer, notice to the owner; gives the reply."""
    now = core.clock.now()
    yield from open_message_window(account.id, message.at, now)
    person_id = account.person_id
    if person_id is None:
        person_id = yield from welcome_stranger(core, message, account.id, source=message.address.channel)
    said = message.text.strip()
    if (yield from _opts_out(account.id, said, message)):
        return Body(text=core.settings.answers.opt_out)
    yield from _tell_owner(core, message, message_id, person_id, now)
    answer = _keyword_answer(core, said)
    if account.waiting_count:
        waiting = yield from take_waiting(core, account.id)
        if waiting:
            answer = cut_bytes("\n".join([*waiting, answer] if answer else waiting), 2000)
    return Body(text=answer) if answer else None


def welcome_stranger(core: Core, message: InboundMessage, account_id: int, source: str) -> Program[int]:
    """Make the lead of an account that has nobody behind it yet; gives the person number."""
    name = message.nickname or f"微信访客{account_id}"
    lead_id, person_id = yield from leads.insert_from_channel(
        core, channel=message.address.channel, name=name, source=source, raw_text=message.text[:500]
    )
    yield (
        "UPDATE accounts SET person_kind = ?, person_id = ?, updated_at = ? WHERE id = ?",
        (PersonKind.CUSTOMER.value, person_id, core.clock.now(), account_id),
    )
    yield from _tell_of_new_lead(core, lead_id, name, source)
    return person_id


def _opts_out(account_id: int, said: str, message: InboundMessage) -> Program[bool]:
    word = plain(said)
    if word not in OPT_OUT_WORDS:
        if word != SHORT_OPT_OUT:
            return False
        rows = yield (
            "SELECT 1 FROM accounts WHERE id = ? AND last_broadcast_at > ?",
            (account_id, message.at - SHORT_OPT_OUT_LASTS),
        )
        if not rows:
            return False
    # By the platform's time: an older message that arrives late cannot undo a newer word.
    yield (
        "UPDATE accounts SET opted_out_at = ?, consent_changed_at = ?, updated_at = ? WHERE id = ?"
        " AND (consent_changed_at IS NULL OR consent_changed_at <= ?)",
        (message.at, message.at, message.at, account_id, message.at),
    )
    return True


def _keyword_answer(core: Core, said: str) -> str:
    words = plain(said)
    for rule in core.settings.answers.keywords:
        if any(plain(word) in words for word in rule.words):
            return rule.answer
    return core.settings.answers.default


_OWNER = """SELECT who.name, staff.channel, staff.external_id FROM
(SELECT name, owner_id FROM contacts WHERE person_id = ?
 UNION ALL SELECT name, owner_id FROM leads WHERE person_id = ? AND contact_id IS NULL) AS who
JOIN employees ON employees.id = who.owner_id AND employees.departed_at IS NULL
JOIN accounts AS staff ON staff.person_id = employees.person_id AND staff.person_kind = 'employee' LIMIT 1"""


def _tell_owner(core: Core, message: InboundMessage, message_id: int, person_id: int, now: datetime) -> Program[None]:
    rows = yield _OWNER, (person_id, person_id)
    if rows:
        name, channel, external_id = rows[0]
        made = yield from insert_rows([owner_notice(now, message, message_id, name=name, owner=Address(channel, external_id))])
        if made:
            wake(core, channel)


def owner_notice(now: datetime, message: InboundMessage, message_id: int, *, name: str, owner: Address) -> tuple[object, ...]:
    """Give the outgoing row that tells an owner what their customer wrote."""
    words = message.text.strip() or KIND_WORDS.get(message.kind, "[消息]")
    return outgoing_row(
        now,
        owner,
        Body(text=f"【客户消息】{name}：{cut_bytes(words, 600)}"),
        key=f"notice:{message_id}",
        status=OutboundStatus.QUEUED,
        guarantee=Guarantee.AT_LEAST_ONCE,
        expires_at=now + timedelta(hours=24),
    )


_LISTENERS = {
    "managers": "employees.role IN ('manager')",
    "everyone": "employees.role IN ('manager', 'sales')",
}


def _tell_of_new_lead(core: Core, lead_id: int, name: str, source: str) -> Program[None]:
    listeners = _LISTENERS.get(core.settings.pools.tell_of_new_leads)
    if listeners is None:
        return
    rows = yield (
        "SELECT accounts.channel, accounts.external_id, employees.id FROM employees JOIN accounts"  # noqa: S608 - one of two fixed conditions
        " ON accounts.person_id = employees.person_id AND accounts.person_kind = 'employee'"
        f" WHERE employees.departed_at IS NULL AND {listeners} ORDER BY employees.id LIMIT 20",
        (),
    )
    for channel, external_id, employee_id in rows:
        yield from queue(
            core,
            Address(channel, external_id),
            Body(text=f"【新线索】{name}（来源：{source or '公众号'}）已进入公海，回复“领取 {name}”即可领取"),
            key=f"new_lead:{lead_id}:{employee_id}",
            guarantee=Guarantee.AT_LEAST_ONCE,
            expires_at=core.clock.now() + timedelta(hours=24),
        )


def take_event(core: Core, message: InboundMessage, account: AccountRow) -> Program[Body | None]:
    """Take a customer's event: follow and scan make lead and welcome, unfollow is noted, the rest is kept as history."""
    now = core.clock.now()
    if message.event == "unsubscribe":
        yield (
            "UPDATE accounts SET unfollowed_at = ?, message_window_at = NULL, event_window_at = NULL, updated_at = ?"
            " WHERE id = ? AND (followed_at IS NULL OR followed_at <= ?)",
            (message.at, now, account.id, message.at),
        )
        return None
    if message.event in ("subscribe", "scan", "click", "scancode_push", "scancode_waitmsg"):
        yield from open_event_window(account.id, message.at, now)
    if message.event not in ("subscribe", "scan"):
        return None
    # Event time decides: a follow that arrives after a newer unfollow changes nothing.
    yield (
        "UPDATE accounts SET followed_at = ?, unfollowed_at = NULL, updated_at = ?"
        " WHERE id = ? AND (unfollowed_at IS NULL OR unfollowed_at < ?) AND (followed_at IS NULL OR followed_at < ?)",
        (message.at, now, account.id, message.at, message.at),
    )
    if account.person_id is None:
        yield from welcome_stranger(core, message, account.id, source=str(message.data.get("scene") or ""))
    return Body(text=core.settings.answers.welcome) if message.event == "subscribe" else None
