"""Outings over the API."""

from datetime import timedelta

from bot.api.visits import routes
from crm_core.access import Role
from crm_core.ports import Core
from tests.bot.api.conftest import Caller
from tests.bot.api.test_leads import Make


async def test_outings_are_registered_checked_in_and_called_off(core: Core, sales: Caller) -> None:
    assert {route.path for route in routes.routes} >= {"/visits", "/visits/week", "/visits/{id}/check-in"}
    customer = await sales.post("/customers", {"name": "云帆科技"})
    soon = core.clock.now() + timedelta(hours=1)
    made = await sales.post("/visits", {"planned_at": soon.isoformat(), "customer_id": customer["id"], "place": "张江路88号"})
    assert (made["name"], made["customer_id"], made["employee_id"]) == ("云帆科技", customer["id"], sales.employee.id)  # type: ignore[union-attr]
    there = await sales.post(f"/visits/{made['id']}/check-in", {"position": "31.2,121.4"}, status=200)
    assert there["checked_in_at"] == core.clock.now().isoformat()
    assert await sales.refused("POST", f"/visits/{made['id']}/check-in", {}) == (409, "visit.closed")
    assert (await sales.post(f"/visits/{made['id']}/undo", status=200))["checked_in_at"] is None
    moved = await sales.patch(f"/visits/{made['id']}", {"planned_at": (soon + timedelta(days=1)).isoformat()})
    assert moved["planned_at"] == (soon + timedelta(days=1)).isoformat()
    await sales.post(f"/visits/{made['id']}/cancel", status=200)
    assert (await sales.get("/visits"))["items"] == []
    await sales.post(f"/visits/{made['id']}/undo", status=200)
    assert [each["id"] for each in (await sales.get(f"/visits?customer_id={customer['id']}"))["items"]] == [made["id"]]


async def test_a_week_is_all_or_nothing_and_bare_outings_are_listed(core: Core, sales: Caller, caller: Make) -> None:
    early = (core.clock.now() - timedelta(hours=2)).isoformat()
    later = (core.clock.now() + timedelta(days=2)).isoformat()
    week = [{"planned_at": early, "name": "甲公司"}, {"planned_at": later, "name": "乙公司"}]
    assert await sales.refused("POST", "/visits/week", {"visits": [*week, {"planned_at": later}]}) == (422, "invalid")
    assert await sales.refused("POST", "/visits/week", {"visits": []}) == (422, "invalid")
    assert len((await sales.post("/visits/week", {"visits": week}))["items"]) == 2
    assert [each["name"] for each in (await sales.get("/visits/unrecorded"))["items"]] == ["甲公司"]
    found = await sales.get("/visits?from=" + later.replace("+", "%2B"))
    assert [each["name"] for each in found["items"]] == ["乙公司"]
    peer = await caller(Role.SALES, employee=True, name="小陈")
    assert (await peer.get("/visits"))["items"] == []
    assert await peer.refused("GET", f"/visits/{found['items'][0]['id']}") == (404, "not_found")
