"""Telling people of the house what customers do: the owner of a lead, or those who look after the pool. Plain SQL."""

from datetime import datetime, timedelta

from crm_core.clock import local_day
from crm_core.conversations import OutboundStatus
from crm_core.employees import staff_account_sql
from crm_core.messages import Address, Body, Button, Guarantee, InboundMessage, Kind
from crm_core.outbox import insert_rows, outgoing_row, queue, wake
from crm_core.ports import Core, Program
from crm_core.values import cut_bytes

LASTS = timedelta(hours=24)
KIND_WORDS = {
    Kind.IMAGE: "[图片]",
    Kind.VOICE: "[语音]",
    Kind.VIDEO: "[视频]",
    Kind.FILE: "[文件]",
    Kind.LOCATION: "[位置]",
    Kind.LINK: "[链接]",
}
_ROLES = {"managers": "('manager')", "everyone": "('manager', 'sales')"}


def owner_notice(now: datetime, message: InboundMessage, message_id: int, *, name: str, owner: Address) -> tuple[object, ...]:
    """Give the outgoing row that tells an owner what their customer wrote."""
    return outgoing_row(
        now,
        owner,
        Body(text=f"【客户消息】{name}：{_words(message)}"),
        key=f"notice:{message_id}",
        status=OutboundStatus.QUEUED,
        guarantee=Guarantee.AT_LEAST_ONCE,
        expires_at=now + LASTS,
    )


def tell_owner(core: Core, message: InboundMessage, message_id: int, person_id: int, now: datetime) -> Program[None]:
    """Tell the owner what their customer wrote; for somebody in the pool those who look after it, once a day."""
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
        text = f"【公海客户】{name}：{_words(message)}\n还没有人负责，回复“领取 {name}”即可领取"
        yield from _tell_listeners(core, text, key=f"pool_notice:{person_id}:{local_day(now)}")


def tell_of_new_lead(core: Core, lead_id: int, name: str, source: str) -> Program[None]:
    """Tell those who look after the pool that somebody new is in it."""
    origin = f"（来源：{source}）" if source else ""
    text = f"【新线索】{name}{origin}已进入公海，回复“领取 {name}”即可领取"
    button = Button("领取", "claim_lead", {"lead": str(lead_id)})
    yield from _tell_listeners(core, text, key=f"new_lead:{lead_id}", buttons=(button,))
    channel, _, robot = core.settings.pools.notices_to.partition("/")
    if robot and channel in core.reach:
        at_least_once, until = Guarantee.AT_LEAST_ONCE, core.clock.now() + LASTS
        to, key = Address(channel, robot), f"new_lead:{lead_id}:group"
        yield from queue(core, to, Body(text=text), key=key, guarantee=at_least_once, expires_at=until)


def _tell_listeners(core: Core, text: str, *, key: str, buttons: tuple[Button, ...] = ()) -> Program[None]:
    roles = _ROLES.get(core.settings.pools.tell_of_new_leads)
    if roles is None:
        return
    account, channels = staff_account_sql(core, "e")
    rows = yield (
        f"SELECT s.channel, s.external_id, e.id FROM employees e JOIN accounts s ON s.id = {account}"  # noqa: S608 - fixed parts
        f" WHERE e.departed_at IS NULL AND e.role IN {roles} ORDER BY e.id LIMIT 20",
        channels,
    )
    for channel, external_id, employee_id in rows:
        yield from queue(
            core,
            Address(channel, external_id),
            Body(text=text, buttons=buttons),
            key=f"{key}:{employee_id}",
            guarantee=Guarantee.AT_LEAST_ONCE,
            expires_at=core.clock.now() + LASTS,
        )


def _words(message: InboundMessage) -> str:
    return cut_bytes(message.text.strip() or KIND_WORDS.get(message.kind, "[消息]"), 600)
