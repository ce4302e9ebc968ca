"""Every minute: see who woke up and move customers along their life cycle; each morning: warn owners of those going quiet."""

from collections.abc import Sequence
from datetime import time, timedelta
from functools import partial

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


async def tell_all(core: Core) -> int:
    """Tell owners of customers that go quiet, each once a warning; tells how many customers."""
    told = 0
    while count := await core.db.run(partial(_tell_page, core)):
        told += count
    return told


def _tell_page(core: Core) -> Program[int]:
    rows = yield (
        "SELECT id, owner_id, name, life_cycle FROM customers WHERE churn_warned_at IS NOT NULL AND churn_told_at IS NULL"
        " AND merged_into_id IS NULL AND deleted_at IS NULL ORDER BY churn_warned_at LIMIT ?",
        (WARNED_PAGE,),
    )
    by_owner: dict[int, list[tuple[str, str]]] = {}
    for _, owner_id, name, state in rows:
        if owner_id is not None:
            by_owner.setdefault(int(owner_id), []).append((str(name), str(state)))
    now = core.clock.now()
    first = int(rows[0][0]) if rows else 0
    for owner, names in by_owner.items():
        key = f"churn:{owner}:{local_day(now)}:{first}"
        yield from tell(core, owner, warning_text(names), key=key, topic="churn_warnings")
    if rows:
        marks = ", ".join("?" * len(rows))
        yield f"UPDATE customers SET churn_told_at = ? WHERE id IN ({marks})", (now, *(row[0] for row in rows))  # noqa: S608
    return len(rows)


def warning_text(names: Sequence[tuple[str, str]]) -> str:
    """Word the warning of one owner."""
    lines = [f"· {name}（{LIFE_CYCLE_LABELS[LifeCycle(state)]}）" for name, state in names[:SHOWN]]
    rest = [f"另有{len(names) - SHOWN}个，回复“流失预警”查看"] if len(names) > SHOWN else []
    return "\n".join([f"有{len(names)}个客户快要失去联系了：", *lines, *rest, "联系后记一条跟进就会解除预警。"])


PERIODIC = Periodic(name="life_cycles", every=timedelta(minutes=1), run=run)
