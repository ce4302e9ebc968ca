"""Sharing, transfers, leaving and deleting over the API: who may, what they see, and what is taken back."""

from collections.abc import Awaitable, Callable

from crm_core.access import Role
from crm_core.audit import AuditEntry
from tests.bot.api.conftest import Caller

Make = Callable[..., Awaitable[Caller]]


async def test_a_collaborator_sees_follows_up_and_changes_only_if_allowed(caller: Make) -> None:
    owner, helper = await caller(Role.SALES, employee=True), await caller(Role.SALES, employee=True)
    assert helper.employee is not None
    row = await owner.post("/customers", {"name": "云帆科技"})
    person = await owner.post("/contacts", {"name": "李总", "customer_id": row["id"], "mobile": "13800138000"})
    path = f"/customers/{row['id']}"
    assert (await helper.refused("GET", path))[0] == 404
    await owner.post(f"{path}/share", {"employee_id": helper.employee.id}, status=200)
    assert (await helper.get(path))["name"] == "云帆科技"
    assert [each["id"] for each in (await helper.get("/contacts"))["items"]] == [person["id"]]
    assert (await helper.get(f"/contacts/{person['id']}"))["mobile"] == "138****8000"
    noted = await helper.post(
        "/follow-ups", {"subject_kind": "customer", "subject_id": row["id"], "method": "phone", "summary": "聊过"}
    )
    assert noted["id"] in [each["id"] for each in (await owner.get("/follow-ups"))["items"]]
    assert (await helper.refused("PATCH", path, {"industry": "软件"}))[0] == 403
    assert (await helper.refused("DELETE", path))[0] == 403
    assert (await helper.refused("POST", f"{path}/share", {"employee_id": helper.employee.id}))[0] == 403
    assert await AuditEntry.filter(action="api.refused").count() == 3
    shared = await owner.post(f"{path}/share", {"employee_id": helper.employee.id, "may_write": True}, status=200)
    assert (await helper.patch(path, {"industry": "软件"}))["industry"] == "软件"
    assert (await owner.get(f"{path}/collaborators"))["items"][0]["may_write"] is True
    await owner.post(f"/change-sets/{shared['change_set_id']}/undo", status=200)
    assert (await helper.refused("PATCH", path, {"industry": "制造"}))[0] == 403
    await owner.post(f"{path}/unshare", {"employee_id": helper.employee.id}, status=200)
    assert (await helper.refused("GET", path))[0] == 404
    assert (await helper.get("/contacts"))["items"] == []


async def test_customers_go_over_in_bulk_and_back(caller: Make) -> None:
    boss, sales = await caller(Role.ADMIN, employee=True), await caller(Role.SALES, employee=True)
    taker = await caller(Role.SALES, employee=True)
    assert sales.employee
    assert taker.employee
    row = await sales.post("/customers", {"name": "云帆科技"})
    body = {"from_id": sales.employee.id, "to_id": taker.employee.id}
    assert (await sales.refused("POST", "/transfers", body))[0] == 403
    counted = await boss.post("/transfers", {**body, "dry_run": True}, status=200)
    assert (counted["counts"]["customers"], counted["change_set_id"]) == (1, None)
    done = await boss.post("/transfers", body, status=200)
    assert (await taker.get(f"/customers/{row['id']}"))["owner_id"] == taker.employee.id
    assert await boss.refused("POST", "/transfers", body) == (409, "transfer.nothing")
    await boss.post(f"/change-sets/{done['change_set_id']}/undo", status=200)
    assert (await sales.get(f"/customers/{row['id']}"))["owner_id"] == sales.employee.id
    left = await boss.post(f"/employees/{sales.employee.id}/leave", {"to_id": taker.employee.id}, status=200)
    assert left["counts"]["customers"] == 1
    assert (await sales.ask("GET", "/customers"))[0] == 401
    assert (await boss.refused("POST", f"/employees/{sales.employee.id}/leave", {"to_id": taker.employee.id}))[0] == 409


async def test_a_deleted_customer_is_a_mark_and_comes_back(caller: Make) -> None:
    sales = await caller(Role.SALES, employee=True)
    row = await sales.post("/customers", {"name": "云帆科技"})
    await sales.post("/contacts", {"name": "李总", "customer_id": row["id"]})
    status, answer = await sales.ask("DELETE", f"/customers/{row['id']}")
    assert status == 200
    assert (await sales.refused("GET", f"/customers/{row['id']}"))[0] == 404
    assert (await sales.get("/contacts"))["items"] == []
    await sales.post(f"/change-sets/{answer['change_set_id']}/undo", status=200)
    assert (await sales.get(f"/customers/{row['id']}"))["name"] == "云帆科技"
    assert len((await sales.get("/contacts"))["items"]) == 1


async def test_a_customer_given_away_by_hand_comes_back_with_its_deals(caller: Make) -> None:
    boss, owner, taker = [await caller(role, employee=True) for role in (Role.ADMIN, Role.SALES, Role.SALES)]
    assert owner.employee is not None
    assert taker.employee is not None
    row = await owner.post("/customers", {"name": "云帆科技"})
    deal = await owner.post("/opportunities", {"customer_id": row["id"], "name": "网关"})
    await boss.patch(f"/customers/{row['id']}", {"owner_id": taker.employee.id})
    assert (await taker.get(f"/opportunities/{deal['id']}"))["owner_id"] == taker.employee.id
    (given,) = (await boss.get("/change-sets?kind=customer.give"))["items"]
    done = await boss.post(f"/change-sets/{given['id']}/undo", status=200)
    assert done == {"rows": 2, "left": 0, "pending": False}
    assert (await owner.get(f"/opportunities/{deal['id']}"))["owner_id"] == owner.employee.id
    assert await boss.refused("POST", f"/change-sets/{given['id']}/undo") == (409, "change_set.undone")
