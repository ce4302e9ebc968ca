"""Tree, life cycle, value, purchases, ratings over the API."""

from collections.abc import Awaitable, Callable

from crm_core.access import Role
from crm_core.ports import Core
from scheduler.jobs import customer_values
from tests.bot.api.conftest import Caller

Make = Callable[..., Awaitable[Caller]]


async def test_the_tree_top_down(caller: Make) -> None:
    sales = await caller(Role.SALES, employee=True)
    top = await sales.post("/customers", {"name": "东风集团"})
    row = await sales.post("/customers", {"name": "云帆科技", "parent_id": top["id"]})
    tree = await sales.get(f"/customers/{row['id']}/tree")
    assert [(unit["name"], unit["level"]) for unit in tree["items"]] == [("东风集团", -1), ("云帆科技", 0)]
    assert (await sales.refused("PATCH", f"/customers/{top['id']}", {"parent_id": row["id"]}))[0] == 422


async def test_life_cycle_by_hand_with_history_and_counts(caller: Make) -> None:
    sales, peer = await caller(Role.SALES, employee=True), await caller(Role.SALES, employee=True)
    row = await sales.post("/customers", {"name": "云帆科技"})
    path = f"/customers/{row['id']}/life-cycle"
    assert (await sales.refused("POST", path, {"life_cycle": "lost"}))[0] == 422
    assert (await peer.refused("POST", path, {"life_cycle": "lost", "reason": "搬走"}))[0] == 404
    done = await sales.post(path, {"life_cycle": "lost", "reason": "搬走"}, status=200)
    assert done["life_cycle"] == "lost"
    assert [each["reason"] for each in (await sales.get(path))["items"]] == ["搬走"]
    assert [each["id"] for each in (await sales.get("/customers?life_cycle=lost"))["items"]] == [row["id"]]
    seen = await sales.get("/reports/life-cycle?days=7")
    assert {each["life_cycle"]: each["count"] for each in seen["items"]}["lost"] == 1
    assert seen["moves"] == [{"from": "target", "to": "lost", "count": 1, "conversion_rate": 1.0}]
    assert sum(each["count"] for each in (await peer.get("/reports/life-cycle"))["items"]) == 0
    await sales.post(f"/change-sets/{done['change_set_id']}/undo", status=200)
    assert (await sales.get(path))["items"] == []


async def test_value_purchases_and_ranking(core: Core, caller: Make) -> None:
    sales = await caller(Role.SALES, employee=True)
    rows = [await sales.post("/customers", {"name": name}) for name in ("云帆科技", "南湖学校")]
    first, second = (f"/customers/{row['id']}" for row in rows)
    noted = await sales.post(f"{first}/purchases", {"product": "网关", "amount": "12000", "cost": "13000"})
    assert (noted["amount"], noted["kind"]) == ("12000.00", "bought")
    await sales.post(f"{second}/purchases", {"product": "平台", "amount": "500000"})
    await sales.post(f"{second}/purchases", {"product": "培训", "kind": "interest"})
    assert len((await sales.get(f"{second}/purchases?kind=interest"))["items"]) == 1
    assert (await sales.refused("POST", f"{first}/purchases", {"product": "网关", "amount": "-1"}))[0] == 422
    await customer_values.run(core)
    value = await sales.get(f"{second}/value")
    assert {side["name"] for side in value["sides"]} == {"profit", "influence", "credit", "loyalty"}
    assert (await sales.get(first))["value_grade"] in "ABCD"
    seen = await sales.get("/reports/customer-value")
    assert (seen["customers"], seen["profit"], seen["top"]["profit"]) == (2, "99000.00", "100000.00")
    assert (seen["worst_part"]["profit"], seen["worst_part"]["loss"]) == ("-1000.00", "-1000.00")
    await sales.post(f"/purchases/{noted['id']}/undo", status=200)
    await customer_values.run(core)
    assert len((await sales.get(f"{first}/values"))["items"]) == 2
    assert (await sales.get("/reports/customer-value"))["worst_part"]["loss"] == "0.00"


async def test_ratings_by_person(caller: Make) -> None:
    sales = await caller(Role.SALES, employee=True)
    assert sales.employee is not None
    row = await sales.post("/customers", {"name": "云帆科技"})
    made = await sales.post(f"/customers/{row['id']}/ratings", {"points": 4})
    assert (await sales.refused("POST", f"/customers/{row['id']}/ratings", {"points": 6}))[0] == 422
    seen = (await sales.get("/reports/service"))["items"]
    assert [(each["employee_id"], each["rating"]) for each in seen] == [(sales.employee.id, 4.0)]
    await sales.post(f"/ratings/{made['id']}/undo", status=200)
    assert (await sales.get("/reports/service"))["items"] == []
