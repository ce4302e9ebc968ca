"""The dashboard (看板): how many of what, from the counts kept in `rollups.py` alone; no table of rows is read.

Everybody counts what they may see: an employee the rows of their team and the pool in their reach. Reading order:
`dashboard`, `Tally` (counts under one question), `answer` (one line to one question).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from crm_core import access, rollups
from crm_core.access import Actor
from crm_core.activities import METHOD_LABELS, Method
from crm_core.clock import today
from crm_core.errors import Invalid
from crm_core.leads import LEAD_STATUS_LABELS, LeadStatus
from crm_core.ports import Core
from crm_core.rollups import Counted

DAYS = 30
TOP = 10
CUSTOMER_STATUS_LABELS = {"potential": "潜在", "active": "成交", "dormant": "休眠", "lost": "流失"}
DEAL_STATUS_LABELS = {"open": "进行中", "won": "赢单", "lost": "输单", "shelved": "搁置"}
MESSAGE_LABELS = {"in": "收到", "out": "发出", "event": "事件"}
_TOPICS = ("leads", "customers", "customers_by_industry", "customers_by_region", "opportunities")
_BY_DAY = ("leads_by_day", "customers_by_day", "follow_ups", "conversions", "messages")


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Everything counted, by name, the largest first; `days` by day for the last 30, newest last."""

    totals: Mapping[str, int]
    leads_by_status: Mapping[str, int]
    leads_by_source: Mapping[str, int]
    customers_by_status: Mapping[str, int]
    customers_by_industry: Mapping[str, int]
    customers_by_region: Mapping[str, int]
    opportunities_by_status: Mapping[str, int]
    follow_ups_by_method: Mapping[str, int]
    follow_ups_by_author: Mapping[int, int]
    messages: Mapping[str, int]
    days: Mapping[str, Mapping[str, int]]


async def dashboard(core: Core, actor: Actor) -> Dashboard:
    """Count what the actor may see (看板): all there is, and the last 30 days."""
    access.require(actor, "customers:read")
    first = today(core.clock) - timedelta(days=DAYS - 1)
    seen = await _seen(core, actor, _TOPICS)
    lately = await _seen(core, actor, _BY_DAY, since=first)
    leads = [one for one in seen if one.topic == "leads"]
    open_leads = [one for one in leads if one.two in (LeadStatus.NEW, LeadStatus.FOLLOWING)]
    customers = [one for one in seen if one.topic == "customers"]
    totals = {
        "leads": _sum(open_leads),
        "pool": _sum(one for one in open_leads if not one.owner_id),
        "customers": _sum(customers),
        "opportunities_open": _sum(one for one in seen if one.topic == "opportunities" and one.one == "open"),
    }
    follow_ups = [one for one in lately if one.topic == "follow_ups"]
    return Dashboard(
        totals=totals,
        leads_by_status=_by(leads, lambda one: one.two),
        leads_by_source=_by(leads, lambda one: one.one),
        customers_by_status=_by(customers, lambda one: one.one),
        customers_by_industry=_by((one for one in seen if one.topic == "customers_by_industry"), lambda one: one.one),
        customers_by_region=_by((one for one in seen if one.topic == "customers_by_region"), lambda one: one.one),
        opportunities_by_status=_by(
            (one for one in seen if one.topic == "opportunities" and one.one != "deleted"), lambda one: one.one
        ),
        follow_ups_by_method=_by(follow_ups, lambda one: one.one),
        follow_ups_by_author=await _authors(core, actor, first),
        messages=_by((one for one in lately if one.topic == "messages"), lambda one: f"{one.one}/{one.two}"),
        days=_days(lately, first),
    )


async def _seen(core: Core, actor: Actor, topics: Iterable[str], *, since: date | None = None) -> list[Counted]:
    if actor.sees_all:
        return await core.db.read(rollups.counted(core, list(topics), since=since, apart=False))
    team = sorted(actor.team or {actor.employee_id or 0})
    found = await core.db.read(rollups.counted(core, list(topics), since=since, owners=team))
    return [one for one in found if _may_count(actor, team, one)]


