"""Forecasts (销售预测): what is expected to be won in a month, by a stated method, with its past error.

At the start of each month the forecast of each owner is kept as a row, and what was won is written beside it when the
month is over; the error told with a forecast comes from these rows. Method: what is won already, and each open deal
expected to close in the month with its amount weighed by its chance. Reading order: `Forecast`, `forecast`, `keep`, `settle`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal

from tortoise import fields

from crm_core.clock import at_local
from crm_core.db import Entity, MoneyField, UtcDatetimeField
from crm_core.errors import Invalid
from crm_core.pipeline_rules import OpportunitySettings
from crm_core.ports import Core, Program
from crm_core.values import to_money

METHOD = "已赢金额＋预计本期成交的商机金额×把握（未填把握按阶段）"
NOBODY = 0
"""The owner of deals that nobody owns."""
PAST_MONTHS = 6
LONGEST_DAYS = 3700
"""Days of the longest span that is counted: ten years."""
CENTS = "CAST(ROUND(amount * 100) AS BIGINT)"
"""Exact in both databases: SQLite keeps money as text and would add it up as floats."""


class SalesForecast(Entity):
    """What one owner was expected to win in a month, as seen at its start, and what they won."""

    month = fields.CharField(max_length=7)
    owner_id = fields.BigIntField()
    """0: deals without an owner."""
    forecast_amount = MoneyField()
    won_amount = MoneyField(null=True)
    settled_at = UtcDatetimeField(null=True)

    class Meta:
        """One row an owner and month."""

        table = "sales_forecasts"
        unique_together = (("month", "owner_id"),)


@dataclass(frozen=True, slots=True)
class PastMonth:
    """A month that is over: what was expected at its start, and what came."""

    month: str
    forecast_amount: Decimal
    won_amount: Decimal


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is expected of a span of time. `overdue_count` and `undated_count`: open deals it leaves out."""

    won_amount: Decimal
    expected_amount: Decimal
    counted: int
    overdue_count: int
    undated_count: int
    past: tuple[PastMonth, ...] = ()
    method: str = METHOD

    @property
    def amount(self) -> Decimal:
        """The forecast: won and expected."""
        return self.won_amount + self.expected_amount

    @property
    def error_percent(self) -> int | None:
        """By how much past forecasts were off on average, as percent of what was won; None where nothing can be said."""
        won = sum((each.won_amount for each in self.past), Decimal(0))
        off = sum((abs(each.forecast_amount - each.won_amount) for each in self.past), Decimal(0))
        return int((off * 100 / won).quantize(Decimal(1))) if won else None


def month_of(day: date) -> str:
    """Name a month: 2026-11."""
    return f"{day:%Y-%m}"


def months_of(first: date, last: date) -> list[str]:
    """Name the months a span of days (both inclusive) touches."""
    start, end = first.year * 12 + first.month - 1, last.year * 12 + last.month - 1
    return [f"{number // 12:04d}-{number % 12 + 1:02d}" for number in range(start, end + 1)]


