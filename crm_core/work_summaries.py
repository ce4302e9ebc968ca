"""What an employee did in a time (员工中心): visits, follow-ups, deals moved, what is overdue, and a word of advice."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from crm_core import access
from crm_core.access import Actor
from crm_core.activities import METHOD_LABELS, Method
from crm_core.employees import Employee
from crm_core.errors import Refused
from crm_core.ports import Core, Program
from crm_core.rules import as_instant
from crm_core.values import to_money

SHOWN = 5


@dataclass(frozen=True, slots=True)
class Moved:
    """One step of a deal."""

    name: str
    kind: str
    stage: str


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures of one employee in a half-open time; what is overdue is of now."""

    employee_id: int
    name: str
    visits: int = 0
    visits_made: int = 0
    unrecorded: int = 0
    follow_ups: dict[str, int] = field(default_factory=dict)
    customers: int = 0
    new_leads: int = 0
    moved: tuple[Moved, ...] = ()
    won: int = 0
    won_amount: Decimal = Decimal(0)
    overdue: tuple[str, ...] = ()
    overdue_count: int = 0
    to_come: tuple[tuple[datetime, str], ...] = ()

    @property
    def follow_up_count(self) -> int:
        """Add the follow-ups of all ways up."""
        return sum(self.follow_ups.values())


async def summarise(core: Core, actor: Actor, employee_id: int, start: datetime, end: datetime) -> Summary:
    """Sum an employee's work up; everybody their own, a manager the team's. Raises: NotFound; Refused."""
    access.require(actor, "employees:read")
    if not (actor.sees_all or employee_id == actor.employee_id or employee_id in actor.team):
        raise Refused
    employee = await access.load(Employee, actor, employee_id)
    return await core.db.read(_gather(core, employee.id, employee.name, start, end))


def _gather(core: Core, employee_id: int, name: str, start: datetime, end: datetime) -> Program[Summary]:
    now = core.clock.now()
    visits = yield (
        "SELECT checked_in_at, follow_up_id, planned_at, name FROM visits WHERE employee_id = ? AND planned_at >= ?"
        " AND planned_at < ? AND cancelled_at IS NULL",
        (employee_id, start, end),
    )
    methods = yield (
        "SELECT method, count(*) FROM follow_ups WHERE author_id = ? AND at >= ? AND at < ? AND undone_at IS NULL"
        " GROUP BY method ORDER BY 2 DESC",
        (employee_id, start, end),
    )
    about = yield (
        "SELECT count(*) FROM (SELECT DISTINCT subject_kind, subject_id FROM follow_ups WHERE author_id = ? AND at >= ?"
        " AND at < ? AND undone_at IS NULL) s",
        (employee_id, start, end),
    )
    leads = yield (
        "SELECT count(*) FROM leads WHERE owner_id = ? AND created_at >= ? AND created_at < ? AND merged_into_id IS NULL",
        (employee_id, start, end),
    )
    moved, won = yield from _deals(employee_id, start, end)
    overdue = yield (
        "SELECT text FROM reminders WHERE owner_id = ? AND status IN ('pending', 'fired') AND at < ? ORDER BY at, id LIMIT 200",
        (employee_id, now),
    )
    coming = yield (
        "SELECT planned_at, name FROM visits WHERE employee_id = ? AND planned_at >= ? AND cancelled_at IS NULL"
        " AND checked_in_at IS NULL ORDER BY planned_at, id LIMIT ?",
        (employee_id, max(now, end) if end > now else now, SHOWN),
    )
    made = [row for row in visits if row[0] is not None or row[1] is not None]
    late = [row for row in visits if row[1] is None and (as_instant(row[2]) or now) < now]
    return Summary(
        employee_id,
        name,
        visits=len(visits),
        visits_made=len(made),
        unrecorded=len(late),
        follow_ups={str(method): int(number) for method, number in methods},
        customers=int(about[0][0]),
        new_leads=int(leads[0][0]),
        moved=moved,
        won=len(won),
        won_amount=sum((to_money(str(row[0])) for row in won if row[0] is not None), Decimal(0)),
        overdue=tuple(str(row[0]) for row in overdue[:SHOWN]),
        overdue_count=len(overdue),
        to_come=tuple((as_instant(at) or now, str(whom)) for at, whom in coming),
    )


def _deals(employee_id: int, start: datetime, end: datetime) -> Program[tuple[tuple[Moved, ...], Any]]:
    steps = yield (
        "SELECT o.name, m.kind, m.to_stage FROM stage_moves m JOIN opportunities o ON o.id = m.opportunity_id"
        " WHERE m.employee_id = ? AND m.at >= ? AND m.at < ? AND m.undone_at IS NULL ORDER BY m.at, m.id LIMIT 50",
        (employee_id, start, end),
    )
    won = yield (
        "SELECT amount FROM opportunities WHERE owner_id = ? AND status = 'won' AND won_at >= ? AND won_at < ?",
        (employee_id, start, end),
    )
    return tuple(Moved(str(name), str(kind), str(stage)) for name, kind, stage in steps), won


def words_of(found: Summary) -> str:
    """Put the figures into a few lines."""
    ways = "、".join(f"{METHOD_LABELS[Method(way)]}{number}" for way, number in found.follow_ups.items())
    lines = [
        f"拜访{found.visits_made}次" + (f"（登记外出{found.visits}次）" if found.visits != found.visits_made else ""),
        f"跟进{found.follow_up_count}条" + (f"（{ways}），涉及{found.customers}位客户" if ways else ""),
        f"推进商机{len(found.moved)}次" + (f"：{_steps(found)}" if found.moved else ""),
    ]
    lines += [f"赢单{found.won}个，¥{found.won_amount:,.2f}"] if found.won else []
    lines += [f"新线索{found.new_leads}条"] if found.new_leads else []
    overdue = "；".join(found.overdue)
    lines.append(f"逾期待办{found.overdue_count}条" + (f"：{overdue}" if overdue else ""))
    return "\n".join(lines)


def _steps(found: Summary) -> str:
    from_stage = {"win": "赢单", "lose": "丢单", "open": "新建"}
    return "、".join(f"{each.name[:16]}{from_stage.get(each.kind, '')}" for each in found.moved[:SHOWN])


def advice_of(found: Summary) -> list[str]:
    """Say what the figures call for, most pressing first (建议)."""
    said = []
    if found.overdue_count:
        said.append(f"先处理{found.overdue_count}条逾期待办")
    if found.unrecorded:
        said.append(f"补上{found.unrecorded}次外出的联系记录")
    if not found.moved:
        said.append("商机没有推进，看看卡在哪一步（说“卡住的商机”）")
    if not found.to_come:
        said.append("还没有后面的拜访安排（说“周计划 周一 客户名”）")
    return said
