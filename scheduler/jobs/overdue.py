"""Each morning: list overdue leads to their owners, and some days later to their managers, without anyone asking (督办)."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta

from crm_core.clock import local_day
from crm_core.overdue import Overdue, all_overdue
from crm_core.ports import Core, Program
from scheduler.notices import tell
from scheduler.queue import Periodic, once_a_day

AT = time(8, 45)
SHOWN = 10
"""Lines of one list; the rest is counted."""


async def run(core: Core) -> bool:
    """Tell everybody once a day; tells whether it was done now."""
    return await once_a_day(core, "overdue", AT, lambda: tell_all(core))


async def tell_all(core: Core) -> int:
    """Tell of every overdue lead; tells how many there are."""
    found = await core.db.read(all_overdue(core))
    if found:
        await core.db.run(_tell_all(core, found))
    return len(found)


def _tell_all(core: Core, found: Sequence[Overdue]) -> Program[None]:
    now, settings = core.clock.now(), core.settings.pools
    late = timedelta(days=settings.overdue_days + settings.overdue_manager_days)
    by_owner: dict[int, list[Overdue]] = {}
    by_manager: dict[int, list[Overdue]] = {}
    for lead in found:
        by_owner.setdefault(lead.owner_id, []).append(lead)
        if lead.manager_id is not None and now - lead.touched_at >= late:
            by_manager.setdefault(lead.manager_id, []).append(lead)
    for owner, leads in by_owner.items():
        yield from _tell(core, owner, list_text("有{}条线索该跟进了：", leads, now, named=False), f"owner:{owner}")
    for boss, leads in by_manager.items():
        yield from _tell(core, boss, list_text("团队有{}条线索跟进不及时：", leads, now, named=True), f"manager:{boss}")


def _tell(core: Core, employee_id: int, text: str, whom: str) -> Program[bool]:
    key = f"overdue:{whom}:{local_day(core.clock.now())}"
    return (yield from tell(core, employee_id, text, key=key, topic="overdue"))


def list_text(head: str, leads: Sequence[Overdue], now: datetime, *, named: bool) -> str:
    """Word one list, the longest untouched first."""
    ordered = sorted(leads, key=lambda each: each.touched_at)
    lines = [
        f"· #{each.id} {each.name}，{f'{each.owner}，' if named else ''}{each.days(now)}天没跟进" for each in ordered[:SHOWN]
    ]
    rest = [f"另有{len(leads) - SHOWN}条，回复“逾期线索”查看"] if len(leads) > SHOWN else []
    after = "可以改派：分给 姓名 编号" if named else "记一条跟进，或说“退回 编号 原因”放回公海"
    return "\n".join([head.format(len(leads)), *lines, *rest, after])


PERIODIC = Periodic(name="overdue", every=timedelta(minutes=1), run=run)
