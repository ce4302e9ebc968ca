"""The sales funnel (销售漏斗): open deals by stage, conversion between stages, won and lost, target and forecast; and the
customer flow of teams without deals.

Everything is counted from indexes that hold all that is asked (promise 13). Reading order: `Funnel`, `funnel`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal

from crm_core import access, forecasts, sales_targets
from crm_core.access import Actor
from crm_core.clock import at_local, today
from crm_core.customers import CustomerStatus
from crm_core.errors import Refused
from crm_core.forecasts import CENTS, Forecast, months_of, of_owners, weighted, yuan
from crm_core.opportunities import pipeline_named, uses_opportunities
from crm_core.pipeline_rules import PipelineSettings
from crm_core.ports import Core, Program


@dataclass(frozen=True, slots=True)
class StageCount:
    """One stage: the open deals in it now, and of those that left it in the span the share that went forward."""

    stage: str
    label: str
    count: int
    amount: Decimal
    weighted_amount: Decimal
    forward_count: int
    left_count: int
    mean_days: int | None
    """Days the deals that went forward had spent in it, on average."""

    @property
    def conversion_rate(self) -> Decimal | None:
        """Went forward ÷ left, 0 to 1; None when none left."""
        return (Decimal(self.forward_count) / self.left_count).quantize(Decimal("0.0001")) if self.left_count else None


@dataclass(frozen=True, slots=True)
class Funnel:
    """The funnel of some owners over a span of days. `customer_counts` instead of stages where teams have no deals.

    Stages, won and lost are of one pipeline; target and forecast are of all, for nobody has a target for each.
    """

    first: date
    last: date
    stages: tuple[StageCount, ...] = ()
    won_count: int = 0
    won_amount: Decimal = Decimal(0)
    lost_count: int = 0
    lost_amount: Decimal = Decimal(0)
    target_amount: Decimal | None = None
    forecast: Forecast | None = None
    customer_counts: tuple[tuple[str, int], ...] = ()

    @property
    def win_rate(self) -> Decimal | None:
        """Won ÷ (won + lost), 0 to 1; None when nothing ended."""
        ended = self.won_count + self.lost_count
        return (Decimal(self.won_count) / ended).quantize(Decimal("0.0001")) if ended else None

    @property
    def reached_percent(self) -> int | None:
        """What was won in all pipelines as percent of the target."""
        return int(self.forecast.won_amount * 100 / self.target_amount) if self.target_amount and self.forecast else None


async def funnel(
    core: Core,
    actor: Actor,
    first: date,
    last: date,
    *,
    owner_ids: Sequence[int] | None = None,
    pipeline: str = "",
) -> Funnel:
    """Count the funnel of some owners, of all the actor sees when none are named; days are Shanghai's, both inclusive.

    Targets are monthly: those of every month the span touches are added up.

    Raises: Refused; UnknownPipeline; NotFound; Invalid for a span of more than ten years.
    """
    access.require(actor, "opportunities:read")
    forecasts.check_span(first, last)
    owners = seen_owners(actor, owner_ids)
    only = owners[0] if owners is not None and len(owners) == 1 else actor.employee_id if owners is None else None
    if not await uses_opportunities(core, only):
        return Funnel(first, last, customer_counts=await core.db.read(_customers(owners)))
    track = pipeline_named(core, pipeline)
    stages, ended = await core.db.read(_count(core, track, first, last, owners))
    return Funnel(
        first,
        last,
        tuple(stages),
        *ended,
        target_amount=await sales_targets.target_of(core, months_of(first, last), owners),
        forecast=await forecasts.forecast(core, first, last, owners, today(core.clock)),
    )


def seen_owners(actor: Actor, wanted: Sequence[int] | None) -> list[int] | None:
    """Tell whose deals are counted; None: everybody's. Raises: Refused for somebody outside the own team."""
    if actor.sees_all:
        return None if wanted is None else list(wanted)
    team = actor.team or frozenset({actor.employee_id or 0})
    if wanted is not None and not set(wanted) <= team:
        raise Refused
    return sorted(team if wanted is None else wanted)


def _count(
    core: Core, track: PipelineSettings, first: date, last: date, owners: Sequence[int] | None
) -> Program[tuple[list[StageCount], tuple[int, Decimal, int, Decimal]]]:
    mine, values = of_owners(owners, track.name)
    span = (at_local(first, time()), at_local(date.fromordinal(last.toordinal() + 1), time()))
    open_rows = yield (
        f"SELECT stage, COUNT(*), SUM({CENTS}), SUM({CENTS} * probability),"  # noqa: S608 - our own words
        f" SUM(CASE WHEN probability IS NULL THEN {CENTS} END) FROM opportunities WHERE status = 'open'{mine} GROUP BY stage",
        values,
    )
    left_rows = yield (
        "SELECT from_stage, SUM(CASE WHEN kind IN ('advance', 'win') THEN 1 ELSE 0 END), COUNT(*),"  # noqa: S608
        " SUM(CASE WHEN kind IN ('advance', 'win') THEN days ELSE 0 END) FROM stage_moves WHERE undone_at IS NULL"
        f" AND at >= ? AND at < ? AND kind IN ('advance', 'win', 'lose', 'shelve'){mine} GROUP BY from_stage",
        (*span, *values),
    )
    won = yield (
        f"SELECT COUNT(*), SUM({CENTS}) FROM opportunities WHERE status = 'won' AND won_at >= ? AND won_at < ?{mine}",  # noqa: S608
        (*span, *values),
    )
    lost = yield (
        f"SELECT COUNT(*), SUM({CENTS}) FROM opportunities WHERE status = 'lost' AND lost_at >= ? AND lost_at < ?{mine}",  # noqa: S608
        (*span, *values),
    )
    opened = {str(row[0]): row[1:] for row in open_rows}
    left = {str(row[0]): tuple(map(int, row[1:])) for row in left_rows}
    stages = []
    for stage in track.stages:
        count, cents, stated, unstated = opened.get(stage.name, (0, 0, 0, 0))
        forward, all_left, days = left.get(stage.name, (0, 0, 0))
        weighed = weighted(core.settings.opportunities, track.name, stage.name, stated, unstated)
        mean = round(days / forward) if forward else None
        stages.append(StageCount(stage.name, stage.label, int(count), yuan(cents), weighed, forward, all_left, mean))
    return stages, (int(won[0][0]), yuan(won[0][1]), int(lost[0][0]), yuan(lost[0][1]))


_STATUS_LABELS = {
    CustomerStatus.POTENTIAL: "潜在客户",
    CustomerStatus.ACTIVE: "成交客户",
    CustomerStatus.DORMANT: "休眠客户",
    CustomerStatus.LOST: "流失客户",
}


def _customers(owners: Sequence[int] | None) -> Program[tuple[tuple[str, int], ...]]:
    mine, values = of_owners(owners)
    standing = f"merged_into_id IS NULL AND deleted_at IS NULL{mine.replace('+', '')}"
    rows = yield f"SELECT status, COUNT(*) FROM customers WHERE {standing} GROUP BY status", values  # noqa: S608
    counted = {str(status): int(number) for status, number in rows}
    return tuple((label, counted.get(status.value, 0)) for status, label in _STATUS_LABELS.items())
