"""What the page shows: phones, tour, and what the CRM knows now, as one JSON object made anew at every look."""

from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

from bot.demo.cards import card_of
from bot.demo.settings import WECHAT
from bot.demo.stage import ON_PHONES, Stage
from bot.demo.suggestions import Situation, chips, steps
from bot.sample.company import COMPANY, STAFF
from bot.simulator.records import ChatEntry
from campaigns import results
from campaigns.broadcasts import BROADCAST_STATUS_LABELS, Broadcast, BroadcastStatus, Recipient
from campaigns.greetings import GreetingPlan, GreetingStatus
from crm_core.access import ROLE_LABELS
from crm_core.accounts import Account
from crm_core.activities import FollowUp
from crm_core.calendar import next_festival
from crm_core.clock import at_local, day_bounds, today
from crm_core.customers import Contact, Customer
from crm_core.employees import Employee
from crm_core.leads import LEAD_STATUS_LABELS, Lead, LeadStatus
from crm_core.policy import REASON_LABELS, Reason
from crm_core.segments import Segment
from crm_core.values import mask_phone
from scheduler.reminders import Reminder

LINES_A_PHONE = 60
LEADS, BROADCASTS, REMINDERS = 5, 3, 5
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
            "reminders": await _reminders(stage, names),
            "plans": await _plans(stage),
            "broadcasts": await _broadcasts(stage),
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
    own = Reminder.filter(created_at__gte=since, follow_up_id=None)
    return replace(
        base,
        opted_out=account.opted_out_at is not None,
        lead=lead.name,
        owner=owner.name if owner else "",
        followed_up=await FollowUp.filter(subject_kind="lead", subject_id=lead.id, undone_at=None).exists(),
        reminder_set=await own.filter(status__not="cancelled").exists(),
        reminded=await own.filter(fired_at__isnull=False).exists(),
        listed=_was_listed(stage),
        greeted=await Recipient.filter(claimed_at__gte=since, status="sent").exists(),
    )


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
        "customers": await Customer.all().count(),
        "contacts": await Contact.all().count(),
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


async def _reminders(stage: Stage, names: dict[int, str]) -> list[dict[str, Any]]:
    start, end = day_bounds(today(stage.clock))
    rows = await Reminder.filter(at__gte=start, at__lt=end).exclude(status="cancelled").order_by("at", "id").limit(50)
    fresh = [row for row in rows if _still_matters(row, stage.clock.now())]
    subjects = await _people_of(fresh[:REMINDERS])
    return [
        {
            "id": row.id,
            "at": row.at.isoformat(),
            "text": row.text,
            "owner": names.get(row.owner_id, ""),
            "status": row.status,
            "person_id": subjects.get((row.about_kind, row.about_id or 0)),
        }
        for row in fresh[:REMINDERS]
    ]


def _still_matters(row: Reminder, now: datetime) -> bool:
    return row.status == "pending" or row.at > now - timedelta(hours=2)


async def _people_of(rows: list[Reminder]) -> dict[tuple[str, int], int]:
    found: dict[tuple[str, int], int] = {}
    for kind, model in (("lead", Lead), ("contact", Contact)):
        ids = [row.about_id for row in rows if row.about_kind == kind]
        found |= {
            (kind, number): person_id for number, person_id in await model.filter(id__in=ids).values_list("id", "person_id")
        }
    return found


async def _plans(stage: Stage) -> list[dict[str, Any]]:
    """List the greetings that are arranged, with the next day of each festival."""
    rows = await GreetingPlan.filter(status=GreetingStatus.APPROVED.value).order_by("-id").limit(BROADCASTS)
    segments = dict(await Segment.filter(id__in=[row.segment_id for row in rows]).values_list("id", "name"))
    return [
        {
            "id": row.id,
            "name": f"{row.name} · {segments.get(row.segment_id, '')}",
            "at": at_local(next_festival(row.festival, today(stage.clock)), row.time_of_day).isoformat()
            if row.festival
            else None,
            "time": row.time,
        }
        for row in rows
    ]


async def _broadcasts(stage: Stage) -> list[dict[str, Any]]:
    hidden = [BroadcastStatus.DRAFT.value, BroadcastStatus.CANCELLED.value]
    rows = await Broadcast.exclude(status__in=hidden).order_by("-id").limit(BROADCASTS)
    core = stage.app.core
    counts = await results.counts_of(core, [row.id for row in rows])
    return [
        {
            "id": row.id,
            "name": row.name,
            "author": row.author,
            "approved_by": row.approved_by,
            "status": BROADCAST_STATUS_LABELS[BroadcastStatus(row.status)],
            "running": row.status == BroadcastStatus.RUNNING.value,
            "counts": counts.get(row.id, {}),
            "reasons": {
                REASON_LABELS.get(Reason(code), code) if code in set(Reason) else code: count
                for code, count in (await results.reasons(core, row.id)).items()
            },
        }
        for row in rows
    ]
