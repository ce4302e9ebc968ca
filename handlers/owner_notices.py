"""Telling people of the house what customers do: the owner of a lead, or those who look after the pool. Plain SQL."""

import re
from datetime import datetime, timedelta

from crm_core.conversations import OutboundStatus
from crm_core.employees import staff_account_sql
from crm_core.lead_news import LASTS, how_to_claim, listeners_of, queue_notice
from crm_core.messages import Address, Body, Guarantee, InboundMessage, Kind
from crm_core.outbox import insert_rows, outgoing_row, wake
from crm_core.pool_notices import pool_notices_of
from crm_core.ports import HOLD, Core, Program
from crm_core.rules import as_instant
from crm_core.said_mobiles import hide_mobiles
from crm_core.values import cut_bytes

POOL_PAUSE = timedelta(minutes=5)
"""How often those who look after the pool are told of one person at most; what came last waits until then."""
URGENT_PAUSE = timedelta(minutes=1)
"""The same for whoever asks for a human or complains."""
URGENT = re.compile(r"人工|投诉|真人|客服")
KIND_WORDS = {
    Kind.IMAGE: "[图片]",
    Kind.VOICE: "[语音]",
    Kind.VIDEO: "[视频]",
    Kind.FILE: "[文件]",
    Kind.LOCATION: "[位置]",
    Kind.LINK: "[链接]",
}


def owner_notice(now: datetime, message: InboundMessage, message_id: int, *, name: str, owner: Address) -> tuple[object, ...]:
    """Give the outgoing row that tells an owner what their customer wrote."""
    return outgoing_row(
        now,
        owner,
        Body(text=f"【客户消息】{name}：{words_of(message)}"),
        key=f"notice:{message_id}",
        status=OutboundStatus.QUEUED,
        guarantee=Guarantee.AT_LEAST_ONCE,
        expires_at=now + LASTS,
    )


def tell_owner(core: Core, message: InboundMessage, message_id: int, person_id: int, now: datetime) -> Program[None]:
    """Tell the owner what their customer wrote; for somebody in the pool those who look after it."""
    account, channels = staff_account_sql(core, "e")
    rows = yield (
        "SELECT who.name, s.channel, s.external_id, who.owner_id FROM"  # noqa: S608 - fixed parts
        " (SELECT name, owner_id FROM contacts WHERE person_id = ?"
        " UNION ALL SELECT name, owner_id FROM leads WHERE person_id = ? AND contact_id IS NULL) AS who"
        " LEFT JOIN employees e ON e.id = who.owner_id AND e.departed_at IS NULL"
        f" LEFT JOIN accounts s ON s.id = {account} LIMIT 1",
        (person_id, person_id, *channels),
    )
    if not rows:
        return
    name, channel, external_id, owner_id = rows[0]
    if channel is not None:
        made = yield from insert_rows([owner_notice(now, message, message_id, name=name, owner=Address(channel, external_id))])
        if made:
            wake(core, channel)
    elif owner_id is None:
        yield from _tell_of_pooled(core, message, person_id, name, now)


def _tell_of_pooled(core: Core, message: InboundMessage, person_id: int, name: str, now: datetime) -> Program[None]:
    """Tell of somebody in the pool who writes: at once, then at most every few minutes with what they said last.

    Of somebody new nothing is told yet, unless it is urgent: their chain tells it, with what they said by then.
    """
    rows = yield _POOLED, (person_id,)
    lead_id, department_id, pool, is_waiting = rows[0] if rows else (None, None, "", False)
    is_urgent = URGENT.search(message.text) is not None
    if is_waiting and not is_urgent:
        return
    said = f"{hide_mobiles(name)}：{words_of(message, hidden=True)}"
    text = f"【公海客户】{said}\n还没有人负责，{how_to_claim(name)}"
    asked = (yield from _asked(core, lead_id)) if lead_id is not None else None
    if asked is not None:
        text = f"【待接受客户】{said}\n回复“接受 #{lead_id}”或“拒绝 #{lead_id}”"
    for employee_id, to in [asked] if asked else (yield from listeners_of(core, department_id, pool)):
        urgent = f"pool_urgent:{person_id}:{_stretch(now, URGENT_PAUSE)}:{employee_id}"
        if is_urgent and (yield from queue_notice(core, to, text, key=urgent, now=now)) is not None:
            continue
        keys = f"{pool_notices_of(person_id)}{{}}:{employee_id}"
        yield from _tell_once_in_a_while(core, to, text, keys=keys, besides=urgent, now=now)


_POOLED = f"SELECT id, department_id, pool, is_news AND chained_at IS NULL FROM leads WHERE person_id = ?{HOLD}"  # noqa: S608 - a constant
"""Held: the end of the chain reads what was said before it, and whatever is said after it finds the chain done."""


def _asked(core: Core, lead_id: int) -> Program[tuple[int, Address] | None]:
    """Tell which employee is being asked to take a lead."""
    account, channels = staff_account_sql(core, "e")
    rows = yield (
        f"SELECT e.id, s.channel, s.external_id FROM offers o JOIN employees e ON e.id = o.employee_id"  # noqa: S608 - fixed parts
        f" JOIN accounts s ON s.id = {account} WHERE o.lead_id = ? AND o.status = 'open' AND e.departed_at IS NULL",
        (*channels, lead_id),
    )
    return (int(rows[0][0]), Address(rows[0][1], rows[0][2])) if rows else None


def _stretch(now: datetime, length: timedelta) -> int:
    return int(now.timestamp() // length.total_seconds())


def _tell_once_in_a_while(core: Core, to: Address, text: str, *, keys: str, besides: str, now: datetime) -> Program[None]:
    """Queue a notice, or put newer words into the one that waits already.

    The blank of `keys` is a stretch of time; `besides` is the key of another notice that counts.
    """
    this = _stretch(now, POOL_PAUSE)
    rows = yield (
        "SELECT key, not_before, created_at FROM messages WHERE key IN (?, ?, ?, ?)",
        [besides, *(keys.format(stretch) for stretch in (this - 1, this, this + 1))],
    )
    leaving = {str(row[0]): max(filter(None, map(as_instant, row[1:])), default=now) for row in rows}
    for key in (key for key, at in leaving.items() if at > now):
        changed = yield (
            "UPDATE messages SET text = ?, updated_at = ? WHERE key = ? AND status = 'queued' RETURNING id",
            (text, now, key),
        )
        if changed:
            return
    last = max(leaving.values(), default=None)
    key = keys.format(this + 1 if keys.format(this) in leaving else this)
    later = last + POOL_PAUSE if last is not None and now - last < POOL_PAUSE else None
    yield from queue_notice(core, to, text, key=key, now=now, not_before=later)


def words_of(message: InboundMessage, *, hidden: bool = False) -> str:
    """Write what somebody sent as words; a picture and the like by its kind; without mobile numbers if they are `hidden`."""
    words = message.text.strip() or KIND_WORDS.get(message.kind, "[消息]")
    # Hidden before it is cut: what is left of a number that was cut is not known for one.
    return cut_bytes(hide_mobiles(words) if hidden else words, 600)
