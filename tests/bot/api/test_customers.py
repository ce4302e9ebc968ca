"""Customers and contacts over the API."""

import pytest

from crm_core.access import Role
from tests.bot.api.conftest import Caller
from tests.bot.api.test_leads import Make


async def test_a_customer_with_a_contact(admin: Caller) -> None:
    customer = await admin.post("/customers", {"name": "东风机械厂", "industry": "机械", "region": "上海"})
    assert (customer["kind"], customer["status"]) == ("organisation", "potential")
    contact = await admin.post("/contacts", {"name": "张伟", "customer_id": customer["id"], "mobile": "13800138000"})
    changed = await admin.patch(f"/contacts/{contact['id']}", {"birthday": "lunar:01-15", "decision_maker": True})
    assert (changed["birthday"], changed["decision_maker"]) == ("lunar:01-15", True)
    assert (await admin.get(f"/contacts/{contact['id']}"))["mobile"] == "13800138000"
    assert (await admin.get(f"/contacts?customer_id={customer['id']}"))["items"][0]["mobile"] == "138****8000"
    changed = await admin.patch(f"/customers/{customer['id']}", {"status": "active", "grade": "A"})
    assert await admin.get(f"/customers/{customer['id']}") == changed
    assert [row["id"] for row in (await admin.get("/customers?status=active&industry=机械"))["items"]] == [customer["id"]]


async def test_contacts_go_with_a_new_owner_whom_only_a_manager_chooses(admin: Caller, caller: Make) -> None:
    giver, taker = await caller(Role.SALES, employee=True), await caller(Role.SALES, employee=True)
    assert taker.employee is not None
    customer = await giver.post("/customers", {"name": "东风机械厂"})
    contact = await giver.post("/contacts", {"name": "张伟", "customer_id": customer["id"]})
    body = {"owner_id": taker.employee.id}
    assert await giver.refused("PATCH", f"/customers/{customer['id']}", body) == (403, "refused")
    assert await taker.refused("GET", f"/contacts/{contact['id']}") == (404, "not_found")
    await admin.patch(f"/customers/{customer['id']}", body)
    assert (await taker.get(f"/contacts/{contact['id']}"))["owner_id"] == taker.employee.id
    assert await giver.refused("GET", f"/contacts/{contact['id']}") == (404, "not_found")


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/customers/{customer}", {"name": " "}, "name"),
        ("/customers/{customer}", {"parent_id": "{customer}"}, "parent_id"),
        ("/customers/{customer}", {"owner_id": 4711}, "owner_id"),
        ("/customers/{customer}", {"status": "gone"}, "status"),
        ("/contacts/{contact}", {"birthday": "lunar:13-01"}, "birthday"),
        ("/contacts/{contact}", {"reports_to_id": "{contact}"}, "reports_to_id"),
        ("/contacts/{contact}", {"name": ""}, "name"),
        ("/contacts/{contact}", {"person_id": 9}, "person_id"),
    ],
)
async def test_what_cannot_be_changed_so(admin: Caller, path: str, body: dict[str, object], field: str) -> None:
    customer = (await admin.post("/customers", {"name": "东风机械厂"}))["id"]
    contact = (await admin.post("/contacts", {"name": "张伟", "customer_id": customer}))["id"]
    numbers = {"{customer}": customer, "{contact}": contact}
    body = {name: numbers.get(value, value) if isinstance(value, str) else value for name, value in body.items()}
    status, answer = await admin.ask("PATCH", path.format(customer=customer, contact=contact), json=body)
    assert (status, list(answer["error"]["fields"])) == (422, [field])


async def test_a_new_customer_refers_only_to_what_is_there(admin: Caller, caller: Make) -> None:
    assert await admin.refused("POST", "/customers", {"name": "东风机械厂", "owner_id": 999}) == (422, "invalid")
    assert await admin.refused("POST", "/customers", {"name": "东风机械厂", "parent_id": 999}) == (404, "not_found")
    assert await admin.refused("POST", "/contacts", {"name": "张伟", "reports_to_id": 999}) == (404, "not_found")
    seller, other = await caller(Role.SALES, employee=True), await caller(Role.SALES, employee=True)
    assert other.employee is not None
    body = {"name": "东风机械厂", "owner_id": other.employee.id}
    assert await seller.refused("POST", "/customers", body) == (403, "refused")
