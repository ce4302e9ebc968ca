"""Every minute: see who woke up and move customers along their life cycle; each morning: warn owners of those going quiet."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from functools import partial
from typing import Any

from crm_core import life_cycles
from crm_core.clock import local_day
from crm_core.life_cycle_rules import LIFE_CYCLE_LABELS, LifeCycle
from crm_core.ports import Core, Program
from scheduler.notices import tell
from scheduler.queue import Periodic, once_a_day

AT = time(8, 50)
SHOWN = 10
BUDGET = 20.0
"""Seconds of one run, so that a run ends; the rest comes a minute later. Between pages others have the writer."""
WARNED_PAGE = 500
_FIRST = datetime(2000, 1, 1, tzinfo=UTC)


async def run(core: Core) -> int:
    """Do what is due; tells how many customers were looked at."""
    end = core.clock.monotonic() + BUDGET
    for table in life_cycles.WAKING_TABLES:
        while core.clock.monotonic() < end:
            if await core.db.run(partial(life_cycles.notice_new, core, table)) < life_cycles.NEW_PAGE:
                break
    done = 0
    while core.clock.monotonic() < end:
        count = await core.db.run(partial(life_cycles.look_at_due, core))
        done += count
        if count < life_cycles.PAGE:
            break
    await once_a_day(core, "churn_warnings", AT, lambda: tell_all(core))
    return done


@dataclass(slots=True)
class _Warned:
    """What one owner is told of: all numbers, and the names that are shown."""

    ids: list[int] = field(default_factory=list)
    names: list[tuple[str, str]] = field(default_factory=list)


async def tell_all(core: Core) -> int:
    """Tell each owner once of their customers that go quiet, each customer once a warning; tells how many customers."""
    by_owner: dict[int | None, _Warned] = {}
    after: tuple[object, int] = (_FIRST, 0)
    while page := await core.db.read(_warned_page(after)):
        for number, owner_id, name, state, _ in page:
            warned = by_owner.setdefault(owner_id, _Warned())
            warned.ids.append(int(number))
            if len(warned.names) < SHOWN:
                warned.names.append((str(name), str(state)))
        after = (page[-1][4], int(page[-1][0]))
    for owner_id, warned in by_owner.items():
        await core.db.run(partial(_tell, core, owner_id, warned))
    return sum(len(warned.ids) for warned in by_owner.values())


def _warned_page(after: tuple[object, int]) -> Program[Sequence[Sequence[Any]]]:
    rows: Sequence[Sequence[Any]] = yield (
        "SELECT id, owner_id, name, life_cycle, churn_warned_at FROM customers WHERE churn_warned_at IS NOT NULL"
        " AND churn_told_at IS NULL AND merged_into_id IS NULL AND deleted_at IS NULL AND churn_warned_at >= ?"
        " AND (churn_warned_at > ? OR id > ?) ORDER BY churn_warned_at, id LIMIT ?",
        (after[0], *after, WARNED_PAGE),
    )
    return rows


def _tell(core: Core, owner_id: int | None, warned: _Warned) -> Program[None]:
    now = core.clock.now()
    if owner_id is not None:
        key = f"churn:{owner_id}:{local_day(now)}:{warned.ids[0]}"
        yield from tell(core, owner_id, warning_text(warned.names, len(warned.ids)), key=key, topic="churn_warnings")
    for first in range(0, len(warned.ids), WARNED_PAGE):
        page = warned.ids[first : first + WARNED_PAGE]
        marks = ", ".join("?" * len(page))
        yield f"UPDATE customers SET churn_told_at = ? WHERE id IN ({marks})", (now, *page)  # noqa: S608 - question marks


def warning_text(names: Sequence[tuple[str, str]], count: int) -> str:
    """Word the warning of one owner, of some customers by name."""
    lines = [f"· {name}（{LIFE_CYCLE_LABELS[LifeCycle(state)]}）" for name, state in names[:SHOWN]]
    rest = [f"另有{count - SHOWN}个，回复“流失预警”查看"] if count > SHOWN else []
    return "\n".join([f"有{count}个客户快要失去联系了：", *lines, *rest, "联系后记一条跟进就会解除预警。"])


PERIODIC = Periodic(name="life_cycles", every=timedelta(minutes=1), run=run)
