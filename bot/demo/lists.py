"""The lower lists of the panel: today's reminders, the greetings arranged, and the newest broadcasts."""

from typing import Any

from bot.demo.stage import Stage
from campaigns import results
from campaigns.broadcasts import BROADCAST_STATUS_LABELS, Broadcast, BroadcastStatus
from campaigns.greetings import GreetingPlan, GreetingStatus
from crm_core.calendar import next_festival
from crm_core.clock import at_local, day_bounds, today
from crm_core.customers import Contact
from crm_core.leads import Lead
from crm_core.policy import REASON_LABELS, Reason
from crm_core.segments import Segment, count_people
from crm_core.selection import Selection
from scheduler.reminders import Reminder, ReminderStatus

BROADCASTS = PLANS = 5
REMINDERS = 200
"""More of one day nobody scrolls through."""


async def reminders_shown(stage: Stage, names: dict[int, str]) -> list[dict[str, Any]]:
    """List today's reminders: what is still to come first, by time, then what has rung or is done."""
    start, end = day_bounds(today(stage.clock))
    of_today = Reminder.filter(at__gte=start, at__lt=end)
    coming = await of_today.filter(status=ReminderStatus.PENDING.value).order_by("at", "id").limit(REMINDERS)
    over = [ReminderStatus.FIRED.value, ReminderStatus.DONE.value]
    rows = [*coming, *await of_today.filter(status__in=over).order_by("at", "id").limit(REMINDERS)]
    subjects = await _people_of(rows)
    return [
        {
            "id": row.id,
            "at": row.at.isoformat(),
            "text": row.text,
            "owner": names.get(row.owner_id, ""),
            "status": row.status,
            "person_id": subjects.get((row.about_kind, row.about_id or 0)),
        }
        for row in rows
    ]


async def _people_of(rows: list[Reminder]) -> dict[tuple[str, int], int]:
    found: dict[tuple[str, int], int] = {}
    for kind, model in (("lead", Lead), ("contact", Contact)):
        ids = [row.about_id for row in rows if row.about_kind == kind]
        found |= {
            (kind, number): person_id for number, person_id in await model.filter(id__in=ids).values_list("id", "person_id")
        }
    return found


async def plans_shown(stage: Stage) -> list[dict[str, Any]]:
    """List the greetings that are arranged, with the next day of each festival."""
    rows = await GreetingPlan.filter(status=GreetingStatus.APPROVED.value).order_by("-id").limit(PLANS)
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


async def broadcasts_shown(stage: Stage) -> list[dict[str, Any]]:
    """List the newest broadcasts: when, to whom, and how far each is. Drafts and what was cancelled are nobody's news."""
    hidden = [BroadcastStatus.DRAFT.value, BroadcastStatus.CANCELLED.value]
    rows = await Broadcast.exclude(status__in=hidden).order_by("-id").limit(BROADCASTS)
    segments = {row.id: row for row in await Segment.filter(id__in=[row.segment_id for row in rows])}
    counts = await results.counts_of(stage.app.core, [row.id for row in rows])
    return [await _broadcast(stage, row, segments.get(row.segment_id), counts.get(row.id, {})) for row in rows]


async def _broadcast(stage: Stage, row: Broadcast, segment: Segment | None, counts: dict[str, int]) -> dict[str, Any]:
    core, at = stage.app.core, row.started_at or row.scheduled_at
    people = sum(counts.values())
    if row.status == BroadcastStatus.SCHEDULED.value:
        # Nobody is planned before its time: how many it would be now.
        people = await count_people(core, Selection.from_json(row.conditions))
    reasons = await results.reasons(core, row.id)
    return {
        "id": row.id,
        "name": row.name,
        "audience": segment.name if segment else "",
        "people": people,
        "at": at.isoformat() if at else None,
        "author": row.author,
        "approved_by": row.approved_by,
        "status": BROADCAST_STATUS_LABELS[BroadcastStatus(row.status)],
        "running": row.status == BroadcastStatus.RUNNING.value,
        "counts": counts,
        "reasons": {
            REASON_LABELS.get(Reason(code), code) if code in set(Reason) else code: count for code, count in reasons.items()
        },
    }
