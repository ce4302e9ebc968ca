"""Recurring visits (定期拜访计划): each customer of a level always has its next visit planned with its owner."""

from dataclasses import dataclass
from datetime import datetime

from crm_core.clock import today
from crm_core.daily_work_rules import grades_of, next_visit
from crm_core.ports import Core, Program
from crm_core.rules import as_instant

PAGE = 500
_MET = "f.undone_at IS NULL AND f.method IN ('visit', 'meeting')"
_WITHOUT = (
    "SELECT c.id, c.name, c.owner_id, c.grade,"  # noqa: S608 - our own words
    " (SELECT max(v.checked_in_at) FROM visits v WHERE v.customer_id = c.id AND v.cancelled_at IS NULL),"
    f" (SELECT max(f.at) FROM follow_ups f WHERE f.subject_kind = 'customer' AND f.subject_id = c.id AND {_MET}),"
    " (SELECT max(f.at) FROM contacts t JOIN follow_ups f ON f.subject_kind = 'contact' AND f.subject_id = t.id"
    f" WHERE t.customer_id = c.id AND {_MET})"
    " FROM customers c JOIN employees e ON e.id = c.owner_id AND e.departed_at IS NULL"
    " WHERE c.grade IN ({}) AND c.id > ? AND c.merged_into_id IS NULL AND c.deleted_at IS NULL AND c.status <> 'lost'"
    " AND NOT EXISTS (SELECT 1 FROM visits v WHERE v.customer_id = c.id AND v.cancelled_at IS NULL"
    " AND v.checked_in_at IS NULL AND v.follow_up_id IS NULL AND v.planned_at >= ?) ORDER BY c.id LIMIT ?"
)
"""Customers of a level with no visit to come, and when they were met last: by a check-in, by a record about them or theirs."""


@dataclass(frozen=True, slots=True)
class Due:
    """A customer whose next visit is to be planned."""

    id: int
    name: str
    owner_id: int
    grade: str
    met_at: datetime | None


async def make(core: Core) -> int:
    """Plan the next visit of every customer that has none to come; tells how many were planned.

    A visit to come goes along when the customer has changed hands.
    """
    grades = grades_of(core.settings.daily_work.rhythms)
    made, after = 0, 0
    if grades:
        await core.db.run(_hand_over(core))
    while grades:
        # Looked for beside the writer, so that nobody who writes waits for it.
        found = await core.db.read(_find(core, grades, after))
        if found:
            await core.db.run(_plan(core, found))
        made += len(found)
        if len(found) < PAGE:
            break
        after = found[-1].id
    return made


def _hand_over(core: Core) -> Program[int]:
    now = core.clock.now()
    whose = "SELECT c.owner_id FROM customers c WHERE c.id = visits.customer_id"
    changed = yield (
        f"UPDATE visits SET employee_id = ({whose}), updated_at = ? WHERE planned_at >= ? AND rhythm_days > 0"  # noqa: S608
        " AND checked_in_at IS NULL AND follow_up_id IS NULL AND cancelled_at IS NULL"
        f" AND EXISTS ({whose} AND c.owner_id <> visits.employee_id)",
        (now, now),
    )
    return int(changed)


def _find(core: Core, grades: list[str], after: int) -> Program[list[Due]]:
    marks = ", ".join("?" * len(grades))
    rows = yield _WITHOUT.format(marks), (*grades, after, core.clock.now(), PAGE)
    found = []
    for number, name, owner_id, grade, *met in rows:
        times = [at for value in met if (at := as_instant(value)) is not None]
        found.append(Due(int(number), str(name), int(owner_id), str(grade), max(times, default=None)))
    return found


def _plan(core: Core, found: list[Due]) -> Program[None]:
    now, settings, day = core.clock.now(), core.settings.daily_work, today(core.clock)
    row = "(?, 'customer', ?, ?, ?, ?, '', '定期拜访', '', '', ?, ?, ?)"
    values: list[object] = []
    for each in found:
        every_days = settings.every_days(each.grade)
        at = next_visit(settings, each.met_at, day, every_days)
        values += [each.owner_id, each.id, each.id, each.name, at, every_days, now, now]
    yield (
        "INSERT INTO visits (employee_id, subject_kind, subject_id, customer_id, name, planned_at, place, purpose,"  # noqa: S608
        f" check_in_place, position, rhythm_days, created_at, updated_at) VALUES {', '.join([row] * len(found))}",
        values,
    )
