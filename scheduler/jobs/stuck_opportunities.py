"""Each morning: tell owners and their managers which deals are stuck, each deal once and again after some days."""

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta

from crm_core.clock import local_day
from crm_core.pipelines import Quiet, quiet
from crm_core.ports import Core, Program
from scheduler.notices import tell
from scheduler.queue import Periodic, once_a_day

AT = time(8, 40)
SHOWN = 10
"""Lines of one list; the rest is counted."""


async def run(core: Core) -> bool:
    """Tell everybody once a day; tells whether it was done now."""
    return await once_a_day(core, "stuck_opportunities", AT, lambda: tell_all(core))


async def tell_all(core: Core) -> int:
    """Tell of the stuck deals that are news; tells how many deals."""
    news: list[Quiet] = []
    after: int | None = 0
    while after is not None:
        page, after = await core.db.read(quiet(core, after=after))
        news += [each for each in page if _is_news(core, each)]
    if news:
        await core.db.run(_tell_and_mark(core, news))
    return len(news)


def _is_news(core: Core, deal: Quiet) -> bool:
    again = core.clock.now() - timedelta(days=core.settings.opportunities.stuck_repeat_days)
    return deal.told_at is None or deal.told_at < deal.touched_at or deal.told_at <= again


def _tell_and_mark(core: Core, news: Sequence[Quiet]) -> Program[None]:
    now = core.clock.now()
    by_owner: dict[int, list[Quiet]] = {}
    for deal in news:
        if deal.owner_id is not None:
            by_owner.setdefault(deal.owner_id, []).append(deal)
    staff = yield "SELECT id, name, manager_id FROM employees WHERE departed_at IS NULL", ()
    names = {int(number): str(name) for number, name, _ in staff}
    managers = {int(number): int(boss) for number, _, boss in staff if boss is not None}
    for owner, deals in by_owner.items():
        yield from _tell(core, owner, owner_text(deals), "owner", now)
    for boss in sorted({managers[owner] for owner in by_owner if owner in managers}):
        team = {owner: deals for owner, deals in by_owner.items() if managers.get(owner) == boss}
        yield from _tell(core, boss, manager_text(team, names), "manager", now)
    for first in range(0, len(news), 500):
        page = [deal.id for deal in news[first : first + 500]]
        marks = ", ".join("?" * len(page))
        yield f"UPDATE opportunities SET stuck_told_at = ? WHERE id IN ({marks})", (now, *page)  # noqa: S608 - question marks


def _tell(core: Core, employee_id: int, text: str, whom: str, now: datetime) -> Program[bool]:
    key = f"stuck:{whom}:{employee_id}:{local_day(now)}"
    return (yield from tell(core, employee_id, text, key=key, topic="stuck_opportunities"))


def owner_text(deals: Sequence[Quiet]) -> str:
    """Word the list of one owner."""
    head = f"有{len(deals)}个商机好久没动了："
    lines = [f"· {_line(deal)}" for deal in _longest(deals)]
    return "\n".join([head, *lines, *_rest(len(deals)), "记一条跟进，或说“商机名 到哪了”看看还缺什么。"])


def manager_text(team: Mapping[int, Sequence[Quiet]], names: Mapping[int, str]) -> str:
    """Word the list of a manager: whose deals are stuck, and how to leave the next step."""
    every = [(deal, names.get(owner, "")) for owner, deals in team.items() for deal in deals]
    every.sort(key=lambda each: -each[0].quiet_days)
    lines = [f"· {name}：{_line(deal)}" for deal, name in every[:SHOWN]]
    example = f"下一步 #{every[0][0].id} 约客户高层见面"
    return "\n".join([f"团队有{len(every)}个商机卡住了：", *lines, *_rest(len(every)), f"可以留下下一步，例如：{example}"])


def _longest(deals: Sequence[Quiet]) -> list[Quiet]:
    return sorted(deals, key=lambda each: -each.quiet_days)[:SHOWN]


def _line(deal: Quiet) -> str:
    return f"#{deal.id} {deal.name}，{deal.stage}，{deal.quiet_days}天没动"


def _rest(count: int) -> list[str]:
    return [f"另有{count - SHOWN}个，回复“卡住的商机”查看"] if count > SHOWN else []


PERIODIC = Periodic(name="stuck_opportunities", every=timedelta(minutes=1), run=run)