def bounds_of(month: str) -> tuple[date, date]:
    """Tell a month's first day and the first of the next."""
    year, number = int(month[:4]), int(month[5:])
    return date(year, number, 1), date(year + number // 12, number % 12 + 1, 1)


def check_span(first: date, last: date, *, field: str = "to") -> None:
    """Refuse a span that ends before it begins or is longer than ten years. Raises: Invalid."""
    if first > last or (last - first).days > LONGEST_DAYS or first.year < 2000 or last.year > 2199:
        raise Invalid(field=field, reason="起止日期不对，最长十年")


async def forecast(core: Core, first: date, last: date, owner_ids: Sequence[int] | None, today: date) -> Forecast:
    """Forecast what some owners (None: everybody) win from `first` to `last`, both inclusive, in Shanghai days.

    Of all pipelines. Raises: Invalid for a span of more than ten years.
    """
    check_span(first, last)
    return await core.db.read(_forecast(core.settings.opportunities, first, last, owner_ids, today))


def _forecast(
    settings: OpportunitySettings, first: date, last: date, owner_ids: Sequence[int] | None, today: date
) -> Program[Forecast]:
    start, end = _instants(first, last)
    mine, values = of_owners(owner_ids)
    won = yield (
        f"SELECT SUM({CENTS}) FROM opportunities WHERE status = 'won' AND won_at >= ? AND won_at < ?{mine}",  # noqa: S608
        (start, end, *values),
    )
    expected, counted = yield from _expected(settings, max(first, today), last, mine, values)
    left = yield (
        "SELECT SUM(CASE WHEN expected_close_on < ? THEN 1 ELSE 0 END),"  # noqa: S608 - our own words
        " SUM(CASE WHEN expected_close_on IS NULL THEN 1 ELSE 0 END)"
        f" FROM opportunities WHERE status = 'open'{mine}",
        (today, *values),
    )
    past = yield from _past(owner_ids)
    return Forecast(yuan(won[0][0]), expected, counted, int(left[0][0] or 0), int(left[0][1] or 0), past)


def _expected(
    settings: OpportunitySettings, first: date, last: date, mine: str, values: Sequence[object]
) -> Program[tuple[Decimal, int]]:
    rows = yield (
        f"SELECT pipeline, stage, COUNT(*), SUM({CENTS} * probability),"  # noqa: S608 - our own words
        f" SUM(CASE WHEN probability IS NULL THEN {CENTS} END) FROM opportunities"
        f" WHERE status = 'open' AND expected_close_on >= ? AND expected_close_on <= ?{mine} GROUP BY pipeline, stage",
        (first, last, *values),
    )
    total = sum((weighted(settings, row[0], row[1], row[3], row[4]) for row in rows), Decimal(0))
    return total, sum(int(row[2]) for row in rows)


def weighted(settings: OpportunitySettings, pipeline: str, stage: str, stated: object, unstated: object) -> Decimal:
    """Weigh sums of cents: `stated` was multiplied with each deal's own percent, `unstated` takes the stage's."""
    found = settings.pipeline(pipeline).find(stage)
    percent = found.probability if found else 0
    return to_money((Decimal(str(stated or 0)) + Decimal(str(unstated or 0)) * percent) / 10000)


def yuan(cents: object) -> Decimal:
    """Make yuan of a sum of cents."""
    return to_money(Decimal(str(cents or 0)) / 100)


def of_owners(owner_ids: Sequence[int] | None, pipeline: str = "") -> tuple[str, list[object]]:
    """Write the condition for some owners (None: everybody) and a pipeline, to stand behind others.

    The plus keeps SQLite from going through the owner's rows one by one instead of an index that holds the whole answer.
    """
    sql, values = "", []
    if owner_ids is not None:
        sql = f" AND +owner_id IN ({', '.join('?' * len(owner_ids)) or 'NULL'})"
        values += list(owner_ids)
    if pipeline:
        sql += " AND pipeline = ?"
    return sql, [*values, *([pipeline] if pipeline else [])]


def _past(owner_ids: Sequence[int] | None) -> Program[tuple[PastMonth, ...]]:
    mine, values = of_owners(owner_ids)
    rows = yield (
        "SELECT month, SUM(CAST(ROUND(forecast_amount * 100) AS BIGINT)), SUM(CAST(ROUND(won_amount * 100) AS BIGINT))"  # noqa: S608
        f" FROM sales_forecasts WHERE settled_at IS NOT NULL{mine} GROUP BY month ORDER BY month DESC LIMIT {PAST_MONTHS}",
        values,
    )
    return tuple(PastMonth(str(month), yuan(expected), yuan(won)) for month, expected, won in rows)


def _instants(first: date, last: date) -> tuple[datetime, datetime]:
    return at_local(first, time()), at_local(date.fromordinal(last.toordinal() + 1), time())


def keep(core: Core, day: date) -> Program[int]:
    """Keep the forecast of the month that begins, a row an owner; tells how many rows are new."""
    month, settings = month_of(day), core.settings.opportunities
    first, after = bounds_of(month)
    last = date.fromordinal(after.toordinal() - 1)
    rows = yield (
        f"SELECT COALESCE(owner_id, {NOBODY}), pipeline, stage, SUM({CENTS} * probability),"  # noqa: S608 - our own words
        f" SUM(CASE WHEN probability IS NULL THEN {CENTS} END) FROM opportunities"
        " WHERE status = 'open' AND expected_close_on >= ? AND expected_close_on <= ? GROUP BY 1, 2, 3",
        (first, last),
    )
    expected: dict[int, Decimal] = {}
    for owner, pipeline, stage, stated, unstated in rows:
        expected[int(owner)] = expected.get(int(owner), Decimal(0)) + weighted(settings, pipeline, stage, stated, unstated)
    made = 0
    for owner, amount in expected.items():
        made += yield from _insert(core, month, owner, amount)
    return made


def settle(core: Core, day: date) -> Program[int]:
    """Write what was won beside the forecasts of months that are over; tells how many rows."""
    now, settled = core.clock.now(), 0
    months = yield (
        "SELECT DISTINCT month FROM sales_forecasts WHERE settled_at IS NULL AND month < ? ORDER BY month",
        (month_of(day),),
    )
    for (month,) in months:
        first, after = bounds_of(month)
        rows = yield (
            f"SELECT COALESCE(owner_id, {NOBODY}), SUM({CENTS}) FROM opportunities"  # noqa: S608 - our own words
            " WHERE status = 'won' AND won_at >= ? AND won_at < ? GROUP BY 1",
            (at_local(first, time()), at_local(after, time())),
        )
        for owner, cents in rows:
            # Somebody of whom nothing was expected counts too: that is an error of the forecast.
            yield from _insert(core, month, int(owner), Decimal(0))
            yield (
                "UPDATE sales_forecasts SET won_amount = ? WHERE month = ? AND owner_id = ?",
                (yuan(cents), month, int(owner)),
            )
        settled += yield (
            "UPDATE sales_forecasts SET won_amount = COALESCE(won_amount, ?), settled_at = ?, updated_at = ?"
            " WHERE month = ? AND settled_at IS NULL",
            (Decimal("0.00"), now, now, month),
        )
    return settled


def _insert(core: Core, month: str, owner: int, amount: Decimal) -> Program[int]:
    now = core.clock.now()
    made = yield (
        "INSERT INTO sales_forecasts (month, owner_id, forecast_amount, created_at, updated_at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (month, owner_id) DO NOTHING",
        (month, owner, amount, now, now),
    )
    return int(made)
