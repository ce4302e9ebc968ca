"""One person as the panel shows them: a card, and everything that happened with them in one line of time."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from campaigns.broadcasts import RECIPIENT_STATUS_LABELS, Broadcast, Recipient, RecipientStatus
from crm_core.accounts import Account
from crm_core.activities import METHOD_LABELS, STAGE_LABELS, FollowUp, Method
from crm_core.audit import AuditEntry
from crm_core.conversations import Message
from crm_core.customers import Contact, Customer
from crm_core.inbox import to_inbound
from crm_core.leads import LEAD_STATUS_LABELS, Lead, LeadStatus
from crm_core.ports import Core
from crm_core.segments import tags_of
from crm_core.values import mask_phone
from scheduler.reminders import REMINDER_STATUS_LABELS, Reminder, ReminderStatus

LINES = 20
JUST_NOW = timedelta(minutes=2)
_ORDER = ("event", "lead", "in", "out", "claim", "follow_up", "reminder", "broadcast")
"""What comes first of things that happened at one moment."""
_EVENTS = {"subscribe": "关注了公众号", "unsubscribe": "取消了关注", "scan": "扫了二维码", "click": "点了菜单"}
_ACTIONS = {"lead.claim": "领取了线索", "lead.release": "把线索退回公海", "lead.convert": "把线索转成了客户"}
_OUT = {
    "answered": "自动回复",
    "sent": "已送达",
    "queued": "待发送",
    "claimed": "发送中",
    "kept": "等下次来信时补发",
    "failed": "失败",
    "unknown": "结果未知",
}

Line = dict[str, Any]


async def card_of(core: Core, person_id: int, names: Mapping[int, str]) -> dict[str, Any] | None:
    """Describe a lead or contact with their accounts and history; None when there is nobody of this number."""
    contact = await Contact.get_or_none(person_id=person_id)
    lead = await Lead.get_or_none(person_id=person_id)
    row = contact or lead
    if row is None:
        return None
    accounts = await Account.filter(person_kind="customer", person_id=person_id)
    customer = await Customer.get_or_none(id=contact.customer_id) if contact and contact.customer_id else None
    lines = [*await _messages(accounts), *await _broadcasts(person_id), *await _claims(lead)]
    for kind, number in (("lead", lead.id if lead else None), ("contact", contact.id if contact else None)):
        if number is not None:
            lines += await _work(kind, number, names)
    if lead is not None:
        source = f"，来源{lead.source}" if lead.source else ""
        lines.append(_line(f"lead{lead.id}", lead.created_at, "lead", "成为线索", f"线索 #{lead.id}{source}"))
    return {
        "person_id": person_id,
        "name": row.name,
        "kind": "联系人" if contact else "线索",
        "status": LEAD_STATUS_LABELS[LeadStatus(lead.status)] if lead and not contact else "客户",
        "facts": _facts(row, customer, names),
        "tags": await tags_of(person_id),
        "reach": [_reach(core, account) for account in accounts],
        "timeline": sorted(lines, key=lambda line: (line["at"], _ORDER.index(line["kind"])), reverse=True)[:LINES],
    }


def _facts(row: Lead | Contact, customer: Customer | None, names: Mapping[int, str]) -> list[tuple[str, str]]:
    company = customer.name if customer else getattr(row, "company", "")
    facts = [
        ("负责人", names.get(row.owner_id or 0, "公海，待领取")),
        ("公司", company),
        ("职务", row.title),
        ("手机", mask_phone(row.mobile) or ""),
        ("地区", customer.region if customer else getattr(row, "region", "")),
        ("来源", getattr(row, "source", "")),
        ("需求", getattr(row, "need", "")),
        ("生日", (row.birthday or "").replace("lunar:", "农历 ")),
    ]
    return [(label, value) for label, value in facts if value]


def _reach(core: Core, account: Account) -> dict[str, Any]:
    """Tell in words whether this account may be written to now."""
    if account.opted_out_at:
        return {"open": False, "text": "已退订群发"}
    if account.unfollowed_at:
        return {"open": False, "text": "已取消关注"}
    rule = core.reach.get(account.channel)
    reach = account.reach(rule, core.clock.now()) if rule else None
    if reach is None or reach.left is None:
        return {"open": True, "text": "随时可以联系"}
    if not reach.open:
        return {"open": False, "text": f"暂不能主动发，{reach.reopens_by}后可以"}
    return {"open": True, "text": f"还可主动发 {reach.left} 条", "until": reach.until.isoformat() if reach.until else None}


def _line(number: str, at: Any, kind: str, title: str, text: str, note: str = "") -> Line:
    return {"id": number, "at": at.isoformat(), "kind": kind, "title": title, "text": text, "note": note}


async def _messages(accounts: list[Account]) -> list[Line]:
    rows = await Message.filter(account_id__in=[account.id for account in accounts]).order_by("-id").limit(LINES)
    lines = []
    for row in rows:
        if row.direction == "out":
            lines.append(
                _line(
                    f"m{row.id}", row.sent_at or row.created_at, "out", "发给客户", row.text, _OUT.get(row.status, row.status)
                )
            )
        elif row.kind == "event":
            event = to_inbound(row).event
            lines.append(_line(f"m{row.id}", row.created_at, "event", _EVENTS.get(event, f"事件 {event}"), ""))
        else:
            lines.append(_line(f"m{row.id}", row.created_at, "in", "客户来信", row.text or f"[{row.kind}]"))
    return lines


async def _broadcasts(person_id: int) -> list[Line]:
    rows = await Recipient.filter(person_id=person_id).order_by("-id").limit(LINES)
    named = dict(await Broadcast.filter(id__in=[row.broadcast_id for row in rows]).values_list("id", "name"))
    return [
        _line(
            f"b{row.id}",
            row.sent_at or row.updated_at,
            "broadcast",
            f"群发「{named.get(row.broadcast_id, '')}」",
            row.text or "",
            RECIPIENT_STATUS_LABELS[RecipientStatus(row.status)],
        )
        for row in rows
    ]


async def _claims(lead: Lead | None) -> list[Line]:
    if lead is None:
        return []
    rows = (
        await AuditEntry.filter(object_kind="leads", object_id=lead.id, action__in=list(_ACTIONS)).order_by("-id").limit(LINES)
    )
    return [_line(f"a{row.id}", row.created_at, "claim", f"{row.actor}{_ACTIONS[row.action]}", "") for row in rows]


async def _work(kind: str, number: int, names: Mapping[int, str]) -> list[Line]:
    lines = []
    for row in await FollowUp.filter(subject_kind=kind, subject_id=number, undone_at=None).order_by("-at").limit(LINES):
        method = METHOD_LABELS[Method(row.method)] if row.method != Method.OTHER.value else ""
        note = [STAGE_LABELS.get(row.stage or "", ""), f"¥{row.amount:,.0f}" if row.amount is not None else ""]
        title = f"{names.get(row.author_id or 0, '系统')} {method}跟进"
        # What is told to the minute stands where it was said, not before everything else of that minute.
        at = row.created_at if timedelta(0) <= row.created_at - row.at < JUST_NOW else row.at
        lines.append(_line(f"f{row.id}", at, "follow_up", title, row.summary, " · ".join(word for word in note if word)))
    for one in await Reminder.filter(about_kind=kind, about_id=number).order_by("-id").limit(LINES):
        label = REMINDER_STATUS_LABELS[ReminderStatus(one.status)]
        at = one.fired_at or one.created_at
        lines.append(
            _line(f"r{one.id}", at, "reminder", f"提醒{names.get(one.owner_id, '')}", one.text, label)
            | {"due": one.at.isoformat()}
        )
    return lines
