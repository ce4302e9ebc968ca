"""What the page shows: phones, tour, and what the CRM knows now, as one JSON object made anew at every look."""

from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

from bot.demo.cards import card_of
from bot.demo.lists import broadcasts_shown, plans_shown, reminders_shown
from bot.demo.settings import WECHAT
from bot.demo.stage import ON_PHONES, Stage
from bot.demo.suggestions import Situation, chips, steps
from bot.sample.company import COMPANY, STAFF
from bot.simulator.records import ChatEntry
from campaigns.broadcasts import Recipient
from crm_core.access import ROLE_LABELS
from crm_core.accounts import Account
from crm_core.activities import FollowUp, of_subject
from crm_core.clock import day_bounds, today
from crm_core.customers import Contact, Customer
from crm_core.employees import Employee
from crm_core.leads import LEAD_STATUS_LABELS, Lead, LeadStatus
from crm_core.values import mask_phone
from handlers.replies import when
from scheduler.reminders import Reminder, ReminderStatus

LINES_A_PHONE = 60
LEADS = 5
SOON = timedelta(minutes=5)
"""A reminder within so long may be waited for."""
_OPEN = ("new", "following")
_PLATFORMS = {"customer": "wechat_oa", "staff": "dingtalk"}


async def state_of(stage: Stage, person_id: int | None = None) -> dict[str, Any]:
    """Describe everything the page shows; `person_id` is whose card is open, else the visitor's."""
    names = {number: str(name) for number, name in await Employee.all().values_list("id", "name")}
    account = await Account.get_or_none(channel=WECHAT, external_id=stage.visitor.openid)
    situation = await _situation(stage, account)
    shown = person_id or (account.person_id if account else None)
    return {
        "company": COMPANY,
        "night": stage.night,
        "turned_seconds": stage.simulator.clock.offset_seconds,
        "phones": {
            "customer": _customer_phone(stage, situation),
            "staff": [_staff_phone(stage, staff_id) for staff_id in ON_PHONES],
        },
        "steps": [asdict(step) for step in steps(situation)],
        "chips": {phone: [asdict(chip) for chip in found] for phone, found in chips(situation).items()},
        "crm": {
            "counts": await _counts(stage),
            "leads": await _leads(names),
            "person": await card_of(stage.app.core, shown, names) if shown else None,
            "reminders": await reminders_shown(stage, names),
            "plans": await plans_shown(stage),
            "broadcasts": await broadcasts_shown(stage),
        },
    }


async def _situation(stage: Stage, account: Account | None) -> Situation:
    lead = await Lead.get_or_none(person_id=account.person_id) if account and account.person_id else None
    since = stage.visitor.since
    chat = stage.simulator.wechat.chat(stage.visitor.openid)
    wrote = any(line.direction == "in" and line.kind != "event" for line in chat)
    base = Situation(follows=stage.follows(), wrote=wrote, asked=_asked(stage))
    if account is None or lead is None:
        return base
    owner = await Employee.get_or_none(id=lead.owner_id) if lead.owner_id else None
    own = Reminder.filter(created_at__gte=since)
    coming = await own.filter(status=ReminderStatus.PENDING.value).order_by("at", "id").first()
    return replace(
        base,
        opted_out=account.opted_out_at is not None,
        lead=lead.name,
        owner=owner.name if owner else "",
        followed_up=await FollowUp.filter(of_subject(lead.id, "lead"), undone_at=None).exists(),
        reminder_at=_ringing_words(coming.at, stage.clock.now()) if coming else "",
        reminder_soon=coming is not None and coming.at <= stage.clock.now() + SOON,
        reminded=await own.filter(fired_at__isnull=False).exists(),
        listed=_was_listed(stage),
        greeted=await Recipient.filter(claimed_at__gte=since, status="sent").exists(),
    )


def _ringing_words(at: datetime, now: datetime) -> str:
    return when(at, now) if at > now else "马上"


def _asked(stage: Stage) -> frozenset[str]:
    """Tell on which phones the last word is a question for a yes or no."""
    chats = ((staff_id, stage.simulator.dingtalk.chat(staff_id)) for staff_id in ON_PHONES)
    return frozenset(
        staff_id for staff_id, chat in chats if chat and chat[-1].direction == "out" and "（是/否）" in chat[-1].text
    )


def _was_listed(stage: Stage) -> bool:
    """Tell whether the salesperson has just been shown a numbered list of what is to be done, so that 第1条 means something."""
    chat = stage.simulator.dingtalk.chat(ON_PHONES[0])
    return bool(chat) and chat[-1].direction == "out" and "待办" in chat[-1].text and "\n1. " in chat[-1].text


def _customer_phone(stage: Stage, situation: Situation) -> dict[str, Any]:
    visitor = stage.visitor
    return {
        "key": "customer",
        "number": visitor.number,
        "follows": situation.follows,
        "name": situation.lead or "未关注",
        "lines": _lines(stage, _PLATFORMS["customer"], visitor.openid),
    }


def _staff_phone(stage: Stage, staff_id: str) -> dict[str, Any]:
    one = next(one for one in STAFF if one.staff_id == staff_id)
    return {
        "key": staff_id,
        "name": one.name,
        "called": one.called,
        "role": ROLE_LABELS[one.role],
        "lines": _lines(stage, _PLATFORMS["staff"], staff_id),
    }


def _lines(stage: Stage, platform: str, person: str) -> list[dict[str, Any]]:
    return [_line(entry) for entry in stage.simulator.records.chat(platform, person)[-LINES_A_PHONE:]]


def _line(entry: ChatEntry) -> dict[str, Any]:
    side, text = entry.direction, entry.text
    if entry.kind == "event":
        side, text = "system", _event_words(entry)
    return {"id": entry.cursor, "at": entry.at, "side": side, "text": text}


def _event_words(entry: ChatEntry) -> str:
    key = str(entry.body.get("EventKey", "")).removeprefix("qrscene_")
    words = {"subscribe": "你已关注该公众号", "unsubscribe": "你已取消关注", "SCAN": "你扫描了二维码"}.get(entry.text, "")
    if entry.text == "subscribe" and key:
        words = "你扫描二维码并关注了该公众号"
    return f"{words}（{key}）" if key and words else words or "你点了菜单"


async def _counts(stage: Stage) -> dict[str, int]:
    start, end = day_bounds(today(stage.clock))
    return {
        "leads": await Lead.filter(status__in=_OPEN).count(),
        "pool": await Lead.filter(status__in=_OPEN, owner_id=None).count(),
        "customers": await Customer.filter(merged_into_id=None, deleted_at=None).count(),
        "contacts": await Contact.filter(merged_into_id=None, deleted_at=None).count(),
        "follow_ups": await FollowUp.filter(at__gte=start, at__lt=end, undone_at=None).count(),
    }


async def _leads(names: dict[int, str]) -> list[dict[str, Any]]:
    rows = await Lead.filter(status__in=_OPEN).order_by("-created_at", "-id").limit(LEADS)
    return [
        {
            "id": row.id,
            "person_id": row.person_id,
            "name": row.name,
            "company": row.company,
            "source": row.source,
            "mobile": mask_phone(row.mobile) or "",
            "owner": names.get(row.owner_id or 0, ""),
            "status": LEAD_STATUS_LABELS[LeadStatus(row.status)],
            "at": row.created_at.isoformat(),
        }
        for row in rows
    ]
