"""What happens when a customer writes: consent words first, then keywords, else an honest default; the owner is told.

Everything is plain-SQL programs, run in the transaction that records the message: this is the hottest path.
"""

import re
from datetime import timedelta
from functools import lru_cache

from crm_core import leads
from crm_core.accounts import AccountRow, PersonKind, open_event_window, open_message_window
from crm_core.audit import insert_system_entry
from crm_core.messages import Body, InboundMessage, Kind
from crm_core.outbox import take_waiting
from crm_core.ports import HOLD, Core, Program
from crm_core.said_mobiles import keep_said_mobile, may_hold_mobile
from crm_core.values import cut_bytes, plain
from handlers.owner_notices import tell_owner
from handlers.platform_reports import take_report

MENU_EVENTS = ("click", "scancode_push", "scancode_waitmsg")
OPT_OUT_WORDS = frozenset({"退订", "退訂", "td"})
OPT_IN_WORDS = frozenset({"订阅", "訂閱", "重新订阅", "恢复订阅", "取消退订", "重新訂閱", "恢復訂閱", "取消退訂"})
SPEAKS_OF_OPTING = re.compile(
    r"退[订訂]|(?:取消|重新|恢[复復])[订訂][阅閱]|(?:别|不要|不用|勿)再?(?:给我|向我)?(?:发消息|推送|发了|再发)|"
    r"不想(?:再)?(?:收到|接收)|(?<![a-z])unsubscribe"
)
"""A wish about broadcasts in a sentence: how it is said alone is told, since only the word alone counts."""
SHORT_OPT_OUT = "t"
SHORT_OPT_OUT_LASTS = timedelta(hours=48)
ANSWER_BYTES = 2000
"""What fits into one answer on the narrowest channel (2048 bytes), with room for its frame."""
_AROUND = "。．.！!，,、~～？?“”'\u200b\u200c\u200d\ufeff"


def is_plain(message: InboundMessage, account: AccountRow) -> bool:
    """Whether the answer follows from the words alone: a known person, nothing kept for them, no consent, no number."""
    if account.person_id is None or account.waiting_count or message.kind in (Kind.EVENT, Kind.OTHER) or message.history:
        return False
    word = _one_word(message.text)
    if word in OPT_OUT_WORDS or word in OPT_IN_WORDS or word == SHORT_OPT_OUT:
        return False
    return not may_hold_mobile(message.text)


def _one_word(text: str) -> str:
    """Write a text as one plain word, without what people and voice recognition put around it."""
    return plain(text).strip(_AROUND)


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
    if (yield from opts_out(account.id, said, message)):
        return Body(text=core.settings.answers.opt_out)
    if (yield from opts_in(core, account.id, said, message)):
        return Body(text=core.settings.answers.opt_in)
    yield from keep_said_mobile(core, account, person_id, said)
    yield from tell_owner(core, message, message_id, person_id, now)
    answer = _keyword_answer(core, said)
    if account.waiting_count:
        room = ANSWER_BYTES - len(answer.encode())
        waiting = yield from take_waiting(core, account.id, room_bytes=room)
        answer = cut_bytes("\n".join([*waiting, answer] if answer else waiting), ANSWER_BYTES)
    return Body(text=answer) if answer else None


_HELD_ACCOUNT = f"SELECT person_id FROM accounts WHERE id = ?{HOLD}"  # noqa: S608 - a constant


def welcome_stranger(
    core: Core, message: InboundMessage, account_id: int, source: str, *, quietly: bool = False
) -> Program[int]:
    """Make the lead of an account that has nobody behind it yet; it is told of after its chain, unless `quietly`."""
    # Two messages of one stranger may come to two processes at once: the second waits, and finds the first one's lead.
    held = yield _HELD_ACCOUNT, (account_id,)
    if held[0][0] is not None:
        return int(held[0][0])
    name = message.nickname or placeholder_name(account_id)
    channel, said = message.address.channel, message.text[:500]
    _, person_id = yield from leads.insert_from_channel(
        core, channel=channel, name=name, source=source, raw_text=said, is_news=not quietly
    )
    yield (
        "UPDATE accounts SET person_kind = ?, person_id = ?, updated_at = ? WHERE id = ?",
        (PersonKind.CUSTOMER.value, person_id, core.clock.now(), account_id),
    )
    return person_id


def placeholder_name(account_id: int) -> str:
    """Give the name of somebody whose platform does not tell it."""
    return f"微信访客{account_id}"


def opts_out(account_id: int, said: str, message: InboundMessage) -> Program[bool]:
    """Note the consent word a customer said; tells whether it was one."""
    word = _one_word(said)
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


def opts_in(core: Core, account_id: int, said: str, message: InboundMessage) -> Program[bool]:
    """Note that a customer wants broadcasts again; tells whether they said so. Their yes is kept: where, when, which word."""
    word = _one_word(said)
    if word not in OPT_IN_WORDS:
        return False
    yield (
        "UPDATE accounts SET opted_out_at = NULL, consent_changed_at = ?, updated_at = ? WHERE id = ?"
        " AND (consent_changed_at IS NULL OR consent_changed_at <= ?)",
        (message.at, message.at, account_id, message.at),
    )
    after = {"source": message.address.channel, "at": message.at.isoformat(), "words": word, "message": message.external_id}
    yield from insert_system_entry(core, "chat", "consent.opt_in", "accounts", account_id, after)
    return True


@lru_cache(maxsize=1024)
def _plain_words(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(plain, words))


def _keyword_answer(core: Core, said: str) -> str:
    found = _keyword(core, said)
    if found is None and SPEAKS_OF_OPTING.search(said.lower()):
        found = core.settings.answers.opt_out_hint
    return core.settings.answers.default if found is None else found


def _keyword(core: Core, said: str) -> str | None:
    words = plain(said)
    for rule in core.settings.answers.keywords:
        if any(word in words for word in _plain_words(rule.words)):
            return rule.answer
    return None


def menu_answer(core: Core, key: str) -> Body | None:
    """Give the keyword answer of a menu item's key; a key nobody wrote an answer for is answered with nothing."""
    answer = _keyword(core, key) if key else None
    return Body(text=answer) if answer else None


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
    if message.event in ("subscribe", "scan", *MENU_EVENTS):
        yield from open_event_window(account.id, message.at, now)
    if message.event in MENU_EVENTS:
        return menu_answer(core, str(message.data.get("event_key") or ""))
    if message.event not in ("subscribe", "scan"):
        yield from take_report(core, message, account)
        return None
    # Event time decides: a follow that arrives after a newer unfollow changes nothing. The platform tells whole seconds;
    # within one the later arrival counts, for who unfollows and follows again at once does follow.
    again = int(message.event == "subscribe")
    yield (
        "UPDATE accounts SET followed_at = ?, unfollowed_at = NULL, updated_at = ?"
        " WHERE id = ? AND (unfollowed_at IS NULL OR unfollowed_at < ? OR (unfollowed_at = ? AND ? = 1))"
        " AND (followed_at IS NULL OR ((followed_at < ? OR unfollowed_at IS NOT NULL) AND ? = 1))",
        (message.at, now, account.id, message.at, message.at, again, message.at, again),
    )
    if account.person_id is None:
        yield from welcome_stranger(core, message, account.id, source=str(message.data.get("scene") or ""))
    return Body(text=core.settings.answers.welcome) if message.event == "subscribe" else None
