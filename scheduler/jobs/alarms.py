"""Each working morning: what the rules of `[[daily_work.alarms]]` call an alarm is told, with read state (报警)."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from crm_core.access import Actor
from crm_core.calendar import is_workday
from crm_core.clock import at_local, day_bounds, today
from crm_core.daily_work_rules import ALARM_LABELS, ALARM_UNITS, AlarmRule
from crm_core.employees import Employee
from crm_core.overdue import all_overdue
from crm_core.ports import Core, Program
from crm_core.rules import as_instant
from scheduler import announcements
from scheduler.announcements import Announcement
from scheduler.queue import Periodic, once_a_day

RECENT = timedelta(days=7)
LONG_AGO = 999
"""Days told of somebody who never wrote a follow-up."""
_ACTOR = Actor.of_system("alarms")
Counts = dict[int, int]


async def run(core: Core) -> bool:
    """Look once a working day; tells whether it was done now."""
    if not core.settings.daily_work.alarms or not is_workday(today(core.clock)):
        return False
    return await once_a_day(core, "alarms", core.settings.daily_work.alarms_at, partial(raise_all, core))


async def raise_all(core: Core) -> int:
    """Raise every alarm of today; tells how many announcements were made."""
    staff = {each.id: each for each in await Employee.filter(departed_at=None)}
    made = 0
    for rule in core.settings.daily_work.alarms:
        counts = await core.db.read(_COUNTERS[rule.what](core))
        over = {number: count for number, count in counts.items() if count > rule.over and number in staff}
        for to, about in _told(rule, over, staff).items():
            made += await _raise(core, rule, staff[to], {each: over[each] for each in about}, staff)
    return made


def _told(rule: AlarmRule, over: Counts, staff: dict[int, Employee]) -> dict[int, list[int]]:
    """Tell who is told of whom."""
    told: dict[int, list[int]] = {}
    for number in sorted(over, key=lambda each: (-over[each], each)):
        boss = staff[number].manager_id
        if rule.tell in ("owner", "both"):
            told.setdefault(number, []).append(number)
        if rule.tell in ("manager", "both") and boss is not None and boss in staff:
            told.setdefault(int(boss), []).append(number)
    return told


async def _raise(core: Core, rule: AlarmRule, to: Employee, over: Counts, staff: dict[int, Employee]) -> bool:
    key = f"alarm:{rule.name}:{to.id}:{today(core.clock)}"
    if await Announcement.filter(key=key).exists():
        return False
    unit = ALARM_UNITS[rule.what]
    people = "、".join(f"{staff[number].name}{count if count < LONG_AGO else '很多'}{unit}" for number, count in over.items())
    words = f"{rule.name}：{people}（{ALARM_LABELS[rule.what]}超过{rule.over}{unit}）"
    await announcements.publish(core, _ACTOR, [to], words, audience=to.name, kind="alarm", key=key)
    return True


def _overdue_leads(core: Core) -> Program[Counts]:
    counts: Counts = {}
    for lead in (yield from all_overdue(core)):
        counts[lead.owner_id] = counts.get(lead.owner_id, 0) + 1
    return counts


def _overdue_todos(core: Core) -> Program[Counts]:
    rows = yield (
        "SELECT owner_id, count(*) FROM reminders WHERE status IN ('pending', 'fired') AND at < ? GROUP BY owner_id",
        (core.clock.now(),),
    )
    return {int(owner): int(count) for owner, count in rows}


def _unrecorded_visits(core: Core) -> Program[Counts]:
    start = day_bounds(today(core.clock))[0]
    rows = yield (
        "SELECT employee_id, count(*) FROM visits WHERE planned_at >= ? AND planned_at < ? AND follow_up_id IS NULL"
        " AND cancelled_at IS NULL GROUP BY employee_id",
        (start - RECENT, start),
    )
    return {int(owner): int(count) for owner, count in rows}


def _idle_days(core: Core) -> Program[Counts]:
    rows = yield (
        "SELECT e.id, (SELECT max(f.at) FROM follow_ups f WHERE f.author_id = e.id AND f.undone_at IS NULL), e.created_at"
        " FROM employees e WHERE e.role = 'sales' AND e.departed_at IS NULL",
        (),
    )
    now = core.clock.now()
    counts: Counts = {}
    for number, last, since in rows:
        at = as_instant(last) or as_instant(since) or at_local(today(core.clock), core.settings.daily_work.alarms_at)
        counts[int(number)] = min((now - at).days, LONG_AGO)
    return counts


_COUNTERS: dict[str, Callable[[Core], Program[Counts]]] = {
    "overdue_leads": _overdue_leads,
    "overdue_todos": _overdue_todos,
    "unrecorded_visits": _unrecorded_visits,
    "idle_days": _idle_days,
}
PERIODIC = Periodic(name="alarms", every=timedelta(minutes=1), run=run, time_limit=timedelta(minutes=5))
