"""Sales targets, and the figures of selling over the API: funnel, forecast, losses by competitor, stuck deals."""

from datetime import date, timedelta
from typing import Annotated, Any

from msgspec import Meta, Struct

from bot.api.bodies import Id, Money, given
from bot.api.listing import list_rows, show_row
from bot.api.resources import ID, STAMPS, Form, Resource, Shown, counts, texts
from bot.api.routes import Call, Routes
from crm_core import access, forecasts, funnels, pipelines, sales_targets, win_loss
from crm_core.clock import today
from crm_core.forecasts import Forecast
from crm_core.funnels import StageCount
from crm_core.sales_targets import SalesTarget

TARGETS = Resource(
    "targets",
    SalesTarget,
    (*ID, *counts("employee_id", "department_id"), *texts("month"), Shown("amount", Form.MONEY), *STAMPS),
    owner="",
)
Month = Annotated[str, Meta(pattern=r"^20\d\d-(0[1-9]|1[0-2])$", description="2026-11")]
SPAN: dict[str, Any] = {"from": date, "to": date}
"""Days in Shanghai, both inclusive; this month when they are left out."""
routes = Routes()


class NewTarget(Struct):
    """So much for one employee or department in one month; a second one replaces the first."""

    month: Month
    amount: Money
    employee_id: Id | None = None
    department_id: Id | None = None


class TargetChanges(Struct):
    """The new amount."""

    amount: Money


@routes.lists("/targets", scope="targets:read", filters={"employee_id": int, "department_id": int, "month": str}, shows=TARGETS)
async def list_targets(call: Call) -> Any:
    """List targets."""
    return await list_rows(call, TARGETS)


@routes.creates("/targets", scope="targets:write", shows=TARGETS)
async def set_target(call: Call, body: NewTarget) -> Any:
    """Set a target."""
    row, _ = await sales_targets.set_target(call.core, call.actor, **given(body))
    return await show_row(call, TARGETS, row)


@routes.get("/targets/{id}", scope="targets:read", shows=TARGETS)
async def show_target(call: Call) -> Any:
    """Show a target."""
    return await show_row(call, TARGETS, await access.load(SalesTarget, call.actor, call.number))


@routes.patch("/targets/{id}", scope="targets:write", shows=TARGETS)
async def change_target(call: Call, body: TargetChanges) -> Any:
    """Change a target's amount."""
    row = await access.load(SalesTarget, call.actor, call.number)
    whose = {"employee_id": row.employee_id, "department_id": row.department_id}
    row, _ = await sales_targets.set_target(call.core, call.actor, month=row.month, amount=body.amount, **whose)
    return await show_row(call, TARGETS, row)


@routes.lists(
    "/reports/funnel", scope="opportunities:read", filters={**SPAN, "owner_id": int, "department_id": int, "pipeline": str}
)
async def show_funnel(call: Call) -> Any:
    """Count the funnel of a span of days: stages, conversion, won and lost, target and forecast."""
    first, last = _span(call)
    found = await funnels.funnel(
        call.core,
        call.actor,
        first,
        last,
        owner_ids=await _owners(call),
        pipeline=call.query.get("pipeline", ""),
    )
    return {
        "from": first.isoformat(),
        "to": last.isoformat(),
        "items": [_stage(each) for each in found.stages],
        "won_count": found.won_count,
        "won_amount": str(found.won_amount),
        "lost_count": found.lost_count,
        "lost_amount": str(found.lost_amount),
        "win_rate": _text(found.win_rate),
        "target_amount": _text(found.target_amount),
        "reached_percent": found.reached_percent,
        "forecast": _forecast(found.forecast) if found.forecast else None,
        "customers": dict(found.customer_counts),
        "next": None,
    }


@routes.lists("/reports/forecast", scope="opportunities:read", filters={**SPAN, "owner_id": int, "department_id": int})
async def show_forecast(call: Call) -> Any:
    """Forecast a span of days: method, amount, what is left out, and the error of past months."""
    first, last = _span(call)
    owners = funnels.seen_owners(call.actor, await _owners(call))
    return _forecast(await forecasts.forecast(call.core, first, last, owners, today(call.core.clock)))


@routes.lists("/reports/competitors", scope="opportunities:read", filters=SPAN)
async def show_competitors(call: Call) -> Any:
    """Count losses by competitor."""
    first, last = _span(call)
    found = await win_loss.lost_to(call.core, call.actor, first, last + timedelta(days=1))
    items = [{"competitor": each.competitor, "count": each.count, "amount": str(each.amount)} for each in found]
    return {"items": items, "next": None}


@routes.lists("/reports/stuck-opportunities", scope="opportunities:read")
async def show_stuck(call: Call) -> Any:
    """List stuck deals, the longest quiet ones first."""
    found = await pipelines.list_stuck(call.core, call.actor, limit=call.limit)
    items = [
        {
            "opportunity_id": each.id,
            "name": each.name,
            "customer_id": each.customer_id,
            "owner_id": each.owner_id,
            "stage": each.stage,
            "quiet_days": each.quiet_days,
        }
        for each in found
    ]
    return {"items": items, "next": None}


def _span(call: Call) -> tuple[date, date]:
    day = today(call.core.clock)
    month, after = forecasts.bounds_of(forecasts.month_of(day))
    first = call.query.get("from", month)
    last = call.query.get("to", max(first, after - timedelta(days=1)))
    forecasts.check_span(first, last)
    return first, last


async def _owners(call: Call) -> list[int] | None:
    if "owner_id" in call.query:
        return [int(call.query["owner_id"])]
    if "department_id" in call.query:
        return await sales_targets.members(int(call.query["department_id"]))
    return None


def _stage(each: StageCount) -> dict[str, Any]:
    return {
        "stage": each.stage,
        "label": each.label,
        "count": each.count,
        "amount": str(each.amount),
        "weighted_amount": str(each.weighted_amount),
        "left_count": each.left_count,
        "forward_count": each.forward_count,
        "conversion_rate": _text(each.conversion_rate),
        "mean_days": each.mean_days,
    }


def _forecast(found: Forecast) -> dict[str, Any]:
    past = [
        {"month": each.month, "forecast_amount": str(each.forecast_amount), "won_amount": str(each.won_amount)}
        for each in found.past
    ]
    return {
        "amount": str(found.amount),
        "won_amount": str(found.won_amount),
        "expected_amount": str(found.expected_amount),
        "counted": found.counted,
        "overdue_count": found.overdue_count,
        "undated_count": found.undated_count,
        "method": found.method,
        "error_percent": found.error_percent,
        "past": past,
    }


def _text(value: object) -> str | None:
    return None if value is None else str(value)
