"""Who gets a broadcast and why somebody does not: one query for the preview, the planner and nothing else beside them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from campaigns import greetings, shown
from campaigns.broadcasts import Broadcast, BroadcastStatus
from campaigns.greetings import GreetingPlan
from campaigns.templates import Recipient, TemplateKind, render
from crm_core import access
from crm_core.access import Actor
from crm_core.calendar import next_festival
from crm_core.clock import today
from crm_core.policy import ACCOUNT_JOIN, Gate, reason_sql
from crm_core.ports import Core, Program
from crm_core.selection import Selection, Sql, people_sql

SAMPLES = 3

PERSON_JOIN = (
    "LEFT JOIN contacts c ON c.person_id = p.person_id LEFT JOIN customers u ON u.id = c.customer_id"
    " LEFT JOIN leads l ON l.person_id = p.person_id LEFT JOIN employees e ON e.id = coalesce(c.owner_id, l.owner_id)"
)
"""Joins to people `p` what a template may say of them: a contact's words before those of the lead it came from."""
PERSON_COLUMNS = (
    "coalesce(c.name, l.name, ''), coalesce(c.title, l.title, ''),"
    " CASE WHEN c.id IS NULL THEN coalesce(l.company, '') WHEN u.kind = 'person' THEN '' ELSE coalesce(u.name, '') END,"
    " coalesce(e.name, '')"
)


@dataclass(frozen=True, slots=True)
class Run:
    """One broadcast as the query needs it."""

    selection: Selection
    channel: str
    kind: str
    occasion: str = ""
    nobody_reached: bool = False
    """See `Gate`."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What one person would get."""

    person_id: int
    text: str


@dataclass(frozen=True, slots=True)
class Preview:
    """The dry run (预览). `total` counts everyone selected, the left-out included."""

    total: int
    samples: tuple[Sample, ...]
    suppressed: Mapping[str, int]


def gate_of(core: Core, channel: str, kind: str, occasion: str = "", *, nobody_reached: bool = False) -> Gate:
    """Make the guard's question for a broadcast: template and mass messages need no window."""
    festival, _, day = occasion.partition(":")
    rule = core.reach.get(channel)
    is_mass = kind == TemplateKind.MASS
    return Gate(
        rule=None if is_mass or kind == TemplateKind.WECHAT_TEMPLATE else rule,
        settings=core.settings.campaigns,
        now=core.clock.now(),
        greeting_prefix=f"{festival}:" if day else "",
        greeting_suffix=f":{day}" if day else "",
        not_greeted=core.settings.customer_value.not_greeted("birthday" if festival == "birthday" else "festival")
        if day
        else (),
        nobody_reached=nobody_reached,
        mass_monthly=rule.mass.monthly if is_mass and rule and rule.mass else None,
    )


def _kind_of(occasion: str) -> str:
    return occasion if occasion == "birthday" else "festival"


def audience_sql(core: Core, run: Run, *, after: int = 0, until: int | None = None, limit: int | None = None) -> Sql:
    """Select person_id, account_id and reason (NULL: gets it), in order of person."""
    gate = gate_of(core, run.channel, run.kind, run.occasion, nobody_reached=run.nobody_reached)
    people, people_values = people_sql(run.selection, gate.now, after=after, until=until, limit=limit)
    reason, reason_values = reason_sql(gate)
    sql = f"SELECT p.person_id AS person_id, a.id AS account_id, {reason} AS reason FROM ({people}) p {ACCOUNT_JOIN}"  # noqa: S608
    return sql, [*reason_values, *people_values, run.channel]


async def preview(core: Core, actor: Actor, broadcast_id: int) -> Preview:
    """Try a broadcast without sending (预览): the same query and the same rendering as the real run. Raises: NotFound.

    What a draft shows here is what may be approved.
    """
    access.require(actor, "broadcasts:read")
    broadcast = await access.load(Broadcast, actor, broadcast_id)
    content = await shown.content_of(broadcast)
    run = Run(content.selection, content.channel, content.kind, broadcast.occasion)
    found = await core.db.read(_preview(core, run, content.body))
    if broadcast.status == BroadcastStatus.DRAFT:
        await shown.note(core, actor, broadcast, content)
    return found


async def preview_plan(core: Core, actor: Actor, plan_id: int) -> Preview:
    """Try a plan of greetings (预览): everybody it draws from, as if its next day were today. Raises: NotFound."""
    access.require(actor, "greetings:read")
    plan = await access.load(GreetingPlan, actor, plan_id)
    day = today(core.clock)
    if plan.festival:
        day = next_festival(plan.festival, day)
    run = Run(await greetings.selection_now(plan), plan.channel, plan.template_kind, f"{plan.occasion}:{day.isoformat()}")
    return await core.db.read(_preview(core, run, plan.template_body))


def _preview(core: Core, run: Run, body: str) -> Program[Preview]:
    now = core.clock.now()
    sql, values = audience_sql(core, run)
    counts = yield f"SELECT q.reason, count(*) FROM ({sql}) q GROUP BY q.reason", values  # noqa: S608
    first = (
        f"SELECT p.person_id, {PERSON_COLUMNS} FROM (SELECT q.person_id FROM ({sql}) q"  # noqa: S608
        f" WHERE q.reason IS NULL LIMIT ?) p {PERSON_JOIN}"
        " ORDER BY p.person_id"
    )
    rows = yield first, [*values, SAMPLES]
    return Preview(
        total=sum(number for _, number in counts),
        samples=tuple(Sample(int(number), render(body, Recipient(*words), now)) for number, *words in rows),
        suppressed={str(reason): int(number) for reason, number in sorted(counts, key=str) if reason is not None},
    )


def render_row(body: str, words: tuple[str, ...], now: datetime) -> str:
    """Render for the person of one row of `PERSON_COLUMNS`."""
    return render(body, Recipient(*words), now)
