"""Each morning at 08:30: tell each owner whom to follow up today and what is overdue (今日待办)."""

from datetime import datetime, time, timedelta

from crm_core.clock import day_bounds, local_day, to_local
from crm_core.ports import Core, Program
from crm_core.rules import as_instant
from scheduler.notices import tell
from scheduler.queue import Periodic, once_a_day

AT = time(8, 30)
SHOWN = 10
"""Lines of one list; the rest is counted."""


async def run(core: Core) -> bool:
    """Tell everybody once a day; tells whether it was done now."""
    return await once_a_day(core, "follow_up_due", AT, lambda: core.db.run(_tell_all(core)))


def _tell_all(core: Core) -> Program[int]:
    now = core.clock.now()
    start, end = day_bounds(local_day(now))
    rows = yield (
        "SELECT r.owner_id, r.at, r.text FROM reminders r JOIN employees e ON e.id = r.owner_id AND e.departed_at IS NULL"
        " WHERE r.status IN ('pending', 'fired') AND r.at < ? ORDER BY r.owner_id, r.at, r.id",
        (end,),
    )
    todos: dict[int, list[tuple[datetime, str]]] = {}
    for owner_id, at, text in rows:
        todos.setdefault(int(owner_id), []).append((as_instant(at) or now, str(text)))
    for owner_id, found in todos.items():
        yield from tell(
            core, owner_id, list_text(found, start), key=f"follow_up_due:{owner_id}:{local_day(now)}", topic="follow_up_due"
        )
    return len(todos)


def list_text(todos: list[tuple[datetime, str]], start: datetime) -> str:
    """Word the list of one owner; what was due before today is marked."""
    overdue = sum(at < start for at, _ in todos)
    head = f"今日待办{len(todos)}条" + (f"，其中逾期{overdue}条" if overdue else "") + "："
    lines = [f"{number}. {_when(at, start)} {text}" for number, (at, text) in enumerate(todos[:SHOWN], 1)]
    rest = [f"另有{len(todos) - SHOWN}条，回复“待办”查看"] if len(todos) > SHOWN else []
    return "\n".join([head, *lines, *rest])


def _when(at: datetime, start: datetime) -> str:
    local = to_local(at)
    return f"{local:%H:%M}" if at >= start else f"{local.month}月{local.day}日（逾期）"


PERIODIC = Periodic(name="follow_up_due", every=timedelta(minutes=1), run=run)
