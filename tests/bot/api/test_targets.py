"""Targets and the figures of selling over the API."""

from collections.abc import Awaitable, Callable

from crm_core.access import Role
from crm_core.ports import Core
from crm_core.win_loss import lose
from tests.bot.api.conftest import Caller
from tests.factories import SYSTEM, make_deal
from tests.fakes import FakeClock

Make = Callable[..., Awaitable[Caller]]


async def test_targets_are_set_replaced_and_listed(caller: Make) -> None:
    admin, sales = await caller(), await caller(Role.SALES, employee=True)
    number = sales.employee.id  # type: ignore[union-attr]
    made = await admin.post("/targets", {"employee_id": number, "month": "2026-11", "amount": "500000"})
    assert (made["employee_id"], made["month"], made["amount"]) == (number, "2026-11", "500000.00")
    again = await admin.post("/targets", {"employee_id": number, "month": "2026-11", "amount": "600000"})
    assert again["id"] == made["id"]
    assert (await admin.patch(f"/targets/{made['id']}", {"amount": "700000"}))["amount"] == "700000.00"
    assert (await sales.get("/targets?month=2026-11"))["items"][0]["amount"] == "700000.00"
    assert (await sales.get(f"/targets/{made['id']}"))["id"] == made["id"]
    assert (await sales.refused("PATCH", f"/targets/{made['id']}", {"amount": "1"}))[0] == 403
    other = await caller(Role.SALES, employee=True)
    assert (await other.refused("GET", f"/targets/{made['id']}"))[0] == 404
    for body in ({"month": "2026-13"}, {"amount": "-1"}, {"employee_id": None}):
        status, _ = await admin.refused("POST", "/targets", {"employee_id": number, "month": "2026-11", "amount": "1", **body})
        assert status == 422


async def test_the_funnel_the_forecast_and_the_losses(core: Core, caller: Make) -> None:
    admin, sales = await caller(), await caller(Role.SALES, employee=True)
    await make_deal(core, SYSTEM, amount="1000", expected_close_on="2026-11-30")
    await lose(core, SYSTEM, (await make_deal(core, SYSTEM, amount="5")).id, reason="贵", competitor="华星")
    found = await admin.get("/reports/funnel")
    assert (found["from"], found["to"]) == ("2026-11-01", "2026-11-30")
    assert found["items"][0] | {"left_count": 1} == {
        "stage": "initial",
        "label": "初步接触",
        "count": 1,
        "amount": "1000.00",
        "weighted_amount": "100.00",
        "left_count": 1,
        "forward_count": 0,
        "conversion_rate": "0.0000",
        "mean_days": None,
    }
    assert (found["lost_count"], found["win_rate"], found["target_amount"]) == (1, "0.0000", None)
    assert found["forecast"]["amount"] == "100.00"
    assert (await admin.get("/reports/forecast?from=2026-12-01&to=2026-12-31"))["amount"] == "0.00"
    losses = await admin.get("/reports/competitors?from=2026-01-01&to=2026-12-31")
    assert losses["items"] == [{"competitor": "华星", "count": 1, "amount": "5.00"}]
    mine = await sales.get("/reports/funnel?from=2026-11-01&to=2026-11-30")
    assert mine["items"][0]["count"] == 0
    assert (await sales.refused("GET", "/reports/funnel?owner_id=987654"))[0] == 403
    for wrong in (
        "from=2026-02-30",
        "from=2026-12-01&to=2026-11-01",
        "from=1000-01-01&to=2026-01-01",
        "to=9999-12-31",
        "colour=red",
    ):
        assert (await admin.refused("GET", f"/reports/funnel?{wrong}"))[0] == 422
    department = await admin.get("/reports/funnel?department_id=987654")
    assert department["items"][0]["count"] == 0


async def test_stuck_deals_are_listed(core: Core, caller: Make, clock: FakeClock) -> None:
    admin, sales = await caller(), await caller(Role.SALES, employee=True)
    deal = await make_deal(core, SYSTEM)
    clock.advance(20 * 86400)
    found = await admin.get("/reports/stuck-opportunities")
    assert [(each["opportunity_id"], each["quiet_days"]) for each in found["items"]] == [(deal.id, 20)]
    assert (await sales.get("/reports/stuck-opportunities"))["items"] == []