async def _authors(core: Core, actor: Actor, since: date) -> dict[int, int]:
    """Count the follow-ups of each author the actor may see, the busiest first."""
    team = None if actor.sees_all else sorted(actor.team or {actor.employee_id or 0})
    found = await core.db.read(rollups.by_owner(core, "follow_ups", since, team))
    return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))


def _may_count(actor: Actor, team: Iterable[int], one: Counted) -> bool:
    if one.topic == "messages":
        return False  # counted by channel, not by whose they are
    if one.owner_id:
        return one.owner_id in team
    in_pool = one.topic in ("leads", "leads_by_day")
    return in_pool and (not one.department_id or one.department_id in actor.departments)


def _sum(counts: Iterable[Counted]) -> int:
    return sum(one.number for one in counts)


def _by(counts: Iterable[Counted], key: Callable[[Counted], str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in counts:
        found[key(one)] = found.get(key(one), 0) + one.number
    return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))


_DAY_NAMES = {
    "leads_by_day": "leads",
    "customers_by_day": "customers",
    "follow_ups": "follow_ups",
    "conversions": "conversions",
}


def _days(counts: Iterable[Counted], first: date) -> dict[str, dict[str, int]]:
    empty = {"leads": 0, "customers": 0, "follow_ups": 0, "conversions": 0, "messages_in": 0, "messages_out": 0, "events": 0}
    days = {(first + timedelta(days=number)).isoformat(): dict(empty) for number in range(DAYS)}
    messages = {"in": "messages_in", "out": "messages_out", "event": "events"}
    for one in counts:
        name = _DAY_NAMES.get(one.topic) or messages.get(one.two, "events")
        if one.day in days:  # a time of tomorrow is counted tomorrow
            days[one.day][name] += one.number
    return days


QUESTIONS = {
    "leads": "有多少线索",
    "customers": "有多少客户",
    "industry": "哪些行业",
    "region": "地区分布",
    "source": "线索来源",
}


async def answer(core: Core, actor: Actor, question: str) -> str:
    """Answer one of `QUESTIONS` in one line. Raises: Invalid."""
    if question not in QUESTIONS:
        raise Invalid(field="question", reason=f"只能是 {'、'.join(QUESTIONS)}")
    counts = await dashboard(core, actor)
    if question == "leads":
        parts = shares(counts.leads_by_status, {str(key): label for key, label in LEAD_STATUS_LABELS.items()})
        return f"未转化线索{counts.totals['leads']}条，其中公海{counts.totals['pool']}条（{parts or '还没有线索'}）"
    if question == "customers":
        parts = shares(counts.customers_by_status, CUSTOMER_STATUS_LABELS)
        return f"客户{counts.totals['customers']}家（{parts}）" if parts else "还没有客户"
    chosen = {
        "industry": counts.customers_by_industry,
        "region": counts.customers_by_region,
        "source": counts.leads_by_source,
    }[question]
    label = {"industry": "行业分布", "region": "地区分布", "source": "线索来源"}[question]
    return f"{label}：{shares(chosen, {'': '未填'})}" if chosen else f"{label}：还没有数据"


def shares(counts: Mapping[str, int], labels: Mapping[str, str] | None = None) -> str:
    """Write counts in one line, the largest first, the small ones together."""
    labels = labels or {}
    first = list(counts.items())[:TOP]
    rest = sum(counts.values()) - sum(number for _, number in first)
    parts = [f"{labels.get(name, name)}{number}" for name, number in first if number]
    return "，".join([*parts, *([f"其他{rest}"] if rest else [])])


def method_label(method: str) -> str:
    """Say a way of following up."""
    return METHOD_LABELS[Method(method)] if method in set(Method) else method
