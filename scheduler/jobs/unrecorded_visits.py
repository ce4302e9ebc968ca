"""Each evening: list the day's outings without a record to whoever went, and to their managers (外出对照)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from crm_core.clock import day_bounds, local_day, to_local
from crm_core.ports import Core, Program
from crm_core.rules import as_instant
from scheduler.notices import tell
from scheduler.queue import Periodic, once_a_day

SHOWN = 10
"""Lines of one list; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Bare:
    """An outing about which nothing was written."""

    employee_id: int
    employee: str
    manager_id: int | None
    name: str
    planned_at: datetime
    checked_in: bool


async def run(core: Core) -> bool:
    """Tell everybody once a day; tells whether it was done now."""
    at = core.settings.daily_work.unrecorded_at
    return await once_a_day(core, "unrecorded_visits", at, lambda: tell_all(core))


async def tell_all(core: Core) -> int:
    """Tell of today's outings so far; tells how many have no record."""
    return await core.db.run(_tell_all(core))


def _tell_all(core: Core) -> Program[int]:
    now = core.clock.now()
    start, end = day_bounds(local_day(now))
    rows = yield (
        "SELECT v.employee_id, e.name, e.manager_id, v.name, v.planned_at, v.checked_in_at FROM visits v"
        " JOIN employees e ON e.id = v.employee_id AND e.departed_at IS NULL WHERE v.planned_at >= ? AND v.planned_at < ?"
        " AND v.follow_up_id IS NULL AND v.cancelled_at IS NULL ORDER BY v.employee_id, v.planned_at, v.id",
        (start, min(end, now)),
    )
    found = [Bare(int(r[0]), str(r[1]), r[2], str(r[3]), as_instant(r[4]) or now, r[5] is not None) for r in rows]
    own: dict[int, list[Bare]] = {}
    teams: dict[int, list[Bare]] = {}
    for each in found:
        own.setdefault(each.employee_id, []).append(each)
        if each.manager_id is not None:
            teams.setdefault(int(each.manager_id), []).append(each)
    for employee_id, mine in own.items():
        yield from _tell(core, employee_id, list_text("今天有{}次外出还没有联系记录：", mine, named=False), "own")
    for boss, theirs in teams.items():
        yield from _tell(core, boss, list_text("团队今天有{}次外出没有联系记录：", theirs, named=True), "team")
    return len(found)


def _tell(core: Core, employee_id: int, text: str, whose: str) -> Program[bool]:
    key = f"unrecorded_visits:{whose}:{employee_id}:{local_day(core.clock.now())}"
    return (yield from tell(core, employee_id, text, key=key, topic="unrecorded_visits"))


def list_text(head: str, visits: Sequence[Bare], *, named: bool) -> str:
    """Word one list, earliest first."""
    lines = [
        f"· {f'{each.employee}，' if named else ''}{to_local(each.planned_at):%H:%M} {each.name}"
        f"{'（已签到）' if each.checked_in else '（没有签到）'}"
        for each in visits[:SHOWN]
    ]
    rest = [f"另有{len(visits) - SHOWN}次，回复“外出对照”查看"] if len(visits) > SHOWN else []
    after = [] if named else ["补记一句即可，例如：今天拜访了云帆科技，对方嫌贵"]
    return "\n".join([head.format(len(visits)), *lines, *rest, *after])


PERIODIC = Periodic(name="unrecorded_visits", every=timedelta(minutes=1), run=run)
